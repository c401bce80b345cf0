"""A job ends when its time is up, whatever catches errors between it and the worker."""

from __future__ import annotations

import os
import signal

import pytest
import redis
from rq import Queue
from rq.registry import FailedJobRegistry

from jobs import queues
from jobs.worker_class import TimeLimit
from tests.jobs.stage import enqueue, half_taken, run_dry, signals_kept

# Workers use SIGALRM for their own time limit, and so does the default method of pytest-timeout.
pytestmark = pytest.mark.timeout(60, method="thread")


def test_a_job_that_catches_every_error_ends_all_the_same_and_the_next_one_is_done(
    queue: Queue, connection: redis.Redis, noted: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "JOB_TIMEOUT", 1)
    enqueue(queue, "be_stubborn", "caught")
    enqueue(queue, "note", "behind")

    run_dry(connection)

    assert noted == ["behind"]
    assert FailedJobRegistry(queue=queue).count == 1
    assert half_taken(connection) == []


def test_an_alarm_that_rings_while_the_job_is_just_done_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ring = signal.alarm

    def ring_now(seconds: int) -> int:
        monkeypatch.setattr(signal, "alarm", ring)
        if not seconds:
            os.kill(os.getpid(), signal.SIGALRM)
        return ring(seconds)

    done = []
    with signals_kept():
        limit = TimeLimit(60)
        with limit:
            monkeypatch.setattr(signal, "alarm", ring_now)
            done.append("the body")

    assert done == ["the body"]
    assert ring(0) == 0
