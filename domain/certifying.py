"""Whether the payment system is quiet, judged from what was just read and nothing else."""

from __future__ import annotations

from datetime import datetime

from domain.facts import Invoice, PaymentPicture, Subscription, SubscriptionStatus
from domain.holds import Hold, Quiet, QuietCertificate, ends_at, provenance
from domain.leaf import Known, Leaf
from domain.quieting import ACTIVE_PAUSE

SILENT = frozenset(
    {
        SubscriptionStatus.PAUSED,
        SubscriptionStatus.CANCELED,
        SubscriptionStatus.INCOMPLETE,
        SubscriptionStatus.INCOMPLETE_EXPIRED,
    }
)
"""Statuses in which a subscription makes no invoice that could be collected by itself."""


def certify(payments: Leaf[PaymentPicture], holds: tuple[Hold, ...]) -> QuietCertificate:
    """The quiet certificate. Unknown counts as not quiet, and it is never carried over."""
    if not holds:
        return QuietCertificate(state=Quiet.OFF)
    until = _until(holds)
    because = "; ".join(provenance(hold) for hold in holds)
    if not isinstance(payments, Known):
        return QuietCertificate(state=Quiet.UNKNOWN, until=until, because=payments.because)
    picture = payments.value
    invoices = _unsettled(picture)
    live = [one for one in picture.subscriptions if one.status.is_live]
    if any(invoice.advances is True for invoice in invoices) or any(map(_is_loud, live)):
        state = Quiet.NOT_QUIET
    elif any(invoice.advances is None for invoice in invoices):
        state = Quiet.UNKNOWN
    else:
        state = Quiet.QUIET
    return QuietCertificate(
        state=state,
        invoices=sum(invoice.advances is False for invoice in invoices),
        subscriptions=sum(one.pause is not None for one in live),
        checked_at=picture.read_at,
        until=until,
        because=because,
    )


def sounds(picture: PaymentPicture) -> tuple[str, ...]:
    """Everything that could still reach the customer by itself; empty means that it is quiet."""
    invoices = [f"invoice:{one.id}" for one in _unsettled(picture) if one.advances is not False]
    return (
        *invoices,
        *(f"subscription:{one.id}" for one in picture.subscriptions if _is_loud(one)),
    )


def _unsettled(picture: PaymentPicture) -> list[Invoice]:
    return [invoice for invoice in picture.invoices if not invoice.status.is_settled]


def _is_loud(subscription: Subscription) -> bool:
    if subscription.status in SILENT:
        return False
    return subscription.status in ACTIVE_PAUSE and subscription.pause is None


def _until(holds: tuple[Hold, ...]) -> datetime | None:
    """The latest date that a person or a promise gave; None if no hold has one."""
    dated = [end for end in map(ends_at, holds) if end is not None]
    return max(dated, default=None)
