"""The living task between us and the people who work on it: nobody's word is lost or made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from domain.facts import Person, Role
from tests.unit.desk import FELIX, INES, MORGAN, OPS, TEAM, Desk
from tests.unit.tasks import another_fails, high, vip

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


def test_while_it_is_in_resolution_the_task_is_due_when_that_ends() -> None:
    desk = vip()
    desk.person_resolves(until=date(2026, 12, 4))

    desk.look()

    assert desk.task.due_on == date(2026, 12, 7), "the Monday after"
    desk.person_resolves(until=date(2026, 12, 11))
    desk.look()
    assert desk.task.due_on == date(2026, 12, 14), "it goes with the wait"


def test_a_wait_that_is_taken_back_gives_the_task_a_day_of_its_own_again() -> None:
    desk = vip()
    desk.promise = date(2026, 12, 1)
    desk.look()
    assert desk.task.due_on == date(2026, 12, 2)

    desk.promise = None
    desk.look()

    assert desk.task.due_on == date(2026, 11, 20)


def test_a_day_that_a_person_chose_during_a_wait_stays() -> None:
    desk = vip()
    desk.person_resolves(until=date(2026, 12, 4))
    desk.look()
    desk.person_edits(due_on=date(2026, 11, 30))
    desk.look()

    desk.person_clears()
    desk.look()

    assert desk.task.due_on == date(2026, 11, 30)
    assert desk.open_case.window_ends_at == datetime(2026, 11, 30, 22, tzinfo=UTC)


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


def test_a_task_that_nobody_could_take_is_not_the_integrations_own() -> None:
    desk = Desk(mrr="14200", people={}, fallback=None).fails()
    for _ in range(3):
        desk.look()
    assert desk.open_case.assignee_id is None
    assert "Given to" not in desk.task.description

    desk.people = TEAM
    desk.look()

    assert desk.task.owner_id == MORGAN.id


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
