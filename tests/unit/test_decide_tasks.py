"""What `decide` makes of a failed payment: when a person starts, who it is, and in which zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.case import CaseState
from domain.escalation import close_window
from domain.facts import Attempt, AttemptBy, Contact, Role
from domain.leaf import Known
from domain.policy import AfterManualRetry, Never
from mappings.policy_file import preset, preset_names
from tests.unit.desk import FELIX, INES, MORGAN, START, TEAM, Desk, failed

NO_CSM = {Role.OWNER: FELIX, Role.MANAGER: INES}
TOKYO = replace(MORGAN, zone="Asia/Tokyo")


def expedited(desk: Desk, reason: str = "board meeting on Monday") -> Desk:
    """What `actions.expedite` leaves for the judgement."""
    case = replace(desk.open_case, expedited_at=desk.now, expedite_reason=reason, due_on=None)
    desk.case = close_window(case)
    return desk.look()


# ---------------------------------------------------------------- when a person starts


@pytest.mark.req("R60")
def test_hand_off_gives_an_enterprise_account_a_task_on_day_zero() -> None:
    desk = Desk(mrr="5000", policy=preset("hand-off")).fails()

    assert desk.open_case.state is CaseState.WITH_PERSON
    assert desk.open_case.tier == "enterprise"
    assert desk.task.owner_id == MORGAN.id


@pytest.mark.req("R61")
def test_sequence_asks_for_a_call_on_day_one_within_one_working_day() -> None:
    desk = Desk(mrr="500", policy=preset("sequence")).fails()

    assert desk.writes()[0].body["kind"] == "call"
    assert desk.task.subject.endswith("call by Mon 23 Nov")
    assert desk.task.due_on == date(2026, 11, 23), "one working day after Friday"


@pytest.mark.req("R62")
@pytest.mark.parametrize("mrr", ["150", "2000"])
def test_hand_off_gives_other_tiers_a_task_on_day_seven_due_before_day_fourteen(mrr: str) -> None:
    desk = Desk(mrr=mrr, policy=preset("hand-off")).fails()

    desk.until(START + timedelta(days=7) - timedelta(minutes=1))
    assert desk.tasks == {}
    desk.until(START + timedelta(days=7))

    assert desk.task.due_on == date(2026, 12, 3), "day 13, a Thursday"


@pytest.mark.req("R62", partly="day and due day; the preset's own days stand beside it")
def test_a_due_day_on_a_weekend_is_the_last_working_day_before_it() -> None:
    desk = Desk(now=START + timedelta(days=2), mrr="2000", policy=preset("hand-off")).fails()

    desk.wait(days=7)

    assert desk.task.due_on == date(2026, 12, 4), "day 13 is Saturday the 5th"


@pytest.mark.req("R63")
@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("mrr", ["49", "51", "499", "500", "2000", "5000", "14200"])
def test_every_preset_calls_a_person_before_the_last_automatic_try(name: str, mrr: str) -> None:
    policy = preset(name)
    desk = Desk(mrr=mrr, policy=policy, people=NO_CSM).fails(amount=mrr)
    tier = policy.tier(desk.open_case.tier)
    last_try = START + timedelta(days=policy.window_assumed_days)

    desk.until(last_try - timedelta(minutes=1))

    assert bool(desk.tasks) is not isinstance(tier.handoff, Never)


def test_a_held_account_does_not_wait_for_ever_for_a_manual_retry() -> None:
    desk = Desk(mrr="14200", policy=preset("revops-sop")).fails()

    desk.until(START + timedelta(days=3) - timedelta(minutes=1))
    assert desk.tasks == {}
    desk.until(START + timedelta(days=3))

    assert desk.open_case.state is CaseState.WITH_PERSON
    assert desk.task.owner_id == FELIX.id


@pytest.mark.req("R108", partly="who makes the manual retry")
def test_a_failed_manual_retry_calls_the_person_at_once() -> None:
    desk = Desk(mrr="14200", policy=preset("revops-sop")).fails()
    desk.wait(hours=2)
    by_hand = Attempt(at=desk.now, succeeded=False, code="do_not_honor", by=AttemptBy.MANUAL)
    desk.invoices = [replace(one, attempts=(*one.attempts, by_hand)) for one in desk.invoices]

    desk.look()

    assert isinstance(preset("revops-sop").tier("vip").handoff, AfterManualRetry)
    assert desk.open_case.state is CaseState.WITH_PERSON
    assert desk.tasks


@pytest.mark.req("R9", partly="on a whole world in the journeys")
@pytest.mark.req("R69", partly="on a whole world in the journeys")
def test_eight_tries_on_two_invoices_are_one_task_that_lists_both() -> None:
    desk = Desk(mrr="14200", policy=preset("sequence")).fails(amount="9000")
    desk.invoices.append(failed(desk.now, id="in_2", amount="300"))
    for number in range(2, 9):
        desk.wait(hours=30)
        desk.invoices = [replace(one, attempt_count=number) for one in desk.invoices]
        desk.look()

    living = [key for key in desk.tasks if "-e" not in key]
    assert living == ["kg-in_1"]
    assert "$9,300 on 2 invoices" in desk.task.subject
    assert "INV-in_2" in desk.task.description
    assert "INV-in_2 ($300) failed too." in desk.task.description


# ---------------------------------------------------------------- expedite


@pytest.mark.req("R65", partly="the action itself stands in the journeys")
def test_expediting_makes_it_high_and_due_today_with_the_reason() -> None:
    desk = Desk(people=NO_CSM).fails()
    assert desk.task.priority == "Normal"
    desk.now += timedelta(hours=2)

    expedited(desk)

    assert desk.task.priority == "High"
    assert desk.task.due_on == date(2026, 11, 20)
    assert "Please do this first: it was expedited on Fri 20 Nov (board meeting on Monday)." in (
        desk.task.description
    )


@pytest.mark.req("R65", partly="the action itself stands in the journeys")
@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("America/New_York", date(2026, 11, 20)),
        ("Asia/Tokyo", date(2026, 11, 21)),
        ("Pacific/Auckland", date(2026, 11, 21)),
    ],
)
def test_today_is_the_owners_today(zone: str, today: date) -> None:
    people = {**TEAM, Role.CSM: replace(MORGAN, zone=zone)}
    desk = Desk(now=datetime(2026, 11, 19, 20, tzinfo=UTC), mrr="14200", people=people).fails()
    desk.now = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)

    expedited(desk)

    assert desk.task.due_on == today


@pytest.mark.req("R65", partly="the action itself stands in the journeys")
def test_expediting_before_anybody_looked_again_is_not_undone_by_our_own_first_day() -> None:
    desk = Desk(people=NO_CSM).fails()
    assert desk.task.due_on == date(2026, 11, 23)

    expedited(desk)

    for _ in range(3):
        desk.look()
    assert desk.task.due_on == date(2026, 11, 20)
    assert desk.heard("task.snoozed") == []


def test_an_expedited_task_may_still_be_snoozed_by_its_owner() -> None:
    desk = expedited(Desk(people=NO_CSM).fails())
    desk.look()
    desk.person_edits(due_on=date(2026, 11, 24))

    for _ in range(3):
        desk.look()

    assert desk.task.due_on == date(2026, 11, 24)


# ---------------------------------------------------------------- zones and holidays


def test_times_are_those_of_whoever_has_the_task() -> None:
    people = {Role.CSM: replace(MORGAN, is_away=True), Role.OWNER: replace(FELIX, zone=TOKYO.zone)}
    desk = Desk(now=datetime(2026, 11, 20, 1, tzinfo=UTC), mrr="14200", people=people).fails()

    assert desk.task.owner_id == FELIX.id
    assert "Details (times in Asia/Tokyo)" in desk.task.description
    assert desk.open_case.window_ends_at == datetime(2026, 11, 20, 5, tzinfo=UTC), "14:00 there"


def test_a_failure_on_friday_evening_in_tokyo_is_due_on_monday_in_tokyo() -> None:
    desk = Desk(
        now=datetime(2026, 11, 20, 10, tzinfo=UTC), mrr="14200", people={Role.CSM: TOKYO}
    ).fails()

    assert desk.task.due_on == date(2026, 11, 23)
    assert desk.open_case.window_ends_at == datetime(2026, 11, 23, 4, tzinfo=UTC), "13:00 there"


def test_the_clock_change_costs_nobody_an_hour() -> None:
    before = datetime(2026, 10, 30, 20, tzinfo=UTC)
    desk = Desk(now=before, mrr="14200").fails()

    assert desk.open_case.window_ends_at == datetime(2026, 11, 2, 17, tzinfo=UTC), "12:00 there"


def test_in_thanksgiving_week_the_task_waits_for_friday() -> None:
    desk = Desk(now=datetime(2026, 11, 25, 20, tzinfo=UTC), mrr="14200").fails()

    assert desk.open_case.window_ends_at == datetime(2026, 11, 27, 16, tzinfo=UTC)
    assert desk.task.due_on == date(2026, 11, 27)


# ---------------------------------------------------------------- the tasks of an escalation


def test_the_next_one_s_task_is_due_when_it_goes_on_again_and_linked_to_the_contact() -> None:
    contact = Known(Contact(id="003D", name="Dana Ruiz"), "salesforce")
    desk = Desk(mrr="14200", crm_parts={"ap_contact": contact}).fails()

    desk.wait(hours=4)

    assert desk.hop(1).due_on == date(2026, 11, 20)
    assert desk.writes("kg-in_1-e1")[0].body["contact_id"] == "003D"
    assert "Call Dana Ruiz (accounts payable) by Fri 20 Nov 17:00." in desk.hop(1).description
    assert "Not done by Fri 20 Nov 17:00 -> goes to Ines Okafor." in desk.hop(1).description


def test_the_next_one_reads_times_of_their_own_zone() -> None:
    people = {**TEAM, Role.OWNER: replace(FELIX, zone="Asia/Tokyo")}
    desk = Desk(mrr="14200", people=people).fails()

    desk.wait(hours=4)

    assert desk.hop(1).description.startswith("Now: With you too since Sat 21 Nov 03:00.")
    assert desk.hop(1).due_on == date(2026, 11, 21)


def test_how_long_somebody_had_it_counts_from_when_they_got_it() -> None:
    desk = Desk(mrr="2000", policy=preset("hand-off"), people=NO_CSM).fails()

    desk.until(START + timedelta(days=14))

    assert "Felix Nordstrom had it for 6 days before" in desk.hop(1).description
    assert "Felix Nordstrom had it for 6 days before" in desk.task.description


@pytest.mark.req("R40")
def test_who_completes_the_task_of_an_escalation_has_acted() -> None:
    desk = Desk(mrr="14200").fails()
    desk.wait(hours=4)
    hop = desk.hop(1)
    desk.now += timedelta(hours=2)
    desk.tasks[hop.key] = replace(hop, is_closed=True, closed_at=desk.now)

    desk.until(START + timedelta(hours=9))

    assert [one.person_name for one in desk.open_case.hops] == [FELIX.name]


@pytest.mark.req("R68", partly="the payer and the time stand in the journeys")
def test_the_tasks_of_an_escalation_close_with_the_case_and_say_how_it_ended() -> None:
    desk = Desk(mrr="14200").fails()
    desk.wait(hours=9)
    note = "I will call them at noon"
    desk.tasks["kg-in_1-e1"] = replace(
        desk.hop(1), description=f"{note}\n{desk.hop(1).description}"
    )

    desk.pays()

    assert all(task.is_closed for task in desk.tasks.values())
    assert {task.subject for task in desk.tasks.values()} == {
        "Paid: Aurelius Partners, $14,200 - nothing to do"
    }
    first, _, third = desk.hop(1).description.splitlines()[:3]
    assert first.startswith("Now: Paid: $14,200 from Aurelius Partners arrived")
    assert third == note
