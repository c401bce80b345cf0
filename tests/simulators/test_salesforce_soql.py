"""What the simulated org understands of SOQL, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import pytest
from simple_salesforce.format import format_soql

from tests.simulators.test_salesforce_login import Desk, open_desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Acme and three more accounts of different size."""
    for desk in open_desk():
        add = desk.sim.add_account
        add("Beta", owner=desk.ann, AnnualRevenue=10, Past_Due_Since__c=date(2026, 11, 1))
        add("Gamma 100%", owner=desk.ann, AnnualRevenue=20, Payment_Status__c="Past due")
        add("O'Neil \\ Sons", owner=desk.ann, AnnualRevenue=20)
        yield desk


def names(desk: Desk, rest: str) -> list[str]:
    return [one["Name"] for one in desk.soql(f"SELECT Name FROM Account {rest}")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'acme'", ["Acme"]),
        ("Name != 'Acme'", ["Beta", "Gamma 100%", "O'Neil \\ Sons"]),
        ("Name = 'O\\'Neil \\\\ Sons'", ["O'Neil \\ Sons"]),
        ("Name LIKE 'a%'", ["Acme"]),
        ("Name LIKE '_eta'", ["Beta"]),
        ("Name LIKE '%100\\%'", ["Gamma 100%"]),
        ("AnnualRevenue > 10", ["Gamma 100%", "O'Neil \\ Sons"]),
        ("AnnualRevenue <= 10.0", ["Beta"]),
        ("AnnualRevenue = null", ["Acme"]),
        ("AnnualRevenue != 20", ["Acme", "Beta"]),
        ("AnnualRevenue IN (10, 20) AND Payment_Status__c = 'Past due'", ["Gamma 100%"]),
        ("Name NOT IN ('Acme', 'Beta')", ["Gamma 100%", "O'Neil \\ Sons"]),
        ("(Name = 'Acme' OR Name = 'Beta') AND AnnualRevenue = 10", ["Beta"]),
        ("Name = 'Acme' AND (NOT AnnualRevenue = 10)", ["Acme"]),
        ("NOT Name LIKE '%a%'", ["O'Neil \\ Sons"]),
        ("Past_Due_Since__c < 2026-11-02", ["Beta"]),
        ("Past_Due_Since__c = LAST_N_DAYS:30", ["Beta"]),
        ("CreatedDate >= 2026-11-24T11:00:00+01:00 AND Name = 'Beta'", ["Beta"]),
        ("CreatedDate = TODAY AND Name = 'Beta'", ["Beta"]),
        ("Stripe_Customer_Id__c = 'cus_acme'", ["Acme"]),
        ("Stripe_Customer_Id__c = 'CUS_ACME'", []),
        ("Stripe_Customer_Id__c IN ('cus_acme', 'cus_none')", ["Acme"]),
        ("IsDeleted = false AND Owner.Name = 'Ann Example' AND Name = 'Acme'", ["Acme"]),
        ("Id IN (SELECT WhatId FROM Task WHERE Subject = 'Call')", ["Acme"]),
    ],
)
def test_where(desk: Desk, where: str, found: list[str]) -> None:
    desk.sim.add_task(desk.acme, "Call")

    assert names(desk, f"WHERE {where} ORDER BY Name") == found


def test_ids_compare_in_both_lengths(desk: Desk) -> None:
    assert names(desk, f"WHERE Id = '{desk.acme[:15]}'") == ["Acme"]
    assert names(desk, f"WHERE OwnerId = '{desk.ann[:15]}' AND Name = 'Acme'") == ["Acme"]


def test_what_format_soql_writes_is_understood(desk: Desk) -> None:
    text = format_soql(
        "SELECT Name FROM Account WHERE Name IN {} AND SystemModstamp <= {} AND IsDeleted = {}",
        ["O'Neil \\ Sons", "Beta"],
        datetime(2026, 11, 24, 12, tzinfo=UTC),
        False,
    )

    assert [one["Name"] for one in desk.soql(text)] == ["Beta", "O'Neil \\ Sons"]


