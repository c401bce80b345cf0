"""Links, webhooks, lost events and the doctor at a simulated Stripe, over real HTTP."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from connectors.kit.signature import SignatureRefused
from connectors.stripe.connector import StripeConnector
from connectors.stripe.events import EVENTS
from connectors.stripe.versions import API_VERSION
from connectors.stripe.webhook import verify
from domain.errors import Gone, RateLimited
from domain.ports import (
    Health,
    Incoming,
    PaymentLink,
)
from simulators.clock import SimClock
from simulators.faults import Fault, Harm
from simulators.stripe import BLIND_KEY, READ_ONLY_KEY, StripeSim
from tests.connectors.stripe_vip import (
    DAY,
    START,
    Vip,
    connect,
    failed_renewal,
    renewing,
)


@pytest.fixture
def clock() -> SimClock:
    return SimClock(START)


@pytest.fixture
def sim(clock: SimClock) -> Iterator[StripeSim]:
    one = StripeSim(clock)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def vip(sim: StripeSim) -> Vip:
    return failed_renewal(sim)


# ---------------------------------------------------------------- links


@pytest.mark.req("R78", partly="the check of a mail's body stands with the mail")
@pytest.mark.req("R79")
def test_the_link_is_opened_by_nobody_but_the_customer(vip: Vip, clock: SimClock) -> None:
    link = vip.connector.make_link(vip.customer, key="link:1")
    assert isinstance(link, PaymentLink)
    assert (link.opens, link.survives_expiry) == ("payment_method_update", True)
    assert "checkout" not in link.url
    assert [(one.method, one.path) for one in vip.sim.requests] == [
        ("POST", "/v1/billing_portal/sessions")
    ]
    for _ in range(3):
        vip.sim.scan_portal(link.url)
    clock.advance(3 * DAY)
    vip.sim.customer_opens_portal(link.url, email="ap@example.com", card="good")
    card = vip.picture().card
    assert card
    assert card.replaced_at == clock.now()


def test_a_link_for_nobody_is_gone(sim: StripeSim) -> None:
    assert isinstance(connect(sim).make_link("cus_nobody", key="link:1"), Gone)


# ---------------------------------------------------------------- webhooks and lost events


@dataclass
class Inbox:
    """What a webhook endpoint received."""

    url: str
    posts: list[tuple[bytes, str | None]] = field(default_factory=list)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.posts.append((body, self.headers["Stripe-Signature"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    received = Inbox(f"http://127.0.0.1:{server.server_port}/stripe")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield received
    server.shutdown()
    server.server_close()


def backfilled(sim: StripeSim, connector: StripeConnector, cursor: str | None) -> list[Incoming]:
    """Everything that the event list brings, page by page."""
    found: list[Incoming] = []
    while True:
        page = connector.changes(cursor, now=sim.clock.now())
        found += page.raw
        cursor = page.cursor
        if page.is_last:
            return found


@pytest.mark.req("R2", partly="the jobs that follow are proven with the edge")
def test_delivered_events_are_proven_and_point_at_their_customer(
    sim: StripeSim, clock: SimClock, inbox: Inbox
) -> None:
    _, secret = sim.add_webhook_endpoint(inbox.url, EVENTS, api_version=API_VERSION)
    customer, _ = renewing(sim)
    clock.advance(DAY + timedelta(hours=2))
    sim.postman.flush()
    received = [verify(body, sign, [secret], now=clock.now()) for body, sign in inbox.posts]
    assert "invoice.payment_failed" in {one.topic for one in received}
    connector = connect(sim)
    pointed = {hint.ref.id for one in received for hint in connector.hints(one.body)}
    assert pointed == {customer}


@pytest.mark.req("R2", partly="that no row is stored is proven with the edge")
def test_a_rotated_secret_lets_nothing_fall_between(
    sim: StripeSim, clock: SimClock, inbox: Inbox
) -> None:
    endpoint, old = sim.add_webhook_endpoint(inbox.url, EVENTS)
    new = sim.roll_secret(endpoint)
    sim.add_customer("Rolled Ltd", "r@example.com")
    sim.postman.flush()
    body, signature = inbox.posts[-1]
    for secrets in ([old], [new], [old, new]):
        assert verify(body, signature, secrets, now=clock.now()).key.startswith("evt_")
    clock.advance(2 * DAY)
    sim.add_customer("Later Ltd", "l@example.com")
    sim.postman.flush()
    body, signature = inbox.posts[-1]
    assert verify(body, signature, [new], now=clock.now()).problem is None
    with pytest.raises(SignatureRefused):
        verify(body, signature, [old], now=clock.now())


def test_a_message_that_lay_around_is_refused(
    sim: StripeSim, clock: SimClock, inbox: Inbox
) -> None:
    _, secret = sim.add_webhook_endpoint(inbox.url, EVENTS)
    sim.add_customer("Stale Ltd", "s@example.com")
    sim.postman.flush()
    body, signature = inbox.posts[-1]
    clock.advance(timedelta(minutes=6))
    with pytest.raises(SignatureRefused) as caught:
        verify(body, signature, [secret], now=clock.now())
    assert caught.value.reason == "stale"


def test_events_that_no_webhook_brought_are_found(
    sim: StripeSim, clock: SimClock, inbox: Inbox
) -> None:
    _, secret = sim.add_webhook_endpoint(inbox.url, EVENTS, api_version=API_VERSION)
    sim.postman.dial.loss = 0.5
    customer, _ = renewing(sim)
    clock.advance(DAY + timedelta(hours=2))
    sim.postman.flush()
    received = {verify(body, sign, [secret], now=clock.now()).key for body, sign in inbox.posts}
    assert sim.postman.dropped
    found = {one.key for one in backfilled(sim, connect(sim), None)}
    assert received < found
    sim.postman.dial.loss = 0.0
    assert customer


def test_a_delivered_and_a_listed_event_are_the_same_message(
    sim: StripeSim, clock: SimClock, inbox: Inbox
) -> None:
    _, secret = sim.add_webhook_endpoint(inbox.url, EVENTS, api_version=API_VERSION)
    sim.add_customer("Same Ltd", "s@example.com")
    sim.postman.flush()
    body, signature = inbox.posts[-1]
    delivered = verify(body, signature, [secret], now=clock.now())
    connector = connect(sim)
    listed = next(one for one in backfilled(sim, connector, None) if one.key == delivered.key)
    assert (listed.source, listed.topic) == (delivered.source, delivered.topic)
    assert list(connector.hints(listed.body)) == list(connector.hints(delivered.body))


def test_the_next_round_brings_only_what_is_new_and_the_overlap(
    sim: StripeSim, clock: SimClock
) -> None:
    connector = connect(sim)
    sim.add_customer("Old Ltd", "o@example.com")
    clock.advance(timedelta(hours=1))
    page = connector.changes(None, now=clock.now())
    while not page.is_last:
        page = connector.changes(page.cursor, now=clock.now())
    clock.advance(timedelta(minutes=1))
    new = sim.add_customer("New Ltd", "n@example.com")
    clock.advance(timedelta(minutes=1))
    found = backfilled(sim, connector, page.cursor)
    pointed = {hint.ref.id for one in found for hint in connector.hints(one.body)}
    assert pointed == {new}


# ---------------------------------------------------------------- the doctor


def findings(connector: StripeConnector, health: Health) -> dict[str, str]:
    """Lines of one kind, the clock left out: the simulated one is not today's."""
    return {
        one.check: f"{one.detail} {one.remedy}"
        for one in connector.examine()
        if one.health is health and one.check != "clock"
    }


