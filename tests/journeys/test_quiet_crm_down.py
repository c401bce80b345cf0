"""A CRM that cannot be read: nothing is released, nobody is dunned, and it is caught up with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from connectors.kit.retry import Retry
from simulators.faults import Fault, Harm
from tests.journeys.quiet_scenes import (
    failed_high_in,
    failed_vip_in,
    is_quiet_at_stripe,
    open_invoice,
)
from tests.sides import Side, living
from tests.world import World, build

OUTAGE = Fault(harm=Harm.STATUS, status=503, times=None)


@pytest.fixture(params=["salesforce", "hubspot"])
def world(
    request: pytest.FixtureRequest,
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """A world with one CRM, each in turn, in which the short retries do not sleep."""
    defaults = {**(Retry.__init__.__kwdefaults__ or {}), "sleep": lambda seconds: None}
    monkeypatch.setattr(Retry.__init__, "__kwdefaults__", defaults)
    made = build(database_url, redis_url, crms=[request.param])
    yield made
    made.close()


def test_an_unreadable_crm_releases_nothing_and_is_caught_up_with_afterwards(
    world: World, crm: Side
) -> None:
    customer, account = failed_high_in(world, crm)
    crm.say(account, "held")
    world.settle()
    crm.faults.arm(OUTAGE)
    world.advance(timedelta(hours=2))
    assert is_quiet_at_stripe(world, customer)
    crm.say(account, None)
    world.advance(timedelta(minutes=5))
    assert is_quiet_at_stripe(world, customer)

    crm.faults.clear()
    world.advance(timedelta(minutes=3))

    assert not is_quiet_at_stripe(world, customer)


def test_a_vip_by_the_crm_stays_one_while_the_crm_is_down(world: World, crm: Side) -> None:
    customer = world.customer(amount=60_000, card="good")
    crm.add_account("Aurelius Partners", customer=customer)
    world.days(30)
    world.stripe.set_card(customer, "declines:insufficient_funds")
    crm.faults.arm(OUTAGE)

    world.hours(3.2)

    assert world.robotic(customer) == []
    assert is_quiet_at_stripe(world, customer)


def test_money_that_comes_while_the_crm_is_down_closes_the_task_when_it_is_back(
    world: World, crm: Side
) -> None:
    customer, account = failed_vip_in(world, crm)
    crm.faults.arm(OUTAGE)
    world.stripe.customer_pays(open_invoice(world, customer), card="good")
    world.advance(timedelta(minutes=10))
    assert not living(crm, account).is_done

    crm.faults.clear()
    world.advance(timedelta(minutes=30))

    assert living(crm, account).is_done
    assert living(crm, account).subject.startswith("Paid")


def test_what_a_colleague_did_while_the_crm_was_down_for_us_is_not_overwritten(
    world: World, crm: Side
) -> None:
    customer, account = failed_vip_in(world, crm)
    task = living(crm, account)
    crm.faults.arm(OUTAGE)
    world.stripe.add_subscription(customer, amount=50_000, next_renewal_in=timedelta(minutes=5))
    world.advance(timedelta(minutes=10))
    crm.give(task, "manager")
    crm.snooze(task, date(2026, 11, 24))

    crm.faults.clear()
    world.advance(timedelta(minutes=30))

    assert living(crm, account).owner == "Ines Okafor"
    assert living(crm, account).due == date(2026, 11, 24)
