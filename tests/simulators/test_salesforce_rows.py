"""Single rows of the simulated org: shapes of success, and every refusal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from simulators.salesforce.ids import checksum, full_id
from tests.simulators.test_salesforce_login import Desk, open_desk

KEYED = "sobjects/Task/Dunning_Key__c/case-1"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def test_create_answers_201_with_id_and_place(desk: Desk) -> None:
    answer = desk.send("POST", "sobjects/Contact", {"LastName": "Doe", "AccountId": desk.acme})

    made = answer.json()
    assert answer.status_code == 201
    assert made == {"id": made["id"], "success": True, "errors": []}
    assert answer.headers["Location"].endswith(f"/sobjects/Contact/{made['id']}")


def test_update_answers_204_without_a_body(desk: Desk) -> None:
    answer = desk.send("PATCH", f"sobjects/Account/{desk.acme}", {"Payment_Status__c": "Paid"})

    assert (answer.status_code, answer.content) == (204, b"")
    assert desk.sim.get(desk.acme)["Payment_Status__c"] == "Paid"


def test_a_short_id_is_accepted_and_the_long_one_returned(desk: Desk) -> None:
    answer = desk.send("GET", f"sobjects/Account/{desk.acme[:15]}")

    assert answer.json()["Id"] == desk.acme


def test_the_checksum_of_a_known_id() -> None:
    assert checksum("001D000000IqhSL") == "IAZ"
    assert full_id("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert full_id("001D000000IqhSLIAX") is None


def test_moments_carry_the_salesforce_offset(desk: Desk) -> None:
    row = desk.send("GET", f"sobjects/Account/{desk.acme}").json()

    assert row["SystemModstamp"] == "2026-11-24T10:00:00.000+0000"


def test_a_row_can_be_read_by_some_fields(desk: Desk) -> None:
    row = desk.send("GET", f"sobjects/Account/{desk.acme}?fields=Name,OwnerId").json()

    assert list(row) == ["attributes", "Name", "OwnerId"]


def test_a_row_can_be_read_by_external_id(desk: Desk) -> None:
    answer = desk.send("GET", "sobjects/Account/Stripe_Customer_Id__c/cus_acme")

    assert answer.json()["Id"] == desk.acme


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("PUT", "sobjects/Account/{acme}", {}, (405, "METHOD_NOT_ALLOWED")),
        ("POST", "sobjects/Nonsense", {}, (404, "NOT_FOUND")),
        ("GET", "nonsense", None, (404, "NOT_FOUND")),
        ("GET", "sobjects/Account/001D000000IqhSLIAZ", None, (404, "NOT_FOUND")),
        (
            "PATCH",
            "sobjects/Account/001D000000IqhSLIAZ",
            {},
            (404, "INVALID_CROSS_REFERENCE_KEY"),
        ),
        (
            "DELETE",
            "sobjects/Account/001D000000IqhSLIAZ",
            None,
            (404, "INVALID_CROSS_REFERENCE_KEY"),
        ),
        ("POST", "sobjects/Account", {"Name": "x" * 256}, (400, "STRING_TOO_LONG")),
        ("POST", "sobjects/Account", {}, (400, "REQUIRED_FIELD_MISSING")),
        ("POST", "sobjects/Account", {"Name": "x", "Nope__c": 1}, (400, "INVALID_FIELD")),
        (
            "PATCH",
            "sobjects/Account/{acme}",
            {"Payment_Status__c": "Brilliant"},
            (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ),
        (
            "PATCH",
            "sobjects/Account/{acme}",
            {"SystemModstamp": "2026-11-24T10:00:00Z"},
            (400, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ),
        (
            "PATCH",
            "sobjects/Account/{acme}",
            {"Dunning_Status__c": "Released"},
            (400, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ),
        ("PATCH", "sobjects/Account/{acme}", {"Id": "x"}, (400, "INVALID_FIELD")),
        (
            "PATCH",
            "sobjects/Account/{acme}",
            {"Past_Due_Since__c": "tomorrow"},
            (400, "JSON_PARSER_ERROR"),
        ),
        (
            "PATCH",
            "sobjects/Account/{acme}",
            {"Amount_Past_Due__c": 10**17},
            (400, "NUMBER_OUTSIDE_VALID_RANGE"),
        ),
        ("PATCH", "sobjects/Account/{acme}", {"OwnerId": "nobody"}, (400, "MALFORMED_ID")),
        (
            "PATCH",
            "sobjects/Account/{acme}",
            {"OwnerId": "{acme}"},
            (400, "FIELD_INTEGRITY_EXCEPTION"),
        ),
        (
            "POST",
            "sobjects/Task",
            {"WhatId": "001D000000IqhSLIAZ"},
            (400, "INVALID_CROSS_REFERENCE_KEY"),
        ),
        (
            "POST",
            "sobjects/Contact",
            {"LastName": "Doe", "Email": "no mail"},
            (400, "INVALID_EMAIL_ADDRESS"),
        ),
        ("PATCH", "sobjects/Task/Nope__c/1", {}, (404, "NOT_FOUND")),
        ("PATCH", KEYED, {"Dunning_Key__c": "case-1"}, (400, "INVALID_FIELD")),
        ("PATCH", KEYED, {"Id": "00T"}, (400, "INVALID_FIELD")),
    ],
)
def test_refusals(desk: Desk, method: str, path: str, body: Any, refusal: tuple[int, str]) -> None:
    before = desk.sim.state()
    if body:
        body = {k: desk.acme if v == "{acme}" else v for k, v in body.items()}

    assert desk.code(method, path.format(acme=desk.acme), body) == refusal
    assert desk.sim.state() == before


def test_a_body_that_is_not_json_is_a_parser_error(desk: Desk) -> None:
    answer = desk.session.patch(
        f"{desk.sim.url}/services/data/v67.0/sobjects/Account/{desk.acme}",
        data="{",
        headers={
            "Authorization": f"Bearer {desk.sf.session_id}",
            "Content-Type": "application/json",
        },
    )

    assert answer.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_upsert_creates_then_updates(desk: Desk) -> None:
    created = desk.send("PATCH", KEYED, {"Subject": "Call", "WhatId": desk.acme})
    updated = desk.send("PATCH", KEYED, {"Subject": "Call today"})

    record = created.json()["id"]
    assert (created.status_code, updated.status_code) == (201, 200)
    assert created.json() == {"id": record, "success": True, "errors": [], "created": True}
    assert updated.json() == {"id": record, "success": True, "errors": [], "created": False}
    assert [row["Subject"] for row in desk.sim.rows("Task")] == ["Call today"]


def test_upsert_by_simple_salesforce_reads_the_same(desk: Desk) -> None:
    tasks: Any = desk.sf.Task
    answer = tasks.upsert("Dunning_Key__c/case-1", {"Subject": "Call"}, raw_response=True)

    assert answer.status_code == 201


def test_upsert_keys_mind_their_case(desk: Desk) -> None:
    desk.send("PATCH", KEYED, {"Subject": "Call"})
    desk.send("PATCH", "sobjects/Task/Dunning_Key__c/CASE-1", {"Subject": "Call"})

    assert len(desk.sim.rows("Task")) == 2


def test_a_key_that_is_not_unique_may_find_several_rows(desk: Desk) -> None:
    desk.sim.add_field("Account", "Legacy_Id__c", external_id=True)
    twins = [desk.sim.add_account(n, owner=desk.ann, Legacy_Id__c="7") for n in ("A", "B")]
    places = [f"/services/data/v67.0/sobjects/Account/{twin}" for twin in twins]

    for method in ("GET", "PATCH"):
        answer = desk.send(method, "sobjects/Account/Legacy_Id__c/7", {"Phone": "1"})
        assert (answer.status_code, answer.json()) == (300, places)


def test_a_key_is_unique_across_tasks_and_events(desk: Desk) -> None:
    event = desk.sim.add_event(desk.acme, "Call", start=desk.clock.now(), Dunning_Key__c="case-1")

    answer = desk.send("POST", "sobjects/Task", {"Subject": "Call", "Dunning_Key__c": "case-1"})

    assert answer.json()[0]["errorCode"] == "DUPLICATE_VALUE"
    assert event in answer.json()[0]["message"]


def test_a_parent_may_be_named_by_its_external_id(desk: Desk) -> None:
    parent = {"attributes": {"type": "Account"}, "Stripe_Customer_Id__c": "cus_acme"}

    desk.send("PATCH", KEYED, {"Subject": "Call", "What": parent})

    assert desk.sim.rows("Task", WhatId=desk.acme)


def test_a_polymorphic_parent_needs_its_attributes_first(desk: Desk) -> None:
    parent = {"Stripe_Customer_Id__c": "cus_acme", "attributes": {"type": "Account"}}

    refusal = desk.code("PATCH", KEYED, {"Subject": "Call", "What": parent})

    assert refusal == (400, "JSON_PARSER_ERROR")


def test_a_newer_row_refuses_an_update_that_saw_an_older_one(desk: Desk) -> None:
    seen = desk.send("GET", f"sobjects/Account/{desk.acme}").headers["Last-Modified"]
    desk.later(seconds=1)
    desk.sim.human(desk.ann).update("Account", desk.acme, {"Dunning_Status__c": "In Resolution"})

    answer = desk.send(
        "PATCH",
        f"sobjects/Account/{desk.acme}",
        {"Payment_Status__c": "Paid"},
        {"If-Unmodified-Since": seen},
    )

    assert answer.status_code == 412
    assert desk.sim.get(desk.acme)["Payment_Status__c"] is None


def test_an_edit_within_the_same_second_goes_unnoticed(desk: Desk) -> None:
    seen = desk.send("GET", f"sobjects/Account/{desk.acme}").headers["Last-Modified"]
    desk.sim.human(desk.ann).update("Account", desk.acme, {"Dunning_Status__c": "In Resolution"})

    answer = desk.send(
        "PATCH",
        f"sobjects/Account/{desk.acme}",
        {"Payment_Status__c": "Paid"},
        {"If-Unmodified-Since": seen},
    )

    assert answer.status_code == 204


def test_a_bad_date_header_is_refused(desk: Desk) -> None:
    answer = desk.send(
        "PATCH", f"sobjects/Account/{desk.acme}", {}, {"If-Unmodified-Since": "yesterday"}
    )

    assert answer.status_code == 400


def test_the_etag_of_an_account_guards_an_update(desk: Desk) -> None:
    tag = desk.send("GET", f"sobjects/Account/{desk.acme}").headers["ETag"]
    desk.sim.human(desk.ann).update("Account", desk.acme, {"Dunning_Status__c": "In Resolution"})

    answer = desk.send("PATCH", f"sobjects/Account/{desk.acme}", {}, {"If-Match": tag})

    assert answer.status_code == 412


def test_a_deleted_row_says_so(desk: Desk) -> None:
    task = desk.sim.add_task(desk.acme, "Call")
    assert desk.send("DELETE", f"sobjects/Task/{task}").status_code == 204

    assert desk.code("GET", f"sobjects/Task/{task}") == (404, "ENTITY_IS_DELETED")
    assert desk.code("PATCH", f"sobjects/Task/{task}", {}) == (404, "ENTITY_IS_DELETED")
    assert desk.code("DELETE", f"sobjects/Task/{task}") == (404, "ENTITY_IS_DELETED")


def test_deleting_an_account_takes_its_tasks_along(desk: Desk) -> None:
    desk.sim.add_task(desk.acme, "Call")
    desk.sim.human(desk.ann).delete("Account", desk.acme)

    assert desk.sim.rows("Task") == []


def test_an_account_with_cases_cannot_be_deleted(desk: Desk) -> None:
    desk.sim.add_case(desk.acme, "Broken")

    assert desk.code("DELETE", f"sobjects/Account/{desk.acme}") == (400, "DELETE_FAILED")


def test_the_key_of_a_deleted_task_is_free_again(desk: Desk) -> None:
    first = desk.send("PATCH", KEYED, {"Subject": "Call"}).json()["id"]
    desk.send("DELETE", f"sobjects/Task/{first}")

    again = desk.send("PATCH", KEYED, {"Subject": "Call"})

    assert again.status_code == 201
    assert again.json()["id"] != first


def test_an_inactive_user_owns_no_new_task(desk: Desk) -> None:
    desk.sim.deactivate(desk.ann)

    refusal = desk.code("PATCH", KEYED, {"Subject": "Call", "OwnerId": desk.ann})

    assert refusal == (400, "INACTIVE_OWNER_OR_USER")


def test_a_task_of_a_user_who_left_can_still_be_updated(desk: Desk) -> None:
    task = desk.sim.add_task(desk.acme, "Call", owner=desk.ann)
    desk.sim.deactivate(desk.ann)

    answer = desk.send("PATCH", f"sobjects/Task/{task}", {"Subject": "Call today"})

    assert answer.status_code == 204


def test_a_queue_owns_only_what_it_supports(desk: Desk) -> None:
    tasks = desk.sim.add_queue("Payment desk")
    cases = desk.sim.add_queue("Support", ["Case"])

    assert desk.send("PATCH", KEYED, {"OwnerId": tasks}).status_code == 201
    assert desk.code("PATCH", KEYED, {"OwnerId": cases}) == (400, "INVALID_CROSS_REFERENCE_KEY")


def test_a_task_works_out_its_account_and_whether_it_is_closed(desk: Desk) -> None:
    contact = desk.sim.add_contact(desk.acme, "Joe", "Doe")
    task = desk.sim.add_task(None, "Call", contact=contact, due=date(2026, 11, 25))
    desk.send("PATCH", f"sobjects/Task/{task}", {"Status": "Completed", "Priority": "High"})

    row = desk.sim.get(task)
    assert row["AccountId"] == desk.acme
    assert row["IsClosed"]
    assert row["IsHighPriority"]
    assert row["CompletedDateTime"] == "2026-11-24T10:00:00.000+0000"


def test_reopening_a_task_takes_its_completion_back(desk: Desk) -> None:
    task = desk.sim.add_task(desk.acme, "Call", status="Completed")
    desk.send("PATCH", f"sobjects/Task/{task}", {"Status": "In Progress"})

    assert desk.sim.get(task)["CompletedDateTime"] is None


def test_closed_is_what_the_orgs_own_table_says(desk: Desk) -> None:
    desk.sim.set_task_statuses(["Offen"], ["Erledigt", "Entfallen"])
    task = desk.sim.add_task(desk.acme, "Call")
    assert not desk.sim.get(task)["IsClosed"]

    desk.sim.human(desk.ann).complete_task(task, "Needs time")

    assert desk.sim.get(task)["Status"] == "Erledigt"
    assert desk.sim.get(task)["IsClosed"]
    assert desk.sim.get(task)["Dunning_Outcome__c"] == "Needs time"


def test_the_last_activity_of_an_account_may_lie_in_the_future(desk: Desk) -> None:
    desk.sim.add_task(desk.acme, "Call", status="Completed", due=date(2027, 1, 5))

    assert desk.sim.get(desk.acme)["LastActivityDate"] == "2027-01-05"
