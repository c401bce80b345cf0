"""Customers of a simulated Stripe, seen over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import Gone
from domain.facts import AttemptBy, InvoiceStatus
from domain.money import Money
from simulators.clock import SimClock
from simulators.faults import Fault, Harm
from simulators.stripe import StripeSim
from tests.connectors.stripe_vip import (
    DAY,
    NOT_PATIENT,
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
