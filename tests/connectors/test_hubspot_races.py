"""Workers at once: still one task; and a connection is never shared by two processes."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TypeVar

import pytest

from connectors.hubspot.connector import HubspotConnector
from domain.ports import FieldsChange, Receipt, TaskChange
from tests.connectors.hubspot_stage import CUSTOMER, PLAN, Stage, staged

T = TypeVar("T")
WORKERS = 4


@pytest.fixture(params=[True, False], ids=["unique key", "key not unique"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with staged(unique_tasks=request.param) as stage:
        # The workers here have no limiter, and a quick machine would fill the window.
        stage.sim.set_limits(burst=10_000, search=10_000)
        yield stage


def at_once(
    connectors: Sequence[HubspotConnector], work: Callable[[HubspotConnector], T]
) -> list[T]:
    barrier = threading.Barrier(len(connectors))

    def run(connector: HubspotConnector) -> T:
        barrier.wait()
        return work(connector)

    with ThreadPoolExecutor(len(connectors)) as pool:
        return list(pool.map(run, connectors))


def task(stage: Stage, key: str) -> TaskChange:
    return TaskChange(
        key=key,
        account=stage.ref,
        subject="Payment hiccup",
        text="Do: call",
        owner_id=stage.csm,
        due_on=date(2026, 11, 25),
    )


def test_workers_that_make_the_same_task_at_once_make_one(stage: Stage) -> None:
    connectors = [stage.connector() for _ in range(WORKERS)]
    for number in range(5):
        change = task(stage, f"k-{number}")
        answers = at_once(connectors, lambda one, change=change: one.write([change])[0])  # type: ignore[misc]
        assert [type(answer) for answer in answers] == [Receipt] * WORKERS
    left = [one.key for one in stage.read(connectors[0]).tasks]
    assert sorted(left) == [f"k-{number}" for number in range(5)]


def test_every_worker_is_told_the_task_that_stays(stage: Stage) -> None:
    connectors = [stage.connector() for _ in range(WORKERS)]
    at_once(connectors, lambda one: one.write([task(stage, "k-1")])[0])
    [stays] = stage.read(connectors[0]).tasks
    again = [one.write([task(stage, "k-1")])[0] for one in connectors]
    assert [one.ref.id for one in again if isinstance(one, Receipt)] == [stays.id] * WORKERS


def test_workers_that_write_one_company_at_once_all_get_an_answer(stage: Stage) -> None:
    connectors = [stage.connector() for _ in range(WORKERS)]
    change = FieldsChange(account=stage.ref, values={"kidglove_mrr": 5})
    answers = at_once(connectors, lambda one: one.write([change])[0])
    assert [one.now for one in answers if isinstance(one, Receipt)] == [{"kidglove_mrr": 5}] * 4


def test_a_connector_is_never_pickled(stage: Stage) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(stage.connector())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_process_reads_over_connections_of_its_own(stage: Stage) -> None:
    connector = stage.connector()
    ids = [stage.sim.add_company(f"Company {number}") for number in range(30)]
    connector.read_accounts(customers=[CUSTOMER], plan=PLAN)
    children = [_forked(lambda: _all_right(connector, ids)) for _ in range(3)]
    assert _all_right(connector, ids)
    assert [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in children] == [0, 0, 0]


def _all_right(connector: HubspotConnector, ids: Sequence[str]) -> bool:
    """Whether each company answers as itself."""
    gateway = connector._gateway
    return all(gateway.one("companies", id, ("name",), what="x")["id"] == id for id in ids)


def _forked(work: Callable[[], bool]) -> int:
    child = os.fork()
    if child == 0:
        os._exit(0 if work() else 1)
    return child
