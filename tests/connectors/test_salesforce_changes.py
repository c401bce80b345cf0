"""Polling by time stamp misses nothing: equal stamps, late rows, merges, deletions, echoes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.salesforce import changes
from connectors.salesforce.changes import Marks
from connectors.salesforce.connector import SalesforceConnector
from domain.errors import Misconfigured
from domain.ids import Ref
from domain.ports import FieldsChange, Hint, TaskChange
from tests.connectors.salesforce_stage import Stage, staged


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


class Poller:
    """Polls to the end each time, and keeps what is new by event id, as the inbox does."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.connector: SalesforceConnector = stage.connector()
        self.cursor: str | None = None
        self.seen: set[str] = set()
        self.listed = 0

    def poll(self) -> list[Hint]:
        fresh: list[Hint] = []
        is_last = False
        while not is_last:
            page = self.connector.changes(self.cursor, now=self.stage.clock.now())
            self.cursor, is_last = page.cursor, page.is_last
            self.listed += len(page.hints)
            fresh += [hint for hint in page.hints if hint.event_id not in self.seen]
            self.seen |= {hint.event_id for hint in page.hints}
        return fresh


def set_status(stage: Stage, status: str | None) -> None:
    stage.sim.human(stage.csm).update("Account", stage.account, {"Dunning_Status__c": status})


def refs(hints: list[Hint]) -> set[Ref]:
    return {hint.ref for hint in hints}


@pytest.mark.req("R4", partly="by polling; a gap change event is not offered")
def test_a_changed_account_is_listed_once(stage: Stage) -> None:
    poller = Poller(stage)
    poller.poll()
    stage.clock.advance(timedelta(minutes=1))
    set_status(stage, "In Resolution")
    assert [(hint.ref, hint.topic) for hint in poller.poll()] == [(stage.ref, "account.changed")]
    assert poller.poll() == []


def test_a_poll_is_one_call(stage: Stage) -> None:
    poller = Poller(stage)
    poller.poll()
    assert poller.connector.calls == {"composite": 1}


def test_a_second_edit_within_the_same_second_is_news(stage: Stage) -> None:
    poller = Poller(stage)
    set_status(stage, "In Resolution")
    poller.poll()
    set_status(stage, None)
    assert refs(poller.poll()) == {stage.ref}


def test_equal_stamps_across_pages_lose_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE", 7)
    ids = {
        stage.sim.add_account(f"Twin {n}", owner=stage.owner, Stripe_Customer_Id__c=f"cus_{n}")
        for n in range(40)
    }
    assert {ref.id for ref in refs(Poller(stage).poll())} == ids | {stage.account}


def test_a_page_that_the_org_cuts_short_loses_nothing(stage: Stage) -> None:
    stage.sim.set_page_size(3)
    ids = {
        stage.sim.add_account(f"Twin {n}", owner=stage.owner, Stripe_Customer_Id__c=f"cus_{n}")
        for n in range(10)
    }
    assert {ref.id for ref in refs(Poller(stage).poll())} == ids | {stage.account}


def test_a_row_that_is_seen_late_is_not_lost(stage: Stage) -> None:
    poller = Poller(stage)
    poller.poll()
    other = stage.sim.add_account("Other", owner=stage.owner, Stripe_Customer_Id__c="cus_9")
    stage.clock.advance(timedelta(minutes=20))
    stage.sim.set_visibility_lag(60)
    set_status(stage, "In Resolution")
    stage.clock.advance(timedelta(seconds=30))
    stage.sim.set_visibility_lag(0)
    stage.sim.human(stage.csm).update("Account", other, {"Dunning_Status__c": "In Resolution"})
    early = refs(poller.poll())
    stage.clock.advance(timedelta(seconds=60))
    assert stage.ref not in early
    assert stage.ref in refs(poller.poll())


def test_an_idle_org_costs_no_repeated_rows(stage: Stage) -> None:
    poller = Poller(stage)
    poller.poll()
    stage.clock.advance(timedelta(minutes=30))
    poller.poll()
    poller.listed = 0
    stage.clock.advance(timedelta(minutes=1))
    poller.poll()
    assert poller.listed == 0


