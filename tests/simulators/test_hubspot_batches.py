"""Batches: bad rows beside good ones, in every way that HubSpot tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulators.hubspot import row_error
from tests.simulators.hubspot_stage import Desk, open_desk

NEW = "/crm/objects/2026-09/companies/batch"
OLD = "/crm/v3/objects/companies/batch"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def row(key: str, trace: str | None = None, **properties: str) -> dict[str, Any]:
    made: dict[str, Any] = {"idProperty": "stripe_customer_id", "id": key}
    if trace is not None:
        made["objectWriteTraceId"] = trace
    return {**made, "properties": properties}


@pytest.mark.parametrize(("path", "status"), [(OLD, 207), (NEW, 200)])
def test_a_batch_read_misses_some_and_says_which(desk: Desk, path: str, status: int) -> None:
    body = {
        "idProperty": "stripe_customer_id",
        "inputs": [{"id": "cus_1"}, {"id": "cus_2"}, {"id": "cus_3"}],
        "properties": ["name", "phone"],
        "propertiesWithHistory": [],
    }
    answer = desk.send("POST", f"{path}/read", body)
    found = answer.json()

    assert answer.status_code == status
    assert [one["id"] for one in found["results"]] == [desk.acme]
    assert found["results"][0]["properties"]["phone"] is None
    assert found["numErrors"] == 1
    [error] = found["errors"]
    assert (error["category"], error["context"]) == (
        "OBJECT_NOT_FOUND",
        {"ids": ["cus_2", "cus_3"]},
    )


def test_the_status_of_a_batch_with_errors_is_on_a_dial(desk: Desk) -> None:
    body = {"inputs": [{"id": "1"}], "properties": []}

    desk.sim.set_batches(status=207)
    assert desk.send("POST", f"{NEW}/read", body).status_code == 207
    desk.sim.set_batches(status=200)
    assert desk.send("POST", f"{OLD}/read", body).status_code == 200


def test_an_upsert_updates_what_it_finds_and_creates_the_rest(desk: Desk) -> None:
    inputs = [row("cus_1", hold="held"), row("cus_2", name="Birch")]

    found = desk.ok("POST", f"{NEW}/upsert", {"inputs": inputs})

    assert [(one["id"] == desk.acme, one["new"]) for one in found["results"]] == [
        (True, False),
        (False, True),
    ]
    assert [one["name"] for one in desk.sim.rows("companies")] == ["Acme", "Birch"]


def test_one_conflict_fails_the_whole_batch_and_nothing_is_written(desk: Desk) -> None:
    birch = desk.sim.add_company("Birch", stripe_customer_id="cus_2")
    before = desk.sim.state()
    inputs = [
        {"id": desk.acme, "properties": {"hold": "held"}},
        {"id": birch, "properties": {"stripe_customer_id": "cus_1"}},
    ]

    assert desk.refused("POST", f"{NEW}/update", {"inputs": inputs}) == (409, "CONFLICT")
    assert desk.sim.state() == before


@pytest.mark.parametrize(("path", "status"), [(OLD, 207), (NEW, 200)])
def test_a_batch_of_traced_rows_keeps_its_good_ones(desk: Desk, path: str, status: int) -> None:
    inputs = [row("cus_1", "t1", hold="held"), row("cus_2", "t2", name="Birch", hold="never")]

    answer = desk.send("POST", f"{path}/upsert", {"inputs": inputs})
    found = answer.json()

    assert answer.status_code == status
    assert [one["objectWriteTraceId"] for one in found["results"]] == ["t1"]
    [error] = found["errors"]
    assert error["context"] == {"id": ["cus_2"], "objectWriteTraceId": ["t2"]}
    assert error["errors"][0]["code"] == "INVALID_OPTION"
    assert [one["name"] for one in desk.sim.rows("companies")] == ["Acme"]
    assert desk.sim.get("companies", desk.acme)["hold"] == "held"


def test_one_row_can_be_made_to_fail(desk: Desk) -> None:
    inputs = [row("cus_1", "t1", hold="held"), row("cus_2", "t2", name="Birch")]
    fault = row_error("busy", category="CONFLICT", status=409, rows=[1], path=".*/upsert", times=2)
    desk.sim.faults.arm(fault)

    found = desk.ok("POST", f"{NEW}/upsert", {"inputs": inputs})
    assert [one["id"] for one in found["results"]] == [desk.acme]
    assert (found["errors"][0]["category"], found["errors"][0]["message"]) == ("CONFLICT", "busy")

    desk.sim.set_batches(partial="never")
    assert desk.refused("POST", f"{NEW}/upsert", {"inputs": inputs}) == (409, "CONFLICT")


def test_partial_batches_can_be_switched_on_and_off(desk: Desk) -> None:
    untraced = [row("cus_1", hold="held"), row("cus_2", name="Birch", hold="never")]
    desk.sim.set_batches(partial="always")
    assert desk.ok("POST", f"{NEW}/upsert", {"inputs": untraced})["numErrors"] == 1

    traced = [row("cus_1", "t1", hold="released"), row("cus_2", "t2", name="Birch", hold="never")]
    desk.sim.set_batches(partial="never")
    assert desk.send("POST", f"{NEW}/upsert", {"inputs": traced}).status_code == 400
    assert desk.sim.get("companies", desk.acme)["hold"] == "held"


def test_the_same_id_twice_in_a_batch_is_refused(desk: Desk) -> None:
    inputs = [row("cus_1", hold="held"), row("cus_1", hold="released")]

    answer = desk.send("POST", f"{NEW}/upsert", {"inputs": inputs})

    assert answer.status_code == 400
    assert "Duplicate IDs found in batch input: [cus_1]" in answer.json()["message"]


@pytest.mark.parametrize("name", ["hs_object_id", "domain", "nothing"])
def test_an_upsert_needs_a_unique_property_and_the_record_id_is_none(desk: Desk, name: str) -> None:
    inputs = [{"idProperty": name, "id": desk.acme, "properties": {"hold": "held"}}]

    answer = desk.send("POST", f"{NEW}/upsert", {"inputs": inputs})

    assert answer.status_code == 400
    assert "non-unique property" in answer.json()["message"]


def test_an_upsert_that_would_create_needs_a_name_or_a_domain(desk: Desk) -> None:
    body = {"inputs": [row("cus_9", hold="held")]}
    assert desk.send("POST", f"{NEW}/upsert", body).json()["context"] == {
        "properties": ["name", "domain"]
    }


def test_an_upsert_of_a_deleted_company_makes_a_new_one(desk: Desk) -> None:
    desk.sim.human(desk.ann).delete("companies", desk.acme)

    found = desk.ok("POST", f"{NEW}/upsert", {"inputs": [row("cus_1", name="Acme")]})

    assert found["results"][0]["new"] is True
    assert found["results"][0]["id"] != desk.acme


def test_a_batch_update_misses_some_and_writes_the_others(desk: Desk) -> None:
    inputs = [
        {"id": desk.acme, "properties": {"hold": "held"}},
        {"id": "1", "properties": {"hold": "held"}},
    ]

    found = desk.ok("POST", f"{NEW}/update", {"inputs": inputs})

    assert [one["id"] for one in found["results"]] == [desk.acme]
    assert found["errors"][0]["context"] == {"ids": ["1"]}


def test_contacts_by_address_are_upserted_all_or_none(desk: Desk) -> None:
    def contact(email: str, **properties: str) -> dict[str, Any]:
        named = {"idProperty": "email", "id": email, "objectWriteTraceId": email}
        return {**named, "properties": properties}

    path = "/crm/objects/2026-09/contacts/batch/upsert"
    inputs = [contact("a@acme.example", firstname="A"), contact("b@acme.example", nothing="B")]

    assert desk.refused("POST", path, {"inputs": inputs}) == (400, "VALIDATION_ERROR")
    assert desk.sim.rows("contacts") == []
    assert len(desk.ok("POST", path, {"inputs": inputs[:1]})["results"]) == 1


def test_a_hundred_inputs_are_the_most(desk: Desk) -> None:
    inputs = [row(f"cus_{place}", name=f"Company {place}") for place in range(101)]

    assert desk.refused("POST", f"{NEW}/upsert", {"inputs": inputs})[0] == 400
    assert len(desk.ok("POST", f"{NEW}/upsert", {"inputs": inputs[:100]})["results"]) == 100


def test_a_batch_creates_and_archives(desk: Desk) -> None:
    inputs = [{"properties": {"name": name}, "associations": []} for name in ("Birch", "Cedar")]

    answer = desk.send("POST", f"{NEW}/create", {"inputs": inputs})
    made = [{"id": one["id"]} for one in answer.json()["results"]]
    gone = desk.send("POST", f"{NEW}/archive", {"inputs": made})

    assert (answer.status_code, gone.status_code) == (201, 204)
    assert [one["name"] for one in desk.sim.rows("companies")] == ["Acme"]


def test_tasks_are_upserted_by_a_key_where_unique_values_are_honoured(desk: Desk) -> None:
    desk.sim.add_property("tasks", "key", unique=True)
    inputs = [
        {
            "idProperty": "key",
            "id": "case-1",
            "properties": {"hs_timestamp": "2026-11-25T15:00:00Z", "hs_task_subject": "Call"},
        }
    ]
    path = "/crm/objects/2026-09/tasks/batch/upsert"

    first = desk.ok("POST", path, {"inputs": inputs})["results"][0]
    second = desk.ok("POST", path, {"inputs": inputs})["results"][0]

    assert (first["new"], second["new"], first["id"] == second["id"]) == (True, False, True)


def test_unique_values_on_tasks_may_be_quietly_ignored(desk: Desk) -> None:
    desk.sim.set_unique_on("tasks", False)
    path = "/crm/properties/2026-09/tasks"
    body = {
        "name": "key",
        "label": "Key",
        "type": "string",
        "fieldType": "text",
        "groupName": "taskinformation",
        "hasUniqueValue": True,
    }

    assert desk.ok("POST", path, body)["hasUniqueValue"] is False
    assert desk.ok("GET", f"{path}/key")["hasUniqueValue"] is False
