"""Records that are deleted, restored or merged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulators.hubspot_stage import Desk, open_desk

COMPANIES = "/crm/objects/2026-09/companies"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def test_a_deleted_company_is_not_found_and_frees_its_unique_value(desk: Desk) -> None:
    desk.ok("DELETE", f"{COMPANIES}/{desk.acme}")

    assert desk.refused("GET", f"{COMPANIES}/{desk.acme}") == (404, "OBJECT_NOT_FOUND")
    gone = desk.ok("GET", f"{COMPANIES}/{desk.acme}?archived=true")
    assert (gone["archived"], gone["archivedAt"]) == (True, "2026-11-24T10:00:00Z")
    desk.ok("POST", COMPANIES, {"properties": {"name": "Acme", "stripe_customer_id": "cus_1"}})
    assert desk.send("DELETE", f"{COMPANIES}/{desk.acme}").status_code == 204


def test_a_restored_company_is_back_under_its_id(desk: Desk) -> None:
    human = desk.sim.human(desk.ann)
    human.delete("companies", desk.acme)
    human.restore("companies", desk.acme)

    assert desk.ok("GET", f"{COMPANIES}/{desk.acme}")["archived"] is False
    path = f"{COMPANIES}/cus_1?idProperty=stripe_customer_id"
    assert desk.ok("GET", path)["id"] == desk.acme


def test_nothing_is_restored_after_ninety_days(desk: Desk) -> None:
    human = desk.sim.human(desk.ann)
    human.delete("companies", desk.acme)
    desk.later(days=91)

    with pytest.raises(ValueError, match="90 days"):
        human.restore("companies", desk.acme)


def test_merged_companies_have_a_new_id_and_both_old_ones_lead_to_it(desk: Desk) -> None:
    other = desk.sim.add_company("Acme Ltd", stripe_customer_id="cus_2", phone="1")
    dana = desk.sim.add_contact(other, "Dana", "Ruiz")
    task = desk.sim.add_task(desk.acme, "Call")

    survivor = desk.sim.human(desk.ann).merge_companies(desk.acme, other)

    assert survivor not in (desk.acme, other)
    for old in (desk.acme, other):
        found = desk.ok("GET", f"{COMPANIES}/{old}?properties=name,phone,stripe_customer_id")
        assert found["id"] == survivor
        named = found["properties"]
        assert (named["name"], named["phone"], named["stripe_customer_id"]) == (
            "Acme",
            "1",
            "cus_1",
        )
    lost = f"{COMPANIES}/cus_2?idProperty=stripe_customer_id"
    assert desk.refused("GET", lost) == (404, "OBJECT_NOT_FOUND")
    assert desk.sim.linked("companies", survivor, "contacts") == [dana]
    assert desk.sim.linked("companies", survivor, "tasks") == [task]
    assert [row["id"] for row in desk.sim.rows("companies")] == [survivor]


def test_a_merge_may_keep_the_id_of_the_winner(desk: Desk) -> None:
    desk.sim.set_merging(new_ids=False)
    other = desk.sim.add_company("Acme Ltd")

    assert desk.sim.human(desk.ann).merge_companies(desk.acme, other) == desk.acme
    assert desk.ok("GET", f"{COMPANIES}/{other}")["id"] == desk.acme


def test_a_merge_is_an_endpoint_too(desk: Desk) -> None:
    other = desk.sim.add_company("Acme Ltd")
    body = {"primaryObjectId": desk.acme, "objectIdToMerge": other}

    survivor = desk.ok("POST", f"{COMPANIES}/merge", body)["id"]

    assert desk.sim.get("companies", other)["id"] == survivor
    assert desk.refused("POST", f"{COMPANIES}/merge", body) == (404, "OBJECT_NOT_FOUND")


def test_a_merged_contact_has_one_primary_company(desk: Desk) -> None:
    birch = desk.sim.add_company("Birch")
    first = desk.sim.add_contact(desk.acme, "Dana", "Ruiz", "dana@acme.example")
    second = desk.sim.add_contact(birch, "D", "Ruiz", "d@acme.example")

    body = {"primaryObjectId": first, "objectIdToMerge": second}
    survivor = desk.ok("POST", "/crm/objects/2026-09/contacts/merge", body)["id"]

    path = f"/crm/objects/2026-03/contacts/{survivor}/associations/companies"
    held = {
        row["toObjectId"]: [one["typeId"] for one in row["associationTypes"]]
        for row in desk.ok("GET", path)["results"]
    }
    assert held == {desk.acme: [1, 279], birch: [279]}


def test_a_failed_merge_or_write_leaves_the_world_as_it_was(desk: Desk) -> None:
    desk.sim.add_contact(desk.acme, "Dana", "Ruiz", "dana@acme.example")
    before = desk.sim.state()

    body = {"properties": {"firstname": "D", "email": "dana@acme.example"}}
    assert desk.refused("POST", "/crm/objects/2026-09/contacts", body)[0] == 409
    assert desk.refused("POST", f"{COMPANIES}/merge", {"primaryObjectId": desk.acme})[0] == 404

    assert desk.sim.state() == before