def test_order_puts_nulls_first_unless_told(desk: Desk) -> None:
    by = "ORDER BY AnnualRevenue DESC"

    assert names(desk, f"{by}, Name ASC")[0] == "Acme"
    assert names(desk, f"{by} NULLS LAST, Name DESC") == [
        "O'Neil \\ Sons",
        "Gamma 100%",
        "Beta",
        "Acme",
    ]


def test_limit_and_offset(desk: Desk) -> None:
    assert names(desk, "ORDER BY Name LIMIT 2 OFFSET 1") == ["Beta", "Gamma 100%"]


def test_count_is_a_size_without_records(desk: Desk) -> None:
    found = desk.sf.query("SELECT COUNT() FROM Account WHERE AnnualRevenue = 20")

    assert (found["totalSize"], found["done"], found["records"]) == (2, True, [])


def test_parents_come_nested(desk: Desk) -> None:
    boss = desk.sim.add_user("Bea Boss", active=False)
    cas = desk.sim.add_user("Cas Example", manager=boss, email="cas@example.com")
    desk.sim.human(desk.ann).update("Account", desk.acme, {"CSM__c": cas})

    found = desk.sf.query(
        "SELECT Name, CSM__r.Email, CSM__r.Manager.IsActive, Owner.Manager.IsActive"
        " FROM Account WHERE Name = 'Acme'"
    )["records"][0]

    assert found["CSM__r"]["attributes"]["type"] == "User"
    assert found["CSM__r"]["Email"] == "cas@example.com"
    assert found["CSM__r"]["Manager"]["IsActive"] is False
    assert found["Owner"]["Manager"] is None


def test_polymorphic_parents_look_like_names(desk: Desk) -> None:
    contact = desk.sim.add_contact(desk.acme, "Joe", "Doe")
    queue = desk.sim.add_queue("Payment desk")
    desk.sim.add_task(desk.acme, "Call", contact=contact, owner=queue)

    found = desk.sf.query(
        "SELECT Who.Name, Who.Type, Owner.Name, Owner.Type, What.Name, Account.Name FROM Task"
    )["records"][0]

    assert (found["Who"]["Name"], found["Who"]["Type"]) == ("Joe Doe", "Contact")
    assert (found["Owner"]["Name"], found["Owner"]["Type"]) == ("Payment desk", "Group")
    assert found["What"]["attributes"]["type"] == "Name"
    assert found["Account"]["Name"] == "Acme"


def test_children_come_as_a_list_or_null(desk: Desk) -> None:
    contact = desk.sim.add_contact(desk.acme, "Joe", "Doe")
    desk.sim.add_case(desk.acme, "Broken")
    for number in range(3):
        due = date(2026, 11, 20 + number)
        desk.sim.add_task(desk.acme, f"Call {number}", due=due, contact=contact)
    desk.sim.add_task(desk.acme, "Done", status="Completed")

    acme, beta = desk.sf.query(
        "SELECT Name, (SELECT Subject, Who.Name FROM Tasks WHERE IsClosed = false"
        " ORDER BY ActivityDate DESC LIMIT 2), (SELECT Subject FROM Events),"
        " (SELECT CaseNumber FROM Cases), (SELECT Name FROM Contacts)"
        " FROM Account WHERE Name IN ('Acme', 'Beta') ORDER BY Name"
    )["records"]

    assert acme["Tasks"]["totalSize"] == 2
    assert [one["Subject"] for one in acme["Tasks"]["records"]] == ["Call 2", "Call 1"]
    assert acme["Tasks"]["records"][0]["Who"]["Name"] == "Joe Doe"
    assert acme["Cases"]["records"][0]["CaseNumber"] == "00001001"
    assert acme["Contacts"]["records"][0]["Name"] == "Joe Doe"
    assert acme["Events"] is None
    assert beta["Tasks"] is None


