"""The connector against a simulated Stripe, over real HTTP."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from connectors.kit.http import Timeouts
from connectors.kit.retry import Retry, RetryPolicy
from connectors.kit.signature import SignatureRefused
from connectors.stripe.connector import StripeConnector
from connectors.stripe.events import EVENTS
from connectors.stripe.versions import API_VERSION
from connectors.stripe.webhook import verify
from domain.errors import Conflict, Gone, Misconfigured, OutcomeUnknown, RateLimited
from domain.facts import AttemptBy, Invoice, InvoiceStatus, PaymentPicture
from domain.money import Money
from domain.ports import (
    Health,
    Incoming,
    InvoiceChange,
    InvoiceSetting,
    PaymentLink,
    SubscriptionChange,
    SubscriptionSetting,
)
from simulators.clock import SimClock
from simulators.faults import Fault, Harm
from simulators.stripe import BLIND_KEY, PRODUCT_KEY, READ_ONLY_KEY, StripeSim

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = timedelta(days=1)
NOT_PATIENT = Timeouts(connect=1, read=0.3)


@pytest.fixture
def clock() -> SimClock:
    return SimClock(START)


@pytest.fixture
def sim(clock: SimClock) -> Iterator[StripeSim]:
    one = StripeSim(clock)
    one.start()
    yield one
    one.stop()


def connect(
    sim: StripeSim, *, key: str = PRODUCT_KEY, tries: int = 3, **more: Any
) -> StripeConnector:
    return StripeConnector(
        key,
        base_url=sim.url,
        clock=sim.clock.now,
        retry=Retry(RetryPolicy(tries=tries), sleep=lambda _: None),
        **more,
    )


@dataclass
class Vip:
    """One customer whose renewal has just failed."""

    sim: StripeSim
    connector: StripeConnector
    customer: str
    subscription: str

    @property
    def invoice(self) -> str:
        """The failing invoice."""
        return str(self.sim.invoices(self.customer, "open")[-1]["id"])

    def picture(self) -> PaymentPicture:
        """The customer as we see it now."""
        found = self.connector.read_payments([self.customer])[self.customer]
        assert isinstance(found, PaymentPicture), found
        return found

    def failing(self) -> Invoice:
        """The failing invoice as we see it now."""
        found = self.picture().invoice(self.invoice)
        assert found
        return found

    def settings(self) -> tuple[InvoiceSetting, SubscriptionSetting]:
        """What is set on both of them now."""
        subjects = [f"invoice:{self.invoice}", f"subscription:{self.subscription}"]
        invoice, subscription = self.connector.read_settings(subjects).values()
        assert isinstance(invoice, InvoiceSetting)
        assert isinstance(subscription, SubscriptionSetting)
        return invoice, subscription

    def quiet(self, number: int = 1) -> None:
        """Switch both off."""
        self.connector.change_setting(
            InvoiceChange(
                invoice=self.invoice, advances=False, mark=f"{number}", key=f"quiet:in:{number}"
            )
        )
        self.connector.change_setting(
            SubscriptionChange(
                subscription=self.subscription,
                pause_behavior="keep_as_draft",
                resumes_at=self.sim.clock.now() + 90 * DAY,
                mark=f"{number}",
                key=f"quiet:sub:{number}",
            )
        )

    def restore(self, number: int = 1) -> None:
        """Switch both back."""
        self.connector.change_setting(
            InvoiceChange(
                invoice=self.invoice, advances=True, mark=None, key=f"restore:in:{number}"
            )
        )
        self.connector.change_setting(
            SubscriptionChange(
                subscription=self.subscription,
                pause_behavior=None,
                resumes_at=None,
                mark=None,
                key=f"restore:sub:{number}",
            )
        )

    def charges(self) -> int:
        """How many charges the bank has seen for the failing customer."""
        return len(self.sim.state()["objects"]["charge"])


def renewing(sim: StripeSim, *, card: str = "declines:insufficient_funds") -> tuple[str, str]:
    """A customer of fourteen months that renews tomorrow; the card behaves as told from now on."""
    customer = sim.add_customer("Example Ltd", "ap@example.com", metadata={"tier": "vip"})
    subscription = sim.add_subscription(
        customer,
        amount=50000,
        quantity=5,
        started_months_ago=14,
        next_renewal_in=DAY,
        product="Team plan",
    )
    sim.set_card(customer, card)
    return customer, subscription


@pytest.fixture
def vip(sim: StripeSim, clock: SimClock) -> Vip:
    customer, subscription = renewing(sim)
    clock.advance(DAY + timedelta(hours=2))
    sim.forget_requests()
    return Vip(sim, connect(sim), customer, subscription)


# ---------------------------------------------------------------- seeing


def test_a_failed_renewal_is_seen_whole_for_three_reads(vip: Vip) -> None:
    picture = vip.picture()
    failing = picture.invoice(vip.invoice)
    assert failing
    assert (failing.status, failing.remaining) == (InvoiceStatus.OPEN, Money(250000, "usd"))
    assert (failing.is_renewal, failing.advances, failing.attempt_count) == (True, True, 1)
    assert failing.decline
    assert (failing.decline.code, failing.decline.advice) == (
        "insufficient_funds",
        "try_again_later",
    )
    assert (picture.mrr_now, picture.mrr_t3m) == (Money(250000, "usd"), Money(250000, "usd"))
    assert picture.subscriptions[0].plan == "Team plan"
    assert picture.history.first_paid_at == datetime(2025, 8, 22, 9, tzinfo=UTC)
    assert [one.method for one in vip.sim.requests] == ["GET", "GET", "GET"]


@pytest.mark.req("R44")
def test_every_try_is_listed_and_their_number_is_stripes_own(vip: Vip, clock: SimClock) -> None:
    clock.advance(8 * DAY)
    failing = vip.failing()
    assert failing.attempt_count > 2
    assert len(failing.attempts) == failing.attempt_count
    assert {one.by for one in failing.attempts} == {AttemptBy.AUTOMATIC}
    assert failing.next_attempt_at
    assert failing.next_attempt_at > clock.now()


@pytest.mark.req("R44")
def test_a_try_by_hand_is_listed_and_told_apart(vip: Vip) -> None:
    vip.connector.pay(vip.invoice, key="pay:1")
    failing = vip.failing()
    assert [one.by for one in failing.attempts] == [AttemptBy.AUTOMATIC, AttemptBy.MANUAL]
    assert failing.attempt_count == 1


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("declines:expired_card", "expired_card"),
        ("declines:stolen_card", "stolen_card"),
        ("blocked:highest_risk_level", "highest_risk_level"),
        ("authenticate", "authentication_required"),
    ],
)
def test_the_reason_is_the_banks_own_or_radars(
    sim: StripeSim, clock: SimClock, card: str, code: str
) -> None:
    customer, subscription = renewing(sim, card=card)
    clock.advance(DAY + timedelta(hours=2))
    decline = Vip(sim, connect(sim), customer, subscription).failing().decline
    assert decline
    assert decline.code == code


def test_a_new_card_after_the_refusal_is_noticed(vip: Vip, clock: SimClock) -> None:
    clock.advance(timedelta(hours=1))
    vip.sim.customer_updates_card(vip.customer)
    card = vip.picture().card
    assert card
    assert card.replaced_at == clock.now()


def test_a_recovered_invoice_says_when_and_by_whom(vip: Vip, clock: SimClock) -> None:
    failed = vip.invoice
    clock.advance(timedelta(hours=1))
    vip.sim.customer_pays(failed, card="good")
    seen = vip.picture().invoice(failed)
    assert seen
    assert (seen.status, seen.settled_at) == (InvoiceStatus.PAID, clock.now())
    assert seen.paid_by
    assert seen.paid_by.startswith("Visa ending in ")
    assert [one.succeeded for one in seen.attempts] == [False, True]


def test_the_end_of_dunning_is_seen_with_its_reason(vip: Vip, clock: SimClock) -> None:
    clock.advance(60 * DAY)
    ended = vip.picture().subscriptions[0]
    assert (ended.status.is_live, ended.canceled_because) == (False, "payment_failed")


@pytest.mark.parametrize(("mode", "monthly"), [("graduated", 13500), ("volume", 10500)])
def test_tiered_prices_are_worked_out(
    sim: StripeSim, clock: SimClock, mode: str, monthly: int
) -> None:
    price = sim.add_price(
        tiers=[{"up_to": 10, "unit_amount": 1000}, {"up_to": "inf", "unit_amount": 700}],
        tiers_mode=mode,
    )
    customer = sim.add_customer("Tiered Ltd", "t@example.com")
    sim.add_subscription(customer, price=price, quantity=15)
    picture = Vip(sim, connect(sim), customer, "").picture()
    assert picture.mrr_now == Money(monthly, "usd")


def test_a_customer_that_stripe_does_not_know_is_gone(sim: StripeSim) -> None:
    found = connect(sim).read_payments(["cus_nobody"])["cus_nobody"]
    assert isinstance(found, Gone)


@pytest.mark.parametrize(
    "harm",
    [
        Fault(harm=Harm.STATUS, status=500),
        Fault(harm=Harm.STATUS, status=429),
        Fault(harm=Harm.VENDOR, body={"name": "rate_limit", "reason": "endpoint-rate"}),
        Fault(harm=Harm.VENDOR, body={"name": "lock_timeout"}),
        Fault(harm=Harm.HTML, status=502),
        Fault(harm=Harm.RESET_BEFORE),
        Fault(harm=Harm.RESET_AFTER),
        Fault(harm=Harm.TIMEOUT_BEFORE, seconds=1),
    ],
    ids=lambda fault: (fault.body or {}).get("name") or f"{fault.harm.value}-{fault.status}",
)
def test_a_short_illness_changes_nothing_that_is_seen(vip: Vip, harm: Fault) -> None:
    well = vip.picture()
    vip.connector = connect(vip.sim, timeouts=NOT_PATIENT)
    vip.sim.faults.arm(harm)
    assert vip.picture() == well


# ---------------------------------------------------------------- quiet


@pytest.mark.req("R70", partly="the CRM's part and the whole service stand in the journeys")
def test_a_quiet_customer_is_left_alone_for_sixty_days(vip: Vip, clock: SimClock) -> None:
    vip.quiet()
    charges, mails = vip.charges(), vip.sim.mailer.robotic(vip.customer)
    clock.advance(60 * DAY)
    assert vip.charges() == charges
    assert vip.sim.mailer.robotic(vip.customer) == mails
    drafts = [one for one in vip.picture().invoices if one.status is InvoiceStatus.DRAFT]
    assert [one.advances for one in drafts] == [False]


def test_quiet_is_read_back_with_our_mark_and_its_end(vip: Vip, clock: SimClock) -> None:
    vip.quiet(7)
    invoice, subscription = vip.settings()
    assert (invoice.advances, invoice.mark, invoice.status) == (False, "7", "open")
    assert (subscription.pause_behavior, subscription.mark) == ("keep_as_draft", "7")
    assert subscription.resumes_at == clock.now() + 90 * DAY


@pytest.mark.req("R12", partly="when to release is judged elsewhere")
def test_a_release_restores_exactly_what_was(vip: Vip) -> None:
    before = vip.settings()
    world = vip.sim.state(volatile=False)
    vip.quiet()
    vip.restore()
    after = vip.settings()
    assert [(one.status, one.mark) for one in after] == [(one.status, one.mark) for one in before]
    assert (after[0].advances, after[1].pause_behavior) == (True, None)
    assert vip.sim.state(volatile=False) == world


def test_the_same_change_twice_is_one_change(vip: Vip) -> None:
    vip.quiet()
    once = vip.sim.state(volatile=False)
    vip.quiet()
    assert vip.sim.state(volatile=False) == once


def test_a_pause_of_a_colleague_is_reported_and_left_alone(vip: Vip) -> None:
    vip.sim.dashboard_update_subscription(
        vip.subscription, pause_collection={"behavior": "mark_uncollectible", "resumes_at": None}
    )
    _, subscription = vip.settings()
    assert (subscription.pause_behavior, subscription.mark) == ("mark_uncollectible", None)
    assert vip.sim.writes() == []


def test_a_colleague_who_switches_it_back_is_seen(vip: Vip) -> None:
    vip.quiet()
    vip.sim.dashboard_update_invoice(vip.invoice, auto_advance=True)
    invoice, _ = vip.settings()
    assert (invoice.advances, invoice.mark) == (True, "1")


@pytest.mark.req("R12", partly="when to release is judged elsewhere")
def test_a_release_of_an_invoice_paid_meanwhile_brings_nothing_back(
    vip: Vip, clock: SimClock
) -> None:
    vip.quiet()
    failed, charges = vip.invoice, vip.charges()
    vip.sim.customer_pays(failed, card="good")
    with contextlib.suppress(Conflict):
        vip.connector.change_setting(
            InvoiceChange(invoice=failed, advances=True, mark=None, key="restore:in:1")
        )
    clock.advance(20 * DAY)
    setting = vip.connector.read_settings([f"invoice:{failed}"])[f"invoice:{failed}"]
    assert isinstance(setting, InvoiceSetting)
    assert setting.status == "paid"
    assert vip.charges() == charges + 1


def test_a_subscription_cancelled_meanwhile_is_a_conflict(vip: Vip) -> None:
    vip.sim.dashboard_cancel_subscription(vip.subscription)
    change = SubscriptionChange(
        subscription=vip.subscription,
        pause_behavior="keep_as_draft",
        resumes_at=vip.sim.clock.now() + DAY,
        mark="1",
        key="quiet:sub:1",
    )
    with pytest.raises((Conflict, Gone)):
        vip.connector.change_setting(change)


def test_a_switch_whose_answer_is_lost_is_made_once(vip: Vip) -> None:
    vip.connector = connect(vip.sim, timeouts=NOT_PATIENT)
    vip.sim.faults.arm(Fault(harm=Harm.RESET_AFTER, method="POST"))
    vip.quiet()
    invoice, subscription = vip.settings()
    assert (invoice.advances, subscription.pause_behavior) == (False, "keep_as_draft")


def test_a_key_that_may_only_read_says_what_it_lacks(vip: Vip) -> None:
    vip.connector = connect(vip.sim, key=READ_ONLY_KEY)
    with pytest.raises(Misconfigured) as caught:
        vip.quiet()
    assert caught.value.row == "rak_invoice_write"


# ---------------------------------------------------------------- collecting


def test_a_payment_key_used_twice_charges_once(vip: Vip) -> None:
    vip.sim.set_card(vip.customer, "good")
    invoice, before = vip.invoice, vip.charges()
    assert vip.connector.pay(invoice, key="pay:1") is True
    assert vip.connector.pay(invoice, key="pay:1") is True
    assert vip.charges() == before + 1


def test_a_decline_is_said_only_while_the_money_is_owed(vip: Vip) -> None:
    assert vip.connector.pay(vip.invoice, key="pay:1") is False


def test_the_same_attempt_again_never_asks_the_bank_twice(vip: Vip) -> None:
    vip.connector.pay(vip.invoice, key="pay:1")
    before = vip.charges()
    assert vip.connector.pay(vip.invoice, key="pay:1") is False
    assert vip.charges() == before


def lose_the_answer(vip: Vip, harm: Harm) -> str:
    """Pay with a good card while the answer gets lost; the invoice."""
    vip.sim.set_card(vip.customer, "good")
    invoice = vip.invoice
    vip.connector = connect(vip.sim, timeouts=NOT_PATIENT, tries=1)
    vip.sim.faults.arm(Fault(harm=harm, method="POST", path=".*/pay", seconds=1))
    with pytest.raises(OutcomeUnknown):
        vip.connector.pay(invoice, key="pay:1")
    return invoice


@pytest.mark.parametrize("harm", [Harm.TIMEOUT_AFTER, Harm.RESET_AFTER, Harm.STATUS_AFTER])
def test_a_payment_whose_answer_is_lost_is_found_out_by_looking(vip: Vip, harm: Harm) -> None:
    before = vip.charges()
    invoice = lose_the_answer(vip, harm)
    looked_up = vip.connector.read_invoices([invoice])[invoice]
    assert isinstance(looked_up, Invoice)
    assert looked_up.status is InvoiceStatus.PAID
    assert vip.charges() == before + 1


@pytest.mark.parametrize("name", ["concurrent_twin", "lock_timeout"])
def test_a_payment_that_had_to_wait_is_made_once(vip: Vip, name: str) -> None:
    vip.sim.set_card(vip.customer, "good")
    before = vip.charges()
    vip.sim.faults.arm(Fault(harm=Harm.VENDOR, body={"name": name}, method="POST"))
    assert vip.connector.pay(vip.invoice, key="pay:1") is True
    assert vip.charges() == before + 1


@pytest.mark.parametrize("harm", [Harm.TIMEOUT_AFTER, Harm.RESET_AFTER])
def test_the_same_key_after_a_lost_answer_tells_the_first_result(vip: Vip, harm: Harm) -> None:
    before = vip.charges()
    invoice = lose_the_answer(vip, harm)
    assert vip.connector.pay(invoice, key="pay:1") is True
    assert vip.charges() == before + 1


def test_a_payment_that_never_arrived_may_be_sent_again_under_its_key(vip: Vip) -> None:
    vip.sim.set_card(vip.customer, "good")
    invoice, before = vip.invoice, vip.charges()
    vip.sim.faults.arm(Fault(harm=Harm.RESET_BEFORE, method="POST", path=".*/pay"))
    assert vip.connector.pay(invoice, key="pay:1") is True
    assert vip.charges() == before + 1


def test_a_voided_invoice_is_never_collected(vip: Vip) -> None:
    invoice = vip.invoice
    vip.sim.void(invoice)
    with pytest.raises(Conflict):
        vip.connector.pay(invoice, key="pay:1")


@pytest.mark.req("R36", partly="who intercepts, and when, is judged elsewhere")
def test_an_intercepted_draft_is_collected_by_hand_without_a_mail(
    sim: StripeSim, clock: SimClock
) -> None:
    customer, subscription = renewing(sim)
    vip = Vip(sim, connect(sim), customer, subscription)
    clock.advance(DAY + timedelta(minutes=5))
    draft = vip.picture().invoices[0]
    assert draft.status is InvoiceStatus.DRAFT
    vip.connector.change_setting(
        InvoiceChange(invoice=draft.id, advances=False, mark="1", key="quiet:in:1")
    )
    vip.connector.finalize(draft.id, key="fin:1")
    vip.connector.finalize(draft.id, key="fin:1")
    assert vip.connector.pay(draft.id, key="pay:1") is False
    clock.advance(30 * DAY - timedelta(hours=1))
    assert sim.mailer.robotic(customer) == []
    failing = vip.picture().invoice(draft.id)
    assert failing
    assert (failing.attempt_count, len(failing.attempts)) == (1, 1)


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
