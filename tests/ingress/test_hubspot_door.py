"""What HubSpot's door lets in, what it refuses, and what it leaves behind."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.ingress.door import LARGEST, Door

EVENT = {
    "eventId": 1,
    "subscriptionId": 2,
    "portalId": 62515,
    "occurredAt": 1_795_183_200_000,
    "subscriptionType": "company.propertyChange",
    "attemptNumber": 0,
    "objectId": 9001,
    "propertyName": "billing_resolution_status",
    "propertyValue": "in_resolution",
}


def events(*changes: dict[str, object]) -> bytes:
    return json.dumps([{**EVENT, **change} for change in changes]).encode()


@pytest.mark.req("R3")
def test_a_hundred_events_sent_twice_are_a_hundred_rows(door: Door) -> None:
    some: list[dict[str, object]] = [{"objectId": 9000 + number} for number in range(100)]
    answers = [
        door.hubspot(events(*some)),
        door.hubspot(events(*[{**one, "attemptNumber": 1} for one in reversed(some)])),
    ]
    assert [one.status_code for one in answers] == [200, 200]
    rows = door.rows()
    assert len({key for key, _, _ in rows}) == len(rows) == 100
    assert {(state, reason) for _, state, reason in rows} == {("new", None)}


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_message_from_another_time_is_refused_and_leaves_nothing(
    door: Door, age: timedelta
) -> None:
    assert (door.hubspot(events({}), age=age).status_code, door.rows()) == (401, [])


def test_a_message_with_a_wrong_secret_is_refused_and_leaves_nothing(door: Door) -> None:
    assert (door.hubspot(events({}), secret="guess").status_code, door.rows()) == (401, [])


def test_a_message_without_a_signature_is_refused(door: Door) -> None:
    assert door.post("/webhooks/hubspot", events({})).status_code == 401


def test_what_concerns_only_another_portal_is_accepted_and_not_kept(door: Door) -> None:
    assert (door.hubspot(events({"portalId": 1})).status_code, door.rows()) == (200, [])


def test_an_authentic_message_that_nobody_can_read_goes_to_quarantine(door: Door) -> None:
    assert door.hubspot(b'"words"').status_code == 200
    assert [(state, reason) for _, state, reason in door.rows()] == [
        ("quarantined", "the message is no list of events")
    ]


def test_a_body_over_the_cap_is_refused(door: Door) -> None:
    assert door.hubspot(b"x" * (LARGEST + 1)).status_code == 413


def test_without_an_app_secret_there_is_no_such_door(database_url: str) -> None:
    with Door(database_url, hubspot=()) as door:
        assert door.hubspot(events({})).status_code == 404


def test_no_log_line_holds_the_signature_or_the_body(door: Door) -> None:
    door.hubspot(events({}), secret="guess")
    said = json.dumps([dict(one) for one in door.said])
    assert "in_resolution" not in said
    assert "yyyyyyyy" not in said
