"""Stripe tries for two weeks beside a person: still one task, before the last try, and Stripe is
left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from domain.case import CaseState
from tests.journeys.hands import customer, kept, line, text
from tests.sides import living
from tests.world import START, World, build

CRMS = ["salesforce", "hubspot"]


@pytest.fixture(params=CRMS)
def sequence(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> Iterator[World]:
    """A world in which automation runs beside the person."""
    made = build(database_url, redis_url, policy="sequence", crms=[request.param])
    yield made
    made.close()


@pytest.fixture(params=CRMS)
def hand_off(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> Iterator[World]:
    """A world in which automation goes first."""
    made = build(database_url, redis_url, policy="hand-off", crms=[request.param])
    yield made
    made.close()


@pytest.mark.req("R9")
@pytest.mark.req("R61")
@pytest.mark.req("R63")
@pytest.mark.req("R64", partly="what runs beside; who is held stands below")
@pytest.mark.req("R69")
def test_every_try_on_two_invoices_is_one_task_made_before_the_last_try(sequence: World) -> None:
    world, crm = sequence, sequence.sides[0]
    made, account = customer(world, "Aurelius Partners", mrr=900_000)
    world.stripe.add_subscription(
        made, amount=30_000, started_months_ago=6, next_renewal_in=timedelta(hours=3)
    )
    world.settle()

    world.days(15)

    tries = [charge["created"] for charge in _failed_charges(world, made)]
    task = living(crm, account)
    assert len(tries) == 18, "the first and eight more, on two invoices"
    assert task.made_at.timestamp() < min(sorted(tries)[1:])
    assert (task.is_call, task.due) == (True, date(2026, 11, 23))
    assert "$9,300 on 2 invoices" in task.subject
    assert "Also in this case: " in line(crm, account, "Money")
    assert "9 tries of the largest so far" in line(crm, account, "Now")
    assert "Stripe plans no further try by itself." in line(crm, account, "Now")
    assert "no subscription runs any more" in line(crm, account, "Money")
    assert world.stripe.writes() == []
    owners = [one.owner for one in crm.tasks(account)]
    assert len(owners) == len(set(owners)), "nobody has two tasks"


@pytest.mark.req("R60")
@pytest.mark.req("R62")
@pytest.mark.req("R64")
def test_hand_off_waits_a_week_for_most_and_not_at_all_for_an_enterprise(hand_off: World) -> None:
    world, crm = hand_off, hand_off.sides[0]
    _, first = customer(world, "Aurelius Partners", mrr=500_000)
    small, second = customer(world, "Northgate Capital", mrr=15_000)
    held, third = customer(world, "Halberd", mrr=15_000, metadata={"vip": "yes"})
    world.settle()
    world.hours(4)
    assert living(crm, third).made_at.date() == date(2026, 11, 20)
    assert all(not one["auto_advance"] for one in world.stripe.invoices(held, "open"))
    world.stripe.forget_requests()

    assert living(crm, first).made_at.date() == date(2026, 11, 20)
    assert crm.tasks(second) == []
    assert world.open_case(small).state is CaseState.WATCHING

    world.advance(START + timedelta(days=7, hours=4) - world.clock.now())

    task = living(crm, second)
    assert task.made_at.date() == date(2026, 11, 27)
    assert task.due == date(2026, 12, 3)
    assert "by Thu 3 Dec 17:00" in line(crm, second, "Do")
    assert "Half of the time" not in text(crm, second)
    assert world.stripe.writes() == []
    assert world.robotic(small) != []
    assert world.robotic(held) == []
    assert len(kept(world, small)) == 1


@pytest.mark.req("R34")
def test_below_the_line_there_is_no_task_and_stripe_is_not_touched(sequence: World) -> None:
    world, crm = sequence, sequence.sides[0]
    made, account = customer(world, "Little Corner Shop", mrr=4_900)
    world.settle()

    world.days(15)

    assert crm.tasks(account) == []
    assert world.stripe.writes() == []
    assert world.robotic(made) != []


def _failed_charges(world: World, customer: str) -> list[dict[str, int]]:
    charges = world.stripe.state()["objects"]["charge"].values()
    return [one for one in charges if one["customer"] == customer and one["status"] == "failed"]
