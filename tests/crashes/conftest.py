"""A world that may die, and no checkpoint left armed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync import checkpoints
from tests.crashes.story import Teller
from tests.world import build


@pytest.fixture
def teller(database_url: str, redis_url: str) -> Iterator[Teller]:
    """The story's teller in a fresh world."""
    made = Teller(build(database_url, redis_url))
    yield made
    checkpoints.disarm()
    made.world.close()
