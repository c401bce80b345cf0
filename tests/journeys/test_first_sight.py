"""Two sides that never agreed, where the arrow goes one way."""

from __future__ import annotations

import pytest

from tests.journeys.test_both_ways_every_crm import hear
from tests.journeys.test_fields_both_ways import customer_at_stripe, customer_writes
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
