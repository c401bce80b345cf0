"""The living task between us and the people who work on it: nobody's word is lost or made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from domain.case import CaseState
from domain.facts import Person, Role
from domain.living_text import HEADING
from tests.unit.desk import FELIX, INES, MORGAN, OPS, TEAM, Desk, failed


def vip() -> Desk:
    return Desk(mrr="14200").fails()


def high() -> Desk:
    """Without a CSM the thousand a month decides: automation goes on beside, one working day."""
    return Desk(people={Role.OWNER: FELIX, Role.MANAGER: INES}).fails()


def another_fails(desk: Desk, number: int = 2) -> None:
    """Something that makes us write the task anew."""
    desk.invoices.append(failed(desk.now, id=f"in_{number}", amount="300"))


def noted(desk: Desk) -> list[str]:
    """What stands below the heading of what people wrote."""
    _, found, below = desk.task.description.partition(f"{HEADING}\n")
    return below.splitlines() if found else []


# ---------------------------------------------------------------- the day


@pytest.mark.req("R14", partly="snooze; the rest stands beside it")
def test_a_later_day_inside_the_window_is_a_snooze() -> None:
    desk = vip()
    desk.person_edits(due_on=date(2026, 11, 25))

    desk.wait(days=2)

    assert desk.open_case.hops == ()
    assert desk.task.due_on == date(2026, 11, 25)
    assert desk.open_case.window_ends_at == datetime(2026, 11, 25, 17, tzinfo=UTC), "noon"
    assert desk.task.subject.endswith("call by Wed 25 Nov")


def test_a_snooze_to_a_day_off_ends_on_the_next_working_day() -> None:
    desk = vip()
    desk.person_edits(due_on=date(2026, 11, 26))

    desk.look()

    assert desk.open_case.window_ends_at == datetime(2026, 11, 27, 17, tzinfo=UTC)


def test_a_snooze_past_the_window_goes_on_to_the_next() -> None:
    desk = high()
    desk.person_edits(due_on=date(2027, 2, 1))

    desk.look()

    assert [hop.person_name for hop in desk.open_case.hops] == [INES.name]
    assert desk.task.due_on == date(2027, 2, 1), "the field does not change back"
    assert "Moved to Mon 1 Feb, past the window; it goes on to the next." in desk.task.description


def test_a_day_moved_into_the_past_is_left_and_changes_nothing() -> None:
    desk = vip()
    desk.person_edits(due_on=date(2026, 11, 19))
    desk.look()
    another_fails(desk)

    desk.look()

    assert desk.task.due_on == date(2026, 11, 19)
    assert desk.open_case.window_ends_at == datetime(2026, 11, 20, 18, tzinfo=UTC)


def test_our_own_new_day_is_never_a_snooze() -> None:
    desk = high()
    assert desk.open_case is not None
    desk.case = replace(desk.open_case, due_on=date(2026, 11, 20), reopened=1)

    desk.look()

    assert desk.task.due_on == date(2026, 11, 20), "written before anybody had seen the first"
    assert desk.heard("task.snoozed") == []


def test_a_day_on_its_way_is_not_taken_for_a_person_s_when_it_arrives() -> None:
    desk = vip()
    desk.look()
    for day in (21, 22, 23):
        desk.case = replace(desk.open_case, due_on=date(2026, 11, day))
        desk.judge()
        first = desk.waiting.pop("task:kg-in_1")
        desk.judge()
        desk.waiting = {first.subject: first}
        desk.deliver()
        desk.judge()

    assert desk.heard("task.snoozed") == []


# ---------------------------------------------------------------- the owner


def test_a_task_given_to_a_colleague_stays_with_them() -> None:
    desk = vip()
    desk.person_edits(owner_id="005X")
    desk.look()
    another_fails(desk)

    desk.wait(minutes=20)

    assert desk.task.owner_id == "005X"
    assert "Given to a colleague." in desk.task.description


def test_a_colleague_who_was_given_it_is_called_by_name() -> None:
    desk = vip()
    desk.person_edits(owner_id=FELIX.id)

    desk.look()

    assert "Given to Felix Nordstrom." in desk.task.description
    assert "goes to Ines Okafor" in desk.task.description


@pytest.mark.req("R42")
@pytest.mark.parametrize("gone", [replace(MORGAN, is_active=False), replace(MORGAN, is_away=True)])
def test_an_owner_who_leaves_hands_the_task_on(gone: Person) -> None:
    desk = vip()
    desk.people = {**TEAM, Role.CSM: gone}

    desk.look()

    assert desk.task.owner_id == FELIX.id
    assert "Morgan Vale is away; Felix Nordstrom has it." in desk.task.description


@pytest.mark.req("R42")
def test_a_task_given_to_somebody_who_is_away_goes_to_somebody_who_is_there() -> None:
    desk = vip()
    desk.look()
    desk.people = {**TEAM, Role.OWNER: replace(FELIX, is_away=True)}
    desk.person_edits(owner_id=FELIX.id)

    desk.look()

    assert desk.task.owner_id in (MORGAN.id, INES.id)


@pytest.mark.req("R42")
def test_when_nobody_is_there_the_administrators_hear_of_it_at_once() -> None:
    desk = vip()
    gone = {role: replace(person, is_active=False) for role, person in TEAM.items()}
    desk.people, desk.fallback = gone, None

    desk.look()

    assert "nobody who could take it" in desk.alerts["alert:no-recipient:kg-in_1"]
    assert desk.open_case.assignee_id is None


def test_an_account_that_the_crm_does_not_know_goes_to_the_fallback_and_says_so() -> None:
    desk = Desk(mrr="14200", crm_gap="no CRM account carries this customer id").fails()

    assert desk.task.owner_id == OPS.id
    assert desk.task.description.startswith(
        "Now: Nothing from Salesforce: no CRM account carries this customer id."
    )


def test_once_the_account_is_known_its_own_people_get_the_task() -> None:
    desk = Desk(mrr="14200", crm_gap="no CRM account carries this customer id").fails()
    desk.crm_gap = None

    desk.look()

    assert desk.task.owner_id == MORGAN.id
    assert desk.writes()[-1].body["owner_id"] == MORGAN.id
    assert "Morgan Vale has it." in desk.task.description


def test_a_crm_that_was_down_when_it_failed_gets_one_task_for_the_right_person() -> None:
    desk = Desk(mrr="14200", is_down=True).fails()
    desk.wait(minutes=10)
    assert desk.tasks == {}
    desk.is_down = False

    desk.look()

    assert list(desk.tasks) == ["kg-in_1"]
    assert desk.task.owner_id == MORGAN.id
    assert desk.task.due_on == date(2026, 11, 20)
    assert desk.task.priority == "High"


def test_what_the_fallback_has_begun_stays_with_the_fallback() -> None:
    desk = Desk(mrr="14200", people={}).fails()
    assert desk.task.owner_id == OPS.id
    desk.person_types("on it")
    desk.look()
    desk.people = TEAM

    desk.look()

    assert desk.task.owner_id == OPS.id


# ---------------------------------------------------------------- priority and status


def test_a_priority_that_a_person_lowers_stays_low() -> None:
    desk = vip()
    assert desk.task.priority == "High"
    desk.person_edits(priority="Low")
    another_fails(desk)

    desk.look()

    assert desk.task.priority == "Low"


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
