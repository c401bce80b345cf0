"""How the simulated account tells others, and how badly that can go."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hubspot.utils.signature import Signature

from simulators.hooks import DeliveryDial
from simulators.hubspot.announcing import signature
from tests.simulators.hubspot_stage import START, Desk, open_desk

HOLD = "company.propertyChange:hold"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


class Ear(HTTPServer):
    """Listens for webhooks: what came, and what to answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hear)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answer = 204

    def events(self) -> list[dict[str, Any]]:
        """All events so far, in the order in which they came."""
        return [event for _, body in self.heard for event in json.loads(body)]


class _Hear(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        ear = self.server
        assert isinstance(ear, Ear)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ear.heard.append((dict(self.headers), body))
        self.send_response(ear.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    thread = threading.Thread(target=ear.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ear
    ear.shutdown()
    ear.server_close()


def hold(desk: Desk, word: str = "held") -> None:
    desk.sim.human(desk.ann).set_company(desk.acme, hold=word)


def test_an_edit_by_a_person_is_told_with_the_user_who_made_it(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, [HOLD])

    hold(desk)
    desk.sim.postman.flush()

    [event] = ear.events()
    assert event == {
        "eventId": event["eventId"],
        "subscriptionId": event["subscriptionId"],
        "portalId": 62515,
        "appId": 8111832,
        "occurredAt": round(desk.clock.seconds() * 1000),
        "subscriptionType": "company.propertyChange",
        "attemptNumber": 0,
        "changeSource": "CRM_UI",
        "sourceId": f"userId:{desk.sim.user_id_of(desk.ann)}",
        "objectId": int(desk.acme),
        "propertyName": "hold",
        "propertyValue": "held",
    }


def test_our_own_write_comes_back_as_an_event_of_the_app(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, [HOLD])

    path = f"/crm/objects/2026-09/companies/{desk.acme}"
    desk.ok("PATCH", path, {"properties": {"hold": "held"}})
    desk.sim.postman.flush()

    [event] = ear.events()
    assert (event["changeSource"], event["sourceId"]) == ("INTEGRATION", "8111832")


def test_writing_what_stands_already_tells_nobody(desk: Desk, ear: Ear) -> None:
    hold(desk)
    desk.sim.watch(ear.url, [HOLD])

    hold(desk)

    assert desk.sim.postman.flush() == 0


def test_every_delivery_is_signed_as_the_library_signs(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, [HOLD], signed_url="https://kidglove.example/webhooks/hubspot?a=%40b")
    hold(desk)
    desk.sim.postman.flush()

    [(headers, body)] = ear.heard
    stamp = headers["X-HubSpot-Request-Timestamp"]
    theirs = Signature.get_signature(
        desk.sim.credentials()["client_secret"],
        body.decode(),
        "v3",
        http_uri="https://kidglove.example/webhooks/hubspot?a=@b",
        http_method="POST",
        timestamp=stamp,
    )
    assert headers["X-HubSpot-Signature-v3"] == theirs
    assert stamp == str(round(desk.clock.seconds() * 1000))
    secret = desk.sim.credentials()["client_secret"].encode()
    assert headers["X-HubSpot-Signature"] == hashlib.sha256(secret + body).hexdigest()


def test_the_published_vector_comes_out() -> None:
    made = signature(
        "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
        "POST",
        "https://www.example.com/webhook_uri",
        b"{'example_field':'example_value'}",
        "1693657560000",
    )
    assert made == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="


def test_a_hundred_events_travel_at_once_and_the_next_ones_separately(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, ["company.creation"])
    for place in range(101):
        desk.sim.add_company(f"Company {place}")

    assert desk.sim.postman.flush() == 2
    assert [len(json.loads(body)) for _, body in ear.heard] == [100, 1]


def test_a_refused_delivery_is_tried_ten_times_more_within_a_day_and_stamped_anew(
    desk: Desk, ear: Ear
) -> None:
    ear.answer = 400
    desk.sim.watch(ear.url, [HOLD])
    hold(desk)
    desk.sim.postman.flush()
    while due := desk.clock.next_due():
        desk.clock.advance_to(due)
        desk.sim.postman.flush()

    events = ear.events()
    assert [event["attemptNumber"] for event in events] == list(range(11))
    assert len({headers["X-HubSpot-Signature-v3"] for headers, _ in ear.heard}) == 11
    assert len({event["eventId"] for event in events}) == 1
    assert len(desk.sim.postman.dropped) == 1
    assert desk.clock.now() - START < timedelta(hours=24)


def test_deliveries_get_lost_doubled_delayed_and_out_of_order_on_the_dial(
    desk: Desk, ear: Ear
) -> None:
    desk.sim.watch(ear.url, ["company.creation"])

    desk.sim.postman.dial = DeliveryDial(loss=1.0)
    desk.sim.add_company("Lost")
    assert desk.sim.postman.flush() == 0

    desk.sim.postman.dial = DeliveryDial(duplicates=1.0)
    desk.sim.add_company("Doubled")
    assert desk.sim.postman.flush() == 2

    desk.sim.postman.dial = DeliveryDial(delay_seconds=60)
    desk.sim.add_company("Late")
    assert desk.sim.postman.flush() == 0
    desk.later(minutes=1)
    assert desk.sim.postman.flush() == 1

    ear.heard.clear()
    desk.sim.postman.dial = DeliveryDial(shuffle=True)
    made = [int(desk.sim.add_company(f"Company {place}")) for place in range(20)]
    desk.sim.postman.flush()
    told = [event["objectId"] for event in ear.events()]
    assert (sorted(told), told != made) == (made, True)


def test_event_ids_may_repeat(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, ["company.creation"])
    desk.sim.repeat_event_ids()
    desk.sim.add_company("One")
    desk.sim.add_company("Two")
    desk.sim.postman.flush()

    assert [event["eventId"] for event in ear.events()] == [1, 1]


def test_a_task_is_told_of_in_the_generic_dialect_only(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, ["object.propertyChange:0-27:hs_task_status", "object.deletion:0-27"])
    task = desk.sim.add_task(desk.acme, "Call", owner=desk.ann)
    desk.sim.postman.flush()
    ear.heard.clear()

    desk.sim.human(desk.ann).complete_task(task)
    desk.sim.human(desk.ann).delete_task(task)
    desk.sim.postman.flush()

    told = [(one["subscriptionType"], one["objectTypeId"], one["objectId"]) for one in ear.events()]
    assert told == [
        ("object.propertyChange", "0-27", int(task)),
        ("object.deletion", "0-27", int(task)),
    ]
    with pytest.raises(ValueError, match=r"use object\.creation:0-27"):
        desk.sim.watch(ear.url, ["task.creation"])


@pytest.mark.parametrize("name", ["hs_lastmodifieddate", "notes_last_contacted", "nothing"])
def test_stamps_and_calculated_properties_cannot_be_subscribed_to(desk: Desk, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be subscribed to"):
        desk.sim.watch("http://127.0.0.1:1/", [f"company.propertyChange:{name}"])


def test_a_merge_names_both_old_ids_and_the_new_one(desk: Desk, ear: Ear) -> None:
    other = desk.sim.add_company("Acme Ltd", phone="1")
    desk.sim.watch(ear.url, ["company.merge"])

    survivor = desk.sim.human(desk.ann).merge_companies(desk.acme, other)
    desk.sim.postman.flush()

    [event] = ear.events()
    assert event["primaryObjectId"] == int(desk.acme)
    assert event["mergedObjectIds"] == [int(other)]
    assert event["newObjectId"] == int(survivor)
    assert event["numberOfPropertiesMoved"] == 1


def test_a_primary_company_is_told_of_twice(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, ["company.associationChange"])

    dana = desk.sim.add_contact(desk.acme, "Dana", "Ruiz")
    desk.sim.postman.flush()

    told = [
        (
            one["associationType"],
            one["fromObjectId"],
            one["toObjectId"],
            one["isPrimaryAssociation"],
        )
        for one in ear.events()
    ]
    ends = ("COMPANY_TO_CONTACT", int(desk.acme), int(dana))
    assert sorted(told) == [(*ends, False), (*ends, True)]
    assert not any(one["associationRemoved"] for one in ear.events())
