"""The process dies at every named place of the story, Redis with it, and the end is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import pytest

from domain.rows import EffectState
from store.migrate import upgrade
from sync import checkpoints
from sync.checkpoints import Checkpoint
from tests.crashes.story import Teller, differences, outcome, stripe_settings
from tests.world import build

pytestmark = pytest.mark.timeout(240)

Visits = Callable[[int], bool]


def each(_: int) -> bool:
    """Where a death leaves progress behind, the next visit is another place: die on every one."""
    return True


def odd(visit: int) -> bool:
    """Where a successor comes by again, dying on odd visits is dying once at every place."""
    return visit % 2 == 1


def two_of_three(visit: int) -> bool:
    """The successor dies at the same place too."""
    return visit % 3 != 0


PROGRESS = (Checkpoint.COMMITTED, Checkpoint.EFFECT_FINISHED)
SENDING = (Checkpoint.EFFECT_STARTED, Checkpoint.EFFECT_SENT, Checkpoint.READ_BACK)
DEATHS = [
    *((checkpoint, each if checkpoint in PROGRESS else odd) for checkpoint in Checkpoint),
    *((checkpoint, two_of_three) for checkpoint in SENDING),
]


@pytest.fixture
def undisturbed(empty_database_url: str, redis_url: str) -> Mapping[str, Any]:
    """What comes out when nothing dies; told once for all tests."""
    return _undisturbed(_Place(empty_database_url, redis_url))


class _Place:
    """Where the undisturbed story is told; all places are equal, so that it is told once."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self.database_url, self.redis_url = database_url, redis_url

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Place)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=1)
def _undisturbed(place: _Place) -> Mapping[str, Any]:
    upgrade(place.database_url)
    teller = Teller(build(place.database_url, place.redis_url))
    teller.count_visits()
    told = teller.tell()
    checkpoints.disarm()
    found = {
        "outcome": outcome(teller.world),
        "visits": teller.visits,
        "given back": stripe_settings(teller.world, told.customer) == told.found,
    }
    teller.world.close()
    return found


def test_the_undisturbed_story_ends_well_and_passes_every_checkpoint(
    undisturbed: Mapping[str, Any],
) -> None:
    """Without this the comparisons below could compare two failures."""
    ours = undisturbed["outcome"]["ours"]
    visits: Counter[Checkpoint] = undisturbed["visits"]

    assert set(visits) == set(Checkpoint)
    assert undisturbed["given back"]
    assert [case["outcome"] for case in ours["cases"]] == ["paid"]
    assert {state for state, _ in ours["ledger"].values()} == {"restored", "moot"}
    assert ours["unfinished"] == []
    assert ours["dirty"] == []
    assert ours["alerts"] == []
    assert {mail["kind"] for mail in undisturbed["outcome"]["stripe"]["mails"]} == {"receipt"}


@pytest.mark.req("R17", partly="crashes only; duplicate deliveries are in tests/ingress")
@pytest.mark.req("R12", partly="restored after crashes; the rest is in tests/journeys")
@pytest.mark.parametrize(
    ("checkpoint", "visits"), DEATHS, ids=[f"{one}-{when.__name__}" for one, when in DEATHS]
)
def test_a_process_that_dies_here_with_redis_changes_nothing_in_the_end(
    checkpoint: Checkpoint,
    visits: Visits,
    teller: Teller,
    undisturbed: Mapping[str, Any],
) -> None:
    teller.die_at(checkpoint, visits)

    told = teller.tell()

    assert teller.deaths
    assert differences(outcome(teller.world), undisturbed["outcome"]) == []
    assert stripe_settings(teller.world, told.customer) == told.found


def test_a_process_that_dies_everywhere_in_turn_changes_nothing_in_the_end(
    teller: Teller, undisturbed: Mapping[str, Any]
) -> None:
    for place, checkpoint in enumerate(Checkpoint):
        teller.die_at(checkpoint, lambda visit, place=place: (visit + place) % 4 == 0)  # type: ignore[misc]

    told = teller.tell()

    assert len(set(teller.deaths)) > len(Checkpoint) / 2
    assert differences(outcome(teller.world), undisturbed["outcome"]) == []
    assert stripe_settings(teller.world, told.customer) == told.found


def test_redis_that_keeps_its_keys_through_the_deaths_changes_nothing_either(
    teller: Teller, undisturbed: Mapping[str, Any]
) -> None:
    teller.flush = False
    teller.die_at(Checkpoint.EFFECT_SENT, lambda visit: visit % 2 == 1)

    teller.tell()

    assert differences(outcome(teller.world), undisturbed["outcome"]) == []


def test_a_death_right_after_sending_is_seen_as_an_attempt_by_the_successor(
    teller: Teller,
) -> None:
    teller.die_at(Checkpoint.EFFECT_SENT, lambda visit: visit == 1)

    teller.tell()

    with teller.world.runtime.store.begin() as tx:
        first = min(tx.effects.of_account(_only_account(teller)), key=lambda effect: effect.id)
    assert first.attempts == 2
    assert first.state is EffectState.DONE


def _only_account(teller: Teller) -> Any:
    with teller.world.runtime.store.begin() as tx:
        (account,) = tx.cases.accounts()
    return account
