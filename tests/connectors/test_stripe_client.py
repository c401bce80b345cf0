"""How the connector calls: pinned version, one key per write, counted, never in a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import stripe

from connectors.kit.limits import Unlimited
from connectors.stripe.client import StripeApi
from connectors.stripe.connector import StripeConnector
from connectors.stripe.versions import API_VERSION
from domain.boundary import HttpInTransaction, transaction_open
from domain.errors import Bug, OutcomeUnknown, RateLimited, Transient, Unauthorized
from domain.facts import Invoice
from domain.ports import (
    Collects,
    Examines,
    InvoiceChange,
    ListsChanges,
    MakesPaymentLinks,
    Quiets,
    ReadsPayments,
    SendsSignals,
)
from tests.connectors.stripe_stage import Answer, ScriptedStripe, connect, invoice, refusal

CHANGE = InvoiceChange(invoice="in_1", advances=False, mark="7", key="quiet:in_1:1")
READ, WRITE = "GET /v1/invoices/in_1", "POST /v1/invoices/in_1"


@pytest.fixture
def scripted() -> ScriptedStripe:
    return ScriptedStripe()


@pytest.fixture
def connector(scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch) -> StripeConnector:
    return connect(scripted, monkeypatch)


def test_the_connector_is_what_the_ports_ask_for(connector: StripeConnector) -> None:
    reads: ReadsPayments = connector
    quiets: Quiets = connector
    collects: Collects = connector
    links: MakesPaymentLinks = connector
    changes: ListsChanges = connector
    signals: SendsSignals = connector
    examines: Examines = connector
    assert len({id(one) for one in (reads, quiets, collects, links, changes, signals, examines)})


def test_every_request_names_our_version_and_carries_timeouts(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ, invoice())
    connector.read_invoices(["in_1"])
    sent = scripted.sent[0]
    assert sent.headers["Stripe-Version"] == API_VERSION
    assert sent.headers["Authorization"] == "Bearer sk_test_1"
    assert sent.timeout == (5.0, 30.0)


def test_our_pin_is_the_pin_of_the_sdk() -> None:
    assert stripe.api_version == API_VERSION


def test_no_telemetry_leaves(connector: StripeConnector, scripted: ScriptedStripe) -> None:
    scripted.on(READ, Answer(invoice(), headers={"Request-Id": "req_1"}))
    connector.read_invoices(["in_1"])
    connector.read_invoices(["in_1"])
    assert all("X-Stripe-Client-Telemetry" not in one.headers for one in scripted.sent)
    assert stripe.enable_telemetry is False


def test_requests_are_counted_by_method_and_resource(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ, invoice())
    scripted.on(WRITE, invoice())
    connector.read_invoices(["in_1", "in_1"])
    connector.change_setting(CHANGE)
    assert connector.calls == {"GET invoices/{id}": 2, "POST invoices/{id}": 1}


def test_a_read_survives_a_short_illness(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ, refusal(500, type="api_error"), requests.ConnectionError(), invoice())
    assert isinstance(connector.read_invoices(["in_1"])["in_1"], Invoice)
    assert connector.calls["GET invoices/{id}"] == 3


def test_a_write_without_an_answer_is_repeated_under_the_same_key(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITE, requests.ReadTimeout(), invoice())
    connector.change_setting(CHANGE)
    keys = [one.headers["Idempotency-Key"] for one in scripted.sent]
    assert keys == ["quiet:in_1:1", "quiet:in_1:1"]


def test_a_write_that_is_never_answered_has_an_unknown_outcome(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITE, requests.ReadTimeout())
    with pytest.raises(OutcomeUnknown):
        connector.change_setting(CHANGE)


def test_a_read_that_is_never_answered_is_transient(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ, requests.ReadTimeout())
    assert isinstance(connector.read_invoices(["in_1"])["in_1"], Transient)


def test_an_answer_cut_short_leaves_a_write_unknown(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITE, Answer(b'{"id": "in_1", "obj'))
    with pytest.raises(OutcomeUnknown):
        connector.change_setting(CHANGE)


@pytest.mark.parametrize("body", [b"<html>gateway</html>", b"[]", b'"x"', b"\xff\xfe"])
def test_an_answer_that_is_no_object_is_never_believed(
    connector: StripeConnector, scripted: ScriptedStripe, body: bytes
) -> None:
    scripted.on(READ, Answer(body))
    assert isinstance(connector.read_invoices(["in_1"])["in_1"], Bug)


def test_a_gateways_page_with_502_is_transient(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ, Answer(b"<html>bad gateway</html>", status=502))
    assert isinstance(connector.read_invoices(["in_1"])["in_1"], Transient)


def test_a_refused_key_stops_the_whole_call(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ, refusal(401))
    with pytest.raises(Unauthorized):
        connector.read_invoices(["in_1", "in_2"])


def test_nothing_leaves_while_a_transaction_is_open(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    with transaction_open(), pytest.raises(HttpInTransaction):
        connector.change_setting(CHANGE)
    assert scripted.sent == []


def test_an_id_cannot_lead_to_another_resource(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on("GET /v1/invoices/in_1%2F..%2F..%2Fcharges", refusal(404, "resource_missing"))
    connector.read_invoices(["in_1/../../charges"])
    assert len(scripted.sent) == 1


def test_the_sdk_writes_no_bodies_into_the_log(
    connector: StripeConnector, scripted: ScriptedStripe, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    scripted.on(READ, invoice(customer_email="ap@example.com"))
    connector.read_invoices(["in_1"])
    assert "ap@example.com" not in caplog.text


class Watched(Unlimited):
    """A limiter that remembers what it was asked and told."""

    def __init__(self) -> None:
        self.slots: list[bool] = []
        self.paused: list[timedelta] = []

    @contextmanager
    def slot(self, urgent: bool = False) -> Iterator[None]:
        self.slots.append(urgent)
        yield

    def pause(self, after: timedelta) -> None:
        self.paused.append(after)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def limited(
    scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch, watched: Watched
) -> StripeConnector:
    return connect(scripted, monkeypatch, limiter=watched)


def test_every_try_asks_the_limiter(
    limited: StripeConnector, scripted: ScriptedStripe, watched: Watched
) -> None:
    scripted.on(READ, refusal(500, type="api_error"), invoice())
    limited.read_invoices(["in_1"])
    assert watched.slots == [True, True]


def test_finding_lost_events_waits_behind_money_work(
    limited: StripeConnector, scripted: ScriptedStripe, watched: Watched
) -> None:
    scripted.on("GET /v1/events", {"data": [], "has_more": False})
    limited.changes(None, now=datetime(2026, 11, 21, tzinfo=UTC))
    assert watched.slots == [False]


def test_a_stop_is_told_to_every_worker(
    limited: StripeConnector, scripted: ScriptedStripe, watched: Watched
) -> None:
    scripted.on(READ, refusal(429, "rate_limit", headers={"Retry-After": "60"}))
    with pytest.raises(RateLimited):
        limited.read_invoices(["in_1"])
    assert watched.paused == [timedelta(seconds=60)]


@pytest.mark.parametrize(
    "answer",
    [
        refusal(429, "lock_timeout"),
        refusal(429, headers={"Stripe-Rate-Limited-Reason": "resource-specific"}),
    ],
)
def test_a_limit_of_one_object_pauses_nobody_else(
    limited: StripeConnector, scripted: ScriptedStripe, watched: Watched, answer: Answer
) -> None:
    scripted.on(WRITE, answer, invoice())
    limited.change_setting(CHANGE)
    assert watched.paused == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://127.0.0.1:9/"])
def test_a_base_address_may_end_with_a_slash(
    scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    scripted.on(READ, invoice())
    connect(scripted, monkeypatch, base_url=address).read_invoices(["in_1"])
    assert scripted.sent[0].path == "/v1/invoices/in_1"


@pytest.mark.parametrize(("key", "is_test"), [("rk_test_x", True), ("sk_live_x", False)])
def test_the_mode_is_read_from_the_key(key: str, is_test: bool) -> None:
    api: Any = StripeApi(key)
    assert api.is_test_key is is_test
