"""Nobody acts: the reminder, the chain, the administrators, and the times at which each happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.case import CaseState
from domain.facts import Person, Role
from domain.policy import AfterFraction, Automation, HoldStart, OnDay
from mappings.policy_file import preset
from tests.unit.desk import FELIX, INES, MORGAN, OPS, START, Desk

NO_CSM = {Role.OWNER: FELIX, Role.MANAGER: INES}
"""Without a CSM and with a thousand a month the account is `high`: one working day to act."""


def new_york(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    """A moment of November or December 2026 on New York's clock."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


def vip() -> Desk:
    return Desk(mrr="14200").fails()


def high() -> Desk:
    return Desk(people=NO_CSM).fails()


def heirs(desk: Desk) -> list[tuple[str, datetime]]:
    return [(hop.person_name, hop.at) for hop in desk.open_case.hops]


# ---------------------------------------------------------------- the chain


@pytest.mark.req("R40")
def test_when_nobody_acts_the_owner_gets_a_task_once() -> None:
    desk = vip()

    desk.until(new_york(20, 12, 59))
    assert heirs(desk) == []

    desk.until(new_york(20, 16, 59))
    assert heirs(desk) == [(FELIX.name, new_york(20, 13))]
    assert len(desk.writes("kg-in_1-e1")) == 1
    assert desk.hop(1).owner_id == FELIX.id
    assert desk.task.owner_id == MORGAN.id


@pytest.mark.req("R40")
def test_a_logged_talk_in_the_window_means_no_escalation_at_its_end() -> None:
    desk = vip()
    desk.until(new_york(20, 12))
    desk.person_talks()

    desk.until(new_york(20, 15, 59))

    assert heirs(desk) == []
    assert desk.open_case.window_ends_at == new_york(20, 16)


def test_a_talk_before_the_failure_does_not_count() -> None:
    desk = Desk(mrr="14200")
    desk.person_talks()
    desk.now += timedelta(hours=1)
    desk.fails()

    desk.wait(hours=5)

    assert [name for name, _ in heirs(desk)] == [FELIX.name]


def test_after_a_talk_silence_goes_on_to_the_next_all_the_same() -> None:
    desk = vip()
    desk.until(new_york(20, 12))
    desk.person_talks()

    desk.until(new_york(20, 16, 1))

    assert heirs(desk) == [(FELIX.name, new_york(20, 16))]


@pytest.mark.req("R42")
def test_the_chain_is_walked_and_then_the_administrators_hear_of_it_every_window() -> None:
    desk = vip()

    desk.until(new_york(25, 12))

    assert heirs(desk) == [
        (FELIX.name, new_york(20, 13)),
        (INES.name, new_york(20, 17)),
        (OPS.name, new_york(23, 13)),
    ]
    told = [key for key in desk.alerts if "nobody-acts" in key]
    assert [key.rpartition(":")[2] for key in told] == ["2026-11-23", "2026-11-24"]
    desk.until(new_york(27, 12))
    assert len([key for key in desk.alerts if "nobody-acts" in key]) == 3


@pytest.mark.req("R41")
def test_after_three_days_without_a_worker_every_due_step_happens_in_order() -> None:
    awake, asleep = vip(), vip()
    awake.until(START + timedelta(days=3, hours=9))

    asleep.sleep(days=3, hours=9)

    assert heirs(asleep) == heirs(awake)
    assert heirs(asleep) == sorted(heirs(asleep), key=lambda one: one[1])
    assert len(heirs(asleep)) == 3
    assert asleep.alerts == awake.alerts
    assert {key: task.owner_id for key, task in asleep.tasks.items()} == {
        key: task.owner_id for key, task in awake.tasks.items()
    }


def test_what_a_late_worker_writes_down_is_in_the_order_of_time() -> None:
    desk = vip()

    desk.sleep(days=3)

    moments = [line.at for line in desk.open_case.changes]
    assert moments == sorted(moments)
    assert not any("Half" in line.text for line in desk.open_case.changes)


@pytest.mark.req("R42")
@pytest.mark.parametrize("gone", [replace(FELIX, is_active=False), replace(FELIX, is_away=True)])
def test_somebody_who_is_not_there_is_passed_over(gone: Person) -> None:
    people = {Role.CSM: MORGAN, Role.OWNER: gone, Role.MANAGER: INES}
    desk = Desk(mrr="14200", people=people).fails()

    desk.until(new_york(20, 14))

    assert [name for name, _ in heirs(desk)] == [INES.name]
    assert FELIX.id not in {task.owner_id for task in desk.tasks.values()}


