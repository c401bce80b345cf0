"""A fingerprint of what Stripe's lists show of a customer; a whole read makes the same one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from connectors.stripe import wire

ENDED = frozenset({"canceled", "incomplete_expired"})
# VENDOR: what a customer's own list of subscriptions leaves out (api/subscriptions/list).
SETTLED = frozenset({"paid", "void", "uncollectible"})
SHOWN = 10
# VENDOR: a customer brings its newest ten subscriptions along (api/expanding_objects).


def unsettled(invoices: Iterable[wire.Invoice]) -> list[wire.Invoice]:
    """The invoices that are open or drafted."""
    return [one for one in invoices if one.status not in SETTLED]


def current(subscriptions: Iterable[wire.Subscription]) -> list[wire.Subscription]:
    """The subscriptions that have not ended."""
    return [one for one in subscriptions if one.status not in ENDED]


def glance(
    customer: wire.Customer,
    subscriptions: Sequence[wire.Subscription],
    invoices: Sequence[wire.Invoice],
    *,
    has_more: bool = False,
) -> str:
    """The fingerprint of a customer, its current subscriptions and its unsettled invoices.

    `has_more` says that there are older subscriptions, which were not brought along.

    A renewal is in it by the subscription's latest invoice. What is not: a paid invoice without a
    subscription, and credit notes; their events tell of them.
    """
    newest = sorted(subscriptions, key=_newest_first)
    seen = {
        "customer": _customer(customer),
        "subscriptions": sorted(map(_subscription, newest[:SHOWN]), key=str),
        "more": has_more or len(newest) > SHOWN,
        "invoices": sorted(map(_invoice, invoices), key=str),
    }
    text = json.dumps(seen, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _newest_first(subscription: wire.Subscription) -> tuple[float, str]:
    created = subscription.created or subscription.start_date
    return (-created.timestamp() if created else 0.0, subscription.id)


def _customer(one: wire.Customer) -> Any:
    settings = one.invoice_settings
    return [
        *(one.id, one.name, one.email, one.phone, one.currency),
        one.address.model_dump(exclude_none=True) if one.address else None,
        _method(settings.default_payment_method if settings else None),
        dict(one.metadata),
    ]


def _method(one: str | wire.PaymentMethod | None) -> Any:
    """A card that the bank replaced keeps its id here and gets another date."""
    if not isinstance(one, wire.PaymentMethod):
        return one
    return [one.id, one.card.model_dump(exclude_none=True) if one.card else None]


def _subscription(one: wire.Subscription) -> Any:
    pause = one.pause_collection
    return [
        *(one.id, one.status, one.currency, one.latest_invoice),
        [pause.behavior, pause.resumes_at] if pause else None,
        [one.cancel_at, one.cancel_at_period_end, one.canceled_at],
        _method(one.default_payment_method),
        _discounts(one.discounts),
        sorted((_item(item) for item in one.items.data), key=str),
        dict(one.metadata),
    ]


def _item(one: wire.Item) -> Any:
    return [one.id, one.price.id, one.quantity, one.current_period_end, _discounts(one.discounts)]


def _discounts(some: Iterable[str | wire.Discount]) -> list[str]:
    return sorted(one if isinstance(one, str) else one.id for one in some)


def _invoice(one: wire.Invoice) -> Any:
    return [
        *(one.id, one.status, one.number, one.currency, one.total, one.amount_remaining),
        *(one.attempt_count, one.attempted, one.auto_advance, one.next_payment_attempt),
        *(one.due_date, one.collection_method, one.default_payment_method),
        dict(one.metadata),
    ]
