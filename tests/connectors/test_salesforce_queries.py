"""Ids, names, quoting, and the one query that reads an account with everything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.salesforce import ids, soql
from connectors.salesforce.account_query import AccountQuery, Part, relationship
from connectors.salesforce.errors import NoAccess
from domain.errors import Misconfigured
from domain.facts import Role
from domain.ports import ReadPlan
from tests.connectors.salesforce_stage import PLAN

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("001D000000IqhSL", "001D000000IqhSLIAZ"),
        ("005000000000000", "005000000000000AAA"),
        ("001R0000006hfeZ", "001R0000006hfeZIAQ"),
    ],
)
def test_the_checksum_is_the_published_one(short: str, long: str) -> None:
    assert ids.to_18(short) == long
    assert ids.to_18(long) == long


def test_letter_case_lost_in_a_spreadsheet_is_noticed() -> None:
    with pytest.raises(Misconfigured, match="not a valid 18-character id"):
        ids.admitted("001D000000IQHSLIAZ", where="fallback_owner")


def test_fifteen_characters_from_a_person_are_refused() -> None:
    with pytest.raises(Misconfigured, match="has 15 characters"):
        ids.admitted("001D000000IqhSL", where="fallback_owner")


def test_values_cannot_leave_their_quotes() -> None:
    assert soql.quoted("a' OR Name != '\n") == r"'a\' OR Name != \'\n'"


@given(st.text())
def test_a_quoted_value_never_ends_early(value: str) -> None:
    inside = soql.quoted(value)[1:-1].replace("\\\\", "").replace("\\'", "")
    assert "'" not in inside


@pytest.mark.parametrize(
    "name", ["", "Name; DROP", "a b", "1st__c", "Name FROM User", "x.", "é__c"]
)
def test_a_name_that_is_no_field_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured):
        soql.name(name)


def test_an_empty_list_is_never_sent() -> None:
    with pytest.raises(ValueError, match="at least one"):
        soql.in_list([])


def test_a_naive_moment_is_never_sent() -> None:
    with pytest.raises(ValueError, match="aware"):
        soql.moment(datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_moment_of_the_vendor_is_understood() -> None:
    assert soql.parsed_moment("2026-05-01T07:25:37.000+0000") == datetime(
        2026, 5, 1, 7, 25, 37, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("CSM__c", "CSM__r"),
        ("OwnerId", "Owner"),
        ("Owner.ManagerId", "Owner.Manager"),
        ("CSM__r.ManagerId", "CSM__r.Manager"),
    ],
)
def test_a_lookup_is_followed_under_its_relationship_name(field: str, path: str) -> None:
    assert relationship(field) == path


def test_a_field_that_is_no_lookup_cannot_name_a_person() -> None:
    with pytest.raises(Misconfigured, match="no lookup"):
        relationship("Phone")


def test_the_whole_query_is_one_sentence() -> None:
    plan = ReadPlan(
        account_fields=("Dunning_Status__c",),
        people_fields={Role.CSM: "CSM__c"},
        contact_field="AP_Contact__c",
        task_key_field="Dunning_Key__c",
        customer_field="Stripe_Customer_Id__c",
    )
    query = AccountQuery(plan=plan)
    user = "Id,{0}.Name,{0}.IsActive,{0}.Email,{0}.Title,{0}.TimeZoneSidKey"
    assert query.text(query.where(["001A"], ["cus_1"]), now=NOW) == (
        "SELECT Id,Name,IsDeleted,MasterRecordId,LastModifiedById,LastModifiedDate,"
        "Dunning_Status__c,CSM__c,Stripe_Customer_Id__c,"
        f"Owner.{user.format('Owner')},Owner.Manager.{user.format('Owner.Manager')},"
        f"CSM__r.{user.format('CSM__r')},"
        "AP_Contact__r.Id,AP_Contact__r.Name,AP_Contact__r.FirstName,AP_Contact__r.Email,"
        "AP_Contact__r.IsDeleted,"
        "(SELECT Id,Subject,Description,Status,Priority,ActivityDate,OwnerId,Owner.Name,IsClosed,"
        "CompletedDateTime,CreatedById,LastModifiedDate,TaskSubtype,Dunning_Key__c FROM Tasks "
        "WHERE IsDeleted = false AND (Dunning_Key__c != null OR IsClosed = true) "
        "ORDER BY IsClosed ASC, Dunning_Key__c DESC NULLS LAST, CompletedDateTime DESC NULLS LAST "
        "LIMIT 40),"
        "(SELECT Id,CaseNumber,Subject,Priority FROM Cases WHERE IsDeleted = false AND "
        "IsClosed = false ORDER BY Priority ASC, CreatedDate DESC LIMIT 50),"
        "(SELECT Id,Subject,StartDateTime,Owner.Name FROM Events WHERE IsDeleted = false AND "
        "StartDateTime <= 2026-11-20T09:30:00Z ORDER BY StartDateTime DESC LIMIT 1) "
        "FROM Account WHERE Id IN ('001A') OR "
        "(IsDeleted = false AND Stripe_Customer_Id__c IN ('cus_1'))"
    )


def test_a_part_without_access_is_left_out() -> None:
    query = AccountQuery(plan=PLAN)
    text = query.text("Id != null", now=NOW, parts=frozenset({Part.EVENTS}))
    assert ("FROM Cases" in text, "AP_Contact__r" in text, "FROM Events" in text) == (
        False,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("names", "entity", "lost"),
    [
        (("Cases",), "", {Part.TICKETS}),
        (("CaseNumber",), "Case", {Part.TICKETS}),
        (("Events",), "", {Part.EVENTS}),
        (("AP_Contact__r",), "", {Part.CONTACT}),
        (("Email",), "Contact", {Part.CONTACT}),
        (("Health_Score__c",), "Account", set()),
        ((), "", set(Part)),
    ],
)
def test_a_refusal_names_the_part_that_is_dispensable(
    names: tuple[str, ...], entity: str, lost: set[Part]
) -> None:
    problem = NoAccess("refused", names=names, entity=entity)
    assert AccountQuery(plan=PLAN).dispensable(problem, frozenset(Part)) == lost


def test_a_hidden_lookup_is_explained_by_the_field_that_an_admin_knows() -> None:
    problem = NoAccess("refused", names=("CSM__r",), entity="Account")
    assert AccountQuery(plan=PLAN).explained(problem).row == "CSM__c"
