"""Everything that a CSM does is an edit in the CRM, and everything of theirs survives ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.case import CaseState
from domain.holds import Quiet
from domain.living_text import HEADING
from tests.journeys.hands import completes, edits, kept, line, polled, text
from tests.world import World


def notes(world: World, account: str) -> list[str]:
    """What stands below the heading of what people wrote."""
    _, found, below = text(world, account).partition(f"{HEADING}\n")
    return below.splitlines() if found else []


@pytest.mark.req("R14")
@pytest.mark.req("R13", partly="who set it and until when; that it ends is proven with the hold")
def test_a_csm_does_everything_by_edits_in_the_crm_alone(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)

    edits(world, account, ActivityDate="2026-11-24")
    assert world.open_case(customer).window_ends_at is not None
    assert "Snoozed to Tue 24 Nov." in text(world, account)
    assert world.task(account)["ActivityDate"] == "2026-11-24"

    world.csm(account, Dunning_Promise_Date__c="2026-12-01")
    world.settle()
    assert world.open_case(customer).state is CaseState.PROMISED
    assert "payment promised for Tue 1 Dec" in world.task(account)["Subject"]

    world.csm(account, Dunning_Promise_Date__c=None, Dunning_Status__c="In Resolution")
    world.settle()
    case = world.open_case(customer)
    assert case.state is CaseState.IN_RESOLUTION
    assert case.word is not None
    assert case.word.by == "Morgan Vale"
    assert "in resolution until Mon 7 Dec" in world.task(account)["Subject"], "ten working days"

    completes(world, account, "Needs time")
    assert not world.task(account)["IsClosed"]
    assert world.open_case(customer).last_outcome == "Needs time"
    assert line(world, account, "Now").startswith("Now: Noted: in resolution until Mon 7 Dec")

    world.csm(account, Dunning_Status__c=None)
    world.settle()
    assert world.open_case(customer).state is CaseState.WITH_PERSON
    assert world.open_case(customer).hops == ()
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.QUIET, "the tier holds it, whatever the field says"
    assert world.robotic(customer) == []


@pytest.mark.req("R14", partly="notes and hands; the fields stand beside it")
def test_notes_hands_and_priorities_of_people_survive_every_update(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    typed = f"called Dana, she asks for a copy\n{text(world, account)}"
    edits(world, account, Description=typed, Priority="Low", OwnerId=world.people["owner"])

    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    world.days(3)

    task = world.task(account)
    assert notes(world, account) == ["called Dana, she asks for a copy"]
    assert task["Priority"] == "Low"
    assert task["OwnerId"] == world.people["owner"]
    assert "Given to Felix Nordstrom." in text(world, account)
    assert world.open_case(customer).assignee_name == "Felix Nordstrom"


def test_a_deleted_task_comes_back_once_with_its_notes(world: World) -> None:
    _, account = world.vip()
    world.hours(4)
    edits(world, account, Description=f"called Dana\n{text(world, account)}")
    first = world.task(account)["Id"]
    world.org.human(world.people["csm"]).delete("Task", first)

    polled(world)
    polled(world)

    assert world.task(account)["Id"] != first
    assert "The task was deleted. Here it is again" in text(world, account)
    assert notes(world, account) == ["called Dana"]
    assert world.task(account)["OwnerId"] == world.people["csm"]


@pytest.mark.req("R19", partly="tasks; the fields stand with the mapping")
def test_ten_quiet_days_cost_one_write_a_day_and_our_own_writes_cost_none(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-12-18")
    world.settle()
    polled(world)
    before, calls = len(kept(world, customer)), len(world.org.writes())

    for _ in range(10):
        world.days(1)
        polled(world)

    assert len(kept(world, customer)) - before <= 10
    assert len(world.org.writes()) - calls <= 10
    assert len(world.tasks(account)) == 1


@pytest.mark.req("R65")
@pytest.mark.req("R66")
def test_expediting_and_a_note_reach_the_task_in_the_owners_own_day(world: World) -> None:
    tokyo = world.org.add_user("Hana Sato", zone="Asia/Tokyo")
    customer, account = world.vip(CSM__c=tokyo)
    world.hours(4)
    key = world.open_case(customer).key
    world.advance(timedelta(hours=2))

    world.runtime.actions.expedite(key, by="Rita", reason="board meeting on Monday")
    world.runtime.actions.add_note(key, by="Rita", text="their CFO wrote to ours")
    world.settle()

    task = world.task(account)
    assert task["ActivityDate"] == "2026-11-21", "17:00 in London on Friday is Saturday in Tokyo"
    assert task["Priority"] == "High"
    assert "it was expedited on Sat 21 Nov (board meeting on Monday)" in text(world, account)
    assert "Expedited by Rita: board meeting on Monday" in text(world, account)
    assert "Rita: their CFO wrote to ours" in text(world, account)
    with world.runtime.store.begin() as tx:
        timeline = [(one.actor, one.kind) for one in tx.audit.of_account(world.account(customer))]
    assert ("Rita", "case.expedited") in timeline
    assert ("Rita", "case.note") in timeline
