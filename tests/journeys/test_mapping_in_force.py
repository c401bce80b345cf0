"""A new version of a mapping holds from the next look and the next poll on, without a restart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from mappings.mapping_file import default_mapping, default_mapping_text
from sync.configs import mapping_name
from tests.sides import Side
from tests.world import World, build


@pytest.fixture(params=["salesforce", "hubspot"])
def world(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> Iterator[World]:
    """A world with one CRM, of which no webhook ever tells."""
    made = build(database_url, redis_url, crms=[request.param], hooks=False)
    yield made
    made.close()


@pytest.fixture
def crm(world: World) -> Side:
    """The CRM in which everybody works."""
    return world.sides[0]


def apply(world: World, crm: Side, *rows: str, instead: tuple[str, str] = ("", "")) -> None:
    """A new version of the shipped mapping, with these rows more and one text replaced."""
    text = default_mapping_text(crm.system).replace(*instead)
    text = text.replace("\nrows:\n", "\nrows:\n" + "".join(rows), 1)
    with world.runtime.store.begin() as tx:
        tx.system.add_config(
            mapping_name(crm.system), text, author="admin", note="a test", now=world.clock.now()
        )


def poll(world: World, *systems: str) -> None:
    """A minute later: the next poll of each of these systems, and what follows from it."""
    world.advance(timedelta(minutes=1))
    for system in systems:
        world.runtime.upkeep(f"poll:{system}")
        world.settle()


def known(world: World, crm: Side) -> tuple[str, str]:
    """A VIP with an open case, whose CRM was polled; everything is at rest."""
    customer = world.customer()
    account = crm.add_account("Aurelius Partners", customer=customer)
    world.hours(4)
    poll(world, "stripe", crm.system)
    # What was listed once comes again while it lies in the overlap of the polls.
    world.advance(timedelta(hours=1))
    poll(world, "stripe", crm.system)
    return customer, account


@pytest.mark.req("R23")
@pytest.mark.req("R24", partly="the fields of a new mapping, after a change in the CRM")
def test_a_newly_mapped_field_that_a_person_changes_is_found_by_the_next_poll(
    world: World, crm: Side
) -> None:
    customer, account = known(world, crm)
    apply(world, crm, f"  - {{ours: customer.phone, flow: <->, theirs: {crm.phone}, wins: crm}}\n")

    crm.edit(account, crm.phone, "+44 20 7946 0000")
    poll(world, crm.system)

    assert world.stripe.world.customer(customer)["phone"] == "+44 20 7946 0000"


@pytest.mark.req("R23")
def test_a_field_that_is_mapped_no_more_is_no_news(world: World, crm: Side) -> None:
    row = f"  - {{ours: customer.phone, flow: <->, theirs: {crm.phone}, wins: crm}}\n"
    apply(world, crm, row)
    customer, account = known(world, crm)
    apply(world, crm)
    # The first change after it is news once: what is compared is another set of fields.
    crm.edit(account, crm.phone, "+49 30 5550100")
    poll(world, crm.system)

    crm.edit(account, crm.phone, "+44 20 7946 0000")
    world.advance(timedelta(minutes=1))
    found = world.runtime.upkeep(f"poll:{crm.system}")

    assert (found.seen > 0, found.marked) == (True, 0)
    assert world.stripe.world.customer(customer)["phone"] is None


@pytest.mark.req("R23")
def test_the_sweep_asks_for_the_words_of_the_field_that_is_mapped_now(
    world: World, crm: Side
) -> None:
    customer, account = known(world, crm)
    mapping = default_mapping(crm.system)
    apply(world, crm, instead=(f"field: {mapping.hold.field}", f"field: {crm.phone}"))

    crm.edit(account, crm.phone, mapping.hold.held[0])
    world.runtime.upkeep(f"sweep:{crm.system}")
    world.settle()

    word = world.open_case(customer).word
    assert word is not None
    assert (word.system, word.is_understood) == (crm.system, True)
