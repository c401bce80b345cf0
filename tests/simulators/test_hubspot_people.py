"""What people do in the simulated account, its definitions, and how it is worked from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from simulators.cast import BEFORE, seed_world
from simulators.clock import SimClock
from simulators.hubspot import HubspotSim
from simulators.hubspot.errors import Refusal
from simulators.salesforce import SalesforceSim
from simulators.stripe import StripeSim
from tests.simulators.hubspot_stage import START, Desk, open_desk

PROPERTIES = "/crm/properties/2026-09/companies"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def control(desk: Desk, method: str, path: str, body: Any = None) -> Any:
    """One call of the control API."""
    answer = requests.request(method, f"{desk.sim.url}/_sim/{path}", json=body, timeout=10)
    return answer.json()


def test_a_task_is_edited_completed_snoozed_given_away_and_deleted_by_people(desk: Desk) -> None:
    ben = desk.sim.add_owner("Ben Example")
    human = desk.sim.human(desk.ann)
    task = desk.sim.add_task(desk.acme, "Call", owner=desk.ann)

    human.edit_task(task, hs_task_subject="Call today")
    human.snooze_task(task, START + timedelta(days=3))
    human.reassign_task(task, ben)
    human.complete_task(task, hs_task_priority="LOW")

    row = desk.sim.get("tasks", task)
    assert (row["hs_task_subject"], row["hs_timestamp"], row["hubspot_owner_id"]) == (
        "Call today",
        "2026-11-27T10:00:00Z",
        ben,
    )
    assert (row["hs_task_status"], row["hs_task_priority"]) == ("COMPLETED", "LOW")
    human.delete_task(task)
    assert desk.sim.rows("tasks") == []
    assert desk.sim.linked("companies", desk.acme, "tasks") == []


def test_an_activity_is_pinned_and_unpinned(desk: Desk) -> None:
    call = desk.sim.human(desk.ann).log_call(desk.acme, "Spoke to Dana")

    desk.sim.human(desk.ann).pin(desk.acme, call)
    assert desk.sim.get("companies", desk.acme)["hs_pinned_engagement_id"] == call
    desk.sim.human(desk.ann).pin(desk.acme, None)
    assert "hs_pinned_engagement_id" not in desk.sim.get("companies", desk.acme)


def test_only_what_is_linked_can_be_pinned_and_a_deleted_pin_is_gone(desk: Desk) -> None:
    human = desk.sim.human(desk.ann)
    elsewhere = desk.sim.add_note(desk.sim.add_company("Birch"), "x")
    with pytest.raises(Refusal, match="INVALID_PINNED_ENGAGEMENT"):
        human.pin(desk.acme, elsewhere)

    task = desk.sim.add_task(desk.acme, "Call")
    path = f"/crm/objects/2026-09/companies/{desk.acme}"
    desk.ok("PATCH", path, {"properties": {"hs_pinned_engagement_id": task}})
    human.delete_task(task)
    assert "hs_pinned_engagement_id" not in desk.sim.get("companies", desk.acme)


def test_people_too_are_bound_by_options_and_rules(desk: Desk) -> None:
    desk.sim.add_rule("companies", lambda after, before: "no" if after.get("phone") else None)

    with pytest.raises(Refusal, match="INVALID_OPTION"):
        desk.sim.human(desk.ann).set_company(desk.acme, hold="maybe")
    with pytest.raises(Refusal, match="no"):
        desk.sim.human(desk.ann).set_company(desk.acme, phone="1")


def test_owners_are_told_with_teams_and_without_a_user_id_once_they_left(desk: Desk) -> None:
    [owner] = desk.ok("GET", "/crm/owners/2026-09?email=ANN.example@example.com")["results"]
    assert owner == {
        "id": desk.ann,
        "email": "ann.example@example.com",
        "type": "PERSON",
        "firstName": "Ann",
        "lastName": "Example",
        "userId": desk.sim.user_id_of(desk.ann),
        "userIdIncludingInactive": desk.sim.user_id_of(desk.ann),
        "createdAt": "2026-11-24T10:00:00Z",
        "updatedAt": "2026-11-24T10:00:00Z",
        "archived": False,
        "teams": [{"id": "900001", "name": "Success", "primary": True}],
    }

    desk.sim.deactivate(desk.ann)

    assert desk.ok("GET", "/crm/owners/2026-09")["results"] == []
    [gone] = desk.ok("GET", "/crm/owners/2026-09?archived=true")["results"]
    assert (gone["id"], gone["userId"], gone["archived"]) == (desk.ann, None, True)
    assert desk.refused("GET", f"/crm/owners/2026-09/{desk.ann}") == (404, "OBJECT_NOT_FOUND")
    assert desk.ok("GET", f"/crm/owners/2026-09/{desk.ann}?archived=true")["id"] == desk.ann


def test_a_user_has_a_zone_hours_and_an_absence(desk: Desk) -> None:
    desk.sim.set_zone(desk.ann, "Europe/Paris")
    desk.sim.set_away(desk.ann, until=START + timedelta(days=1))

    names = "hs_standard_time_zone,hs_working_hours,hs_availability_status,hs_out_of_office_hours"
    path = f"/crm/objects/2026-09/users?properties={names},hubspot_owner_id"
    found = desk.ok("GET", path)["results"][0]["properties"]

    assert (found["hs_standard_time_zone"], found["hs_availability_status"]) == (
        "Europe/Paris",
        "away",
    )
    assert found["hubspot_owner_id"] == desk.ann
    assert json.loads(found["hs_working_hours"])[0]["startMinute"] == 540
    assert json.loads(found["hs_out_of_office_hours"])[0]["endTimestamp"] == 1_795_600_800_000


def test_the_closed_stage_of_tickets_says_that_it_is_closed(desk: Desk) -> None:
    desk.sim.set_ticket_stages(["Open", "Parked"], ["Done"])

    stages = desk.ok("GET", "/crm/pipelines/2026-09/tickets/0/stages")["results"]
    told = [(one["id"], one["label"], one["metadata"]["ticketState"]) for one in stages]
    assert told == [("1", "Open", "OPEN"), ("2", "Parked", "OPEN"), ("3", "Done", "CLOSED")]
    with pytest.raises(ValueError, match="stages of pipeline"):
        desk.sim.add_ticket(desk.acme, "Login fails", stage="4")


def test_a_property_is_made_once(desk: Desk) -> None:
    group = {"name": "kidglove", "label": "Kidglove", "displayOrder": -1}
    body = {
        "groupName": "kidglove",
        "name": "mrr",
        "label": "MRR",
        "type": "number",
        "fieldType": "number",
    }
    assert desk.send("POST", PROPERTIES, body).status_code == 400
    assert desk.send("POST", f"{PROPERTIES}/groups", group).status_code == 201
    assert desk.send("POST", PROPERTIES, body).status_code == 201

    assert desk.refused("POST", PROPERTIES, body) == (409, "OBJECT_ALREADY_EXISTS")
    assert desk.refused("POST", f"{PROPERTIES}/groups", group) == (409, "OBJECT_ALREADY_EXISTS")
    made = desk.ok("GET", f"{PROPERTIES}/mrr")
    assert (made["type"], made["groupName"], made["hubspotDefined"]) == (
        "number",
        "kidglove",
        False,
    )


def test_unique_values_cannot_be_switched_on_later(desk: Desk) -> None:
    told = desk.ok("PATCH", f"{PROPERTIES}/hold", {"hasUniqueValue": True, "label": "Hold"})
    assert (told["hasUniqueValue"], told["label"]) == (False, "Hold")


def test_an_object_has_ten_unique_properties_at_most(desk: Desk) -> None:
    for place in range(9):
        desk.sim.add_property("companies", f"key_{place}", unique=True)
    with pytest.raises(Refusal, match="At most 10 unique"):
        desk.sim.add_property("companies", "key_9", unique=True)


def test_an_archived_property_is_unknown_from_then_on(desk: Desk) -> None:
    desk.ok("DELETE", f"{PROPERTIES}/hold")

    path = f"/crm/objects/2026-09/companies/{desk.acme}"
    assert desk.refused("PATCH", path, {"properties": {"hold": "held"}})[0] == 400
    assert "hold" not in desk.ok("GET", f"{path}?properties=hold")["properties"]
    gone = desk.ok("GET", f"{PROPERTIES}?archived=true")["results"]
    assert [one["name"] for one in gone] == ["hold"]


def test_properties_are_made_in_batches_beside_bad_ones(desk: Desk) -> None:
    good = {
        "groupName": "companyinformation",
        "name": "tier",
        "label": "Tier",
        "type": "string",
        "fieldType": "text",
    }
    told = desk.ok("POST", f"{PROPERTIES}/batch/create", {"inputs": [good, {**good, "name": "X"}]})
    assert [one["name"] for one in told["results"]] == ["tier"]
    assert told["errors"][0]["context"] == {"name": ["X"]}


def test_the_control_api_does_what_python_does(desk: Desk) -> None:
    assert control(desk, "GET", "credentials") == desk.sim.credentials()
    made = control(desk, "POST", "do/add_task", {"company": desk.acme, "subject": "Call"})["result"]
    control(
        desk,
        "POST",
        "do/complete_task",
        {"owner_id": desk.ann, "id": made},
    )
    control(desk, "POST", "clock", {"advance_seconds": 60})
    fault = {"harm": "vendor", "body": {"name": "locked"}}
    control(desk, "POST", "faults", fault)

    assert desk.refused("GET", "/crm/owners/2026-09") == (423, "LOCKED")
    [row] = control(desk, "POST", "do/rows", {"type_name": "tasks"})["result"]
    assert row["hs_task_status"] == "COMPLETED"
    assert control(desk, "GET", "clock")["now"] == "2026-11-24T10:01:00+00:00"
    assert len(control(desk, "GET", "requests")) == 1
    assert control(desk, "GET", "state") == desk.sim.state()
    assert "error" in control(desk, "POST", "do/nothing")
    assert "error" in control(desk, "POST", "faults", {"harm": "vendor", "body": {"name": "x"}})


def test_two_histories_to_the_same_end_look_alike(desk: Desk) -> None:
    human = desk.sim.human(desk.ann)
    human.complete_task(desk.sim.add_task(desk.acme, "Call", owner=desk.ann))
    before = desk.sim.state(volatile=False)

    for row in desk.sim.rows("tasks"):
        human.delete("tasks", row["id"])
    desk.later(hours=1)
    human.complete_task(desk.sim.add_task(desk.acme, "Call", owner=desk.ann))
    after = desk.sim.state(volatile=False)

    assert before["live"]["companies"] == after["live"]["companies"]
    assert len(after["live"]["tasks"]) == 1


def test_the_same_people_and_customers_stand_in_every_vendor() -> None:
    clock = SimClock(START - BEFORE)
    with StripeSim(clock) as stripe, SalesforceSim(clock) as org, HubspotSim(clock) as account:
        cast = seed_world(clock, stripe, org, account)

        assert set(cast.owners) == set(cast.people)
        for member in cast.accounts.values():
            company = account.get("companies", member.company)
            assert company["name"] == org.get(member.account)["Name"] == member.name
            assert company["stripe_customer_id"] == member.customer
        aurelius = cast.accounts["aurelius"].company
        assert account.get("companies", aurelius)["kidglove_csm"] == cast.owners["morgan"]
        assert clock.now() == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_without_hubspot_the_cast_is_as_it_was() -> None:
    clock = SimClock(START - BEFORE)
    with StripeSim(clock) as stripe, SalesforceSim(clock) as org:
        cast = seed_world(clock, stripe, org)

    assert (cast.owners, {one.company for one in cast.accounts.values()}) == ({}, {""})
