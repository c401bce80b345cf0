"""Values that cannot be carried over as they are: held back or cut, and always told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mappings.mapping_file import default_mapping
from tests.journeys.test_both_ways_every_crm import hear
from tests.journeys.test_fields_both_ways import customer_at_stripe, customer_writes, notes
from tests.journeys.test_mapping_in_force import apply
from tests.sides import Side
from tests.world import World

EXTENSION = "+1 212 555 0100 ext. 44017"


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def field(crm: Side, ours: str) -> str:
    """The CRM's field for one of our values, as shipped."""
    return next(row.theirs for row in default_mapping(crm.system).rows if row.ours == ours)


def described(crm: Side) -> str:
    """A long text field of the CRM."""
    return "Description" if crm.system == "salesforce" else "description"


def scene(world: World, crm: Side, *rows: str, **edits: str) -> tuple[str, str]:
    """An account with an open case, under a mapping with these rows more."""
    apply(world, crm, *rows)
    hear(world, crm.phone, described(crm))
    customer = world.customer("Northgate Capital", amount=60_000)
    account = crm.add_account("Northgate Capital", customer=customer)
    for name, value in edits.items():
        crm.edit(account, name, value)
    world.hours(4)
    return customer, account


def held_back(world: World, customer: str) -> list[str]:
    """What the account's story says was held back."""
    with world.runtime.store.begin() as tx:
        lines = tx.audit.of_account(world.account(customer))
    return [one.text for one in lines if one.kind == "field.held_back"]


@pytest.mark.req("R6")
def test_a_telephone_that_does_not_fit_is_told_where_it_can_be_corrected(
    world: World, crm: Side
) -> None:
    row = f"  - {{ours: customer.phone, flow: <-, theirs: {crm.phone}, wins: crm}}\n"
    customer, account = scene(world, crm, row, **{crm.phone: EXTENSION})
    before = customer_at_stripe(world, customer)["phone"]
    said = f"customer.phone was not written: {crm.phone} has 26 characters, and 20 fit"
    assert crm.value(account, field(crm, "sync.problem")) == said
    world.days(2)

    assert customer_at_stripe(world, customer)["phone"] == before
    assert held_back(world, customer) == [said]

    crm.edit(account, crm.phone, "+1 212 555 0100")
    world.settle()

    assert customer_at_stripe(world, customer)["phone"] == "+1 212 555 0100"
    assert crm.value(account, field(crm, "sync.problem")) is None


@pytest.mark.req("R20")
def test_a_telephone_that_does_not_fit_is_told_by_a_row_with_two_arrows_too(
    world: World, crm: Side
) -> None:
    row = f"  - {{ours: customer.phone, flow: <->, theirs: {crm.phone}, wins: crm}}\n"
    customer, account = scene(world, crm, row, **{crm.phone: EXTENSION})

    assert crm.value(account, crm.phone) == EXTENSION
    assert customer_at_stripe(world, customer)["phone"] is None
    assert len(held_back(world, customer)) == 1


def test_an_amount_in_a_currency_that_nobody_knows_stays_behind_with_its_currency(
    world: World, crm: Side
) -> None:
    customer = world.stripe.add_customer("Atlas", "a@atlas.example", card="declines:lost_card")
    world.stripe.add_subscription(
        customer,
        amount=60_000,
        currency="xts",
        started_months_ago=24,
        next_renewal_in=timedelta(hours=2),
    )
    account = crm.add_account("Atlas", customer=customer)
    amount, currency = field(crm, "payment.amount_due"), field(crm, "payment.currency")
    world.hours(4)
    crm.edit(account, amount, "600")
    crm.edit(account, currency, "USD")

    world.days(1)

    assert (float(crm.value(account, amount)), crm.value(account, currency)) == (600, "USD")
    told = crm.value(account, field(crm, "sync.problem"))
    assert f"{amount} was not sent: payment.amount_due is in XTS" in told
    assert f"{currency} was not sent: payment.currency is in XTS" in told
    assert held_back(world, customer)[-1] == told


def test_an_amount_in_dirhams_is_told_with_its_currency(world: World, crm: Side) -> None:
    customer = world.stripe.add_customer("Atlas", "a@atlas.example", card="declines:lost_card")
    world.stripe.add_subscription(
        customer,
        amount=60_000,
        currency="mad",
        started_months_ago=24,
        next_renewal_in=timedelta(hours=2),
    )
    account = crm.add_account("Atlas", customer=customer)

    world.hours(4)

    assert float(crm.value(account, field(crm, "payment.amount_due"))) == 600
    assert crm.value(account, field(crm, "payment.currency")) == "MAD"


def test_a_word_that_the_crm_refuses_does_not_keep_the_other_fields_away(
    world: World, crm: Side
) -> None:
    row = next(row for row in default_mapping(crm.system).rows if row.ours == "payment.status")
    apply(world, crm, instead=(f"failed: {row.values['failed']}", "failed: Oh no"))
    customer = world.customer("Northgate Capital", amount=60_000)
    account = crm.add_account("Northgate Capital", customer=customer)

    world.hours(4)

    assert float(crm.value(account, field(crm, "payment.amount_due"))) == 600
    assert crm.value(account, row.theirs) == row.values["current"]
    told = [text for text in world.alerts() if f"without {row.theirs}" in text]
    assert len(told) == 1
    world.days(1)
    assert crm.value(account, row.theirs) == row.values["current"]


def test_a_text_of_32_kilobytes_becomes_a_note_that_fits_and_comes_to_rest(
    world: World, crm: Side
) -> None:
    row = f"  - {{ours: account.tier, flow: <-, theirs: {described(crm)}, wins: crm}}\n"
    text = "Grüße 🎉 " * 4_000
    customer, _ = scene(world, crm, row, **{described(crm): text})
    sent = len(customer_writes(world))
    world.days(1)

    noted = notes(world, customer)["kidglove_tier"]
    assert len(noted) <= 500
    assert noted.endswith("…")
    assert text.startswith(noted[:-1])
    assert len(customer_writes(world)) == sent


def test_signs_of_any_alphabet_arrive_as_they_were_typed(world: World, crm: Side) -> None:
    row = f"  - {{ours: customer.name, flow: <-, theirs: {described(crm)}, wins: crm}}\n"
    name = "Ørsted 北京 👩‍👩‍👧‍👦 İstanbul 🇲🇦"
    customer, account = scene(world, crm, row, **{described(crm): name})
    assert customer_at_stripe(world, customer)["name"] == name

    crm.edit(account, described(crm), "👩‍👩‍👧‍👦" * 40)
    world.settle()

    assert customer_at_stripe(world, customer)["name"] == name
    assert len(held_back(world, customer)) == 1
