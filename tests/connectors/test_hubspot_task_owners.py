"""Who gets a task, and when it is due for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.errors import Rejected
from tests.connectors.hubspot_stage import START, Stage, kept, receipt, staged


@pytest.fixture
def usual() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.mark.parametrize("how", ["away", "deactivated"])
def test_somebody_who_cannot_take_work_is_skipped_and_said_so(usual: Stage, how: str) -> None:
    if how == "away":
        usual.sim.set_away(usual.csm)
    else:
        usual.sim.deactivate(usual.csm)
    answer = receipt(usual.connector().write([kept(usual, fallback_owner_id=usual.spare)]))
    why = "is away" if how == "away" else "has left"
    assert (answer.now["owner_id"], answer.note) == (
        usual.spare,
        f"owner {usual.csm} {why}; given to {usual.spare} instead",
    )


def test_without_a_living_fallback_a_deactivated_owner_is_refused(usual: Stage) -> None:
    usual.sim.deactivate(usual.csm)
    [answer] = usual.connector().write([kept(usual)])
    assert isinstance(answer, Rejected)
    assert usual.tasks() == []


def test_an_owner_whom_the_portal_does_not_know_is_passed_on(usual: Stage) -> None:
    change = kept(usual, owner_id="12345", fallback_owner_id=usual.spare)
    answer = receipt(usual.connector().write([change]))
    assert answer.now["owner_id"] == usual.spare


def test_a_fallback_who_is_away_gets_the_task_all_the_same_and_it_is_said(usual: Stage) -> None:
    usual.sim.set_away(usual.csm)
    usual.sim.set_away(usual.spare)
    answer = receipt(usual.connector().write([kept(usual, fallback_owner_id=usual.spare)]))
    assert (answer.now["owner_id"], answer.note) == (
        usual.spare,
        f"owner {usual.csm} is away; given to {usual.spare}, who is away too",
    )


def test_a_fallback_who_is_away_is_passed_over_for_an_owner_who_is_there(usual: Stage) -> None:
    usual.sim.set_away(usual.spare)
    answer = receipt(usual.connector().write([kept(usual, fallback_owner_id=usual.spare)]))
    assert (answer.now["owner_id"], answer.note) == (usual.csm, "")


@pytest.mark.parametrize("is_there", [True, False])
def test_an_unknown_owner_and_a_fallback_who_is_away_are_both_said(
    usual: Stage, is_there: bool
) -> None:
    usual.sim.set_away(usual.spare, not is_there)
    change = kept(usual, owner_id="12345", fallback_owner_id=usual.spare)
    how = "instead" if is_there else "who is away too"
    assert receipt(usual.connector().write([change])).note.endswith(how)


def test_an_owner_who_is_away_keeps_what_nobody_else_can_be_given(usual: Stage) -> None:
    usual.sim.set_away(usual.csm)
    answer = receipt(usual.connector().write([kept(usual)]))
    assert (answer.now["owner_id"], answer.note) == (
        usual.csm,
        f"owner {usual.csm} is away, and nobody else could be given it",
    )


# ---------------------------------------------------------------- when it is due

EARLY = [{"days": "MONDAY_TO_FRIDAY", "startMinute": 360, "endMinute": 540}]
MONDAYS = [{"days": "MONDAY", "startMinute": 480, "endMinute": 990}]
TODAY, FRIDAY = START.date(), date(2026, 11, 27)
"""The clock stands on a Friday, at six in the morning where the CSM works."""


@pytest.mark.parametrize(
    ("hours", "at", "asked", "due"),
    [
        (EARLY, timedelta(hours=2), TODAY, "2026-11-20T17:00:00Z"),
        (EARLY, timedelta(hours=3), TODAY, "2026-11-23T17:00:00Z"),
        (EARLY, timedelta(days=3), TODAY, "2026-11-23T17:00:00Z"),
        (MONDAYS, timedelta(0), FRIDAY, "2026-12-01T00:30:00Z"),
        (MONDAYS, timedelta(days=3, hours=11), FRIDAY - timedelta(days=4), "2026-12-01T00:30:00Z"),
        ([], timedelta(hours=10), TODAY, "2026-11-21T01:00:00Z"),
        ([], timedelta(hours=11), TODAY, "2026-11-24T01:00:00Z"),
        ([], timedelta(0), TODAY + timedelta(days=1), "2026-11-22T01:00:00Z"),
    ],
    ids=[
        "the day is not over",
        "the day is over",
        "the day was before",
        "not a day of theirs",
        "over, and a week to the next",
        "no hours",
        "no hours, over",
        "no hours, on a weekend that was asked for",
    ],
)
def test_a_task_is_due_at_the_end_of_the_next_day_that_its_owner_works(
    usual: Stage, hours: list[dict[str, Any]], at: timedelta, asked: date, due: str
) -> None:
    usual.sim.set_working_hours(usual.csm, hours)
    usual.clock.advance(at)
    usual.connector().write([kept(usual, due_on=asked)])
    assert usual.tasks()[0]["hs_timestamp"] == due


def test_a_day_that_we_moved_is_not_taken_for_a_persons_word(usual: Stage) -> None:
    usual.sim.set_working_hours(usual.csm, MONDAYS)
    connector = usual.connector()
    answer = receipt(connector.write([kept(usual, due_on=FRIDAY)]))
    usual.sim.human(usual.csm).reassign_task(answer.ref.id, usual.owner)
    [item] = usual.read(connector).tasks
    assert (answer.now["due_on"], item.due_on) == (FRIDAY.isoformat(), FRIDAY)


def test_a_day_to_which_a_person_moves_it_is_their_word(usual: Stage) -> None:
    usual.sim.set_working_hours(usual.csm, MONDAYS)
    connector = usual.connector()
    task = receipt(connector.write([kept(usual, due_on=FRIDAY)])).ref.id
    moved = datetime(2026, 12, 3, 18, tzinfo=UTC)
    usual.sim.human(usual.csm).snooze_task(task, moved)
    [item] = usual.read(connector).tasks
    assert item.due_on == moved.date()


@pytest.mark.parametrize("text", ["", "soon 2026-12-01T00:30:00.000Z", "2026-11-27"])
def test_what_is_typed_over_the_day_that_we_keep_is_not_read(usual: Stage, text: str) -> None:
    usual.sim.set_working_hours(usual.csm, MONDAYS)
    connector = usual.connector()
    task = receipt(connector.write([kept(usual, due_on=FRIDAY)])).ref.id
    usual.sim.human(usual.csm).edit_task(task, kidglove_due=text)
    [item] = usual.read(connector).tasks
    assert item.due_on == date(2026, 11, 30)


def test_a_portal_that_cannot_keep_the_day_is_given_the_day_itself(usual: Stage) -> None:
    usual.sim.drop_property("tasks", "kidglove_due")
    usual.sim.set_working_hours(usual.csm, MONDAYS)
    connector = usual.connector()
    answer = receipt(connector.write([kept(usual, due_on=FRIDAY)]))
    assert answer.now["due_on"] == FRIDAY.isoformat()
    assert usual.tasks()[0]["hs_timestamp"] == "2026-11-28T01:00:00Z"