def test_a_well_set_up_account_has_nothing_wrong(sim: StripeSim) -> None:
    sim.add_webhook_endpoint("https://kidglove.example/stripe", EVENTS, api_version=API_VERSION)
    before = sim.state(volatile=False)
    connector = connect(sim, webhook_url="https://kidglove.example/stripe")
    assert findings(connector, Health.WRONG) == {}
    assert sim.state(volatile=False) == before


def test_an_endpoint_of_another_version_is_found(sim: StripeSim) -> None:
    sim.add_webhook_endpoint("https://kidglove.example/stripe", ["invoice.paid"])
    connector = connect(sim, webhook_url="https://kidglove.example/stripe")
    wrong = findings(connector, Health.WRONG)
    assert any("missing" in text for text in wrong.values())


@pytest.mark.parametrize(
    ("key", "lacks"), [(READ_ONLY_KEY, "rak_invoice_write"), (BLIND_KEY, "rak_invoice_read")]
)
def test_a_key_that_lacks_something_is_told_what(sim: StripeSim, key: str, lacks: str) -> None:
    wrong = findings(connect(sim, key=key), Health.WRONG)
    assert any(re.search(rf"\b{lacks}\b", text) for text in wrong.values())


def test_a_wrong_key_is_said(sim: StripeSim) -> None:
    assert "key" in findings(connect(sim, key="sk_test_wrong"), Health.WRONG)


def test_a_limit_of_the_account_is_told_as_one(vip: Vip) -> None:
    vip.sim.faults.arm(Fault(harm=Harm.STATUS, status=429, times=None))
    with pytest.raises(RateLimited):
        vip.picture()
