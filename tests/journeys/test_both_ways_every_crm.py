"""A field that both sides may write, in every CRM: who wins, and that it comes to rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Gone
from domain.rows import WrittenValue
from jobs.runtime import PAYMENTS_SYSTEM
from sync.fields import Fields
from tests.journeys.quiet_scenes import failed_high_in, open_invoice
from tests.journeys.test_fields_both_ways import customer_at_stripe, in_stripe
from tests.journeys.test_mapping_in_force import apply
from tests.sides import Side
from tests.world import HUBSPOT_URL, ORG_SECRET, World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def phone(crm: Side, wins: str) -> str:
    return f"  - {{ours: customer.phone, flow: <->, theirs: {crm.phone}, wins: {wins}}}\n"


def hear(world: World, *fields: str) -> None:
    """Let the CRM tell of each of these fields, of our own edits too."""
    if world.portal is not None:
        told = [f"company.propertyChange:{name}" for name in fields]
        world.portal.watch(f"{world.edge.url}/webhooks/hubspot", told, signed_url=HUBSPOT_URL)
    else:
        url = f"{world.edge.url}/webhooks/salesforce/outbound/{ORG_SECRET}"
        world.org.watch(url, fields=fields, echoes=True)


def scene(world: World, crm: Side, row: str, **edits: str) -> tuple[str, str]:
    """An account with an open case, under a mapping with this row more."""
    apply(world, crm, row)
    hear(world, crm.phone, crm.city)
    customer = world.customer("Northgate Capital", amount=60_000)
    account = crm.add_account("Northgate Capital", customer=customer)
    for field, value in edits.items():
        crm.edit(account, field, value)
    world.hours(4)
    return customer, account


def phones(world: World, crm: Side, customer: str, account: str) -> tuple[Any, Any]:
    """The telephone in Stripe and in the CRM."""
    return customer_at_stripe(world, customer)["phone"], crm.value(account, crm.phone)


def keep_messages(world: World, *, kept: bool) -> None:
    """Keep what both sides have to tell, or let it go and see what follows."""
    world.stripe.postman.dial.held = kept
    world.sides[0].keep_messages(kept=kept)
    if not kept:
        world.settle()


def histories(world: World, crm: Side, customer: str, account: str) -> list[WrittenValue]:
    """Every telephone that we wrote: in Stripe, then in the CRM, each newest first."""
    with world.runtime.store.begin() as tx:
        return [
            *tx.written.why(PAYMENTS_SYSTEM, customer, "phone"),
            *tx.written.why(crm.system, account, crm.phone),
        ]


def why(world: World, system: str, record: str, field: str) -> WrittenValue:
    """Where the value that stands in a field came from."""
    with world.runtime.store.begin() as tx:
        return tx.written.why(system, record, field)[0]


@pytest.mark.req("R6")
@pytest.mark.req("R7")
def test_a_detail_is_kept_in_step_whoever_changes_it(world: World, crm: Side) -> None:
    customer, account = scene(world, crm, phone(crm, "crm"))
    crm.edit(account, crm.phone, "+1 212 555 0100")
    world.settle()
    assert phones(world, crm, customer, account) == ("+1 212 555 0100", "+1 212 555 0100")

    in_stripe(world, customer, phone="+44 20 7946 0000")
    world.settle()
    assert phones(world, crm, customer, account) == ("+44 20 7946 0000", "+44 20 7946 0000")


@pytest.mark.req("R19")
def test_two_sides_in_step_are_left_alone(world: World, crm: Side) -> None:
    customer, account = scene(world, crm, phone(crm, "crm"))
    crm.edit(account, crm.phone, "+1 212 555 0100")
    world.settle()
    in_stripe(world, customer, phone="+44 20 7946 0000")
    world.settle()
    in_stripe(world, customer, phone="+49 30 5550100")
    world.settle()
    written = histories(world, crm, customer, account)
    assert [one.value for one in written] == [
        "+1 212 555 0100",
        "+49 30 5550100",
        "+44 20 7946 0000",
    ]

    world.days(1)

    assert histories(world, crm, customer, account) == written


@pytest.mark.req("R19")
def test_an_edit_of_our_own_field_is_answered_by_one_write_and_the_echo_by_none(
    world: World, crm: Side
) -> None:
    hear(world, crm.status)
    _, account = failed_high_in(world, crm)
    written, heard = crm.writes(), len(crm.postman.delivered)
    world.advance(timedelta(seconds=1))

    crm.overwrite_status(account, "current")
    world.settle()

    assert crm.fields(account).status == "failed"
    assert crm.writes() == written + 1
    assert len(crm.postman.delivered) >= heard + 2, "the edit, and our own answer to it"


@pytest.mark.req("R6")
@pytest.mark.req("R7")
def test_an_account_without_a_case_stays_in_step_and_costs_nothing_while_nothing_changes(
    world: World, crm: Side
) -> None:
    customer, account = scene(world, crm, phone(crm, "crm"))
    world.stripe.customer_pays(open_invoice(world, customer), card="good")
    world.settle()
    in_stripe(world, customer, preferred_locales=["de"])
    world.settle()
    calls = crm.calls()
    in_stripe(world, customer, preferred_locales=["en"])
    world.settle()
    assert crm.calls() == calls

    in_stripe(world, customer, phone="+44 20")
    world.settle()

    assert phones(world, crm, customer, account) == ("+44 20", "+44 20")


@pytest.mark.req("R20")
@pytest.mark.parametrize(
    ("wins", "stands"),
    [("stripe", "+44 20"), ("crm", "+1 212"), ("human", "+1 212"), ("newest", "+44 20")],
)
def test_if_both_have_changed_the_rule_says_who_wins_and_the_loser_is_kept(
    world: World, crm: Side, wins: str, stands: str
) -> None:
    customer, account = scene(world, crm, phone(crm, wins), **{crm.phone: "+49 30"})
    keep_messages(world, kept=True)

    crm.edit(account, crm.phone, "+1 212")
    world.advance(timedelta(seconds=5), settle=False)
    in_stripe(world, customer, phone="+44 20")
    world.advance(timedelta(seconds=5), settle=False)
    keep_messages(world, kept=False)

    assert phones(world, crm, customer, account) == (stands, stands)
    is_ours = stands == "+44 20"
    place = (crm.system, account, crm.phone) if is_ours else (PAYMENTS_SYSTEM, customer, "phone")
    newest = why(world, *place)
    assert (newest.value, newest.wins) == (stands, wins)
    assert newest.replaced == ({"+44 20", "+1 212"} - {stands}).pop()


@pytest.mark.req("R20")
def test_the_newest_wins_if_that_is_the_crms(world: World, crm: Side) -> None:
    customer, account = scene(world, crm, phone(crm, "newest"), **{crm.phone: "+49 30"})
    keep_messages(world, kept=True)

    in_stripe(world, customer, phone="+44 20")
    # What we were told last is what counts as Stripe's time.
    world.advance(timedelta(seconds=5), settle=False)
    crm.edit(account, crm.phone, "+1 212")
    keep_messages(world, kept=False)

    assert phones(world, crm, customer, account) == ("+1 212", "+1 212")


@pytest.mark.req("R20")
@pytest.mark.parametrize("world_on_each_crm", ["hubspot"], indirect=True)
def test_in_hubspot_a_later_change_of_another_property_makes_the_telephone_no_newer(
    world: World, crm: Side
) -> None:
    customer, account = scene(world, crm, phone(crm, "newest"), **{crm.phone: "+49 30"})
    keep_messages(world, kept=True)

    crm.edit(account, crm.phone, "+1 212")
    world.advance(timedelta(seconds=5), settle=False)
    in_stripe(world, customer, phone="+44 20")
    world.stripe.postman.dial.held = False
    world.stripe.postman.flush()
    world.advance(timedelta(seconds=5), settle=False)
    crm.edit(account, crm.city, "Leeds")
    keep_messages(world, kept=False)

    assert phones(world, crm, customer, account) == ("+44 20", "+44 20")


@pytest.mark.req("R20")
def test_only_if_blank_fills_and_leaves_what_stands_there(world: World, crm: Side) -> None:
    customer, account = scene(world, crm, phone(crm, "if_blank"), **{crm.phone: "+49 30"})
    assert phones(world, crm, customer, account) == ("+49 30", "+49 30")

    in_stripe(world, customer, phone="+44 20")
    world.settle()
    assert phones(world, crm, customer, account) == ("+44 20", "+49 30")

    crm.edit(account, crm.phone, None)
    world.settle()
    assert phones(world, crm, customer, account) == ("+44 20", "+44 20")


@pytest.mark.req("R20")
@pytest.mark.parametrize(("keep", "stands"), [("ours", "+44 20"), ("theirs", "+1 212")])
def test_a_person_who_is_asked_ends_it(world: World, crm: Side, keep: str, stands: str) -> None:
    customer, account = scene(world, crm, phone(crm, "ask"), **{crm.phone: "+49 30"})
    keep_messages(world, kept=True)
    crm.edit(account, crm.phone, "+1 212")
    in_stripe(world, customer, phone="+44 20")
    keep_messages(world, kept=False)
    world.days(1)
    assert phones(world, crm, customer, account) == ("+44 20", "+1 212")
    fields = Fields(world.runtime.store, world.clock)
    (asked,) = fields.questions()
    assert (asked.agreed.question.ours, asked.agreed.question.theirs) == ("+44 20", "+1 212")  # type: ignore[union-attr]
    assert sum("asks a person" in text for text in world.alerts()) == 1

    fields.settle(asked.system, asked.record, asked.field, keep_ours=keep == "ours", by="Ann")
    world.settle()

    assert phones(world, crm, customer, account) == (stands, stands)
    assert fields.questions() == []
    with pytest.raises(Gone):
        fields.settle(asked.system, asked.record, asked.field, keep_ours=True, by="Ann")


def test_one_line_of_an_address_does_not_cost_the_others(world: World, crm: Side) -> None:
    row = f"  - {{ours: customer.address.city, flow: <->, theirs: {crm.city}, wins: crm}}\n"
    customer, account = scene(world, crm, row)
    address = {"line1": "1 Main St", "city": "Leeds", "postal_code": "LS1", "country": "GB"}
    in_stripe(world, customer, address=address)
    world.settle()

    crm.edit(account, crm.city, "York")
    world.settle()

    found = customer_at_stripe(world, customer)["address"]
    assert {name: value for name, value in found.items() if value} == {**address, "city": "York"}
    assert crm.value(account, crm.city) == "York"
