"""What the integration user sees and may edit, and how describe says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.test_salesforce_login import Desk, open_desk

KEYED = "sobjects/Task/Dunning_Key__c/case-1"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def test_a_hidden_field_does_not_exist(desk: Desk) -> None:
    desk.sim.hide_field("Account", "Payment_Status__c")

    assert "Payment_Status__c" not in desk.send("GET", f"sobjects/Account/{desk.acme}").json()
    assert desk.code("PATCH", f"sobjects/Account/{desk.acme}", {"Payment_Status__c": "Paid"}) == (
        400,
        "INVALID_FIELD",
    )


def test_edit_rights_can_be_granted_and_revoked(desk: Desk) -> None:
    desk.sim.grant_edit("Account", "Dunning_Status__c")
    desk.sim.revoke_edit("Account", "Payment_Status__c")
    path = f"sobjects/Account/{desk.acme}"

    assert desk.send("PATCH", path, {"Dunning_Status__c": "Released"}).status_code == 204
    assert desk.code("PATCH", path, {"Payment_Status__c": "Paid"}) == (
        400,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    )


def test_a_validation_rule_refuses_in_the_customers_words(desk: Desk) -> None:
    desk.sim.add_rule("Task", lambda row, old: None if row.get("WhoId") else "Who is it with?")

    answer = desk.send("PATCH", KEYED, {"Subject": "Call"})

    assert answer.json() == [
        {
            "message": "Who is it with?",
            "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "fields": [],
        }
    ]


def test_blank_text_is_null_and_margins_are_trimmed(desk: Desk) -> None:
    path = f"sobjects/Account/{desk.acme}"
    desk.send("PATCH", path, {"Last_Failure_Code__c": " card_declined\n"})
    assert desk.sim.get(desk.acme)["Last_Failure_Code__c"] == "card_declined"

    desk.send("PATCH", path, {"Last_Failure_Code__c": ""})
    assert desk.sim.get(desk.acme)["Last_Failure_Code__c"] is None


def test_describe_leaves_hidden_fields_out_and_says_what_may_be_edited(desk: Desk) -> None:
    desk.sim.hide_field("Account", "Stripe_MRR__c")

    accounts: Any = desk.sf.Account
    fields = {one["name"]: one for one in accounts.describe()["fields"]}

    assert "Stripe_MRR__c" not in fields
    assert fields["Stripe_Customer_Id__c"]["externalId"]
    assert fields["Stripe_Customer_Id__c"]["unique"]
    assert fields["Stripe_Customer_Id__c"]["length"] == 64
    assert fields["Payment_Status__c"]["updateable"]
    assert not fields["Dunning_Status__c"]["updateable"]
    assert fields["Dunning_Status__c"]["restrictedPicklist"]


def test_describe_is_not_sent_again_unless_it_changed(desk: Desk) -> None:
    seen = desk.send("GET", "sobjects/Account/describe").headers["Last-Modified"]
    asked = {"If-Modified-Since": seen}
    assert desk.send("GET", "sobjects/Account/describe", None, asked).status_code == 304

    desk.later(minutes=1)
    desk.sim.hide_field("Account", "Stripe_MRR__c")

    assert desk.send("GET", "sobjects/Account/describe", None, asked).status_code == 200


def test_the_global_describe_lists_what_there_is(desk: Desk) -> None:
    desk.sim.hide_object("Case")

    names = {one["name"] for one in (desk.sf.describe() or {})["sobjects"]}

    assert {"Account", "Task", "TaskStatus", "Group"} <= names
    assert "Case" not in names
    assert "ContentNote" not in names


def test_a_renamed_label_leaves_the_value_alone(desk: Desk) -> None:
    desk.sim.rename_picklist_label("Account", "Dunning_Status__c", "In Resolution", "On hold")

    fields = {one["name"]: one for one in desk.sim.describe("Account")["fields"]}
    shown = [(c["value"], c["label"]) for c in fields["Dunning_Status__c"]["picklistValues"]]
    assert shown[0] == ("In Resolution", "On hold")


def test_task_statuses_are_rows_and_picklist_values(desk: Desk) -> None:
    desk.sim.rename_picklist_label("Task", "Status", "Completed", "Done")

    rows = desk.soql("SELECT MasterLabel, ApiName, IsClosed, IsDefault FROM TaskStatus")

    assert rows[0] == {
        "MasterLabel": "Not Started",
        "ApiName": "Not Started",
        "IsClosed": False,
        "IsDefault": True,
    }
    assert rows[-1] == {
        "MasterLabel": "Done",
        "ApiName": "Completed",
        "IsClosed": True,
        "IsDefault": False,
    }


def test_a_customer_has_fields_of_its_own(desk: Desk) -> None:
    desk.sim.add_field("User", "Away_Until__c", kind="date")
    desk.sim.add_field("Account", "Backup__c", kind="reference", refers_to=["User"])
    backup = desk.sim.add_user("Cas Example", Away_Until__c="2026-12-01")
    desk.sim.human(desk.ann).update("Account", desk.acme, {"Backup__c": backup})

    found = desk.soql("SELECT Backup__r.Away_Until__c FROM Account WHERE Name = 'Acme'")

    assert found[0]["Backup__r"]["Away_Until__c"] == "2026-12-01"
    with pytest.raises(KeyError, match="already"):
        desk.sim.add_field("User", "Away_Until__c")
