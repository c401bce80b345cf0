"""Tasks and fields are written in one call per account, once, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from domain.errors import (
    Gone,
    KidgloveError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from domain.ids import Ref
from domain.ports import FieldsChange, Receipt, TaskChange, TaskVerb
from simulators.faults import Fault, Harm
from simulators.salesforce.troubles import lock_row, whole
from tests.connectors.salesforce_stage import HASTY, PATIENT, START, Stage, staged

CALLS = ".*/composite"
"""Where faults are armed: a login is not what these tests are about."""


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def kept(stage: Stage, **change: Any) -> TaskChange:
    return TaskChange(
        **{
            "key": "k-1",
            "account": stage.ref,
            "subject": "Payment hiccup: Aurelius Partners, $14,200",
            "text": "Call Ana Lima",
            "owner_id": stage.csm,
            "due_on": date(2026, 11, 25),
            **change,
        }
    )


def fields(stage: Stage, **values: Any) -> FieldsChange:
    return FieldsChange(account=stage.ref, values=values)


def receipt(answers: Sequence[Receipt | KidgloveError], place: int = 0) -> Receipt:
    answer = answers[place]
    assert isinstance(answer, Receipt), answer
    return answer


def test_the_task_and_the_fields_of_an_account_travel_in_one_call(stage: Stage) -> None:
    connector = stage.connector()
    before = stage.sim.api_calls
    answers = connector.write(
        [kept(stage), fields(stage, Payment_Status__c="Payment failed", Amount_Past_Due__c=14200)]
    )
    assert stage.sim.api_calls - before == 1
    assert receipt(answers, 0).was_created
    assert receipt(answers, 1).now == {
        "Payment_Status__c": "Payment failed",
        "Amount_Past_Due__c": 14200,
    }


def test_a_receipt_tells_the_task_as_it_is_now(stage: Stage) -> None:
    now = receipt(stage.connector().write([kept(stage, high_priority=True)])).now
    assert now == {
        "id": stage.tasks()[0]["Id"],
        "key": "k-1",
        "subject": "Payment hiccup: Aurelius Partners, $14,200",
        "text": "Call Ana Lima",
        "owner_id": stage.csm,
        "due_on": "2026-11-25",
        "is_closed": False,
        "status": "Not Started",
        "priority": "High",
        "account_id": stage.account,
    }


@pytest.mark.req("R69", partly="the list of invoices in the text is made elsewhere")
def test_a_second_identical_call_makes_no_second_task(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([kept(stage)])
    before = stage.tasks()
    again = connector.write([kept(stage)])
    assert not receipt(again).was_created
    assert [task["Id"] for task in stage.tasks()] == [task["Id"] for task in before]


def test_parts_that_are_not_given_stay_as_people_left_them(stage: Stage) -> None:
    connector = stage.connector()
    task = receipt(connector.write([kept(stage)])).ref.id
    stage.sim.human(stage.csm).update("Task", task, {"OwnerId": stage.owner})
    connector.write([TaskChange(key="k-1", account=stage.ref, text="Paid", known_id=task)])
    [row] = stage.tasks()
    assert (row["OwnerId"], row["Description"]) == (stage.owner, "Paid")


def test_everything_about_a_task_reaches_the_org(stage: Stage) -> None:
    contact = stage.sim.add_contact(stage.account, "Ana", "Lima")
    change = kept(stage, contact_id=contact, remind_at=START + timedelta(hours=2), kind="call")
    stage.connector().write([change])
    [row] = stage.tasks()
    assert (row["WhoId"], row["IsReminderSet"], row["ReminderDateTime"], row["TaskSubtype"]) == (
        contact,
        True,
        "2026-11-20T16:00:00.000+0000",
        "Call",
    )


def test_the_kind_of_a_task_that_exists_already_is_left_alone(stage: Stage) -> None:
    stage.connector().write([kept(stage, kind="other")])
    answer = receipt(stage.connector().write([kept(stage, kind="call", text="New")]))
    assert answer.now["text"] == "New"


def test_closing_uses_the_orgs_own_closed_status(stage: Stage) -> None:
    stage.sim.set_task_statuses(["Offen", "Wartet"], ["Erledigt"])
    connector = stage.connector()
    task = receipt(connector.write([kept(stage)])).ref.id
    change = TaskChange(key="k-1", account=stage.ref, verb=TaskVerb.CLOSE, known_id=task)
    closed = receipt(connector.write([change]))
    assert (closed.now["is_closed"], closed.now["status"]) == (True, "Erledigt")


def test_a_renamed_status_is_written_by_its_value(stage: Stage) -> None:
    stage.sim.rename_picklist_label("Task", "Status", "Completed", "Done and dusted")
    connector = stage.connector()
    connector.write([kept(stage)])
    closed = receipt(
        connector.write([TaskChange(key="k-1", account=stage.ref, verb=TaskVerb.CLOSE)])
    )
    assert closed.now["is_closed"]


def test_reopening_uses_the_orgs_default_open_status(stage: Stage) -> None:
    stage.sim.set_task_statuses(["Offen", "Wartet"], ["Erledigt"])
    connector = stage.connector()
    connector.write([kept(stage)])
    connector.write([TaskChange(key="k-1", account=stage.ref, verb=TaskVerb.CLOSE)])
    opened = receipt(
        connector.write([TaskChange(key="k-1", account=stage.ref, verb=TaskVerb.REOPEN)])
    )
    assert (opened.now["is_closed"], opened.now["status"]) == (False, "Offen")


def test_closing_twice_changes_nothing(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([kept(stage)])
    change = TaskChange(key="k-1", account=stage.ref, verb=TaskVerb.CLOSE)
    first, second = connector.write([change]), connector.write([change])
    assert receipt(first).now["is_closed"]
    assert receipt(second).now["is_closed"]


def test_closing_never_makes_a_task(stage: Stage) -> None:
    change = TaskChange(key="k-1", account=stage.ref, verb=TaskVerb.CLOSE)
    [answer] = stage.connector().write([change])
    assert isinstance(answer, Gone)
    assert stage.tasks() == []


def test_the_orgs_words_are_asked_for_once_an_hour(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([kept(stage, high_priority=True)])
    connector.calls.clear()
    connector.write([kept(stage, high_priority=True, known_id=stage.tasks()[0]["Id"])])
    assert connector.calls == {"composite": 1}


def test_a_refused_row_does_not_sink_the_batch(stage: Stage) -> None:
    answers = stage.connector().write(
        [
            fields(stage, Payment_Status__c="Brand new word"),
            kept(stage),
            fields(stage, Last_Failure_Code__c="card_declined"),
        ]
    )
    assert isinstance(answers[0], Misconfigured)
    assert receipt(answers, 1).was_created
    assert receipt(answers, 2).now == {"Last_Failure_Code__c": "card_declined"}


def test_a_refused_account_does_not_sink_the_others(stage: Stage) -> None:
    gone = Ref("salesforce", "account", stage.sim.add_account("Gone", owner=stage.owner))
    stage.sim.human(stage.csm).delete("Account", gone.id)
    answers = stage.connector().write(
        [
            FieldsChange(account=gone, values={"Last_Failure_Code__c": "x"}),
            FieldsChange(account=Ref("salesforce", "account", "nonsense"), values={"Name": "x"}),
            FieldsChange(account=stage.ref, values={"not a field": "x"}),
            fields(stage, Last_Failure_Code__c="x"),
        ]
    )
    assert [type(answer) for answer in answers] == [Gone, Gone, Misconfigured, Receipt]


def test_a_rule_of_the_org_is_told_in_its_own_words(stage: Stage) -> None:
    stage.sim.add_rule("Account", lambda new, old: "A CSM must be named first")
    [answer] = stage.connector().write([fields(stage, Last_Failure_Code__c="x")])
    assert isinstance(answer, Rejected)
    assert "A CSM must be named first" in answer.message


def test_several_accounts_share_calls(stage: Stage) -> None:
    refs = [
        Ref("salesforce", "account", stage.sim.add_account(f"Twin {n}", owner=stage.owner))
        for n in range(6)
    ]
    changes: list[TaskChange | FieldsChange] = []
    for ref in refs:
        changes.append(FieldsChange(account=ref, values={"Last_Failure_Code__c": "x"}))
        changes.append(kept(stage, key=f"k-{ref.id[-6:]}", account=ref))
    connector = stage.connector()
    answers = connector.write(changes)
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert connector.calls == {"composite": 1}


@pytest.mark.req("R24", partly="only the cost of the Salesforce side")
def test_two_hundred_accounts_cost_one_call(stage: Stage) -> None:
    refs = [
        Ref("salesforce", "account", stage.sim.add_account(f"Twin {n}", owner=stage.owner))
        for n in range(200)
    ]
    connector = stage.connector()
    answers = connector.write(
        [FieldsChange(account=ref, values={"Last_Failure_Code__c": ref.id[-5:]}) for ref in refs]
    )
    assert connector.calls == {"composite": 1}
    assert [receipt(answers, n).now for n in range(200)] == [
        {"Last_Failure_Code__c": ref.id[-5:]} for ref in refs
    ]


def test_a_bad_row_in_a_bulk_call_is_answered_alone(stage: Stage) -> None:
    refs = [
        Ref("salesforce", "account", stage.sim.add_account(f"Twin {n}", owner=stage.owner))
        for n in range(20)
    ]
    values = ["Paid"] * 19 + ["Brand new word"]
    answers = stage.connector().write(
        [
            FieldsChange(account=ref, values={"Payment_Status__c": value})
            for ref, value in zip(refs, values, strict=True)
        ]
    )
    assert [type(answer) for answer in answers] == [Receipt] * 19 + [Misconfigured]


def test_only_what_differs_is_sent(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([fields(stage, Last_Failure_Code__c="x")])
    stage.sim.forget_requests()
    known = {stage.ref: {"Last_Failure_Code__c": "x"}}
    answers = connector.write([fields(stage, Last_Failure_Code__c="x")], known=known)
    assert receipt(answers).now == {"Last_Failure_Code__c": "x"}
    assert stage.sim.writes() == []


def test_a_text_that_is_too_long_is_cut_once_and_said_so(stage: Stage) -> None:
    answers = stage.connector().write([fields(stage, Last_Failure_Code__c="x" * 400)])
    answer = receipt(answers)
    assert len(answer.now["Last_Failure_Code__c"]) == 255
    assert answer.note == "cut to fit: Last_Failure_Code__c"


@pytest.mark.req("R42", partly="the chain of owners is walked elsewhere")
def test_an_inactive_owner_is_replaced_by_the_fallback(stage: Stage) -> None:
    stage.sim.deactivate(stage.csm)
    answer = receipt(stage.connector().write([kept(stage, fallback_owner_id=stage.queue)]))
    assert answer.now["owner_id"] == stage.queue
    assert "cannot take tasks" in answer.note


def test_an_inactive_owner_without_a_fallback_is_refused(stage: Stage) -> None:
    stage.sim.deactivate(stage.csm)
    [answer] = stage.connector().write([kept(stage)])
    assert isinstance(answer, Rejected)
    assert stage.tasks() == []


def test_a_locked_account_is_tried_again_and_then_left_for_later(stage: Stage) -> None:
    stage.sim.hold_lock(stage.account)
    connector = stage.connector()
    [answer] = connector.write([kept(stage)])
    assert isinstance(answer, Transient)
    assert connector.calls == {"composite": 3}
    stage.sim.release_lock(stage.account)
    assert receipt(connector.write([kept(stage)])).was_created


def test_a_short_lock_is_outlasted(stage: Stage) -> None:
    stage.sim.faults.arm(lock_row(object="Task", path=CALLS))
    connector = stage.connector()
    assert receipt(connector.write([kept(stage)])).was_created
    assert connector.calls == {"composite": 2}


def test_what_was_written_before_the_lock_is_not_sent_again(stage: Stage) -> None:
    stage.sim.faults.arm(lock_row(object="Task", path=CALLS))
    stage.connector().write([fields(stage, Last_Failure_Code__c="x"), kept(stage)])
    wrote = [name for request in stage.sim.writes() for name in request.wrote]
    assert len(wrote) == len(set(wrote))


def test_too_many_long_calls_wait_and_try_again(stage: Stage) -> None:
    stage.sim.faults.arm(whole("concurrent_limit", path=CALLS))
    connector = stage.connector()
    assert receipt(connector.write([kept(stage)])).was_created
    assert connector.calls == {"composite": 2}


def test_a_server_fault_on_a_write_is_asked_again_and_makes_one_task(stage: Stage) -> None:
    stage.sim.faults.arm(whole("unknown_exception", path=CALLS))
    connector = stage.connector()
    assert receipt(connector.write([kept(stage)])).was_created
    assert (connector.calls, len(stage.tasks())) == ({"composite": 2}, 1)


def test_an_edition_without_api_is_a_setting(stage: Stage) -> None:
    stage.sim.faults.arm(whole("api_disabled", path=CALLS))
    with pytest.raises(Misconfigured, match="API_"):
        stage.connector().write([kept(stage)])


def test_a_lock_holds_up_nobody_else(stage: Stage) -> None:
    other = Ref("salesforce", "account", stage.sim.add_account("Twin", owner=stage.owner))
    stage.sim.hold_lock(stage.account)
    answers = stage.connector().write(
        [fields(stage, Last_Failure_Code__c="x"), kept(stage, account=other)]
    )
    assert isinstance(answers[0], Transient)
    assert receipt(answers, 1).was_created


@pytest.mark.parametrize("harm", [Harm.TIMEOUT_AFTER, Harm.RESET_AFTER, Harm.TIMEOUT_BEFORE])
def test_an_unanswered_write_is_asked_again_and_makes_one_task(stage: Stage, harm: Harm) -> None:
    stage.sim.faults.arm(Fault(harm=harm, path=".*composite.*", seconds=1.5, times=None))
    [first] = stage.connector(timeouts=HASTY).write([kept(stage)])
    assert isinstance(first, OutcomeUnknown)
    stage.sim.faults.clear()
    [second] = stage.connector(timeouts=PATIENT).write([kept(stage)])
    assert isinstance(second, Receipt)
    assert len(stage.tasks()) == 1


def test_a_busy_answer_after_acting_makes_one_task(stage: Stage) -> None:
    stage.sim.faults.arm(Fault(harm=Harm.STATUS_AFTER, path=".*composite.*", status=503))
    [answer] = stage.connector().write([kept(stage)])
    assert isinstance(answer, Receipt)
    assert len(stage.tasks()) == 1


def test_a_used_up_quota_is_raised_when_nothing_was_done(stage: Stage) -> None:
    connector = stage.connector()
    stage.sim.use_up_quota()
    with pytest.raises(RateLimited):
        connector.write([kept(stage)])


def test_a_quota_that_ends_half_way_keeps_what_was_done(stage: Stage) -> None:
    connector = stage.connector()
    changes: list[TaskChange | FieldsChange] = []
    for number in range(14):
        ref = Ref("salesforce", "account", stage.sim.add_account(f"T{number}", owner=stage.owner))
        changes.append(kept(stage, key=f"k-{number}", account=ref))
    stage.sim.use_up_quota(1)
    answers = connector.write(changes)
    assert [type(answer) for answer in answers] == [Receipt] * 12 + [RateLimited] * 2


def test_an_org_that_cannot_upsert_by_key_is_looked_up_instead(stage: Stage) -> None:
    stage.sim.faults.arm(
        Fault(
            harm=Harm.STATUS,
            method="PATCH",
            path=".*/Task/Dunning_Key__c/.*",
            status=404,
            body=[
                {
                    "errorCode": "NOT_FOUND",
                    "message": "Provided external ID field does not exist or is not accessible: "
                    "Dunning_Key__c",
                }
            ],
            times=None,
        )
    )
    connector = stage.connector()
    first, second = connector.write([kept(stage)]), connector.write([kept(stage, text="New")])
    assert (receipt(first).was_created, receipt(second).was_created) == (True, False)
    assert [task["Description"] for task in stage.tasks()] == ["New"]


def test_a_key_with_a_dot_is_looked_up_and_makes_one_task(stage: Stage) -> None:
    connector = stage.connector()
    first = connector.write([kept(stage, key="k-1.inc")])
    second = connector.write([kept(stage, key="k-1.inc", text="New")])
    assert (receipt(first).was_created, receipt(second).was_created) == (True, False)
    assert len(stage.tasks()) == 1


def test_a_hidden_key_field_is_a_setting(stage: Stage) -> None:
    stage.sim.hide_field("Task", "Dunning_Key__c")
    [answer] = stage.connector().write([kept(stage)])
    assert isinstance(answer, Misconfigured)
    assert answer.row == "Dunning_Key__c"


def test_a_field_that_we_may_not_edit_is_named(stage: Stage) -> None:
    stage.sim.revoke_edit("Account", "Last_Failure_Code__c")
    [answer] = stage.connector().write([fields(stage, Last_Failure_Code__c="x")])
    assert isinstance(answer, Misconfigured)
    assert answer.row == "Last_Failure_Code__c"


def test_an_account_that_was_merged_away_is_gone(stage: Stage) -> None:
    survivor = stage.sim.add_account("Aurelius Group", owner=stage.owner)
    stage.sim.merge_accounts(survivor, stage.account)
    [answer] = stage.connector().write([fields(stage, Last_Failure_Code__c="x")])
    assert isinstance(answer, Gone)


def test_a_task_that_a_person_deleted_is_made_again_when_it_is_wanted(stage: Stage) -> None:
    connector = stage.connector()
    task = receipt(connector.write([kept(stage)])).ref.id
    stage.sim.human(stage.csm).delete("Task", task)
    again = receipt(connector.write([replace(kept(stage), known_id=task)]))
    assert again.was_created
