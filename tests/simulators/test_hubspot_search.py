"""Search: late, capped, slow to be asked, and with rules of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.hubspot_stage import Desk, open_desk

PATH = "/crm/objects/2026-09/companies/search"


@pytest.fixture
def desk() -> Iterator[Desk]:
    for desk in open_desk():
        desk.sim.set_limits(search=1_000)
        yield desk


def found(desk: Desk, *filters: dict[str, Any], path: str = PATH, **more: Any) -> list[str]:
    body = {"filterGroups": [{"filters": list(filters)}] if filters else [], **more}
    return [one["id"] for one in desk.ok("POST", path, body)["results"]]


def one(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    made = {"propertyName": name, "operator": operator, **more}
    return made if value is None else {**made, "value": value}


def test_new_changed_and_deleted_records_show_after_the_lag(desk: Desk) -> None:
    desk.sim.set_search_lag(30)
    human = desk.sim.human(desk.ann)
    birch = human.create("companies", {"name": "Birch"})
    human.set_company(desk.acme, hold="held")

    assert found(desk, one("name", "HAS_PROPERTY")) == [desk.acme]
    assert found(desk, one("hold", "EQ", "held")) == []

    desk.later(seconds=30)
    assert found(desk, one("name", "HAS_PROPERTY")) == [desk.acme, birch]
    assert found(desk, one("hold", "EQ", "held")) == [desk.acme]

    human.delete("companies", birch)
    assert found(desk) == [desk.acme, birch]
    desk.later(seconds=30)
    assert found(desk) == [desk.acme]


def test_a_read_by_id_is_never_late(desk: Desk) -> None:
    desk.sim.set_search_lag(30)
    made = desk.ok("POST", "/crm/objects/2026-09/companies", {"properties": {"name": "Birch"}})

    assert desk.ok("GET", f"/crm/objects/2026-09/companies/{made['id']}")["id"] == made["id"]


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        (one("name", "EQ", "acme"), ["Acme"]),
        (one("name", "NEQ", "acme"), ["Birch", "Cedar"]),
        (one("name", "IN", values=["Acme"]), []),
        (one("name", "IN", values=["acme", "birch"]), ["Acme", "Birch"]),
        (one("name", "NOT_IN", values=["acme"]), ["Birch", "Cedar"]),
        (one("hold", "EQ", "Held"), []),
        (one("hold", "EQ", "held"), ["Birch"]),
        (one("hold", "NOT_HAS_PROPERTY"), ["Acme", "Cedar"]),
        (one("score", "GT", "9"), ["Cedar"]),
        (one("score", "LTE", 9), ["Birch"]),
        (one("score", "BETWEEN", "9", highValue="10"), ["Birch", "Cedar"]),
        (one("name", "CONTAINS_TOKEN", "b*"), ["Birch"]),
        (one("hs_lastmodifieddate", "GTE", "1795514400000"), ["Acme", "Birch", "Cedar"]),
        (one("hs_lastmodifieddate", "LT", "1795514400000"), []),
        (one("hs_lastmodifieddate", "LTE", "2026-11-24T10:00:00.000Z"), ["Acme", "Birch", "Cedar"]),
    ],
)
def test_filters_find(desk: Desk, filter_: dict[str, Any], names: list[str]) -> None:
    desk.sim.add_property("companies", "score", type="number")
    desk.sim.add_company("Birch", hold="held", score=9)
    desk.sim.add_company("Cedar", score=10)

    assert [desk.sim.get("companies", id)["name"] for id in found(desk, filter_)] == names


def test_groups_are_alternatives(desk: Desk) -> None:
    birch = desk.sim.add_company("Birch", hold="held")
    body = {
        "filterGroups": [
            {"filters": [one("hold", "EQ", "held"), one("name", "EQ", "birch")]},
            {"filters": [one("name", "EQ", "acme")]},
        ]
    }
    assert [row["id"] for row in desk.ok("POST", PATH, body)["results"]] == [desk.acme, birch]


def test_what_is_linked_to_a_record_is_found(desk: Desk) -> None:
    task = desk.sim.add_task(desk.acme, "Call")
    desk.sim.add_task(None, "Other")

    path = "/crm/objects/2026-09/tasks/search"
    assert found(desk, one("associations.company", "EQ", desk.acme), path=path) == [task]


@pytest.mark.parametrize(
    "sorts",
    [["-name"], [{"propertyName": "name", "direction": "DESCENDING"}]],
)
def test_both_dialects_of_sorting_are_understood(desk: Desk, sorts: list[Any]) -> None:
    birch = desk.sim.add_company("birch")

    assert found(desk, sorts=sorts) == [birch, desk.acme]


def test_pages_go_on_to_ten_thousand_rows_and_not_further(desk: Desk) -> None:
    for place in range(4):
        desk.sim.add_company(f"Company {place}")

    first = desk.ok("POST", PATH, {"limit": 2})
    assert (first["total"], first["paging"]["next"]["after"]) == (5, "2")
    last = desk.ok("POST", PATH, {"limit": 2, "after": "4"})
    assert (len(last["results"]), "paging" in last) == (1, False)
    assert desk.ok("POST", PATH, {"limit": 200, "after": "9800"})["results"] == []
    assert desk.refused("POST", PATH, {"limit": 200, "after": "9801"})[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"sorts": ["name", "domain"]},
        {"filterGroups": [{"filters": [one("nothing", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [one("name", "LIKE", "1")]}]},
        {"filterGroups": [{"filters": [one("name", "EQ", "")]}]},
        {"filterGroups": [{"filters": [one("hs_lastmodifieddate", "GT", "noon")]}]},
        {"filterGroups": [{"filters": [one("name", "EQ", "a")] * 7}]},
        {"filterGroups": [{"filters": [one("name", "EQ", "a")]}] * 6},
        {"filterGroups": [{"filters": [one("name", "EQ", "a")] * 4}] * 5},
        {"filterGroups": [{"filters": [one("name", "IN", values=["x" * 10] * 300)]}]},
    ],
)
def test_what_is_too_much_or_unknown_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    assert desk.refused("POST", PATH, body) == (400, "VALIDATION_ERROR")


def test_a_search_says_nothing_of_limits_and_has_one_of_its_own(desk: Desk) -> None:
    desk.sim.set_limits(search=5, only_virtual=True)
    answers = [desk.send("POST", PATH, {}) for _ in range(6)]

    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert answers[5].json()["policyName"] == "SECONDLY"
    assert not any(name.lower().startswith("x-hubspot-ratelimit") for name in answers[0].headers)
    assert desk.ok("GET", f"/crm/objects/2026-09/companies/{desk.acme}")["id"] == desk.acme

    desk.later(seconds=1)
    assert desk.send("POST", PATH, {}).status_code == 200
