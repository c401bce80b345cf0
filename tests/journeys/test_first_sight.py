"""Two sides that never agreed, and two that a person was asked about, where arrows go one way."""

from __future__ import annotations

import pytest

from sync.fields import Fields
from tests.journeys.test_both_ways_every_crm import hear
from tests.journeys.test_fields_both_ways import customer_at_stripe, customer_writes, in_stripe
from tests.journeys.test_mapping_in_force import apply
from tests.sides import Side
from tests.world import World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def email(crm: Side) -> str:
    """A row as it is suggested: the CRM says the customer's address."""
    return f"  - {{ours: customer.email, flow: <-, theirs: {crm.phone}, wins: crm}}\n"


def scene(world: World, crm: Side, row: str) -> tuple[str, str]:
    """An account with an open case, under a mapping with this row more."""
    apply(world, crm, row)
    hear(world, crm.phone)
    customer = world.customer("Northgate Capital", amount=60_000)
    account = crm.add_account("Northgate Capital", customer=customer)
    world.hours(4)
    return customer, account


@pytest.mark.req("R20")
def test_an_empty_field_of_the_crm_takes_nothing_from_a_customer_it_never_agreed_with(
    world: World, crm: Side
) -> None:
    customer, _ = scene(world, crm, email(crm))
    before = customer_at_stripe(world, customer)
    assert before["email"]

    world.days(1)

    assert customer_at_stripe(world, customer)["email"] == before["email"]
    assert customer_writes(world) == []


@pytest.mark.req("R20")
def test_what_both_agreed_on_is_taken_away_when_the_crm_empties_it(world: World, crm: Side) -> None:
    customer, account = scene(world, crm, email(crm))
    crm.edit(account, crm.phone, "ap@northgate.example")
    world.settle()
    assert customer_at_stripe(world, customer)["email"] == "ap@northgate.example"

    crm.edit(account, crm.phone, None)
    world.settle()

    assert customer_at_stripe(world, customer)["email"] is None


@pytest.mark.req("R20")
@pytest.mark.parametrize(("keep", "stands"), [("ours", "+44 20"), ("theirs", "+1 212")])
def test_an_answer_about_a_row_that_only_reads_the_crm_ends_the_question(
    world: World, crm: Side, keep: str, stands: str
) -> None:
    row = f"  - {{ours: customer.phone, flow: <-, theirs: {crm.phone}, wins: ask}}\n"
    customer, account = scene(world, crm, row)
    crm.edit(account, crm.phone, "+49 30")
    world.settle()
    in_stripe(world, customer, phone="+44 20")
    crm.edit(account, crm.phone, "+1 212")
    world.settle()
    fields = Fields(world.runtime.store, world.clock)
    (asked,) = fields.questions()

    fields.settle(asked.system, asked.record, asked.field, keep_ours=keep == "ours", by="Ann")
    world.settle()
    world.days(1)

    assert fields.questions() == []
    assert customer_at_stripe(world, customer)["phone"] == stands
    assert crm.value(account, crm.phone) == "+1 212"


@pytest.mark.req("R20")
@pytest.mark.parametrize("keep", ["ours", "theirs"])
def test_an_answer_about_a_row_that_only_writes_the_crm_ends_the_question(
    world: World, crm: Side, keep: str
) -> None:
    row = f"  - {{ours: payment.customer_id, flow: ->, theirs: {crm.phone}, wins: ask}}\n"
    customer, account = scene(world, crm, row)
    assert crm.value(account, crm.phone) == customer
    crm.edit(account, crm.phone, "mine")
    world.settle()
    fields = Fields(world.runtime.store, world.clock)
    (asked,) = fields.questions()

    fields.settle(asked.system, asked.record, asked.field, keep_ours=keep == "ours", by="Ann")
    world.settle()
    world.days(1)

    assert fields.questions() == []
    assert crm.value(account, crm.phone) == (customer if keep == "ours" else "mine")
