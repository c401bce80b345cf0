"""Associations: types, labels, the one primary company, pages and batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot.crm import AssociationType

from simulators.hubspot.linking import link_types
from tests.simulators.hubspot_stage import Desk, open_desk

OBJECTS = "/crm/objects/2026-09"
LINKS = "/crm/associations/2026-09"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def label(id: int, category: str = "HUBSPOT_DEFINED") -> dict[str, Any]:
    return {"associationCategory": category, "associationTypeId": id}


def types_of(desk: Desk, contact: str, company: str) -> list[int]:
    """The type ids of a contact's link to a company, as its batch read tells them."""
    body = {"inputs": [{"id": contact}]}
    for row in desk.ok("POST", f"{LINKS}/contacts/companies/batch/read", body)["results"]:
        for to in row["to"]:
            if to["toObjectId"] == company:
                return [one["typeId"] for one in to["associationTypes"]]
    return []


def test_the_type_ids_are_those_of_the_library() -> None:
    named = {
        (one.source, one.target, one.label): one.id
        for one in link_types()
        if one.label in (None, "Primary")
    }
    theirs = {
        ("tasks", "companies", None): AssociationType.TASK_TO_COMPANY,
        ("tasks", "contacts", None): AssociationType.TASK_TO_CONTACT,
        ("tasks", "tickets", None): AssociationType.TASK_TO_TICKET,
        ("companies", "tasks", None): AssociationType.COMPANY_TO_TASK,
        ("notes", "companies", None): AssociationType.NOTE_TO_COMPANY,
        ("calls", "companies", None): AssociationType.CALL_TO_COMPANY,
        ("emails", "companies", None): AssociationType.EMAIL_TO_COMPANY,
        ("meetings", "companies", None): AssociationType.MEETING_TO_COMPANY,
        ("contacts", "companies", None): AssociationType.CONTACT_TO_COMPANY,
        ("contacts", "companies", "Primary"): AssociationType.PRIMARY_CONTACT_TO_COMPANY,
        ("tickets", "companies", None): AssociationType.TICKET_TO_COMPANY,
        ("tickets", "companies", "Primary"): AssociationType.PRIMARY_TICKET_TO_COMPANY,
    }
    assert {pair: named[pair] for pair in theirs} == theirs


def test_the_first_company_is_the_primary_one_and_a_later_one_can_take_over(desk: Desk) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz")
    birch = desk.sim.add_company("Birch")
    assert types_of(desk, dana, desk.acme) == [1, 279]

    desk.ok("PUT", f"{OBJECTS}/contacts/{dana}/associations/default/companies/{birch}")
    assert types_of(desk, dana, birch) == [279]

    desk.ok("PUT", f"{OBJECTS}/contacts/{dana}/associations/companies/{birch}", [label(1)])
    assert types_of(desk, dana, birch) == [1, 279]
    assert types_of(desk, dana, desk.acme) == [279]


def test_a_contact_knows_its_primary_company(desk: Desk) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz")
    assert desk.sim.get("contacts", dana)["associatedcompanyid"] == desk.acme
    assert desk.sim.get("companies", desk.acme)["num_associated_contacts"] == "1"

    desk.ok("DELETE", f"{OBJECTS}/contacts/{dana}/associations/companies/{desk.acme}")
    assert "associatedcompanyid" not in desk.sim.get("contacts", dana)
    assert desk.sim.get("companies", desk.acme)["num_associated_contacts"] == "0"


def test_a_label_write_replaces_the_labels_of_the_pair(desk: Desk) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz")
    one = desk.sim.add_label("contacts", "companies", "Billing contact")
    two = desk.sim.add_label("contacts", "companies", "Champion")
    path = f"{OBJECTS}/contacts/{dana}/associations/companies/{desk.acme}"

    desk.ok("PUT", path, [label(one, "USER_DEFINED")])
    assert types_of(desk, dana, desk.acme) == [1, one, 279]
    told = desk.ok("PUT", path, [label(two, "USER_DEFINED")])

    assert types_of(desk, dana, desk.acme) == [1, two, 279]
    assert told["labels"] == ["Primary", "Champion"]


def test_deleting_the_unlabelled_type_deletes_the_link(desk: Desk) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz")
    path = f"{LINKS}/contacts/companies/batch/labels/archive"
    pair = {"from": {"id": dana}, "to": {"id": desk.acme}}

    desk.ok("POST", path, {"inputs": [{**pair, "types": [label(1)]}]})
    assert types_of(desk, dana, desk.acme) == [279]
    desk.ok("POST", path, {"inputs": [{**pair, "types": [label(279)]}]})
    assert types_of(desk, dana, desk.acme) == []


def test_both_ends_show_a_link_with_their_own_type(desk: Desk) -> None:
    task = desk.sim.add_task(desk.acme, "Call")

    path = "/crm/objects/2026-03/{}/{}/associations/{}"
    forth = desk.ok("GET", path.format("tasks", task, "companies"))["results"]
    back = desk.ok("GET", path.format("companies", desk.acme, "tasks"))["results"]

    assert [one["typeId"] for one in forth[0]["associationTypes"]] == [192]
    assert [one["typeId"] for one in back[0]["associationTypes"]] == [191]


