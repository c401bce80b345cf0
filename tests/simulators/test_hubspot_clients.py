"""Both of HubSpot's own libraries read what the simulator answers, the strict one strictly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hubspot
import hubspot.crm.companies.exceptions
import pytest
from hubspot_sdk import HubSpot, NotFoundError
from urllib3.util.retry import Retry

from tests.simulators.hubspot_stage import Desk, open_desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


@pytest.fixture
def strict(desk: Desk) -> Iterator[HubSpot]:
    with HubSpot(
        access_token=desk.sim.service_key,
        base_url=desk.sim.url,
        max_retries=0,
        timeout=10,
        _strict_response_validation=True,
    ) as client:
        yield client


@pytest.fixture
def old(desk: Desk) -> Any:
    return hubspot.HubSpot(
        access_token=desk.sim.service_key, host=desk.sim.url, retry=Retry(total=False)
    )


def test_the_strict_client_reads_records_of_every_kind(desk: Desk, strict: HubSpot) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz", "dana@acme.example")
    desk.sim.add_ticket(desk.acme, "Login fails", contact=dana)
    desk.sim.add_task(desk.acme, "Call", owner=desk.ann)
    desk.sim.add_note(desk.acme, "<p>Met Dana</p>", owner=desk.ann)

    company = strict.crm.objects.companies.get(
        desk.acme,
        properties=["name", "stripe_customer_id"],
        properties_with_history=["stripe_customer_id"],
        associations=["contacts", "tasks"],
    )
    contact = strict.crm.objects.contacts.get("dana@acme.example", id_property="email")
    tickets = strict.crm.objects.tickets.search(
        filter_groups=[], sorts=[], properties=["subject"], limit=10, after=""
    )
    tasks = strict.crm.objects.tasks.list()
    notes = strict.crm.objects.notes.list(properties=["hs_note_body"])

    assert company.properties["stripe_customer_id"] == "cus_1"
    assert company.properties_with_history is not None
    assert [one.value for one in company.properties_with_history["stripe_customer_id"]] == ["cus_1"]
    assert company.associations is not None
    assert company.associations["contacts"].results[0].id == dana
    assert contact.id == dana
    assert tickets.total == 1
    assert len(tasks.results) == len(notes.results) == 1


def test_the_strict_client_reads_batches_owners_definitions_and_links(
    desk: Desk, strict: HubSpot
) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz", "dana@acme.example")

    upserted = strict.crm.objects.companies.batch.upsert(
        inputs=[
            {
                "id": "cus_1",
                "id_property": "stripe_customer_id",
                "properties": {"hold": "held"},
                "object_write_trace_id": "evt_1",
            }
        ]
    )
    owners = strict.crm.owners.list(email="ann.example@example.com")
    definition = strict.crm.properties.get("stripe_customer_id", object_type="companies")
    groups = strict.crm.properties.groups.list("companies")
    pipelines = strict.crm.pipelines.list("tickets")
    links = strict.crm.associations.batch.get(
        "companies", from_object_type="contacts", inputs=[{"id": dana}]
    )
    listed = strict.crm.associations.list("companies", object_type="contacts", object_id=dana)
    account = strict.account.get()
    usage = strict.account.get_daily_private_apps_usage()

    assert (upserted.results[0].id, upserted.results[0].new) == (desk.acme, False)
    assert [one.id for one in owners.results] == [desk.ann]
    assert definition.has_unique_value is True
    assert [one.name for one in groups.results] == ["companyinformation"]
    assert pipelines.results[0].stages[-1].metadata["ticketState"] == "CLOSED"
    assert [one.type_id for one in links.results[0].to[0].association_types] == [1, 279]
    assert listed.results[0].to_object_id == desk.acme
    assert (account.portal_id, account.time_zone) == (62515, "America/New_York")
    assert usage.results[0].current_usage == 9


def test_the_strict_client_writes_and_merges(desk: Desk, strict: HubSpot) -> None:
    task = strict.crm.objects.tasks.create(
        associations=[
            {
                "to": {"id": desk.acme},
                "types": [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 192}],
            }
        ],
        properties={"hs_timestamp": "2026-11-25T15:00:00Z", "hs_task_subject": "Call Acme"},
    )
    strict.crm.objects.companies.update(desk.acme, properties={"hs_pinned_engagement_id": task.id})
    other = strict.crm.objects.companies.create(properties={"name": "Acme Ltd"}, associations=[])
    survivor = strict.crm.objects.companies.merge(
        primary_object_id=desk.acme, object_id_to_merge=other.id
    )
    strict.crm.objects.tasks.delete(task.id)

    assert survivor.properties["hs_merged_object_ids"] == f"{desk.acme};{other.id}"
    assert desk.sim.linked("companies", survivor.id, "tasks") == []
    with pytest.raises(NotFoundError):
        strict.crm.objects.tasks.get(task.id)


def test_the_old_client_reads_every_kind_of_answer(desk: Desk, old: Any) -> None:
    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz", "dana@acme.example")

    company = old.crm.companies.basic_api.get_by_id(desk.acme, properties=["name", "phone"])
    read = old.crm.companies.batch_api.read(
        {
            "idProperty": "stripe_customer_id",
            "inputs": [{"id": "cus_1"}, {"id": "cus_2"}],
            "properties": ["hold"],
            "propertiesWithHistory": [],
        }
    )
    links = old.crm.associations.v4.batch_api.get_page(
        "contact", "company", {"inputs": [{"id": dana}]}
    )
    owners = old.crm.owners.owners_api.get_page()
    definition = old.crm.properties.core_api.get_by_name("companies", "hold")
    stages = old.crm.pipelines.pipelines_api.get_all("tickets").results[0].stages

    assert company.properties["phone"] is None
    assert [one.id for one in read.results] == [desk.acme]
    assert (read.num_errors, read.errors[0].context) == (1, {"ids": ["cus_2"]})
    assert links.results[0].to[0].to_object_id == desk.acme
    assert [one.id for one in owners.results] == [desk.ann]
    assert [one.value for one in definition.options] == ["held", "released"]
    assert [one.metadata["ticketState"] for one in stages][-1] == "CLOSED"


def test_a_refusal_reaches_both_clients_in_their_own_classes(
    desk: Desk, strict: HubSpot, old: Any
) -> None:
    with pytest.raises(NotFoundError):
        strict.crm.objects.companies.get("1")
    with pytest.raises(hubspot.crm.companies.exceptions.NotFoundException):
        old.crm.companies.basic_api.get_by_id("1")


NEEDED = {
    "companies": {"name": "Birch"},
    "contacts": {"email": "dana@acme.example"},
    "deals": {"dealname": "Renewal"},
    "tickets": {"subject": "Login fails", "hs_pipeline_stage": "1"},
    "tasks": {"hs_timestamp": "2026-11-25T15:00:00Z", "hs_task_subject": "Call"},
    "notes": {"hs_timestamp": "2026-11-24T09:00:00Z", "hs_note_body": "<p>x</p>"},
    "calls": {"hs_timestamp": "2026-11-24T09:00:00Z", "hs_call_title": "x"},
    "emails": {"hs_timestamp": "2026-11-24T09:00:00Z", "hs_email_subject": "x"},
    "meetings": {"hs_timestamp": "2026-11-24T09:00:00Z", "hs_meeting_title": "x"},
}


@pytest.mark.parametrize("kind", NEEDED)
def test_the_strict_client_works_with_batches_of_every_kind(
    desk: Desk, strict: HubSpot, kind: str
) -> None:
    desk.sim.set_scopes({*desk.sim.access.scopes, "crm.objects.deals.write"})
    name, text = list(NEEDED[kind].items())[-1]
    objects: Any = getattr(strict.crm.objects, kind)

    [made] = objects.batch.create(inputs=[{"properties": NEEDED[kind], "associations": []}]).results
    [read] = objects.batch.get(
        inputs=[{"id": made.id}], properties=[name], properties_with_history=[name]
    ).results
    objects.batch.update(inputs=[{"id": made.id, "properties": {name: text}}])
    found = objects.search(
        filter_groups=[
            {"filters": [{"property_name": "hs_object_id", "operator": "EQ", "value": made.id}]}
        ],
        sorts=[],
        properties=[name],
        limit=10,
        after="",
    )
    objects.batch.delete(inputs=[{"id": made.id}])

    assert read.properties[name] == made.properties[name] == text
    assert [one.value for one in read.properties_with_history[name]] == [text]
    assert [one.id for one in found.results] == [made.id]
    assert desk.sim.rows(kind, **{name: text}) == []


def test_the_old_client_loses_the_errors_of_a_200_and_keeps_those_of_a_207(
    desk: Desk, old: Any
) -> None:
    inputs = [
        {
            "idProperty": "stripe_customer_id",
            "id": id,
            "objectWriteTraceId": id,
            "properties": {"name": "Birch", "hold": word},
        }
        for id, word in (("cus_1", "held"), ("cus_2", "never"))
    ]

    kept = old.crm.companies.batch_api.upsert({"inputs": inputs})
    desk.sim.set_batches(status=200)
    lost = old.crm.companies.batch_api.upsert({"inputs": inputs})

    assert type(kept).__name__ == "BatchResponseSimplePublicUpsertObjectWithErrors"
    assert (kept.num_errors, kept.errors[0].context["id"]) == (1, ["cus_2"])
    assert type(lost).__name__ == "BatchResponseSimplePublicUpsertObject"
    assert [(one.id, one.new) for one in lost.results] == [(desk.acme, False)]


def test_the_old_client_writes_searches_and_links(desk: Desk, old: Any) -> None:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}]
    task = old.crm.objects.tasks.basic_api.create(
        {
            "properties": {"hs_timestamp": "2026-11-25T15:00:00Z", "hs_task_subject": "Call"},
            "associations": [{"to": {"id": desk.acme}, "types": types}],
        }
    )
    old.crm.objects.tasks.basic_api.update(task.id, {"properties": {"hs_task_status": "WAITING"}})
    found = old.crm.objects.tasks.search_api.do_search(
        {
            "filterGroups": [
                {
                    "filters": [
                        {"propertyName": "hs_task_status", "operator": "EQ", "value": "WAITING"}
                    ]
                }
            ],
            "properties": ["hs_task_status"],
        }
    )
    made = old.crm.properties.core_api.create(
        "tasks",
        {
            "name": "key",
            "label": "Key",
            "groupName": "taskinformation",
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": True,
        },
    )
    linked = old.crm.associations.v4.basic_api.get_page("tasks", task.id, "companies")
    merged = old.crm.companies.basic_api.merge(
        {"primaryObjectId": desk.acme, "objectIdToMerge": desk.sim.add_company("Acme Ltd")}
    )
    old.crm.objects.tasks.basic_api.archive(task.id)

    assert [one.properties["hs_task_status"] for one in found.results] == ["WAITING"]
    assert made.has_unique_value is True
    assert [one.to_object_id for one in linked.results] == [desk.acme]
    assert merged.id == desk.sim.get("companies", desk.acme)["id"]
    assert desk.sim.rows("tasks") == []
