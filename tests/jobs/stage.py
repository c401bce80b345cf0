"""A queue on the real server, and a worker in this process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from jobs import queues
from jobs.worker_class import SafeWorker
from tests.jobs import cheap

QUEUE = "evaluate"
Worker = TypeVar("Worker", bound=SafeWorker)


def enqueue(on: Queue, function: str, *arguments: object) -> None:
    """Put one of the cheap jobs on the queue."""
    queues.enqueue(on, f"tests.jobs.cheap.{function}", *arguments)


def worker_on(connection: redis.Redis) -> SafeWorker:
    """A worker as `jobs.process` makes it, allowed to run the cheap jobs."""
    return worker_of(SafeWorker, connection)


def worker_of(kind: type[Worker], connection: redis.Redis) -> Worker:
    """The same of a kind of your own."""
    made = kind(
        [queues.queue(QUEUE, connection)],
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=30,
        maintenance_interval=15,
        job_monitoring_interval=5,
        default_result_ttl=0,
    )
    made.allowed = cheap.ALLOWED
    return made


def run_dry(connection: redis.Redis) -> None:
    """Let a worker of this process do all that waits."""
    with signals_kept():
        worker_on(connection).work(burst=True, logging_level="CRITICAL")


def waiting(connection: redis.Redis, name: str = QUEUE) -> list[bytes]:
    """The jobs that wait on the queue."""
    return _list(connection, f"rq:queue:{name}")


def half_taken(connection: redis.Redis, name: str = QUEUE) -> list[bytes]:
    """The jobs that a worker has popped and neither begun nor thrown away."""
    return _list(connection, f"rq:queue:{name}:intermediate")


def _list(connection: redis.Redis, key: str) -> list[bytes]:
    return [one for one in connection.lrange(key, 0, -1) if isinstance(one, bytes)]


@contextmanager
def signals_kept() -> Iterator[None]:
    """Put the handlers back that a worker in this process replaces."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
