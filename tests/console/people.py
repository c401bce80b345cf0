"""Named people in front of the console: an admin, another admin, and somebody of operations."""

from __future__ import annotations

from pydantic import SecretStr

from settings import ConsolePerson, ConsoleRole, Settings
from tests.console.visitor import Visitor
from tests.world import World

ANN = "token-of-ann-the-admin"
BEA = "token-of-bea-the-admin"
OTTO = "token-of-otto-in-operations"
PEOPLE = [
    ConsolePerson(name="Ann", role=ConsoleRole.ADMIN, token=SecretStr(ANN)),
    ConsolePerson(name="Bea", role=ConsoleRole.ADMIN, token=SecretStr(BEA)),
    ConsolePerson(name="Otto", role=ConsoleRole.OPERATOR, token=SecretStr(OTTO)),
]


def with_people(settings: Settings) -> None:
    """Give these people their tokens."""
    settings.console_people = list(PEOPLE)


def two_must_agree(settings: Settings) -> None:
    """The same, where two people must agree on a mapping."""
    with_people(settings)
    settings.two_person_mappings = True


def entered(world: World, token: str, name: str = "Dana") -> Visitor:
    """Somebody at the console."""
    found = Visitor(world.runtime)
    found.enter(name, token=token)
    return found
