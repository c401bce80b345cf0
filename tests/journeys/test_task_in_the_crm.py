"""Everything that a CSM does is an edit in the CRM, and everything of theirs survives ours."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.case import CaseState
from domain.holds import Quiet
from domain.living_text import HEADING
from tests.journeys.hands import completes, kept, line, polled, text, vip
from tests.sides import Side, living, small
from tests.world import World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def notes(crm: Side, account: str) -> list[str]:
    """What stands below the heading of what people wrote."""
    _, found, below = text(crm, account).partition(f"{HEADING}\n")
    return below.splitlines() if found else []


@pytest.mark.req("R14")
@pytest.mark.req("R13", partly="who set it and until when; that it ends is proven with the hold")
def test_a_csm_does_everything_by_edits_in_the_crm_alone(world: World, crm: Side) -> None:
    customer, account = vip(world)
    world.hours(4)

    crm.snooze(living(crm, account), date(2026, 11, 24))
    polled(world)
    assert world.open_case(customer).window_ends_at is not None
    assert "Snoozed to Tue 24 Nov." in text(crm, account)
    assert living(crm, account).due == date(2026, 11, 24)

    crm.promise(account, date(2026, 12, 1))
    world.settle()
    assert world.open_case(customer).state is CaseState.PROMISED
    assert "payment promised for Tue 1 Dec" in living(crm, account).subject

    crm.promise(account, None)
    crm.say(account, "held")
    world.settle()
    case = world.open_case(customer)
    assert case.state is CaseState.IN_RESOLUTION
    assert case.word is not None
    assert case.word.by == "Morgan Vale"
    assert "in resolution until Mon 7 Dec" in living(crm, account).subject, "ten working days"

    completes(world, crm, account, "needs_time")
    assert not living(crm, account).is_done
    assert small(world.open_case(customer).last_outcome) == "needs_time"
    assert line(crm, account, "Now").startswith("Now: Noted: in resolution until Mon 7 Dec")

    crm.say(account, None)
    world.settle()
    assert world.open_case(customer).state is CaseState.WITH_PERSON
    assert world.open_case(customer).hops == ()
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.QUIET, "the tier holds it, whatever the field says"
    assert world.robotic(customer) == []


@pytest.mark.req("R14", partly="notes and hands; the fields stand beside it")
def test_notes_hands_and_priorities_of_people_survive_every_update(world: World, crm: Side) -> None:
    customer, account = vip(world)
    world.hours(4)
    task = living(crm, account)
    crm.note_above(task, "called Dana, she asks for a copy")
    crm.lower(task)
    crm.give(task, "owner")
    polled(world)

    crm.say(account, "held")
    world.settle()
    world.days(3)

    assert notes(crm, account) == ["called Dana, she asks for a copy"]
    assert not living(crm, account).is_high
    assert living(crm, account).owner == "Felix Nordstrom"
    assert "Given to Felix Nordstrom." in text(crm, account)
    assert "in resolution until" in living(crm, account).subject
    assert world.open_case(customer).assignee_name == "Felix Nordstrom"


def test_a_deleted_task_comes_back_once_with_its_notes(world: World, crm: Side) -> None:
    _, account = vip(world)
    world.hours(4)
    first = living(crm, account)
    crm.note_above(first, "called Dana")
    polled(world)
    crm.remove(first)

    polled(world)
    world.advance(crm.misses_a_task_after)
    polled(world)

    assert living(crm, account).id != first.id
    assert "The task was deleted. Here it is again" in text(crm, account)
    assert notes(crm, account) == ["called Dana"]
    assert living(crm, account).owner == "Morgan Vale"


@pytest.mark.req("R19", partly="tasks; the fields stand with the mapping")
def test_ten_quiet_days_cost_one_write_a_day_and_our_own_writes_cost_none(
    world: World, crm: Side
) -> None:
    customer, account = vip(world)
    world.hours(4)
    crm.say(account, "held", until=date(2026, 12, 18))
    world.settle()
    polled(world)
    before, calls = len(kept(world, customer)), crm.writes()

    for _ in range(10):
        world.days(1)
        polled(world)

    assert len(kept(world, customer)) - before <= 10
    assert crm.writes() - calls <= 10 * crm.calls_to_write
    assert len(crm.tasks(account)) == 1


@pytest.mark.req("R65")
@pytest.mark.req("R66")
def test_expediting_and_a_note_reach_the_task_in_the_owners_own_day(
    world: World, crm: Side
) -> None:
    tokyo = crm.add_person("Hana Sato", zone="Asia/Tokyo")
    customer, account = vip(world, csm=tokyo)
    world.hours(4)
    key = world.open_case(customer).key
    world.advance(timedelta(hours=2))

    world.runtime.actions.expedite(key, by="Rita", reason="board meeting on Monday")
    world.runtime.actions.add_note(key, by="Rita", text="their CFO wrote to ours")
    world.settle()

    task = living(crm, account)
    # 17:00 in London on Friday is Saturday in Tokyo; HubSpot knows which days she works.
    day = {"salesforce": date(2026, 11, 21), "hubspot": date(2026, 11, 23)}
    assert task.due == day[crm.system]
    assert task.is_high
    assert "it was expedited on Sat 21 Nov (board meeting on Monday)" in task.text
    assert "Expedited by Rita: board meeting on Monday" in task.text
    assert "Rita: their CFO wrote to ours" in task.text
    with world.runtime.store.begin() as tx:
        timeline = [(one.actor, one.kind) for one in tx.audit.of_account(world.account(customer))]
    assert ("Rita", "case.expedited") in timeline
    assert ("Rita", "case.note") in timeline


def test_what_people_type_before_a_late_first_try_stays(world: World, crm: Side) -> None:
    customer, account = vip(world)
    world.hours(4)
    with world.runtime.store.begin() as tx:
        tx.system.open_circuit(crm.system, reason="401", now=world.clock.now())
    world.runtime.actions.add_note(world.open_case(customer).key, by="ops", text="A NOTE OF OPS")
    world.advance(timedelta(minutes=3))
    assert "A NOTE OF OPS" not in text(crm, account)
    crm.keep_messages(kept=True)

    crm.note(living(crm, account), "The CFO is on holiday")
    world.advance(timedelta(minutes=15))
    polled(world)

    assert "A NOTE OF OPS" in text(crm, account)
    assert "The CFO is on holiday" in text(crm, account)
