"""Whoever was just read is not read again because a list of changes shows our own write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.journeys.test_backfill import filler
from tests.world import World, build

ACCOUNTS = 5


@pytest.fixture(params=["salesforce", "hubspot"])
def world(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> Iterator[World]:
    made = build(database_url, redis_url, crms=[request.param])
    yield made
    made.close()


@pytest.mark.req("R24", partly="what a fill costs afterwards")
def test_a_poll_after_the_first_fill_wants_nobody_judged_until_somebody_edits(
    world: World,
) -> None:
    (crm,) = world.sides
    accounts: list[str] = []
    for number in range(ACCOUNTS):
        customer = world.stripe.add_customer(f"C{number}", f"c{number}@example.com", card="good")
        world.stripe.add_subscription(customer, amount=4900)
        accounts.append(crm.add_account(f"C{number}", customer=customer))
    filler(world).run()
    world.settle()
    world.clock.advance(timedelta(seconds=2))
    poll = f"poll:{crm.system}"

    after_the_fill = world.runtime.upkeep(poll)
    crm.say(accounts[0], "held")
    world.clock.advance(timedelta(seconds=2))
    after_the_edit = world.runtime.upkeep(poll)

    assert (after_the_fill.seen >= ACCOUNTS, after_the_fill.marked) == (True, 0)
    assert after_the_edit.marked == 1
