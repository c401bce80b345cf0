"""A HubSpot account that cannot keep the key of a task unique: there is one task all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from connectors.kit.retry import Retry
from simulators.faults import Fault, Harm
from tests.journeys.hands import customer, polled, vip
from tests.journeys.quiet_scenes import charges, open_invoice
from tests.sides import Side, living
from tests.world import World, build

LAG = 45.0
"""Seconds until a search knows a new task; the answer is asked for long before."""


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
    made = ".*/tasks/batch/create"
    crm.faults.arm(Fault(harm=harm, method="POST", path=made, status=502))
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
def test_every_try_of_an_invoice_is_one_task(world: World, crm: Side) -> None:
    made, account = customer(world, "Northgate Capital", mrr=60_000)

    world.days(15)

    assert len(charges(world, made, paid=False)) == 9, "the first and eight more"
    assert len({one.key for one in crm.every_task()}) == len(crm.every_task())
    assert living(crm, account).subject.startswith("Payment hiccup: Northgate Capital, $600")
