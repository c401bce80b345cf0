"""A store over a fresh database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.unit_of_work import UnitOfWork


@pytest.fixture
def store(database_url: str) -> Iterator[UnitOfWork]:
    """A store over a fresh, migrated database."""
    made = UnitOfWork(database_url)
    yield made
    made.close()
