"""A glance from Stripe's lists is that of a whole read, and changes with what it covers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from connectors.stripe.connector import StripeConnector
from domain.facts import PaymentPicture
from simulators.clock import SimClock
from simulators.stripe import StripeSim

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
SOON = timedelta(hours=2)


@pytest.fixture
def stripe() -> Iterator[StripeSim]:
    with StripeSim(SimClock(NOW)) as sim:
        yield sim


def connector(stripe: StripeSim) -> StripeConnector:
    return StripeConnector(stripe.api_key, base_url=stripe.url, clock=stripe.clock.now)


def listed(stripe: StripeSim) -> dict[str, str]:
    pages = connector(stripe).survey_customers(None)
    return {id: one.digest for page in pages for id, one in page.customers.items()}


def read(stripe: StripeSim, *customers: str) -> dict[str, str | None]:
    pictures = connector(stripe).read_payments(customers)
    assert all(isinstance(one, PaymentPicture) for one in pictures.values())
    return {id: one.glance for id, one in pictures.items() if isinstance(one, PaymentPicture)}


def subscribed(stripe: StripeSim, name: str = "Acme", **more: object) -> str:
    customer = stripe.add_customer(name, "ap@acme.example", card="good")
    stripe.add_subscription(customer, amount=5_000, started_months_ago=3, **more)  # type: ignore[arg-type]
    return customer


def failing(stripe: StripeSim) -> str:
    customer = stripe.add_customer("Failing", "ap@f.example", card="declines:insufficient_funds")
    stripe.add_subscription(customer, amount=5_000, started_months_ago=3, next_renewal_in=SOON)
    stripe.clock.advance(timedelta(hours=4))
    return customer


def drafted(stripe: StripeSim) -> str:
    customer = subscribed(stripe, "Drafted", next_renewal_in=SOON)
    stripe.clock.advance(SOON + timedelta(minutes=5))
    assert [one["status"] for one in stripe.invoices(customer, "draft")] == ["draft"]
    return customer


def alone(stripe: StripeSim) -> str:
    return stripe.add_customer("Nobody", "nobody@n.example")


def with_coupon(stripe: StripeSim) -> str:
    requests.post(
        f"{stripe.url}/v1/coupons",
        auth=(stripe.api_key, ""),
        data={"id": "TWENTY", "percent_off": 20, "duration": "forever"},
        timeout=10,
    ).raise_for_status()
    return subscribed(stripe, "Reduced", coupon="TWENTY")


def with_many_subscriptions(stripe: StripeSim) -> str:
    customer = subscribed(stripe, "Many")
    for number in range(11):
        stripe.clock.advance(timedelta(minutes=1))
        stripe.add_subscription(customer, amount=1_000 + number, started_months_ago=0)
    return customer


def cancelled(stripe: StripeSim) -> str:
    customer = subscribed(stripe, "Cancelled")
    subscription = stripe.state()["objects"]["subscription"]
    [id] = [one["id"] for one in subscription.values() if one["customer"] == customer]
    stripe.dashboard_cancel_subscription(id)
    return customer


@pytest.mark.parametrize(
    "make",
    [subscribed, failing, drafted, alone, with_coupon, with_many_subscriptions, cancelled],
    ids=lambda make: make.__name__,
)
def test_the_list_and_a_whole_read_make_the_same_glance(
    stripe: StripeSim, make: Callable[[StripeSim], str]
) -> None:
    other = subscribed(stripe, "Other")
    customer = make(stripe)
    assert listed(stripe) == read(stripe, customer, other)


def a_renewal(stripe: StripeSim, customer: str) -> None:
    stripe.clock.advance(timedelta(days=32))


def another_subscription(stripe: StripeSim, customer: str) -> None:
    stripe.add_subscription(customer, amount=7_000, started_months_ago=0)


def another_card(stripe: StripeSim, customer: str) -> None:
    stripe.customer_updates_card(customer)


def the_same_card_with_another_date(stripe: StripeSim, customer: str) -> None:
    stripe.network_updates_card(customer)


@pytest.mark.parametrize(
    "change",
    [a_renewal, another_subscription, another_card, the_same_card_with_another_date],
    ids=lambda change: change.__name__,
)
def test_what_changes_is_seen_in_the_list(
    stripe: StripeSim, change: Callable[[StripeSim, str], None]
) -> None:
    customer = subscribed(stripe, next_renewal_in=timedelta(days=31))
    before = listed(stripe)
    change(stripe, customer)
    assert listed(stripe) != before
    assert listed(stripe) == read(stripe, customer)


def test_time_alone_changes_nothing(stripe: StripeSim) -> None:
    subscribed(stripe, next_renewal_in=timedelta(days=20))
    before = listed(stripe)
    stripe.clock.advance(timedelta(days=15))
    assert listed(stripe) == before