def test_while_the_crm_is_away_nobody_is_passed_over_and_the_administrators_hear_of_it() -> None:
    desk = vip()
    desk.is_down = True

    desk.until(new_york(20, 14))
    desk.look()

    assert heirs(desk) == []
    assert list(desk.alerts) == ["alert:cannot-hand-on:kg-in_1:2026-11-20"]
    assert min(desk.timers.values()) > desk.now


def test_a_talk_that_was_logged_while_the_crm_was_away_counts_when_it_is_back() -> None:
    desk = vip()
    desk.is_down = True
    desk.until(new_york(20, 12))
    desk.person_talks()
    desk.until(new_york(20, 14))

    desk.is_down = False
    desk.look()

    assert heirs(desk) == []
    assert desk.open_case.window_ends_at == new_york(20, 16)


def test_once_the_crm_is_back_what_was_due_goes_on_in_the_right_order() -> None:
    desk = vip()
    desk.is_down = True
    desk.until(new_york(20, 14))

    desk.is_down = False
    desk.look()

    assert heirs(desk) == [(FELIX.name, new_york(20, 13))]


def test_an_account_that_the_crm_never_knew_is_still_told_of_to_the_administrators() -> None:
    desk = Desk(mrr="14200", crm_gap="no CRM account carries this customer id").fails()

    desk.until(new_york(20, 14))

    assert any("nobody-acts" in key for key in desk.alerts)


# ---------------------------------------------------------------- times


def test_the_reminder_comes_at_half_of_the_window() -> None:
    desk = vip()

    desk.until(new_york(20, 12))

    assert desk.heard("escalation.reminder") == [new_york(20, 11)]


def test_a_reminder_never_comes_at_night_or_on_a_weekend() -> None:
    desk = Desk(now=new_york(20, 16), mrr="14200").fails()
    assert desk.open_case.window_ends_at == new_york(23, 12)

    desk.until(new_york(23, 11, 59))

    assert desk.heard("escalation.reminder") == [new_york(23, 9)]


def test_there_is_no_reminder_when_work_begins_with_the_end_of_the_window() -> None:
    desk = Desk(now=new_york(20, 9), people=NO_CSM).fails()
    assert desk.open_case.window_ends_at == new_york(23, 9)

    desk.until(new_york(23, 8, 59))

    assert desk.heard("escalation.reminder") == []
    assert heirs(desk) == []


def test_a_talk_late_in_the_window_is_not_answered_with_a_reminder_at_once() -> None:
    desk = vip()
    desk.until(new_york(20, 12, 30))
    desk.person_talks()

    desk.look()

    assert desk.heard("escalation.reminder") == [new_york(20, 11)]
    assert desk.timers["reminder"] == new_york(20, 14, 30)


def test_when_everybody_has_had_it_no_reminder_is_left() -> None:
    desk = vip()
    desk.until(new_york(24, 12))
    before = len(desk.heard("escalation.reminder"))

    desk.until(new_york(27, 12))

    assert len(desk.heard("escalation.reminder")) == before


def test_the_time_of_a_task_that_begins_on_day_seven_runs_from_then() -> None:
    desk = Desk(mrr="2500", policy=preset("hand-off"), people=NO_CSM).fails()

    desk.until(START + timedelta(days=7))

    assert desk.heard("escalation.reminder") == []
    assert desk.timers["reminder"] > desk.now


def test_it_does_not_go_on_to_the_next_before_the_due_day_is_over() -> None:
    desk = Desk(mrr="2500", policy=preset("hand-off"), people=NO_CSM).fails()

    desk.until(START + timedelta(days=7))

    assert desk.task.due_on == date(2026, 12, 3)
    assert desk.open_case.window_ends_at == new_york(3, 17, month=12)
    desk.until(new_york(3, 16, 59, month=12))
    assert heirs(desk) == []
    desk.until(new_york(3, 17, 1, month=12))
    assert heirs(desk) == [(INES.name, new_york(3, 17, month=12))]


