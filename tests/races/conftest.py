"""A store with room for everybody who races."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.unit_of_work import UnitOfWork


@pytest.fixture
def store(database_url: str) -> Iterator[UnitOfWork]:
    """A store over a fresh database; sixteen connections at once."""
    made = UnitOfWork(database_url, pool_size=16)
    yield made
    made.close()