def test_a_long_down_time_loses_nothing(stage: Stage) -> None:
    poller = Poller(stage)
    poller.poll()
    stage.clock.advance(timedelta(hours=1))
    set_status(stage, "In Resolution")
    stage.clock.advance(timedelta(days=40))
    assert refs(poller.poll()) == {stage.ref}


def test_a_deleted_account_is_listed(stage: Stage) -> None:
    poller = Poller(stage)
    poller.poll()
    stage.clock.advance(timedelta(minutes=1))
    stage.sim.human(stage.csm).delete("Account", stage.account)
    assert [hint.topic for hint in poller.poll()] == ["account.deleted"]


def test_a_merge_hints_at_both(stage: Stage) -> None:
    poller = Poller(stage)
    poller.poll()
    survivor = stage.sim.add_account("Aurelius Group", owner=stage.owner)
    stage.clock.advance(timedelta(minutes=1))
    stage.sim.merge_accounts(survivor, stage.account)
    assert refs(poller.poll()) >= {stage.ref, Ref("salesforce", "account", survivor)}


def test_a_completed_task_of_ours_hints_at_its_account(stage: Stage) -> None:
    task = stage.sim.add_task(stage.account, "Ours", Dunning_Key__c="k-1")
    poller = Poller(stage)
    poller.poll()
    stage.clock.advance(timedelta(minutes=1))
    stage.sim.human(stage.csm).complete_task(task)
    assert [(hint.ref, hint.topic) for hint in poller.poll()] == [(stage.ref, "task.changed")]


def test_a_deleted_task_of_ours_hints_at_its_account(stage: Stage) -> None:
    task = stage.sim.add_task(stage.account, "Ours", Dunning_Key__c="k-1")
    poller = Poller(stage)
    poller.poll()
    stage.clock.advance(timedelta(minutes=1))
    stage.sim.human(stage.csm).delete("Task", task)
    assert [(hint.ref, hint.topic) for hint in poller.poll()] == [(stage.ref, "task.deleted")]


def test_other_peoples_tasks_are_no_news(stage: Stage) -> None:
    poller = Poller(stage)
    poller.poll()
    stage.clock.advance(timedelta(minutes=1))
    stage.sim.add_task(stage.account, "Rollout call")
    assert poller.poll() == []


@pytest.mark.req("R19", partly="the digest that lets the echo die; the store compares it")
def test_our_own_write_has_the_digest_that_was_seen_before(stage: Stage) -> None:
    poller = Poller(stage)
    [before] = poller.poll()
    stage.clock.advance(timedelta(minutes=1))
    poller.connector.write(
        [FieldsChange(account=stage.ref, values={"Last_Failure_Code__c": "card_declined"})]
    )
    [echo] = poller.poll()
    stage.clock.advance(timedelta(minutes=1))
    set_status(stage, "In Resolution")
    [edit] = poller.poll()
    assert (echo.digest == before.digest, edit.digest == before.digest) == (True, False)


def test_a_cursor_survives_as_text() -> None:
    assert Marks.parsed(Marks().text()) == Marks()


@pytest.mark.parametrize("text", ["", "{}", '{"v": 2}'])
def test_a_foreign_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever is wrong with it
        Marks.parsed(text)


def test_a_hidden_watched_field_is_a_setting(stage: Stage) -> None:
    stage.sim.hide_field("Account", "Dunning_Hold_Until__c")
    with pytest.raises(Misconfigured) as problem:
        Poller(stage).poll()
    assert problem.value.row == "Dunning_Hold_Until__c"


def test_a_message_of_the_org_and_the_poll_point_at_the_same_account(stage: Stage) -> None:
    poller = Poller(stage)
    poller.connector.write([TaskChange(key="k-1", account=stage.ref, subject="S", kind="x")])
    hints: list[Any] = poller.poll()
    assert refs(hints) == {stage.ref}
