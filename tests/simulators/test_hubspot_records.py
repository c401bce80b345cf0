"""Single records: what is read, what is written, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.simulators.hubspot_stage import Desk, open_desk

COMPANIES = "/crm/objects/2026-09/companies"
TASKS = "/crm/objects/2026-09/tasks"
PATHS = [
    "/crm/v3/objects/companies",
    "/crm/objects/2025-09/companies",
    "/crm/objects/2026-03/companies",
    COMPANIES,
    "/crm/objects/2026-09/company",
    "/crm/objects/2026-09/0-2",
]


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def code_of(body: dict[str, Any]) -> str:
    return str(body["errors"][0]["code"])


@pytest.mark.parametrize("path", PATHS)
def test_old_and_dated_paths_answer_alike(desk: Desk, path: str) -> None:
    assert desk.ok("GET", f"{path}/{desk.acme}") == {
        "id": desk.acme,
        "properties": {
            "createdate": "2026-11-24T10:00:00Z",
            "domain": "acme.example",
            "hs_lastmodifieddate": "2026-11-24T10:00:00Z",
            "hs_object_id": desk.acme,
            "name": "Acme",
        },
        "createdAt": "2026-11-24T10:00:00Z",
        "updatedAt": "2026-11-24T10:00:00Z",
        "archived": False,
        "url": f"https://app.hubspot.com/contacts/62515/record/0-2/{desk.acme}",
    }


@pytest.mark.parametrize(
    "path",
    ["/crm/v5/objects/companies", "/crm/objects/2027-09/companies", "/crm/owners/2026-09/", "/x"],
)
def test_a_path_of_no_version_leads_nowhere(desk: Desk, path: str) -> None:
    assert desk.refused("GET", path) == (404, "NOT_FOUND")


def test_owners_keep_their_trailing_slash_in_the_old_path_only(desk: Desk) -> None:
    assert desk.ok("GET", "/crm/v3/owners/") == desk.ok("GET", "/crm/owners/2026-09")


def test_an_unknown_property_is_left_out_of_a_read_without_a_word(desk: Desk) -> None:
    found = desk.ok("GET", f"{COMPANIES}/{desk.acme}?properties=name,nothing,phone")

    assert "nothing" not in found["properties"]
    assert found["properties"]["phone"] is None


def test_an_unknown_property_is_refused_in_a_write_and_nothing_is_written(desk: Desk) -> None:
    body = {"properties": {"name": "New", "nothing": "1"}}
    answer = desk.send("PATCH", f"{COMPANIES}/{desk.acme}", body)

    assert (answer.status_code, code_of(answer.json())) == (400, "PROPERTY_DOESNT_EXIST")
    assert "PROPERTY_DOESNT_EXIST" in answer.json()["message"]
    assert desk.sim.get("companies", desk.acme)["name"] == "Acme"


def test_values_are_texts_whatever_was_sent(desk: Desk) -> None:
    desk.sim.add_property("companies", "amount", type="number")
    desk.sim.add_property("companies", "vip", type="bool")
    desk.sim.add_property("companies", "day", type="date")
    body = {"properties": {"amount": 125.5, "vip": True, "day": "1764547200000"}}

    desk.ok("PATCH", f"{COMPANIES}/{desk.acme}", body)

    found = desk.ok("GET", f"{COMPANIES}/{desk.acme}?properties=amount,vip,day")["properties"]
    assert (found["amount"], found["vip"], found["day"]) == ("125.5", "true", "2025-12-01")


def test_null_clears_nothing_and_an_empty_text_does(desk: Desk) -> None:
    path = f"{COMPANIES}/{desk.acme}"

    desk.ok("PATCH", path, {"properties": {"domain": None}})
    assert desk.sim.get("companies", desk.acme)["domain"] == "acme.example"

    desk.ok("PATCH", path, {"properties": {"domain": ""}})
    assert "domain" not in desk.sim.get("companies", desk.acme)


@pytest.mark.parametrize(
    ("type_", "value", "code"),
    [
        ("number", "many", "INVALID_DOUBLE"),
        ("number", "NaN", "INVALID_DOUBLE"),
        ("bool", "maybe", "INVALID_BOOLEAN"),
        ("date", "2026-11-24T10:00:00Z", "INVALID_DATE"),
        ("datetime", "tomorrow", "INVALID_LONG"),
        ("string", "x" * 65_537, "VALUE_TOO_LONG"),
        ("string", ["x"], "INVALID_VALUE"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(
    desk: Desk, type_: str, value: Any, code: str
) -> None:
    desk.sim.add_property("companies", "field", type=type_)

    answer = desk.send("PATCH", f"{COMPANIES}/{desk.acme}", {"properties": {"field": value}})

    assert (answer.status_code, code_of(answer.json())) == (400, code)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("hold", "Held", "INVALID_OPTION"),
        ("hubspot_owner_id", "1", "INVALID_OWNER_ID"),
        ("notes_last_contacted", "2026-11-24T10:00:00Z", "READ_ONLY_VALUE"),
        ("hs_lastmodifieddate", "2026-11-24T10:00:00Z", "READ_ONLY_VALUE"),
    ],
)
def test_a_value_that_the_definition_forbids_is_refused(
    desk: Desk, name: str, value: str, code: str
) -> None:
    answer = desk.send("PATCH", f"{COMPANIES}/{desk.acme}", {"properties": {name: value}})

    assert (answer.status_code, code_of(answer.json())) == (400, code)


def test_a_user_id_is_no_owner_id(desk: Desk) -> None:
    user = str(desk.sim.user_id_of(desk.ann))
    body = {"properties": {"hubspot_owner_id": user}}

    answer = desk.send("PATCH", f"{COMPANIES}/{desk.acme}", body)

    assert (answer.status_code, code_of(answer.json())) == (400, "INVALID_OWNER_ID")


def test_a_leading_semicolon_adds_to_a_list(desk: Desk) -> None:
    desk.sim.add_property(
        "companies", "tags", type="enumeration", field_type="checkbox", options=("a", "b", "c")
    )
    path = f"{COMPANIES}/{desk.acme}"

    desk.ok("PATCH", path, {"properties": {"tags": "a;b"}})
    desk.ok("PATCH", path, {"properties": {"tags": ";c;a"}})
    assert desk.sim.get("companies", desk.acme)["tags"] == "a;b;c"

    desk.ok("PATCH", path, {"properties": {"tags": "c"}})
    assert desk.sim.get("companies", desk.acme)["tags"] == "c"


def test_a_record_is_read_and_written_by_a_unique_property(desk: Desk) -> None:
    path = f"{COMPANIES}/cus_1?idProperty=stripe_customer_id"

    desk.ok("PATCH", path, {"properties": {"hold": "held"}})

    assert desk.ok("GET", f"{path}&properties=hold")["properties"]["hold"] == "held"
    other = f"{COMPANIES}/acme.example?idProperty=domain"
    assert desk.refused("GET", other) == (400, "VALIDATION_ERROR")


def test_a_unique_value_that_another_record_holds_is_a_conflict(desk: Desk) -> None:
    body = {"properties": {"name": "Other", "stripe_customer_id": "cus_1"}}

    answer = desk.send("POST", COMPANIES, body)

    assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")
    assert desk.acme in answer.json()["message"]
    assert len(desk.sim.rows("companies")) == 1


def test_a_contact_with_a_known_address_names_the_one_that_exists(desk: Desk) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz", "dana@acme.example")

    answer = desk.send(
        "POST", "/crm/objects/2026-09/contacts", {"properties": {"email": "Dana@Acme.example"}}
    )

    assert answer.status_code == 409
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {dana}"


@pytest.mark.parametrize(
    ("kind", "properties", "missing"),
    [
        ("tasks", {"hs_task_subject": "Call"}, ["hs_timestamp"]),
        ("notes", {"hs_note_body": "x"}, ["hs_timestamp"]),
        ("companies", {"phone": "1"}, ["name", "domain"]),
        ("tickets", {"subject": "x"}, ["hs_pipeline_stage"]),
    ],
)
def test_what_a_record_needs_is_named_when_it_is_missing(
    desk: Desk, kind: str, properties: dict[str, str], missing: list[str]
) -> None:
    answer = desk.send("POST", f"/crm/objects/2026-09/{kind}", {"properties": properties})

    assert answer.status_code == 400
    assert answer.json()["context"] == {"properties": missing}


def test_a_task_is_made_with_its_links_or_not_at_all(desk: Desk) -> None:
    def body(company: str) -> dict[str, Any]:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}]
        return {
            "properties": {"hs_timestamp": "2026-11-25T15:00:00.000Z", "hs_task_subject": "Call"},
            "associations": [{"to": {"id": company}, "types": types}],
        }

    assert desk.refused("POST", TASKS, body("1")) == (404, "OBJECT_NOT_FOUND")
    assert desk.sim.rows("tasks") == []

    made = desk.ok("POST", TASKS, body(desk.acme))
    assert made["properties"]["hs_task_status"] == "NOT_STARTED"
    assert desk.sim.linked("companies", desk.acme, "tasks") == [made["id"]]


def test_completing_a_task_says_when_and_reopening_forgets_it(desk: Desk) -> None:
    task = desk.sim.add_task(desk.acme, "Call")

    desk.ok("PATCH", f"{TASKS}/{task}", {"properties": {"hs_task_status": "COMPLETED"}})
    assert desk.sim.get("tasks", task)["hs_task_completion_date"] == "2026-11-24T10:00:00Z"

    desk.ok("PATCH", f"{TASKS}/{task}", {"properties": {"hs_task_status": "NOT_STARTED"}})
    assert "hs_task_completion_date" not in desk.sim.get("tasks", task)


def test_the_body_of_a_task_is_cleaned_of_what_could_run(desk: Desk) -> None:
    html = '<p onclick="x()">Call <b>Dana</b></p><!-- ref 1 --><script>x()</script>'

    task = desk.sim.add_task(desk.acme, "Call", hs_task_body=html)

    row = desk.sim.get("tasks", task)
    assert row["hs_task_body"] == "<p>Call <b>Dana</b></p>"
    assert row["hs_body_preview"] == "Call Dana"


def test_writing_what_stands_already_moves_no_stamp(desk: Desk) -> None:
    desk.later(hours=1)

    desk.ok("PATCH", f"{COMPANIES}/{desk.acme}", {"properties": {"name": "Acme"}})

    assert desk.sim.get("companies", desk.acme)["hs_lastmodifieddate"] == "2026-11-24T10:00:00Z"


@pytest.mark.parametrize(
    ("kind", "stamp"), [("companies", "hs_lastmodifieddate"), ("contacts", "lastmodifieddate")]
)
def test_contacts_have_a_stamp_of_another_name(desk: Desk, kind: str, stamp: str) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz")
    id = {"companies": desk.acme, "contacts": dana}[kind]
    desk.later(hours=1)

    desk.ok("PATCH", f"/crm/objects/2026-09/{kind}/{id}", {"properties": {"phone": "1"}})

    assert desk.sim.get(kind, id)[stamp] == "2026-11-24T11:00:00Z"


def test_the_history_says_who_wrote_each_value_and_when(desk: Desk) -> None:
    desk.later(hours=1)
    desk.sim.human(desk.ann).set_company(desk.acme, hold="held")
    desk.later(hours=1)
    desk.ok("PATCH", f"{COMPANIES}/{desk.acme}", {"properties": {"hold": "released"}})

    path = f"{COMPANIES}/{desk.acme}?propertiesWithHistory=hold"
    user = desk.sim.user_id_of(desk.ann)
    assert desk.ok("GET", path)["propertiesWithHistory"]["hold"] == [
        {
            "value": "released",
            "timestamp": "2026-11-24T12:00:00Z",
            "sourceType": "INTEGRATION",
            "sourceId": "8111832",
        },
        {
            "value": "held",
            "timestamp": "2026-11-24T11:00:00Z",
            "sourceType": "CRM_UI",
            "sourceId": f"userId:{user}",
            "updatedByUserId": user,
        },
    ]


def test_a_page_with_history_is_half_as_long(desk: Desk) -> None:
    assert desk.ok("GET", f"{COMPANIES}?limit=100")["results"]
    path = f"{COMPANIES}?limit=51&propertiesWithHistory=name"
    assert desk.refused("GET", path) == (400, "VALIDATION_ERROR")


def test_pages_follow_one_another_by_id(desk: Desk) -> None:
    made = [desk.acme, *(desk.sim.add_company(f"Company {place}") for place in range(4))]
    found: list[str] = []
    after = "0"
    while after:
        page = desk.ok("GET", f"{COMPANIES}?limit=2&after={after}")
        found += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")

    assert found == made


def test_a_rule_of_the_admin_binds_the_newest_version_and_people_only(desk: Desk) -> None:
    desk.sim.require_when("companies", "phone", when="hold", equals="held")
    body = {"properties": {"hold": "held"}}

    answer = desk.send("PATCH", f"{COMPANIES}/{desk.acme}", body)
    assert (answer.status_code, code_of(answer.json())) == (400, "VALIDATION_RULE_FAILED")
    desk.ok("PATCH", f"/crm/objects/2026-03/companies/{desk.acme}", body)

    desk.sim.clear_rules()
    desk.sim.require_on_create("companies", "phone")
    assert desk.refused("POST", COMPANIES, {"properties": {"name": "x"}})[0] == 400
    desk.ok("PATCH", f"{COMPANIES}/{desk.acme}", {"properties": {"name": "Acme Inc"}})


def test_logging_a_call_moves_the_company_and_a_note_is_no_contact(desk: Desk) -> None:
    start = desk.clock.now()
    desk.later(hours=1)
    desk.sim.add_note(desk.acme, "<p>Thought of them</p>")
    assert "notes_last_contacted" not in desk.sim.get("companies", desk.acme)

    desk.later(hours=1)
    desk.sim.human(desk.ann).log_call(desk.acme, "Spoke to Dana", at=start - timedelta(days=1))

    row = desk.sim.get("companies", desk.acme)
    assert row["notes_last_contacted"] == "2026-11-23T10:00:00Z"
    assert row["hs_lastmodifieddate"] == "2026-11-24T12:00:00Z"


def test_a_body_that_is_no_json_is_refused(desk: Desk) -> None:
    answer = desk.session.post(
        f"{desk.sim.url}{COMPANIES}",
        data=b"{",
        headers={
            "Authorization": f"Bearer {desk.sim.service_key}",
            "Content-Type": "application/json",
        },
        timeout=10,
    )
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_a_very_long_address_is_refused_by_the_proxy(desk: Desk) -> None:
    answer = desk.send("GET", f"{COMPANIES}?properties={'x' * 17_000}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (414, "text/html")
