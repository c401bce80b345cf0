"""Real processes die in the middle of the story, each in turn and all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jobs import supervisor
from store.migrate import upgrade
from tests.crashes.engines import KeptEngines
from tests.crashes.story import Teller, differences, outcome, stripe_settings
from tests.crashes.tree import Installation, install
from tests.world import build

Blow = Callable[[Installation], None]


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A process tree at rest."""
    # Each process that was killed starts again after half a second, not after growing pauses.
    monkeypatch.setattr(supervisor, "HEALTHY_SECONDS", 0.0)
    with KeptEngines(tmp_path) as servers:
        made = install(tmp_path, servers)
        yield made
        made.close()


@pytest.fixture
def undisturbed(empty_database_url: str, redis_url: str) -> Mapping[str, Any]:
    """What comes out of the same story when nothing dies."""
    upgrade(empty_database_url)
    world = build(empty_database_url, redis_url)
    Teller(world).tell()
    found = outcome(world)
    world.close()
    return found


def blows(installation: Installation, each: Sequence[Blow]) -> Sequence[Callable[[], None]]:
    return [partial(blow, installation) for blow in each]


def kill(*names: str) -> Blow:
    def blow(installation: Installation) -> None:
        for name in names:
            installation.kill(name)

    return blow


def everything(installation: Installation) -> None:
    kill(*installation.names())(installation)
    installation.servers.valkey.kill()
    installation.servers.postgres.kill()
    installation.servers.postgres.start()
    installation.servers.valkey.start()


@pytest.mark.timeout(240)
def test_the_story_ends_the_same_although_each_process_is_killed_in_the_middle_of_it(
    installation: Installation, undisturbed: Mapping[str, Any]
) -> None:
    teller = Teller(installation)
    chapters: dict[int, list[Blow]] = {
        1: [
            kill("worker-evaluate"),
            kill("worker-stripe", "worker-intake"),
            kill("worker-salesforce"),
        ],
        2: [kill("edge"), kill("relay"), Installation.kill_valkey],
        3: [Installation.kill_postgres, kill("edge", "worker-evaluate")],
        4: [everything],
    }
    teller.at_chapter = lambda number: installation.blows.extend(
        blows(installation, chapters[number])
    )

    told = teller.tell()

    assert installation.blows == []
    assert differences(outcome(installation), undisturbed) == []
    assert stripe_settings(installation, told.customer) == told.found
    assert all(child.starts > 1 for child in installation.supervisor._children)