def test_listing_links_is_in_no_file_of_the_newest_version(desk: Desk) -> None:
    path = "{}/companies/{}/associations/tasks"
    for base in ("/crm/v4/objects", "/crm/objects/2026-03"):
        assert desk.ok("GET", path.format(base, desk.acme)) == {"results": []}

    assert desk.refused("GET", path.format(OBJECTS, desk.acme)) == (404, "NOT_FOUND")
    desk.sim.associations.lists_on_newest = True
    assert desk.ok("GET", path.format(OBJECTS, desk.acme)) == {"results": []}


@pytest.mark.parametrize(
    ("base", "status"), [("/crm/v4/associations", 207), ("/crm/associations/2026-09", 200)]
)
def test_a_batch_read_names_the_records_without_links(desk: Desk, base: str, status: int) -> None:
    task = desk.sim.add_task(desk.acme, "Call")
    birch = desk.sim.add_company("Birch")

    body = {"inputs": [{"id": desk.acme}, {"id": birch}]}
    answer = desk.send("POST", f"{base}/companies/tasks/batch/read", body)
    found = answer.json()

    assert answer.status_code == status
    assert [(row["from"]["id"], len(row["to"])) for row in found["results"]] == [(desk.acme, 1)]
    assert found["results"][0]["to"][0]["toObjectId"] == task
    assert found["errors"][0]["context"]["fromObjectId"] == [birch]


def test_each_input_of_a_batch_read_has_a_cursor_of_its_own(desk: Desk) -> None:
    tasks = [desk.sim.add_task(desk.acme, f"Call {place}") for place in range(5)]
    desk.sim.set_page_size(2)
    found: list[str] = []
    row: dict[str, Any] = {"id": desk.acme}
    while row:
        answer = desk.ok("POST", f"{LINKS}/companies/tasks/batch/read", {"inputs": [row]})
        [result] = answer["results"]
        found += [one["toObjectId"] for one in result["to"]]
        after = result.get("paging", {}).get("next", {}).get("after")
        row = {"id": desk.acme, "after": after} if after else {}

    assert found == tasks


def test_links_are_made_and_taken_apart_in_batches(desk: Desk) -> None:
    birch = desk.sim.add_company("Birch")
    task = desk.sim.add_task(None, "Call")
    pairs = [{"from": {"id": task}, "to": {"id": id}} for id in (desk.acme, birch)]

    made = desk.send(
        "POST",
        f"{LINKS}/tasks/companies/batch/create",
        {"inputs": [{**pair, "types": [label(192)]} for pair in pairs]},
    )
    assert made.status_code == 201
    assert desk.sim.linked("tasks", task, "companies") == [desk.acme, birch]

    body = {"inputs": [{"from": {"id": task}, "to": [{"id": desk.acme}, {"id": birch}]}]}
    assert desk.send("POST", f"{LINKS}/tasks/companies/batch/archive", body).status_code == 204
    assert desk.sim.linked("tasks", task, "companies") == []


def test_default_links_are_made_in_batches(desk: Desk) -> None:
    task = desk.sim.add_task(None, "Call")
    body = {"inputs": [{"from": {"id": task}, "to": {"id": desk.acme}}]}

    told = desk.ok("POST", f"{LINKS}/tasks/companies/batch/associate/default", body)

    assert [one["associationSpec"]["associationTypeId"] for one in told["results"]] == [192, 191]
    assert desk.sim.linked("companies", desk.acme, "tasks") == [task]


def test_a_read_of_one_record_tells_its_links(desk: Desk) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz")

    found = desk.ok("GET", f"{OBJECTS}/companies/{desk.acme}?associations=contacts,tickets")

    assert found["associations"] == {
        "contacts": {
            "results": [
                {"id": dana, "type": "company_to_contact_primary"},
                {"id": dana, "type": "company_to_contact"},
            ]
        }
    }


def test_a_label_reads_from_both_ends(desk: Desk) -> None:
    body = {"label": "Pays the bills", "inverseLabel": "Billed through", "name": "billing"}
    made = desk.ok("POST", f"{LINKS}/companies/contacts/labels", body)["results"]

    for pair, one in (("companies/contacts", made[0]), ("contacts/companies", made[1])):
        assert one in desk.ok("GET", f"{LINKS}/{pair}/labels")["results"]


@pytest.mark.parametrize(
    ("types", "status"), [([], 400), ([{"associationTypeId": 204}], 400), (None, 400)]
)
def test_a_type_of_another_pair_is_refused(desk: Desk, types: Any, status: int) -> None:
    task = desk.sim.add_task(None, "Call")
    path = f"{OBJECTS}/tasks/{task}/associations/companies/{desk.acme}"
    assert desk.send("PUT", path, types).status_code == status


def test_a_link_to_nobody_is_refused(desk: Desk) -> None:
    path = f"{OBJECTS}/companies/{desk.acme}/associations/default/contacts/1"
    assert desk.refused("PUT", path) == (404, "OBJECT_NOT_FOUND")
