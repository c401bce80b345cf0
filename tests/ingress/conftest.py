"""The public door over a fresh database, and whole worlds for what comes after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.unit_of_work import UnitOfWork
from tests.ingress.door import Door
from tests.world import World, build


@pytest.fixture
def door(database_url: str) -> Iterator[Door]:
    """The edge with every secret of the tests, served over HTTP."""
    with Door(database_url) as made:
        yield made


@pytest.fixture
def store(database_url: str) -> Iterator[UnitOfWork]:
    """The store behind the door."""
    made = UnitOfWork(database_url)
    yield made
    made.close()


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """Both vendors, the edge and the engine, with nothing in them yet."""
    made = build(database_url, redis_url)
    yield made
    made.close()
