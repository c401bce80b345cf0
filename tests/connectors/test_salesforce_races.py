"""Two workers at once: still one task, still one login."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TypeVar

import pytest

from connectors.salesforce.connector import SalesforceConnector
from domain.ports import FieldsChange, Receipt, TaskChange
from simulators.salesforce.troubles import upsert_race
from tests.connectors.salesforce_stage import Stage, staged

T = TypeVar("T")
WORKERS = 4


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def at_once(
    connectors: Sequence[SalesforceConnector], work: Callable[[SalesforceConnector], T]
) -> list[T]:
    barrier = threading.Barrier(len(connectors))

    def run(connector: SalesforceConnector) -> T:
        barrier.wait()
        return work(connector)

    with ThreadPoolExecutor(len(connectors)) as pool:
        return list(pool.map(run, connectors))


def task(stage: Stage, key: str) -> TaskChange:
    return TaskChange(
        key=key,
        account=stage.ref,
        subject="Payment hiccup",
        owner_id=stage.csm,
        due_on=date(2026, 11, 25),
        kind="other",
    )


def test_the_worker_that_lost_an_upsert_race_updates(stage: Stage) -> None:
    connectors = [stage.connector() for _ in range(2)]
    stage.sim.faults.arm(upsert_race(path=".*/composite"))
    stage.sim.faults.arm(upsert_race(path=".*/composite"))
    answers = at_once(connectors, lambda one: one.write([task(stage, "k-1")])[0])
    made = [answer.was_created for answer in answers if isinstance(answer, Receipt)]
    assert sorted(made) == [False, True]
    assert sum(one.calls["composite"] for one in connectors) == 3
    assert len(stage.tasks()) == 1


def test_workers_that_look_the_key_up_at_once_make_one_task(stage: Stage) -> None:
    connectors = [stage.connector() for _ in range(WORKERS)]
    change = task(stage, "k-1.inc")
    answers = at_once(connectors, lambda one: one.write([change])[0])
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert len(stage.tasks()) == 1


def test_workers_that_write_one_account_at_once_all_get_an_answer(stage: Stage) -> None:
    connectors = [stage.connector() for _ in range(WORKERS)]
    change = FieldsChange(account=stage.ref, values={"Last_Failure_Code__c": "card_declined"})
    answers = at_once(connectors, lambda one: one.write([change])[0])
    assert [type(answer) for answer in answers] == [Receipt] * WORKERS
