"""A fresh world for each journey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world import World, build


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """Both vendors, the edge and the engine, with nothing in them yet."""
    made = build(database_url, redis_url)
    yield made
    made.close()
