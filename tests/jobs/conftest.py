"""A queue and what the jobs of a test have noted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from rq import Queue

from jobs import queues
from tests.jobs import cheap
from tests.jobs.stage import QUEUE


@pytest.fixture
def connection(redis_url: str) -> Iterator[redis.Redis]:
    """A client of an empty Redis database."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def queue(connection: redis.Redis) -> Queue:
    """An empty queue."""
    return queues.queue(QUEUE, connection)


@pytest.fixture
def noted() -> Iterator[list[object]]:
    """What ran in this process since the test began."""
    cheap.noted.clear()
    yield cheap.noted
    cheap.noted.clear()
