"""A HubSpot account that cannot keep the key of a task unique: there is one task all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from connectors.kit.retry import Retry
from simulators.faults import Fault, Harm
from tests.journeys.hands import customer, polled, vip
from tests.journeys.quiet_scenes import charges, open_invoice
from tests.sides import Side, living
from tests.world import World, build

LAG = 900.0
"""Seconds until a search knows a new task: what is tried again before can only ask the company."""

CREATE = ".*/tasks/batch/create"
COMPANY = r".*/companies/\d+(\?.*)?"


@pytest.fixture
def world(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world with such an account, whose search lags behind; the short retries do not sleep."""
    defaults = {**(Retry.__init__.__kwdefaults__ or {}), "sleep": lambda seconds: None}
    monkeypatch.setattr(Retry.__init__, "__kwdefaults__", defaults)
    made = build(database_url, redis_url, crms=["hubspot"], unique_task_keys=False)
    assert made.portal is not None
    made.portal.set_search_lag(LAG)
    yield made
    made.close()


def test_the_account_of_this_file_takes_two_tasks_of_one_key(world: World, crm: Side) -> None:
    account = crm.add_account("Aurelius Partners", customer=None)
    assert world.portal is not None
    for subject in ("first", "second"):
        world.portal.add_task(account, subject, kidglove_key="kg-1")

    assert [one.key for one in crm.tasks(account)] == ["kg-1", "kg-1"]


@pytest.mark.req("R9")
@pytest.mark.parametrize("harm", [Harm.RESET_AFTER, Harm.STATUS_AFTER])
def test_a_lost_answer_leaves_one_task_from_the_failure_to_the_payment(
    world: World, crm: Side, harm: Harm
) -> None:
    crm.faults.arm(Fault(harm=harm, method="POST", path=CREATE, status=502))
    customer, account = vip(world)
    world.hours(4)
    first = living(crm, account).id
    assert crm.faults.armed() == [], "the answer was lost"
    assert [one.id for one in crm.every_task()] == [first]

    crm.snooze(living(crm, account), date(2026, 11, 24))
    world.hours(1)
    polled(world)
    assert "Snoozed to Tue 24 Nov." in living(crm, account).text
    world.stripe.customer_pays(open_invoice(world, customer), card="good")
    world.settle()

    assert [(one.id, one.is_done) for one in crm.every_task()] == [(first, True)]


@pytest.mark.req("R9")
def test_a_second_try_that_no_look_at_the_account_precedes_finds_the_task_on_its_company(
    world: World, crm: Side
) -> None:
    assert world.portal is not None
    unread = Fault(harm=Harm.STATUS, status=503, method="GET", path=COMPANY, times=None)
    # From the moment of its creation on, nobody can read the company's tasks.
    world.portal.add_rule("tasks", lambda new, old: None if old else crm.faults.arm(unread))
    crm.faults.arm(Fault(harm=Harm.RESET_AFTER, method="POST", path=CREATE))
    _, account = vip(world)

    world.hours(3)
    world.advance(timedelta(minutes=10))

    assert crm.faults.armed() == [unread]
    assert len(crm.every_task()) == 1
    crm.faults.clear()
    world.hours(1)
    assert living(crm, account).owner == "Morgan Vale"
    assert len(crm.every_task()) == 1


@pytest.mark.req("R9")
def test_every_try_of_an_invoice_is_one_task(world: World, crm: Side) -> None:
    made, account = customer(world, "Northgate Capital", mrr=60_000)

    world.days(15)

    assert len(charges(world, made, paid=False)) == 9, "the first and eight more"
    assert len({one.key for one in crm.every_task()}) == len(crm.every_task())
    assert living(crm, account).subject.startswith("Payment hiccup: Northgate Capital, $600")
