"""A world to look at, and somebody who looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from jobs.runtime import Runtime
from settings import Settings, StripeSettings
from simulators.clock import SimClock
from tests.console.people import ANN, OTTO, entered, with_people
from tests.console.visitor import Visitor
from tests.world import START, World, build


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """Both vendors, the edge and the engine, with nothing in them yet."""
    made = build(database_url, redis_url)
    yield made
    made.close()


@pytest.fixture
def staffed(database_url: str, redis_url: str) -> Iterator[World]:
    """A VIP whose payment has failed, and people with tokens of their own."""
    made = build(database_url, redis_url, change=with_people)
    made.vip()
    made.hours(4)
    yield made
    made.close()


@pytest.fixture
def ann(world: World) -> Visitor:
    """An admin."""
    return entered(world, ANN)


@pytest.fixture
def otto(world: World) -> Visitor:
    """Somebody of billing operations."""
    return entered(world, OTTO)


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
