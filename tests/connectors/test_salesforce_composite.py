"""What is put into one call, and how its answers are told apart. No org needed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.salesforce.attempts import Amendment, Attempt, outcome, subs
from connectors.salesforce.bulk import Bulk
from connectors.salesforce.composite import MOST, Reply, Sub, by_key, replies, request_body
from connectors.salesforce.tasks import TaskFields, body
from connectors.salesforce.vocabulary import Vocabulary, understood
from domain.errors import Ambiguous, Gone, Misconfigured, OutcomeUnknown, Rejected
from domain.ids import Ref
from domain.ports import FieldsChange, Receipt, TaskChange, TaskVerb

ACCOUNT = Ref("salesforce", "account", "001D000000IqhSLIAZ")
FIELDS = TaskFields(key="Dunning_Key__c")
WORDS = Vocabulary(open="Offen", closed="Erledigt", high="Hoch", normal="Normal")
TASK_ROW = {"Id": "00TD000000IqhSLMAZ", "IsClosed": False, "Dunning_Key__c": "k-1"}


def task_attempt(**change: Any) -> Attempt:
    task = TaskChange(**{"key": "k-1", "account": ACCOUNT, **change})
    return Attempt(place=0, change=task, owner_id=task.owner_id)


def fields_attempt(place: int = 0, **values: Any) -> Attempt:
    return Attempt(place=place, change=FieldsChange(account=ACCOUNT, values=values))


def paths(attempt: Attempt) -> list[tuple[str, str]]:
    return [(sub.method, sub.path.split("?")[0]) for sub in subs(attempt, WORDS, FIELDS)]


def errors(status: int, *codes: str, fields: tuple[str, ...] = ()) -> Reply:
    said = {
        "compositeResponse": [
            {
                "referenceId": "x",
                "httpStatusCode": status,
                "body": [{"errorCode": code, "message": "", "fields": [*fields]} for code in codes],
            }
        ]
    }
    return replies(said, [Sub(reference="x", method="GET", path="")])["x"]


def test_the_body_of_a_call_keeps_order_and_lets_each_stand_alone() -> None:
    sub = Sub(reference="w0", method="PATCH", path="sobjects/Account/001", body={"A__c": 1})
    back = Sub(reference="b0", method="GET", path="sobjects/Account/001?fields=Id,A__c")
    assert request_body([sub, back], "67.0", {"Sforce-Call-Options": "client=kidglove"}) == {
        "allOrNone": False,
        "collateSubrequests": False,
        "compositeRequest": [
            {
                "method": "PATCH",
                "url": "/services/data/v67.0/sobjects/Account/001",
                "referenceId": "w0",
                "httpHeaders": {"Sforce-Call-Options": "client=kidglove"},
                "body": {"A__c": 1},
            },
            {
                "method": "GET",
                "url": "/services/data/v67.0/sobjects/Account/001?fields=Id,A__c",
                "referenceId": "b0",
            },
        ],
    }


def test_more_than_the_vendor_takes_is_never_sent() -> None:
    too_many = [Sub(reference=f"w{n}", method="GET", path="") for n in range(MOST + 1)]
    with pytest.raises(ValueError, match="1 to 25"):
        request_body(too_many, "67.0", {})


def test_a_missing_answer_is_never_taken_for_success() -> None:
    said = replies({"compositeResponse": []}, [Sub(reference="w0", method="PATCH", path="")])
    assert not said["w0"].is_done


def test_a_key_is_fully_encoded_in_the_path() -> None:
    assert by_key("Task", "K__c", "in_1/2 a:b") == "sobjects/Task/K__c/in_1%2F2%20a%3Ab"


def test_a_task_is_kept_by_its_key_and_read_back_by_it() -> None:
    assert paths(task_attempt(subject="Hello")) == [
        ("PATCH", "sobjects/Task/Dunning_Key__c/k-1"),
        ("GET", "sobjects/Task/Dunning_Key__c/k-1"),
    ]


def test_an_upsert_names_neither_the_id_nor_the_key() -> None:
    written = subs(task_attempt(subject="Hello", known_id="00TD000000IqhSLMAZ"), WORDS, FIELDS)[0]
    assert written.body == {"WhatId": ACCOUNT.id, "Subject": "Hello"}


def test_closing_a_known_task_goes_by_its_id() -> None:
    attempt = task_attempt(verb=TaskVerb.CLOSE, known_id="00TD000000IqhSL")
    assert paths(attempt) == [
        ("PATCH", "sobjects/Task/00TD000000IqhSLMAZ"),
        ("GET", "sobjects/Task/00TD000000IqhSLMAZ"),
    ]


def test_closing_an_unknown_task_looks_for_it_first_and_never_makes_one() -> None:
    assert paths(task_attempt(verb=TaskVerb.CLOSE)) == [
        ("GET", "sobjects/Task/Dunning_Key__c/k-1"),
        ("PATCH", "sobjects/Task/@{l0.Id}"),
        ("GET", "sobjects/Task/Dunning_Key__c/k-1"),
    ]


def test_a_key_that_looks_like_a_file_is_looked_up_instead() -> None:
    assert task_attempt(key="k-1.inc").needs_look_up


def test_only_given_parts_of_a_task_are_sent() -> None:
    change = TaskChange(key="k-1", account=None, text="New text", kind="other")
    assert body(change, None, with_subtype=True, owner_id=None) == {"Description": "New text"}


def test_every_given_part_of_a_task_is_sent() -> None:
    change = TaskChange(
        key="k-1",
        account=ACCOUNT,
        verb=TaskVerb.REOPEN,
        subject="S",
        text="T",
        due_on=date(2026, 11, 25),
        high_priority=True,
        kind="call",
        contact_id="003D000000IqhSLIAZ",
        remind_at=datetime(2026, 11, 25, 14, 0, tzinfo=UTC),
    )
    assert body(change, WORDS, with_subtype=True, owner_id="005D000000IqhSLIAZ") == {
        "WhatId": ACCOUNT.id,
        "Subject": "S",
        "Description": "T",
        "OwnerId": "005D000000IqhSLIAZ",
        "ActivityDate": "2026-11-25",
        "WhoId": "003D000000IqhSLIAZ",
        "IsReminderSet": True,
        "ReminderDateTime": "2026-11-25T14:00:00Z",
        "Priority": "Hoch",
        "Status": "Offen",
        "TaskSubtype": "Call",
    }


def test_long_texts_are_cut_with_a_sign() -> None:
    change = TaskChange(key="k-1", account=None, subject="s" * 300, text="t" * 40_000)
    said = body(change, None, with_subtype=False, owner_id=None)
    assert (len(said["Subject"]), len(said["Description"])) == (255, 32_000)
    assert said["Subject"].endswith(" ...")


def test_what_is_known_to_be_so_is_not_sent() -> None:
    change = FieldsChange(account=ACCOUNT, values={"A__c": 1, "B__c": None, "C__c": "x"})
    attempt = Attempt(place=0, change=change, known={"A__c": 1, "B__c": None, "C__c": "y"})
    assert attempt.values == {"C__c": "x"}


def test_nothing_to_send_is_read_back_all_the_same() -> None:
    attempt = Attempt(
        place=0,
        change=FieldsChange(account=ACCOUNT, values={"A__c": 1}),
        known={"A__c": 1},
    )
    assert paths(attempt) == [("GET", f"sobjects/Account/{ACCOUNT.id}")]


def test_days_and_moments_become_text() -> None:
    attempt = fields_attempt(A__c=date(2026, 1, 2), B__c=datetime(2026, 1, 2, 3, tzinfo=UTC))
    assert attempt.values == {"A__c": "2026-01-02", "B__c": "2026-01-02T03:00:00Z"}


def test_a_written_field_is_answered_with_what_is_there_now() -> None:
    said = {"w0": Reply(status=204), "b0": Reply(status=200, body={"Id": "001", "A__c": "x"})}
    assert outcome(fields_attempt(A__c="x"), said, FIELDS) == Receipt(
        ref=ACCOUNT, was_created=False, now={"A__c": "x"}
    )


@pytest.mark.parametrize(("status", "was_created"), [(201, True), (200, False), (204, False)])
def test_all_three_good_answers_to_an_upsert_are_understood(status: int, was_created: bool) -> None:
    said = {"w0": Reply(status=status), "b0": Reply(status=200, body=TASK_ROW)}
    receipt = outcome(task_attempt(), said, FIELDS)
    assert isinstance(receipt, Receipt)
    assert (receipt.was_created, receipt.ref.id) == (was_created, "00TD000000IqhSLMAZ")


def test_a_write_that_cannot_be_read_back_is_not_claimed() -> None:
    said = {"w0": Reply(status=204), "b0": errors(503, "SERVER_UNAVAILABLE")}
    assert isinstance(outcome(fields_attempt(A__c=1), said, FIELDS), OutcomeUnknown)


def test_several_tasks_under_one_key_are_ambiguous() -> None:
    said = {"w0": Reply(status=300, body=["/a", "/b"]), "b0": Reply(status=300)}
    assert isinstance(outcome(task_attempt(), said, FIELDS), Ambiguous)


def test_a_task_that_stays_open_after_closing_is_the_orgs_setting() -> None:
    said = {"w0": Reply(status=204), "b0": Reply(status=200, body=TASK_ROW)}
    attempt = task_attempt(verb=TaskVerb.CLOSE, known_id="00TD000000IqhSLMAZ")
    assert isinstance(outcome(attempt, said, FIELDS), Misconfigured)


@pytest.mark.parametrize(
    ("refusal", "amendment"),
    [
        (errors(400, "DUPLICATE_VALUE"), Amendment.AGAIN),
        (errors(400, "INACTIVE_OWNER_OR_USER"), Amendment.OWNER),
        (errors(400, "INVALID_CROSS_REFERENCE_KEY", fields=("OwnerId",)), Amendment.OWNER),
        (
            errors(400, "INVALID_FIELD_FOR_INSERT_UPDATE", fields=("TaskSubtype",)),
            Amendment.SUBTYPE,
        ),
    ],
)
def test_a_refusal_that_has_a_way_out_takes_it_once(refusal: Reply, amendment: Amendment) -> None:
    attempt = task_attempt(owner_id="005A", fallback_owner_id="00GB")
    said = {"w0": refusal, "b0": errors(404, "NOT_FOUND")}
    amended = outcome(attempt, said, FIELDS)
    assert isinstance(amended, Attempt)
    assert amended.tried == {amendment}
    assert not isinstance(outcome(amended, said, FIELDS), Attempt)


def test_without_a_fallback_the_owner_is_refused() -> None:
    said = {
        "w0": errors(400, "INACTIVE_OWNER_OR_USER", fields=("OwnerId",)),
        "b0": Reply(status=404),
    }
    refused = outcome(task_attempt(owner_id="005A"), said, FIELDS)
    assert isinstance(refused, Rejected)
    assert refused.field == "OwnerId"


def test_closing_what_is_not_there_is_gone() -> None:
    said = {
        "l0": errors(404, "NOT_FOUND"),
        "w0": errors(400, "PROCESSING_HALTED"),
        "b0": errors(404, "NOT_FOUND"),
    }
    assert isinstance(outcome(task_attempt(verb=TaskVerb.CLOSE), said, FIELDS), Gone)


def test_a_collection_puts_the_type_first_and_answers_row_by_row() -> None:
    one, two = fields_attempt(0, A__c="x"), fields_attempt(1, A__c="y")
    requests = Bulk().requests([one, two])
    body = requests[0].body
    assert body is not None
    assert [list(record) for record in body["records"]] == [["attributes", "id", "A__c"]] * 2
    said = {
        "c0": Reply(
            status=200,
            body=[
                {"id": ACCOUNT.id, "success": True, "errors": []},
                {
                    "success": False,
                    "errors": [{"statusCode": "STRING_TOO_LONG", "fields": ["A__c"]}],
                },
            ],
        ),
        "q": Reply(status=200, body={"records": [{"Id": ACCOUNT.id, "A__c": "x"}]}),
    }
    found = Bulk().replies([one, two], said)
    assert isinstance(outcome(one, found, FIELDS), Receipt)
    assert found["w1"].codes == {"STRING_TOO_LONG"}


def test_the_orgs_own_words_are_used_for_closed_and_open() -> None:
    statuses = [
        {"MasterLabel": "In Arbeit", "IsClosed": False, "IsDefault": False},
        {"MasterLabel": "Offen", "IsClosed": False, "IsDefault": True},
        {"MasterLabel": "Fertig", "IsClosed": True, "IsDefault": False},
    ]
    priorities = [
        {"MasterLabel": "Normal", "IsHighPriority": False, "IsDefault": True},
        {"MasterLabel": "Dringend", "IsHighPriority": True, "IsDefault": False},
    ]
    described = {
        "fields": [
            {"name": "Status", "picklistValues": [{"label": "Fertig", "value": "Completed"}]},
        ]
    }
    assert understood(statuses, priorities, described) == Vocabulary(
        open="Offen", closed="Completed", high="Dringend", normal="Normal"
    )


def test_an_org_without_a_closed_status_is_said_so() -> None:
    with pytest.raises(Misconfigured, match="no closed status"):
        understood([{"MasterLabel": "Open", "IsClosed": False}], [], {})
