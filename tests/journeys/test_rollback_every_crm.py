"""Going back to an earlier mapping, in every CRM: what waits, who won, and the customer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.versions import go_back, way_back
from mappings.mapping_file import default_mapping_text
from sync.configs import mapping_name
from tests.journeys.test_fields_both_ways import customer_at_stripe
from tests.sides import Side
from tests.world import World

OURS = "Kidglove"


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def known(world: World, crm: Side, **edits: str) -> tuple[str, str]:
    """A VIP with an open case, and what people have typed into its account."""
    customer = world.customer()
    account = crm.add_account("Aurelius Partners", customer=customer)
    for field, value in edits.items():
        crm.edit(account, field, value)
    world.hours(4)
    return customer, account


def put(world: World, crm: Side, customer: str, *rows: str) -> None:
    """The shipped mapping with these rows more comes into force, and the account follows."""
    text = default_mapping_text(crm.system).replace("\nrows:\n", "\nrows:\n" + "".join(rows), 1)
    actions = world.runtime.actions
    actions.apply_config(mapping_name(crm.system), text, by="ann", note="a test")
    actions.look_again([world.account(customer)], cause="mapping:a test")
    world.settle()


def back(world: World, crm: Side, number: int) -> None:
    """Go back to this version; what waits is sent, and everybody is looked at once more."""
    go_back(world.runtime, way_back(world.runtime, crm.system, number), note="wrong", by="ann")
    world.settle()
    world.advance(timedelta(minutes=12))
    world.runtime.reconcile.sweep_everybody()
    world.settle()


def town(crm: Side, wins: str) -> str:
    return f"  - {{constant: {OURS}, flow: ->, theirs: {crm.city}, wins: {wins}}}\n"


def phone(crm: Side) -> str:
    return f"  - {{ours: customer.phone, flow: <-, theirs: {crm.phone}, wins: crm}}\n"


def phone_of(world: World, customer: str) -> Any:
    return customer_at_stripe(world, customer)["phone"]


def test_what_still_waits_is_never_written(world: World, crm: Side) -> None:
    customer, account = known(world, crm)
    with world.runtime.store.begin() as tx:
        tx.system.open_circuit(crm.system, reason="401", now=world.clock.now())
    put(world, crm, customer, town(crm, "worker"))

    back(world, crm, 0)

    assert crm.value(account, crm.city) is None


def test_what_a_person_wrote_comes_back_where_only_another_winner_took_it(
    world: World, crm: Side
) -> None:
    customer, account = known(world, crm, **{crm.city: "Bremen"})
    put(world, crm, customer, town(crm, "if_blank"))
    put(world, crm, customer, town(crm, "worker"))
    assert crm.value(account, crm.city) == OURS

    back(world, crm, 1)

    assert crm.value(account, crm.city) == "Bremen"


def test_what_was_written_to_the_customer_is_given_back_and_written_again(
    world: World, crm: Side
) -> None:
    customer, _ = known(world, crm, **{crm.phone: "+1 212 999"})
    put(world, crm, customer, phone(crm))
    assert phone_of(world, customer) == "+1 212 999"

    back(world, crm, 0)
    assert phone_of(world, customer) is None

    put(world, crm, customer, phone(crm))
    assert phone_of(world, customer) == "+1 212 999"
