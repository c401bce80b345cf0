"""A world to look at, and somebody who looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from jobs.runtime import Runtime
from settings import Settings, StripeSettings
from simulators.clock import SimClock
from tests.console.visitor import Visitor
from tests.world import START, World, build


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """Both vendors, the edge and the engine, with nothing in them yet."""
    made = build(database_url, redis_url)
    yield made
    made.close()


@pytest.fixture
def visitor(world: World) -> Visitor:
    """Dana, logged in, in front of the world."""
    found = Visitor(world.runtime)
    found.enter()
    return found


@pytest.fixture
def runtime(database_url: str, redis_url: str) -> Iterator[Runtime]:
    """An installation without vendors, in which nothing has happened."""
    settings = Settings(_env_file=None, stripe=StripeSettings(api_key=SecretStr("sk_test")))
    made = Runtime(settings, database_url=database_url, redis_url=redis_url, clock=SimClock(START))
    yield made
    made.close()


@pytest.fixture
def stranger(runtime: Runtime) -> Visitor:
    """Somebody who is not logged in, in front of an empty installation."""
    return Visitor(runtime)
