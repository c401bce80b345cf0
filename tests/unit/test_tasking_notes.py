"""What people type into the living task: kept, never made up, and a sign that somebody is on it."""

from __future__ import annotations

import pytest

from tests.unit.tasks import another_fails, noted, vip


@pytest.mark.req("R14", partly="notes; the rest stands beside it")
def test_notes_typed_into_the_task_are_kept_across_every_update() -> None:
    desk = vip()
    desk.person_types("called Dana, she asks for a copy")
    desk.look()

    for number in (2, 3, 4):
        another_fails(desk, number)
        desk.wait(minutes=20)

    assert noted(desk) == ["called Dana, she asks for a copy"]
    desk.pays()
    assert noted(desk) == ["called Dana, she asks for a copy"]


def test_a_note_on_the_way_is_not_ours_and_our_old_text_is_not_a_note() -> None:
    desk = vip()
    another_fails(desk)
    desk.judge()
    desk.person_types("called Dana")
    another_fails(desk, 3)

    desk.judge()
    desk.judge()
    desk.deliver()

    assert noted(desk) == ["called Dana"]


def test_nothing_is_a_note_while_a_slow_crm_still_shows_older_texts() -> None:
    desk = vip()
    for number in range(2, 14):
        another_fails(desk, number)
        desk.judge()
    desk.deliver()
    desk.look()

    assert noted(desk) == []


def test_a_note_that_its_writer_takes_away_stays_away() -> None:
    desk = vip()
    desk.person_types("the card number is 4242")
    desk.look()
    desk.person_edits(description=desk.task.description.replace("the card number is 4242", ""))

    another_fails(desk)
    desk.look()

    assert noted(desk) == []


@pytest.mark.req("R40")
def test_writing_into_the_task_counts_as_activity() -> None:
    desk = vip()
    desk.wait(hours=3)
    desk.person_types("left a message for Dana")
    desk.look()

    desk.wait(hours=2)

    assert desk.open_case.hops == ()
    assert len(desk.heard("task.worked_on")) == 1


def test_another_status_counts_as_activity_once() -> None:
    desk = vip()
    desk.person_edits(status="Not Started")
    desk.look()
    desk.person_edits(status="In Progress")

    for _ in range(3):
        desk.wait(minutes=30)

    assert len(desk.heard("task.worked_on")) == 1
    assert desk.task.status == "In Progress"


def test_our_own_update_is_nobodys_activity() -> None:
    desk = vip()
    for number in (2, 3):
        another_fails(desk, number)
        desk.wait(minutes=20)

    assert desk.heard("task.worked_on") == []
