"""A task that is completed, deleted or over: what comes back, what it says, and what stays."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from domain.case import CaseState
from domain.facts import Meaning
from tests.unit.desk import FELIX, MORGAN
from tests.unit.tasks import high, line, noted, vip

# ---------------------------------------------------------------- completed


@pytest.mark.req("R14", partly="completion and outcome; the rest stands beside it")
def test_a_task_completed_while_money_is_open_is_asked_again_once_with_the_reason() -> None:
    desk = vip()
    before = len(desk.writes())
    desk.person_completes("No answer")

    for _ in range(3):
        desk.look()

    assert not desk.task.is_closed
    assert desk.task.due_on == date(2026, 11, 23)
    assert len(desk.heard("task.reopened")) == 1
    assert len(desk.writes()) == before + 1
    now = desk.task.description.splitlines()[0]
    assert now.startswith("Now: This task is back: it was completed as “No answer”, but the money")


def test_an_outcome_that_moves_on_is_noted_and_not_held_against_anybody() -> None:
    desk = vip()
    desk.person_completes("Reached - will pay", Meaning.ADVANCES)

    desk.look()

    assert desk.task.due_on == date(2026, 11, 24)
    assert desk.task.description.startswith(
        "Now: Noted: “Reached - will pay”; due again on Tue 24 Nov. Unpaid"
    )
    assert line(desk, "Do") == (
        "Do: Nothing for now; look again by Tue 24 Nov 12:00. If they named a day, set “Promise "
        "date”."
    )
    assert "It is due again on Tue 24 Nov, if the money is not here by then." in (
        desk.task.description
    )


def test_on_that_day_the_task_asks_again() -> None:
    desk = vip()
    desk.person_completes("Reached - will pay", Meaning.ADVANCES)
    desk.look()

    desk.until(datetime(2026, 11, 24, 14, tzinfo=UTC))

    assert line(desk, "Now").startswith("Now: This task is back: it was completed as “Reached")
    assert line(desk, "Do").startswith("Do: Call the customer by Tue 24 Nov 12:00")


def test_an_outcome_that_calls_for_nothing_says_how_to_end_it() -> None:
    desk = vip()
    desk.person_completes("Not needed", Meaning.NOT_NEEDED)

    desk.look()

    assert "set the status on the account, or have the invoice cancelled." in desk.task.description


def test_a_wrong_contact_goes_to_somebody_who_may_know_the_right_one() -> None:
    desk = vip()
    desk.person_completes("Wrong contact", Meaning.WRONG_CONTACT)

    desk.look()

    assert [hop.person_name for hop in desk.open_case.hops] == [FELIX.name]
    assert "Somebody else may know the right person." in desk.task.description


def test_until_our_reopening_arrives_a_completion_counts_once() -> None:
    desk = vip()
    desk.look()
    desk.person_completes("No answer")

    for _ in range(3):
        desk.judge()
    desk.deliver()
    desk.look()

    assert desk.open_case.reopened == 1
    assert not desk.task.is_closed


def test_a_task_completed_during_a_hold_comes_back_for_the_day_after_it() -> None:
    desk = vip()
    desk.person_resolves(until=date(2026, 12, 4))
    desk.look()
    desk.person_completes()

    desk.look()

    assert not desk.task.is_closed
    assert desk.task.due_on == date(2026, 12, 7), "the Monday after the hold"
    assert desk.open_case.state is CaseState.IN_RESOLUTION
    assert desk.task.description.splitlines()[0].startswith("Now: Noted: in resolution until")


def test_a_task_completed_in_the_same_minute_as_the_hold_is_explained_by_it() -> None:
    desk = vip()
    desk.person_completes("Needs time")
    desk.person_resolves(until=date(2026, 12, 4))

    desk.look()

    assert desk.task.due_on == date(2026, 12, 7)
    assert "Please look again" not in desk.task.description


# ---------------------------------------------------------------- deleted


def test_a_deleted_task_comes_back_once_and_says_why() -> None:
    desk = vip()
    desk.person_types("called Dana")
    desk.look()
    desk.person_deletes()

    for _ in range(3):
        desk.look()

    assert "The task was deleted. Here it is again" in desk.task.description
    assert noted(desk) == ["called Dana"]
    assert desk.task.owner_id == MORGAN.id
    assert desk.task.priority == "High"
    assert len(desk.heard("task.deleted")) == 1


def test_a_task_that_the_crm_does_not_show_yet_is_not_deleted() -> None:
    desk = high()
    desk.tasks.clear()

    desk.look()

    assert desk.heard("task.deleted") == []
    assert list(desk.tasks) == ["kg-in_1"]


# ---------------------------------------------------------------- the end


def test_what_people_did_in_the_last_minute_is_not_undone_by_the_end() -> None:
    desk = vip()
    desk.look()
    desk.person_edits(owner_id="005X", due_on=date(2026, 11, 25), priority="Low")

    desk.pays()

    assert desk.task.is_closed
    assert desk.task.owner_id == "005X"
    assert desk.task.due_on == date(2026, 11, 25)
    assert desk.task.priority == "Low"


@pytest.mark.req("R50", partly="within a job cycle, on a whole world in the journeys")
def test_a_task_completed_a_moment_before_the_money_came_says_so_too() -> None:
    desk = vip()
    desk.person_types("they paid on the phone")
    desk.person_completes("Card updated")

    desk.pays()
    before = len(desk.writes())
    for _ in range(3):
        desk.wait(days=1)

    assert desk.task.is_closed
    assert desk.task.subject.startswith("Paid: Aurelius Partners, $14,200")
    assert noted(desk) == ["they paid on the phone"]
    assert len(desk.writes()) == before


@pytest.mark.req("R68", partly="the payer and the time stand in the journeys")
def test_the_end_is_written_once() -> None:
    desk = vip()
    desk.pays()
    before = len(desk.writes())

    for _ in range(5):
        desk.wait(days=1)

    assert len(desk.writes()) == before
    assert desk.task.subject == "Paid: Aurelius Partners, $14,200 - nothing to do"


# ---------------------------------------------------------------- nothing changes


def test_ten_quiet_days_cost_at_most_one_write_a_day() -> None:
    desk = vip()
    desk.person_resolves(until=date(2026, 12, 20))
    desk.look()
    before = len(desk.writes())

    desk.wait(days=10)

    assert len(desk.writes()) - before <= 10


def test_looking_again_at_once_changes_nothing() -> None:
    desk = vip()
    before = len(desk.writes())

    for _ in range(10):
        desk.look()

    assert len(desk.writes()) == before
