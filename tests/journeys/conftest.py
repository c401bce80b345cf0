"""A fresh world for each journey, or one for each CRM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.two_scenes import Two
from tests.sides import Side
from tests.world import World, build


@pytest.fixture
def world(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> Iterator[World]:
    """Both vendors, the edge and the engine, with nothing in them yet; Salesforce, or the CRM that
    the test asks for, is connected."""
    made = build(database_url, redis_url, crms=[getattr(request, "param", "salesforce")])
    yield made
    made.close()


@pytest.fixture(params=["salesforce", "hubspot"])
def world_on_each_crm(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> Iterator[World]:
    """A world with one CRM: the same story is played on each."""
    made = build(database_url, redis_url, crms=[request.param])
    yield made
    made.close()


@pytest.fixture
def crm(world: World) -> Side:
    """The CRM in which everybody works."""
    return world.sides[0]


@pytest.fixture
def two(database_url: str, redis_url: str) -> Iterator[Two]:
    """A world with both CRMs."""
    made = build(database_url, redis_url, crms=["salesforce", "hubspot"])
    yield Two(made, *made.sides)
    made.close()
