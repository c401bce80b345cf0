"""What people do in the simulated org, who is told, and what the whole world looks like then."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from xml.etree import ElementTree

import pytest

from simulators.clock import SimClock
from simulators.hooks import DeliveryDial
from simulators.salesforce import SalesforceSim
from simulators.salesforce.errors import Refusal
from tests.simulators.test_salesforce_login import START, Desk, open_desk

OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
SF = "{urn:sobject.enterprise.soap.sforce.com}"
ACK = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></e:Body></e:Envelope>"
)


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


class Ear(HTTPServer):
    """Listens for hooks: what came, and what to answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hear)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answer = (200, ACK)


class _Hear(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        ear = self.server
        assert isinstance(ear, Ear)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ear.heard.append((dict(self.headers), body))
        status, answer = ear.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

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


def hold(desk: Desk, status: str | None = "In Resolution", account: str | None = None) -> None:
    fields = {"Dunning_Status__c": status}
    desk.sim.human(desk.ann).update("Account", account or desk.acme, fields)


def notes(body: bytes) -> list[tuple[str, dict[str, str]]]:
    """Notification id and fields of each notification in an envelope."""
    found = []
    for note in ElementTree.fromstring(body).iter(f"{OUTBOUND}Notification"):
        id_, record = note.find(f"{OUTBOUND}Id"), note.find(f"{OUTBOUND}sObject")
        assert id_ is not None
        assert record is not None
        values = {one.tag.removeprefix(SF): one.text or "" for one in record}
        found.append((id_.text or "", values))
    return found


def test_people_write_what_the_integration_only_reads(desk: Desk) -> None:
    desk.sim.human(desk.ann).update(
        "Account",
        desk.acme,
        {"Dunning_Hold_Until__c": date(2026, 12, 1), "Expansion_ARR__c": Decimal("1200.50")},
    )

    row = desk.sim.get(desk.acme)
    assert row["Dunning_Hold_Until__c"] == "2026-12-01"
    assert row["Expansion_ARR__c"] == 1200.5
    assert row["LastModifiedById"] == desk.ann


def test_people_too_are_bound_by_restricted_picklists(desk: Desk) -> None:
    with pytest.raises(Refusal, match="INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"):
        hold(desk, "Maybe")


def test_the_stage_can_be_set_in_the_past(desk: Desk) -> None:
    long_ago = datetime(2024, 1, 1, 9, tzinfo=UTC)

    task = desk.sim.add_task(
        desk.acme, "Call", status="Completed", CompletedDateTime=long_ago, CreatedDate=long_ago
    )

    assert desk.sim.get(task)["CompletedDateTime"] == "2024-01-01T09:00:00.000+0000"
    assert desk.sim.get(task)["CreatedDate"] == "2024-01-01T09:00:00.000+0000"


def test_a_given_id_is_kept(desk: Desk) -> None:
    account = desk.sim.add_account("Known", owner=desk.ann, id="001D000000IqhSL")

    assert account == "001D000000IqhSLIAZ"


def test_a_stage_that_cannot_be_set_says_why(desk: Desk) -> None:
    with pytest.raises(ValueError, match="DUPLICATE_VALUE"):
        desk.sim.add_account("Twin", owner=desk.ann, Stripe_Customer_Id__c="cus_acme")


def test_rows_are_filtered_by_equal_values(desk: Desk) -> None:
    desk.sim.add_account("Other", owner=desk.ann)

    assert [one["Name"] for one in desk.sim.rows("Account", Name="Acme")] == ["Acme"]
    with pytest.raises(KeyError, match="Account has no field Nope"):
        desk.sim.rows("Account", Nope=1)


def test_a_merge_moves_children_and_leaves_a_trail(desk: Desk) -> None:
    loser = desk.sim.add_account("Acme Inc", owner=desk.ann, Stripe_Customer_Id__c="cus_loser")
    contact = desk.sim.add_contact(loser, "Joe", "Doe")
    task = desk.sim.add_task(loser, "Call")

    desk.sim.human(desk.ann).merge_accounts(
        desk.acme, loser, keep={"Stripe_Customer_Id__c": "cus_loser"}
    )

    assert desk.sim.get(contact)["AccountId"] == desk.acme
    assert desk.sim.get(task)["WhatId"] == desk.acme
    assert desk.sim.get(desk.acme)["Stripe_Customer_Id__c"] == "cus_loser"
    assert desk.code("GET", f"sobjects/Account/{loser}") == (404, "ENTITY_IS_DELETED")
    text = "SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true"
    trail = desk.sf.query_all(text, include_deleted=True)["records"][0]
    assert (trail["Id"], trail["MasterRecordId"]) == (loser, desk.acme)


def test_an_outbound_message_carries_the_latest_state(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, fields=["Dunning_Status__c", "Dunning_Hold_Until__c"])
    hold(desk)
    hold(desk, "Released")
    desk.sim.postman.flush()

    ((headers, body),) = ear.heard
    assert headers["Content-Type"].startswith("text/xml")
    assert f"<OrganizationId>{desk.sim.organization_id}</OrganizationId>".encode() in body
    first, second = notes(body)
    assert first[0] != second[0]
    assert first[1] == {
        "Id": desk.acme,
        "Dunning_Status__c": "Released",
        "SystemModstamp": "2026-11-24T10:00:00.000Z",
    }


def test_an_envelope_holds_several_notifications_up_to_a_hundred(desk: Desk, ear: Ear) -> None:
    accounts = [desk.sim.add_account(f"A{n}", owner=desk.ann) for n in range(130)]
    desk.sim.watch(ear.url)
    for account in accounts:
        hold(desk, account=account)
    desk.sim.postman.flush()

    assert [len(notes(body)) for _, body in ear.heard] == [100, 30]


def test_only_watched_fields_tell(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url)
    desk.sim.human(desk.ann).update("Account", desk.acme, {"Phone": "1"})
    hold(desk, None)
    desk.sim.add_account("New", owner=desk.ann, Dunning_Status__c="Released")
    desk.sim.postman.flush()

    assert ear.heard == []


@pytest.mark.parametrize("echoes", [False, True])
def test_the_integrations_own_edits_tell_only_if_asked(desk: Desk, ear: Ear, echoes: bool) -> None:
    desk.sim.watch(ear.url, fields=["Payment_Status__c"], echoes=echoes)
    desk.send("PATCH", f"sobjects/Account/{desk.acme}", {"Payment_Status__c": "Paid"})
    desk.sim.postman.flush()

    assert bool(ear.heard) is echoes


def test_a_rolled_back_edit_tells_nobody(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, fields=["Payment_Status__c"], echoes=True)
    record = {"attributes": {"type": "Account"}, "id": desk.acme, "Payment_Status__c": "Paid"}
    bad = {**record, "Payment_Status__c": "Brilliant"}
    body = {"allOrNone": True, "records": [record, bad]}
    desk.send("PATCH", "composite/sobjects", body)
    desk.sim.postman.flush()

    assert ear.heard == []


@pytest.mark.parametrize("answer", [(200, b""), (200, ACK.replace(b"true", b"false")), (500, ACK)])
def test_without_an_ack_the_same_notification_comes_again(
    desk: Desk, ear: Ear, answer: tuple[int, bytes]
) -> None:
    desk.sim.watch(ear.url)
    ear.answer = answer
    hold(desk)
    desk.sim.postman.flush()
    ear.answer = (200, ACK)
    hold(desk, "Released")
    desk.later(seconds=10)
    desk.sim.postman.flush()

    ids = [[id_ for id_, _ in notes(body)] for _, body in ear.heard]
    assert len(ids) == 3
    assert ids.count(ids[0]) == 2


def test_a_message_nobody_takes_is_dropped_after_a_day(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url)
    ear.answer = (500, b"")
    hold(desk)
    for _ in range(26):
        desk.sim.postman.flush()
        desk.later(hours=1)

    assert 10 < len(ear.heard) < 26
    assert len(desk.sim.postman.dropped) == 1


def test_lost_and_duplicated_messages(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url)
    desk.sim.postman.dial = DeliveryDial(loss=1.0)
    hold(desk)
    desk.sim.postman.dial = DeliveryDial(copies=2)
    hold(desk, "Released")
    desk.sim.postman.flush()

    first, second = (notes(body) for _, body in ear.heard)
    assert first == second
    assert len(first) == 1


def test_a_message_about_a_slow_transaction_waits_for_it(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url)
    desk.sim.set_visibility_lag(3)
    hold(desk)
    desk.sim.postman.flush()
    assert ear.heard == []

    desk.later(seconds=3)
    desk.sim.postman.flush()
    assert len(ear.heard) == 1


def test_a_flow_calls_out_in_json_with_its_key(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, kind="flow", fields=["Dunning_Status__c"])
    hold(desk)
    desk.sim.postman.flush()

    ((headers, body),) = ear.heard
    told = json.loads(body)
    assert headers["X-Api-Key"] == desk.sim.flow_api_key
    assert (told["object"], told["id"]) == ("Account", desk.acme)
    assert told["organization_id"] == desk.sim.organization_id
    assert set(told) == {"object", "id", "organization_id", "event_id"}


def test_a_flow_tells_of_our_tasks_that_close_once(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, kind="flow", fields=[])
    ours = desk.sim.add_task(desk.acme, "Call", Dunning_Key__c="case-1")
    other = desk.sim.add_task(desk.acme, "Lunch")
    for task in (ours, other, ours):
        desk.sim.human(desk.ann).complete_task(task)
    desk.sim.postman.flush()

    assert [json.loads(body)["id"] for _, body in ear.heard] == [ours]


def test_a_flow_that_fails_is_not_tried_again(desk: Desk, ear: Ear) -> None:
    desk.sim.watch(ear.url, kind="flow")
    ear.answer = (500, b"")
    hold(desk)
    desk.sim.postman.flush()
    desk.later(days=2)
    desk.sim.postman.flush()

    assert len(ear.heard) == 1
    assert len(desk.sim.postman.dropped) == 1


def test_people_requests_messages_and_the_clock_do_not_wait_for_each_other(
    desk: Desk, ear: Ear
) -> None:
    desk.sim.watch(ear.url, fields=["Dunning_Status__c", "Payment_Status__c"], echoes=True)
    desk.sim.postman.dial = DeliveryDial(delay_seconds=5)
    desk.sim.set_visibility_lag(1)

    def edit() -> None:
        for status in ("In Resolution", "Released") * 10:
            hold(desk, status)

    def sync() -> None:
        for status in ("Paid", "Past due") * 10:
            body = {"Payment_Status__c": status}
            assert desk.send("PATCH", f"sobjects/Account/{desk.acme}", body).status_code == 204

    threads = [threading.Thread(target=act) for act in (edit, sync, edit)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        desk.later(seconds=1)
        desk.sim.postman.flush()
    desk.later(seconds=60)
    desk.sim.postman.flush()

    told = [values for _, body in ear.heard for _, values in notes(body)]
    assert told[-1]["Dunning_Status__c"] == "Released"


def test_the_state_is_the_whole_world(desk: Desk) -> None:
    desk.sim.add_task(desk.acme, "Call")
    json.dumps(desk.sim.state())

    state = desk.sim.state()
    assert state["live"]["Account"][desk.acme]["Name"] == "Acme"
    assert "SystemModstamp" in state["live"]["Account"][desk.acme]
    assert set(state) == {"live", "deleted", "feed"}


def test_two_histories_with_one_outcome_compare_equal() -> None:
    outcomes = []
    for order in itertools.permutations("ab"):
        clock = SimClock(START)
        sim = SalesforceSim(clock)
        ann = sim.add_user("Ann Example")
        acme = sim.add_account("Acme", owner=ann)
        for key in order:
            clock.advance(timedelta(minutes=1))
            sim.human(ann).create("Task", {"Subject": "Call", "Dunning_Key__c": key})
        sim.human(ann).update("Account", acme, {"Dunning_Status__c": "Released"})
        outcomes.append(sim)

    first, second = outcomes
    assert first.state(volatile=False) == second.state(volatile=False)
    assert first.state() != second.state()


def control(desk: Desk, method: str, path: str, body: Any = None) -> Any:
    answer = desk.session.request(method, f"{desk.sim.url}/_sim/{path}", json=body, timeout=10)
    return answer.json()


def do(desk: Desk, verb: str, **kwargs: Any) -> Any:
    return control(desk, "POST", f"do/{verb}", kwargs)


def test_the_control_api_does_what_people_do(desk: Desk) -> None:
    user = do(desk, "add_user", name="Cas Example", zone="Europe/Berlin")["result"]
    account = do(desk, "add_account", name="Beta", owner=user)["result"]
    task = do(desk, "add_task", account=account, subject="Call", due="2026-11-25")["result"]
    do(desk, "add_event", account=account, subject="Meet", start="2026-11-26T10:00:00+00:00")
    fields = {"Dunning_Status__c": "In Resolution"}
    do(desk, "human_update", user_id=user, object="Account", id=account, fields=fields)
    do(desk, "complete_task", user_id=user, id=task, outcome="No answer")

    assert do(desk, "rows", object="Event")["result"][0]["WhatId"] == account
    assert do(desk, "get", id=account)["result"]["Dunning_Status__c"] == "In Resolution"
    assert desk.sim.get(task)["Dunning_Outcome__c"] == "No answer"
    assert desk.sim.get(task)["ActivityDate"] == "2026-11-25"


def test_the_control_api_turns_the_knobs(desk: Desk) -> None:
    control(desk, "POST", "faults", {"harm": "status", "status": 503})
    control(desk, "POST", "delivery", {"held": True})
    moved = control(desk, "POST", "clock", {"advance_seconds": 60})

    assert len(control(desk, "GET", "faults")) == 1
    assert control(desk, "DELETE", "faults") == []
    assert desk.sim.postman.dial.held
    assert moved["now"] == "2026-11-24T10:01:00+00:00"
    assert desk.clock.now() == START + timedelta(minutes=1)
    assert control(desk, "POST", "flush") == {"made": 0}


def test_the_control_api_shows_state_requests_and_credentials(desk: Desk) -> None:
    desk.send("GET", "limits")

    assert control(desk, "GET", "state?volatile=0") == desk.sim.state(volatile=False)
    assert control(desk, "GET", "requests")[-1]["path"] == "/services/data/v67.0/limits"
    assert control(desk, "DELETE", "requests") == []
    assert control(desk, "GET", "credentials")["consumer_key"] == desk.sim.consumer_key


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("do/dance", {}, "known verbs"),
        ("do/add_account", {"name": "X"}, "owner"),
        ("do/deactivate", {"user_id": "nobody"}, "nobody"),
        ("delivery", {"mood": 1}, "known"),
        ("faults", {"harm": "vendor", "body": {"name": "x"}}, "known"),
        ("clock", {"to": "2020-01-01T00:00:00+00:00"}, "does not go back"),
    ],
)
def test_the_control_api_explains_a_mistake(
    desk: Desk, path: str, body: dict[str, Any], words: str
) -> None:
    assert words in control(desk, "POST", path, body)["error"]