def test_pages_are_as_long_as_the_org_says_and_cost_a_call_each(desk: Desk) -> None:
    desk.sim.set_page_size(3)
    desk.sim.forget_requests()

    first = desk.sf.query("SELECT Id FROM Account")
    rest = desk.sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)

    assert (first["totalSize"], first["done"], len(first["records"])) == (4, False, 3)
    assert first["nextRecordsUrl"].endswith("-3")
    assert (rest["done"], len(rest["records"])) == (True, 1)
    assert desk.sim.api_calls == 2


def test_a_stale_locator_is_refused(desk: Desk) -> None:
    desk.sim.set_page_size(3)
    place = desk.sf.query("SELECT Id FROM Account")["nextRecordsUrl"]
    desk.sim.forget_locators()

    answer = desk.send("GET", place.removeprefix("/services/data/v67.0/"))

    assert answer.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_a_page_shows_what_was_there_when_the_query_ran(desk: Desk) -> None:
    desk.sim.set_page_size(3)
    first = desk.sf.query("SELECT Name FROM Account ORDER BY Name DESC")
    desk.sim.human(desk.ann).delete("Account", desk.acme)

    rest = desk.sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)

    assert [one["Name"] for one in rest["records"]] == ["Acme"]


def test_query_all_shows_the_deleted(desk: Desk) -> None:
    desk.sim.human(desk.ann).delete("Account", desk.acme)
    text = "SELECT Name, IsDeleted FROM Account WHERE IsDeleted = true"

    assert desk.soql(text) == []
    assert desk.sf.query_all(text, include_deleted=True)["records"][0]["Name"] == "Acme"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Id IN ()", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Id != null OR Id = null", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND NOT Id = null", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account GROUP BY Id", "MALFORMED_QUERY"),
        ("SELECT COUNT(Id) FROM Account", "MALFORMED_QUERY"),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 1", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account FOR UPDATE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WITH SECURITY_ENFORCED", "MALFORMED_QUERY"),
        ("SELECT Id, Id FROM Account", "MALFORMED_QUERY"),
        ("SELECT * FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a\\q'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2026-13-40T00:00:00Z", "MALFORMED_QUERY"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELECT Owner.Nope FROM Account", "INVALID_FIELD"),
        ("SELECT Nope.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Owner.Manager.Name FROM Task", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Nope = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Account ORDER BY Nope", "INVALID_FIELD"),
        ("SELECT Id FROM Task WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Task ORDER BY Description", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE CreatedDate = '2026-11-24T10:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2026-11-24", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE AnnualRevenue = '10'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE IsDeleted = 'no'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Account WHERE AnnualRevenue LIKE '1%'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Nonsense", "INVALID_TYPE"),
        ("SELECT Id FROM AccountTeamMember", "INVALID_TYPE"),
        ("SELECT Id, (SELECT Id FROM Opportunities) FROM Account", "INVALID_TYPE"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ],
)
def test_refusals(desk: Desk, text: str, code: str) -> None:
    assert desk.code("GET", f"query?q={quote(text)}") == (400, code)


def test_a_hidden_field_is_unknown_to_soql_everywhere(desk: Desk) -> None:
    desk.sim.hide_field("Account", "Payment_Status__c")
    text = "SELECT Id FROM Account WHERE Payment_Status__c = 'Paid'"

    assert desk.code("GET", f"query?q={quote(text)}") == (400, "INVALID_FIELD")


def test_a_hidden_object_is_unknown_as_child_too(desk: Desk) -> None:
    desk.sim.hide_object("Case")
    text = "SELECT Id, (SELECT Id FROM Cases) FROM Account"

    assert desk.code("GET", f"query?q={quote(text)}") == (400, "INVALID_TYPE")


def test_an_overlong_address_is_refused_before_it_is_read(desk: Desk) -> None:
    ids = ",".join(f"'{desk.acme}'" for _ in range(800))

    answer = desk.send("GET", f"query?q={quote(f'SELECT Id FROM Account WHERE Id IN ({ids})')}")

    assert answer.status_code == 431


def test_the_sandbox_flag_is_readable(desk: Desk) -> None:
    assert desk.sf.is_sandbox() is True


def test_a_queue_is_found_by_its_developer_name(desk: Desk) -> None:
    queue = desk.sim.add_queue("Payment desk")
    text = "SELECT Id FROM Group WHERE Type = 'Queue' AND DeveloperName = 'Payment_desk'"

    assert desk.soql(text) == [{"Id": queue}]
    assert desk.soql("SELECT Queue.Name, SobjectType FROM QueueSobject")[0]["SobjectType"] == "Task"


def poll(desk: Desk, where: str = "") -> list[Any]:
    text = f"SELECT Id FROM Account WHERE SystemModstamp >= 2026-11-24T10:00:00Z {where}"
    return [one["Id"] for one in desk.soql(f"{text} ORDER BY SystemModstamp ASC, Id ASC")]


def test_a_keyset_walks_over_equal_stamps(desk: Desk) -> None:
    ids = poll(desk)

    later = poll(desk, f"AND Id > '{ids[1]}'")

    assert len(ids) == 4
    assert later == ids[2:]


def test_a_slow_transaction_shows_late_with_an_early_stamp(desk: Desk) -> None:
    desk.sim.set_visibility_lag(3)
    desk.later(minutes=1)
    desk.sim.human(desk.ann).update("Account", desk.acme, {"Dunning_Status__c": "In Resolution"})
    held = "SELECT Id, SystemModstamp FROM Account WHERE Dunning_Status__c = 'In Resolution'"

    assert desk.soql(held) == []
    assert desk.send("GET", f"sobjects/Account/{desk.acme}").json()["Dunning_Status__c"] is None

    desk.later(seconds=3)
    assert desk.soql(held)[0]["SystemModstamp"] == "2026-11-24T10:01:00.000+0000"


def window(desk: Desk, start: str, end: str) -> str:
    return f"start={quote(f'2026-11-24T{start}+00:00')}&end={quote(f'2026-11-24T{end}+00:00')}"


def test_updated_lists_ids_and_how_far_it_looked(desk: Desk) -> None:
    desk.later(minutes=5)
    desk.sim.human(desk.ann).update("Account", desk.acme, {"Dunning_Status__c": "Released"})
    desk.later(minutes=2)

    answer = desk.send(
        "GET", f"sobjects/Account/updated?{window(desk, '10:03:59', '10:30:00')}"
    ).json()

    assert answer["ids"] == [desk.acme]
    assert answer["latestDateCovered"] == "2026-11-24T10:07:00.000+0000"


def test_deleted_lists_ids_with_dates(desk: Desk) -> None:
    desk.sim.human(desk.ann).delete("Account", desk.acme)
    desk.later(minutes=1)

    answer = desk.send(
        "GET", f"sobjects/Account/deleted?{window(desk, '10:00:00', '10:05:00')}"
    ).json()

    assert answer["deletedRecords"] == [
        {"id": desk.acme, "deletedDate": "2026-11-24T10:00:00.000+0000"}
    ]


def test_replication_windows_are_checked(desk: Desk) -> None:
    path = f"sobjects/Account/updated?{window(desk, '10:05:01', '10:05:59')}"

    assert desk.code("GET", path) == (400, "INVALID_REPLICATION_DATE")


def test_replication_looks_back_30_days(desk: Desk) -> None:
    path = f"sobjects/Account/updated?{window(desk, '10:00:00', '10:05:00')}"
    desk.later(days=31)
    desk.log_in()

    assert desk.code("GET", path) == (400, "INVALID_REPLICATION_DATE")