def test_thanksgiving_and_the_weekend_are_nobodys_time_to_act() -> None:
    desk = Desk(now=new_york(25, 16), people=NO_CSM).fails()

    assert desk.open_case.window_ends_at == new_york(27, 16)
    assert desk.task.due_on == date(2026, 11, 27)


# ---------------------------------------------------------------- waits


def test_ten_quiet_days_are_not_followed_by_ten_days_of_escalation_at_once() -> None:
    desk = vip()
    desk.person_resolves(until=date(2026, 12, 4))
    desk.wait(hours=1)
    desk.wait(days=5)

    desk.person_clears()
    desk.look()

    assert heirs(desk) == []
    assert desk.alerts == {}
    assert desk.open_case.window_ends_at == new_york(25, 14)


def test_after_a_wait_the_old_due_day_gives_way_to_a_new_one() -> None:
    desk = vip()
    desk.person_resolves(until=date(2026, 12, 4))
    desk.wait(hours=1)
    desk.wait(days=5)

    desk.person_clears()
    desk.look()

    assert desk.task.due_on == date(2026, 11, 25)
    assert desk.task.subject.endswith("by Wed 25 Nov")


@pytest.mark.req("R13", partly="the journeys show who set it and why")
def test_when_the_time_for_the_fix_runs_out_the_task_is_asked_again() -> None:
    desk = vip()
    desk.person_resolves(until=date(2026, 11, 24))
    desk.look()

    desk.until(new_york(25, 0, 1))

    assert desk.open_case.state is CaseState.WITH_PERSON
    assert desk.task.due_on == date(2026, 11, 27), "the next working day: the 26th is Thanksgiving"
    assert desk.open_case.window_ends_at == new_york(27, 17)
    assert heirs(desk) == []


def test_nobody_is_passed_over_while_a_promise_is_waited_for() -> None:
    desk = vip()
    desk.promise = date(2026, 12, 1)
    desk.look()

    desk.until(new_york(2, 8, 59, month=12))

    assert heirs(desk) == []
    assert "escalation" not in desk.timers


def test_a_broken_promise_is_asked_about_and_then_goes_on_to_the_next() -> None:
    desk = vip()
    desk.promise = date(2026, 12, 1)
    desk.look()

    desk.until(new_york(2, 9, 1, month=12))
    assert desk.task.due_on == date(2026, 12, 3)
    assert heirs(desk) == []

    desk.until(new_york(3, 17, 1, month=12))
    assert heirs(desk) == [(FELIX.name, new_york(3, 17, month=12))]


# ---------------------------------------------------------------- never forgotten

HELD = [
    pytest.param({"mrr": "14200"}, id="default"),
    pytest.param({"mrr": "14200", "policy": preset("relationship-first")}, id="relationship-first"),
    pytest.param({"mrr": "14200", "policy": preset("revops-sop")}, id="revops-sop"),
]


@pytest.mark.req("R41")
@pytest.mark.parametrize("parts", HELD)
@pytest.mark.parametrize("what", ["nothing", "word", "promise", "talk", "snooze", "complete"])
def test_whatever_is_held_is_looked_at_again_at_a_set_time(
    parts: dict[str, object], what: str
) -> None:
    desk = Desk(**parts).fails()  # type: ignore[arg-type]
    for _ in range(8):
        if desk.open_case.state.needs_person:
            _play(desk, what)
            desk.look()
        assert desk.timers, what
        assert min(desk.timers.values()) > desk.now
        desk.until(min(desk.timers.values()))


def _play(desk: Desk, what: str) -> None:
    match what:
        case "word":
            desk.person_resolves()
        case "promise":
            desk.promise = date(2026, 11, 30)
        case "talk":
            desk.person_talks()
        case "snooze":
            desk.person_edits(due_on=desk.now.date() + timedelta(days=4))
        case "complete":
            desk.person_completes("No answer")


def test_a_tier_that_waits_for_a_part_of_its_window_begins_on_a_set_day() -> None:
    policy = preset("default")
    tier = replace(
        policy.tiers[1],
        handoff=AfterFraction(1, 3),
        automation=Automation.PARALLEL,
        hold_start=HoldStart.REACT,
    )
    desk = Desk(people=NO_CSM, policy=replace(policy, tiers=(tier, *policy.tiers[2:]))).fails()

    assert desk.timers == {"handoff": START + timedelta(days=10)}
    assert tier.handoff != OnDay(0)
