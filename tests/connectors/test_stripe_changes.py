"""Events that no webhook brought are found, page by page, with enough overlap."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from connectors.stripe.changes import CHUNKS
from connectors.stripe.connector import StripeConnector
from connectors.stripe.events import EVENTS
from domain.errors import Bug
from domain.ports import Page
from tests.connectors.stripe_stage import (
    NOW,
    Json,
    ScriptedStripe,
    connect,
    invoice,
    listed,
    seconds,
)

EVENT_LIST = "GET /v1/events"


def event(id: str) -> Json:
    return {
        "id": id,
        "object": "event",
        "type": "invoice.paid",
        "created": seconds("2026-11-21"),
        "data": {"object": invoice()},
    }


@pytest.fixture
def scripted() -> ScriptedStripe:
    return ScriptedStripe()


@pytest.fixture
def connector(scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch) -> StripeConnector:
    return connect(scripted, monkeypatch)


def round_of(connector: StripeConnector, cursor: str | None) -> list[Page]:
    """Pages until the present is reached."""
    pages = [connector.changes(cursor, now=NOW)]
    while not pages[-1].is_last:
        pages.append(connector.changes(pages[-1].cursor, now=NOW + timedelta(seconds=9)))
    return pages


def test_a_quiet_round_costs_one_call_per_chunk_of_types(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(EVENT_LIST, listed())
    round_of(connector, None)
    assert connector.calls == {"GET events": len(CHUNKS)}


def test_every_type_is_asked_for_and_never_more_than_twenty(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(EVENT_LIST, listed())
    round_of(connector, None)
    asked = [
        [value for key, value in one.params.items() if key.startswith("types")]
        for one in scripted.sent
    ]
    assert all(len(types) <= 20 for types in asked)
    assert sorted(one for types in asked for one in types) == sorted(EVENTS)


def test_the_first_round_reaches_back_thirty_days(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(EVENT_LIST, listed())
    connector.changes(None, now=NOW)
    since = int(scripted.sent[0].params["created[gte]"])
    assert since == int((NOW - timedelta(days=30)).timestamp())


def test_the_next_round_begins_five_minutes_before_the_last_one_ended(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(EVENT_LIST, listed())
    cursor = round_of(connector, None)[-1].cursor
    connector.changes(cursor, now=NOW + timedelta(hours=1))
    since = int(scripted.sent[-1].params["created[gte]"])
    assert since == int((NOW - timedelta(minutes=5)).timestamp())


def test_what_happens_during_a_round_does_not_move_its_pages(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(EVENT_LIST, listed(event("evt_2"), has_more=True), listed(event("evt_1")))
    round_of(connector, None)
    untils = {one.params["created[lte]"] for one in scripted.sent}
    assert untils == {str(int(NOW.timestamp()))}
    assert scripted.sent[1].params["starting_after"] == "evt_2"


def test_found_events_look_like_delivered_ones(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(EVENT_LIST, listed(event("evt_1")))
    page = connector.changes(None, now=NOW)
    message = page.raw[0]
    assert (message.source, message.key, message.topic) == ("stripe", "evt_1", "invoice.paid")
    assert json.loads(message.body) == event("evt_1")
    assert [one.ref.id for one in page.hints] == ["cus_1"]


def test_an_odd_event_is_kept_and_stops_nothing(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(EVENT_LIST, listed({"id": "evt_2", "type": "invoice.paid"}, event("evt_1")))
    page = connector.changes(None, now=NOW)
    assert [bool(one.problem) for one in page.raw] == [True, False]
    assert [one.event_id for one in page.hints] == ["evt_1"]


def test_a_cursor_older_than_stripe_remembers_begins_where_it_can(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(EVENT_LIST, listed())
    connector.changes(json.dumps({"since": seconds("2020-01-01")}), now=NOW)
    since = int(scripted.sent[0].params["created[gte]"])
    assert since == int((NOW - timedelta(days=30)).timestamp())


@pytest.mark.parametrize("cursor", ["{}", "[]", "x", '{"since": "soon"}', '{"since": null}'])
def test_a_cursor_that_is_not_ours_is_our_bug(connector: StripeConnector, cursor: str) -> None:
    with pytest.raises(Bug):
        connector.changes(cursor, now=NOW)


def test_a_round_survives_a_restart_between_its_pages(
    connector: StripeConnector, scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.on(EVENT_LIST, listed(event("evt_2"), has_more=True), listed(event("evt_1")), listed())
    half = connector.changes(None, now=NOW)
    rest = round_of(connect(scripted, monkeypatch), half.cursor)
    found = [one.key for page in (half, *rest) for one in page.raw]
    assert found == ["evt_2", "evt_1"]
