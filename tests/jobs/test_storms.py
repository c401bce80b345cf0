"""Stops and kills under load: nothing is lost, and nothing that was finished is done again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Queue
from rq.registry import FailedJobRegistry, StartedJobRegistry

from domain.rows import EVALUATE
from jobs import queues, runtime, tasks
from jobs.relay import Relay
from store.unit_of_work import UnitOfWork
from tests.jobs import lanes_work
from tests.jobs.lanes_work import FrozenClock, LanesWork
from tests.jobs.stage import QUEUE, enqueue, half_taken, signals_kept, waiting, worker_on

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0
SEND = "jobs.tasks.evaluate"

pytestmark = pytest.mark.timeout(110, method="thread")


@dataclass(frozen=True)
class Yard:
    """One store and one queue, and where they are."""

    store: UnitOfWork
    connection: redis.Redis
    database_url: str
    redis_url: str

    def storm(self, *options: str) -> dict[str, object]:
        """Run a storm of workers to its end; what it said of itself."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.jobs.storm", self.redis_url, self.database_url, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return told

    def finish(self) -> None:
        """Let a worker of this process do all that waits on the queue."""
        work = LanesWork(self.database_url)
        runtime.install(work.as_runtime())
        with signals_kept():
            worker = worker_on(self.connection)
            worker.allowed = tasks.ALLOWED
            worker.work(burst=True, logging_level="CRITICAL")
        work.store.close()

    @contextmanager
    def relayed(self, *, resend_seconds: float) -> Iterator[None]:
        """A relay on a thread that sends what is due and sends again what was not taken."""
        stop = threading.Event()
        relay = Relay(
            store=self.store,
            connection=self.connection,
            clock=FrozenClock(),
            resend_seconds=resend_seconds,
            bulk_sizes={EVALUATE: 100},
        )
        thread = threading.Thread(
            target=relay.run,
            kwargs={"database_url": self.database_url, "every_seconds": 0.1, "stop": stop},
        )
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(20)


@pytest.fixture
def yard(database_url: str, redis_url: str) -> Iterator[Yard]:
    store = UnitOfWork(database_url)
    with redis.Redis.from_url(redis_url) as connection:
        yield Yard(store, connection, database_url, redis_url)
    store.close()


def until(condition: Callable[[], bool]) -> None:
    """Poll until it is so; fails when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to rest"
        time.sleep(0.05)


def test_a_stop_between_taking_a_job_and_running_it_does_not_lose_the_job(
    queue: Queue, connection: redis.Redis, noted: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment in which the stock worker raises out of its signal handler."""
    enqueue(queue, "note", "in hand")
    enqueue(queue, "note", "for the successor")
    worker = worker_on(connection)
    dequeue = Queue.dequeue_any

    def stopped_after_taking(*given: Any, **named: Any) -> object:
        taken = dequeue(*given, **named)
        os.kill(os.getpid(), signal.SIGTERM)
        return taken

    monkeypatch.setattr(Queue, "dequeue_any", stopped_after_taking)
    with signals_kept():
        worker.work(logging_level="CRITICAL")

    assert noted == ["in hand"]
    assert half_taken(connection) == []
    assert len(waiting(connection)) == 1


def test_a_stop_in_the_middle_of_a_job_lets_it_end_and_takes_no_other(
    queue: Queue, connection: redis.Redis, noted: list[object]
) -> None:
    enqueue(queue, "stop_me", "in hand")
    enqueue(queue, "note", "for the successor")

    with signals_kept():
        worker_on(connection).work(logging_level="CRITICAL")

    assert noted == ["in hand"]
    assert half_taken(connection) == []
    assert len(waiting(connection)) == 1


def test_an_idle_worker_stops_when_it_is_asked_to(queue: Queue, connection: redis.Redis) -> None:
    worker = worker_on(connection)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()

    with signals_kept():
        worker.work(logging_level="CRITICAL")

    assert worker.get_state() != "busy"


def test_thirty_polite_stops_under_load_lose_nothing_and_run_nothing_twice(yard: Yard) -> None:
    accounts = lanes_work.prepare(yard.store, 900)
    queue = queues.queue(QUEUE, yard.connection)
    for account in accounts:
        queues.enqueue(queue, SEND, [account])

    told = yard.storm("--stops", "30")
    left = len(waiting(yard.connection))
    yard.finish()

    assert told["codes"] == {"0": 30}
    assert 0 < left < len(accounts), "the storm was not under load"
    assert lanes_work.rows(yard.store, "ran") == [(account, 1) for account in accounts]
    assert lanes_work.rows(yard.store, "began") == [(account, 1) for account in accounts]
    assert half_taken(yard.connection) == []
    assert StartedJobRegistry(queue=queue).get_job_ids(cleanup=False) == []
    assert FailedJobRegistry(queue=queue).count == 0


def test_after_thirty_kills_the_relay_has_everything_done(yard: Yard) -> None:
    accounts = lanes_work.prepare(yard.store, 250)

    with yard.relayed(resend_seconds=0.5):
        told = yard.storm("--stops", "30", "--kill")
        lanes_work.mark_dirty(yard.store, accounts[:50])
        until(lambda: _worked_off(yard))

    assert told["codes"] == {"-9": 30}
    ran = lanes_work.rows(yard.store, "ran")
    assert len(set(ran)) == len(ran), "a finished job was done again"
    assert {account for account, _ in ran} == set(accounts)
    assert {(account, 2) for account in accounts[:50]} <= set(ran)
    assert len(lanes_work.rows(yard.store, "began")) >= len(ran)


def _worked_off(yard: Yard) -> bool:
    yard.finish()
    return lanes_work.is_at_rest(yard.store)
