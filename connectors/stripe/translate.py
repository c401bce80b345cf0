"""Stripe's objects as our facts. Pure: what was read goes in, what is true comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from connectors.stripe import wire
from connectors.stripe.marks import MARK
from connectors.stripe.mrr import Catalog, subscription_mrr
from domain.facts import (
    Attempt,
    Card,
    Decline,
    Invoice,
    InvoiceStatus,
    Pause,
    Subscription,
    SubscriptionStatus,
)
from domain.money import Money

INVOICE_STATUS = {one.value: one for one in InvoiceStatus if one is not InvoiceStatus.UNKNOWN}
SUBSCRIPTION_STATUS = {
    one.value: one for one in SubscriptionStatus if one is not SubscriptionStatus.UNKNOWN
}
MONTHS = {"month": 1, "year": 12}
_LINE = re.compile(r"^\s*(?:\d[\d,.]* [x\u00d7] )?(?P<name>.+?)(?:\s+\(.*\))?\s*$")


def invoice_facts(
    invoice: wire.Invoice,
    *,
    attempts: tuple[Attempt, ...] = (),
    decline: Decline | None = None,
    paid_by: str | None = None,
) -> Invoice:
    """One invoice; attempts and decline only where they were read."""
    done = invoice.status_transitions
    return Invoice(
        id=invoice.id,
        number=invoice.number,
        status=INVOICE_STATUS.get(invoice.status or "", InvoiceStatus.UNKNOWN),
        total=Money(invoice.total, invoice.currency),
        remaining=Money(invoice.amount_remaining, invoice.currency),
        created_at=invoice.created,
        is_charged_automatically=invoice.collection_method != "send_invoice",
        advances=invoice.auto_advance,
        attempt_count=invoice.attempt_count,
        attempted=invoice.attempted,
        next_attempt_at=invoice.next_payment_attempt,
        finalized_at=done.finalized_at,
        due_at=invoice.due_date,
        settled_at=done.paid_at or done.voided_at or done.marked_uncollectible_at,
        subscription=invoice.subscription,
        is_first=invoice.billing_reason == "subscription_create",
        is_renewal=invoice.billing_reason == "subscription_cycle",
        decline=decline,
        attempts=attempts,
        mark=invoice.metadata.get(MARK) or None,
        paid_by=paid_by,
    )


def subscription_facts(
    subscription: wire.Subscription,
    catalog: Catalog,
    *,
    at: datetime,
    invoices: Iterable[wire.Invoice] = (),
    mrr: Money | None = None,
) -> Subscription:
    """One subscription. `invoices` lend the plan's name; `mrr` is worked out unless it is given."""
    items = subscription.items.data
    licensed = [one for one in items if one.quantity is not None]
    pause = subscription.pause_collection
    ends = [one.current_period_end for one in items if one.current_period_end is not None]
    period_end = min(ends, default=subscription.current_period_end)
    return Subscription(
        id=subscription.id,
        status=SUBSCRIPTION_STATUS.get(subscription.status, SubscriptionStatus.UNKNOWN),
        mrr=mrr if mrr is not None else subscription_mrr(subscription, catalog, at=at),
        pause=Pause(behavior=pause.behavior, resumes_at=pause.resumes_at) if pause else None,
        mark=subscription.metadata.get(MARK) or None,
        started_at=subscription.start_date or subscription.created,
        period_end=period_end,
        cancel_at=_cancel_at(subscription, period_end),
        canceled_because=_ended_because(subscription),
        interval_months=_interval_months(items),
        seats=sum(one.quantity or 0 for one in licensed) if licensed else None,
        plan=_plan(subscription, invoices),
    )


def card_facts(
    method: wire.PaymentMethod | None,
    last_failed: wire.Charge | None,
    invoices: Sequence[wire.Invoice] = (),
) -> Card | None:
    """The card that the next try would use; the failed charge's own if no other is known.

    It counts as replaced if another was used before it came: by the failed charge, or for an
    invoice that was paid by then.
    """
    details = last_failed.payment_method_details if last_failed else None
    known = method.card if method else None
    card = known or (details.card if details else None)
    if card is None or not card.brand or not card.last4:
        return None
    if card.exp_month is None or card.exp_year is None:
        return None
    replaced_at = None
    if known and method and method.created and _another_came_before(method, last_failed, invoices):
        replaced_at = method.created
    return Card(
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        replaced_at=replaced_at,
    )


def _another_came_before(
    method: wire.PaymentMethod, last_failed: wire.Charge | None, invoices: Sequence[wire.Invoice]
) -> bool:
    assert method.created is not None
    if last_failed and last_failed.payment_method not in (None, method.id):
        return method.created > last_failed.created
    charged = (
        one.status_transitions.paid_at
        for one in invoices
        if one.status == "paid" and one.amount_paid > 0 and not one.amount_paid_off_stripe
    )
    return any(at is not None and at < method.created for at in charged)


def paid_by(invoice: wire.Invoice, charges: Sequence[wire.Charge]) -> str | None:
    """How a paid invoice was paid, in words for a person; None if that was not read."""
    if invoice.status != "paid":
        return None
    if (invoice.amount_paid_off_stripe or 0) > 0:
        return "a payment outside Stripe"
    done = [one for one in charges if one.status == "succeeded"]
    details = done[-1].payment_method_details if done else None
    if details is None:
        return None
    if details.card and details.card.brand and details.card.last4:
        return f"{details.card.brand.replace('_', ' ').capitalize()} ending in {details.card.last4}"
    return details.type.replace("_", " ") if details.type else None


def attributes(customer: wire.Customer) -> Mapping[str, str]:
    """The customer's metadata."""
    return dict(customer.metadata)


def _cancel_at(subscription: wire.Subscription, period_end: datetime | None) -> datetime | None:
    ended = subscription.ended_at or subscription.cancel_at
    if ended is not None:
        return ended
    return period_end if subscription.cancel_at_period_end else None


def _ended_because(subscription: wire.Subscription) -> str | None:
    """Stripe's word for why it was cancelled, or why it is paused (first_payment_failure, ...)."""
    if subscription.status == "paused":
        paused = subscription.status_details.paused if subscription.status_details else None
        return paused.subscription.type if paused and paused.subscription else None
    details = subscription.cancellation_details
    return details.reason if details else None


def _interval_months(items: Sequence[wire.Item]) -> int | None:
    for item in items:
        recurring = item.price.recurring
        if recurring and recurring.usage_type != "metered" and recurring.interval in MONTHS:
            return MONTHS[recurring.interval] * recurring.interval_count
    return None


def _plan(subscription: wire.Subscription, invoices: Iterable[wire.Invoice]) -> str | None:
    """The price's own name; else the name that Stripe prints on the invoice line."""
    for item in subscription.items.data:
        if item.price.nickname:
            return item.price.nickname
    for invoice in invoices:
        if invoice.subscription != subscription.id:
            continue
        for line in invoice.lines.data:
            details = line.parent.subscription_item_details if line.parent else None
            if details and not details.proration and line.description:
                found = _LINE.match(line.description)
                return found.group("name") if found else line.description
    for item in subscription.items.data:
        if item.price.lookup_key:
            return item.price.lookup_key
    return None
