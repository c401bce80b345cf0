"""Polling lists every change once or more, never less, and costs no call while nothing happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.hubspot.changes import Mark, Marks
from connectors.hubspot.connector import HubspotConnector
from connectors.hubspot.schema import GROUP
from domain.errors import Misconfigured
from domain.ids import Ref
from domain.ports import Hint, Page, TaskChange
from simulators.hubspot.troubles import whole
from tests.connectors.hubspot_stage import NAMES, PLAN, START, Stage, staged

LATER = timedelta(minutes=1)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def listed(stage: Stage, connector: HubspotConnector, cursor: str | None) -> tuple[list[Hint], str]:
    """Every hint up to the present, and the cursor there."""
    stage.clock.advance(LATER)
    found: list[Hint] = []
    while True:
        page: Page = connector.changes(cursor, now=stage.clock.now())
        found += page.hints
        cursor = page.cursor
        if page.is_last:
            return found, cursor


def settled(stage: Stage) -> tuple[HubspotConnector, str]:
    """A connector, and a cursor behind everything that happened so far."""
    connector = stage.connector()
    stage.clock.advance(timedelta(minutes=10))
    _, cursor = listed(stage, connector, None)
    stage.clock.advance(timedelta(minutes=10))
    _, cursor = listed(stage, connector, cursor)
    return connector, cursor


def test_the_first_listing_tells_every_company_that_has_a_customer(stage: Stage) -> None:
    stage.sim.add_company("Without a customer")
    found, _ = listed(stage, stage.connector(), None)
    assert [one.ref for one in found] == [stage.ref]


def test_a_quiet_portal_is_listed_empty_for_two_calls(stage: Stage) -> None:
    connector, cursor = settled(stage)
    connector.calls.clear()
    assert listed(stage, connector, cursor)[0] == []
    assert connector.calls == {"search": 2}


def test_a_word_that_a_person_sets_is_a_hint_at_the_company(stage: Stage) -> None:
    connector, cursor = settled(stage)
    stage.sim.human(stage.csm).set_company(stage.company, billing_resolution_status="in_resolution")
    [hint] = listed(stage, connector, cursor)[0]
    assert (hint.ref, hint.topic, hint.at) == (
        stage.ref,
        "company.changed",
        stage.clock.now() - LATER,
    )


def test_a_task_that_a_person_completes_is_a_hint_at_its_company(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([TaskChange(key="k-1", account=stage.ref, subject="x", owner_id=stage.csm)])
    connector, cursor = settled(stage)
    stage.sim.human(stage.csm).complete_task(stage.tasks()[0]["id"])
    found = listed(stage, connector, cursor)[0]
    assert ("task.changed", stage.ref) in [(one.topic, one.ref) for one in found]


def test_a_task_of_somebody_elses_is_none_of_ours(stage: Stage) -> None:
    connector, cursor = settled(stage)
    stage.sim.add_task(None, "Buy milk", owner=stage.csm)
    assert listed(stage, connector, cursor)[0] == []


def test_what_the_index_shows_late_is_found_in_the_overlap(stage: Stage) -> None:
    connector, cursor = settled(stage)
    stage.sim.set_search_lag(240)
    stage.sim.human(stage.csm).set_company(stage.company, billing_resolution_status="in_resolution")
    found: list[Hint] = []
    for _ in range(6):
        some, cursor = listed(stage, connector, cursor)
        found += some
    assert {one.ref for one in found} == {stage.ref}


def test_our_own_write_says_nothing_new(stage: Stage) -> None:
    """The state that people watch is the same, and so is its digest."""
    connector, cursor = settled(stage)
    human = stage.sim.human(stage.csm)
    human.set_company(stage.company, billing_resolution_status="in_resolution")
    first = listed(stage, connector, cursor)[0]
    human.set_company(stage.company, name="Renamed")
    second = listed(stage, connector, cursor)[0]
    assert first[0].digest == second[0].digest
    assert first[0].event_id != second[0].event_id


def test_the_same_state_is_the_same_hint_whenever_it_is_listed(stage: Stage) -> None:
    connector, cursor = settled(stage)
    stage.sim.human(stage.csm).set_company(stage.company, billing_resolution_status="in_resolution")
    assert listed(stage, connector, cursor)[0] == listed(stage, connector, cursor)[0]


def test_a_merged_company_hints_at_both_ids(stage: Stage) -> None:
    other = stage.sim.add_company("Aurelius Holding")
    connector, cursor = settled(stage)
    survivor = stage.sim.merge_companies(other, stage.company)
    found = {one.ref.id for one in listed(stage, connector, cursor)[0]}
    assert {survivor, stage.company} <= found


def test_five_hundred_changes_with_one_stamp_are_listed_once_each(stage: Stage) -> None:
    stage.sim.set_limits(search=100)
    refs = {
        Ref("hubspot", "account", stage.sim.add_company(f"C {n}", stripe_customer_id=f"cus_{n}"))
        for n in range(500)
    }
    connector = stage.connector()
    found, _ = listed(stage, connector, None)
    assert len(found) == 501
    assert {one.ref for one in found} == refs | {stage.ref}


def test_what_changes_while_a_window_is_listed_comes_in_the_next(stage: Stage) -> None:
    for number in range(250):
        stage.sim.add_company(f"C {number}", stripe_customer_id=f"cus_{number}")
    connector = stage.connector()
    stage.clock.advance(LATER)
    first = connector.changes(None, now=stage.clock.now())
    assert not first.is_last
    stage.clock.advance(LATER)
    stage.sim.human(stage.csm).set_company(stage.company, billing_resolution_status="in_resolution")
    second = connector.changes(first.cursor, now=stage.clock.now())
    third, _ = listed(stage, connector, second.cursor)
    assert stage.ref in {one.ref for one in third}


def test_a_listing_that_fails_keeps_its_cursor(stage: Stage) -> None:
    connector, cursor = settled(stage)
    stage.sim.human(stage.csm).set_company(stage.company, billing_resolution_status="in_resolution")
    stage.clock.advance(LATER)
    stage.sim.faults.arm(whole("unavailable", path=r".*/tasks/search", times=None))
    with pytest.raises(Exception, match="HubSpot refused"):
        connector.changes(cursor, now=stage.clock.now())
    stage.sim.faults.clear()
    assert [one.ref for one in listed(stage, connector, cursor)[0]] == [stage.ref]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"v": 2}', "words"])
def test_a_cursor_of_somebody_elses_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any text will do
        Marks.parsed(text)


def test_a_cursor_survives_being_written_down() -> None:
    marks = Marks(companies=Mark(since=START, until=START + LATER, after="7"), tasks=Mark())
    assert Marks.parsed(marks.text()) == marks


# ---------------------------------------------------------------- the sweep of holds


def test_every_company_with_one_of_the_words_is_listed(stage: Stage) -> None:
    human = stage.sim.human(stage.csm)
    refs = []
    for number in range(250):
        company = stage.sim.add_company(f"C {number}", billing_resolution_status="in_resolution")
        refs.append(Ref("hubspot", "account", company))
    human.set_company(stage.company, billing_resolution_status="released")
    connector = stage.connector()
    found = connector.accounts_on_hold(plan=PLAN, words=["in_resolution"])
    assert sorted(found) == sorted(refs)
    assert connector.calls["search"] == 2


@pytest.mark.parametrize(("type", "field_type"), [("string", "text"), ("enumeration", "select")])
def test_a_word_with_capitals_is_found_in_a_text_and_among_options(
    stage: Stage, type: str, field_type: str
) -> None:
    word = {"label": "In Resolution", "value": "In Resolution"}
    body: dict[str, Any] = {
        "name": "talks",
        "label": "Talks",
        "type": type,
        "fieldType": field_type,
    }
    body |= {"groupName": GROUP, "options": [word] if type == "enumeration" else []}
    stage.sim.install("companies", [body])
    stage.sim.human(stage.csm).set_company(stage.company, talks="In Resolution")
    connector = stage.connector(names=replace(NAMES, resolution="talks"))
    assert connector.accounts_on_hold(plan=PLAN, words=["In Resolution"]) == [stage.ref]


def test_no_words_are_no_companies_and_no_call(stage: Stage) -> None:
    connector = stage.connector()
    assert connector.accounts_on_hold(plan=PLAN, words=[]) == []
    assert connector.calls == {}


def test_without_a_resolution_property_there_is_nothing_to_sweep(stage: Stage) -> None:
    connector = stage.connector(names=replace(NAMES, resolution=""))
    with pytest.raises(Misconfigured):
        connector.accounts_on_hold(plan=PLAN, words=["in_resolution"])
