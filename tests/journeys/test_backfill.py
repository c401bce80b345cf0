"""The first fill: everybody is brought in, once, and only what differs is written."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.queues import BULK
from jobs.runtime import PAYMENTS_SYSTEM
from sync.backfill import Backfill, Listed
from tests.world import World

MANY = 130
"""More than one page, more than one batch."""


def install(world: World, count: int = MANY) -> None:
    """Customers with a subscription and a CRM account, of whom we have never heard."""
    for number in range(count):
        customer = world.stripe.add_customer(f"Customer {number}", f"ap{number}@c.example")
        world.stripe.add_subscription(customer, amount=1_000 * (number + 1), started_months_ago=4)
        world.org.add_account(
            f"Customer {number}", owner=world.people["owner"], Stripe_Customer_Id__c=customer
        )


def filler(world: World) -> Backfill:
    return Backfill(
        store=world.runtime.store,
        clock=world.clock,
        payments_system=PAYMENTS_SYSTEM,
        lists=world.runtime.stripe,
    )


def revenue(world: World) -> dict[str, Any]:
    return {str(row["Name"]): row["Stripe_MRR__c"] for row in world.org.rows("Account")}


@pytest.mark.req("R24", partly="with nobody killed on the way")
def test_everybody_is_filled_and_a_second_run_writes_nothing(world: World) -> None:
    install(world)
    expected = {f"Customer {number}": 10 * (number + 1) for number in range(MANY)}

    first = filler(world).run()
    world.settle()
    assert (first.seen, first.new) == (MANY, MANY)
    assert revenue(world) == expected

    before = len(world.org.writes())
    second = filler(world).run()
    world.settle()
    assert (second.seen, second.new) == (MANY, 0)
    assert len(world.org.writes()) == before
    assert world.tasks() == []


def test_counting_writes_nothing_and_moves_no_cursor(world: World) -> None:
    install(world, 3)
    assert filler(world).count() == Listed(seen=3, new=3, calls=1)
    assert filler(world).count() == Listed(seen=3, new=3, calls=1)
    world.settle()
    assert set(revenue(world).values()) == {None}


def test_what_has_drifted_is_put_back_and_nothing_else_is_written(world: World) -> None:
    install(world, 5)
    filler(world).run()
    world.settle()
    person = world.org.human(world.people["owner"])
    wrong = [str(row["Id"]) for row in world.org.rows("Account")][:2]
    right = revenue(world)
    for id in wrong:
        person.update("Account", id, {"Stripe_MRR__c": 1})
    before = len(world.org.writes())

    filler(world).run()
    world.settle()

    assert revenue(world) == right
    assert len(world.org.writes()) == before + 1


def test_a_list_that_was_cut_short_goes_on_behind_its_last_page(world: World) -> None:
    install(world, 250)
    pages: list[Listed] = []

    def stop_after_one(found: Listed) -> None:
        pages.append(found)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filler(world).run(progress=stop_after_one)
    rest = filler(world).run()
    again = filler(world).run()

    assert [one.seen for one in pages] == [100]
    assert (rest.seen, rest.new, rest.calls) == (150, 150, 2)
    assert (again.seen, again.new) == (250, 0)


def test_bulk_work_has_a_queue_of_its_own_and_a_case_goes_before_it(world: World) -> None:
    install(world, 150)
    world.settle()
    filler(world).run()
    customer, _ = world.vip()
    world.relay.sent.clear()
    world.hours(3)

    queues = [queue for queue, _ in world.relay.sent]
    assert BULK in queues
    assert world.open_case(customer).tier == "vip"
    bulk = [function for queue, function in world.relay.sent if queue == BULK]
    assert bulk.count("jobs.tasks.evaluate") == 2
