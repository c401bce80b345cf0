"""Earlier payment episodes of one customer, told from its settled invoices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from connectors.stripe.wire import Invoice
from domain.facts import PaymentHistory

CARD_IS_SLOW = timedelta(hours=2)
"""A card charge this long after finalizing was not the first try, which comes within the hour."""
DEBIT_IS_SLOW = timedelta(days=8)
"""A bank debit takes up to five working days to settle without having failed."""


def payment_history(
    invoices: Iterable[Invoice], *, slow: timedelta = CARD_IS_SLOW
) -> PaymentHistory:
    """How earlier failures ended. Open invoices belong to the present episode and are left out.

    An invoice failed earlier if it took a second try, was paid outside after a try, or was given
    up after one, or was paid later than `slow` after finalizing. Days run from finalizing, when
    Stripe makes its first try, to the payment.
    """
    settled = [one for one in invoices if one.status in ("paid", "void", "uncollectible")]
    first_paid = min(
        (paid for one in settled if one.amount_paid > 0 and (paid := paid_at(one))), default=None
    )
    resolved = [one for one in settled if failed_before_paid(one, slow=slow)]
    lost = [one for one in settled if one.status != "paid" and _was_tried(one)]
    days = [
        Decimal((paid - tried) // timedelta(seconds=1)) / 86400
        for one in resolved
        if (paid := paid_at(one)) and (tried := one.status_transitions.finalized_at)
    ]
    return PaymentHistory(
        first_paid_at=first_paid,
        earlier_failures=len(resolved) + len(lost),
        resolved=len(resolved),
        lost=len(lost),
        median_days=Decimal(median(days)).quantize(Decimal("0.1")) if days else None,
    )


def paid_at(invoice: Invoice) -> datetime | None:
    """When it was paid, if it was."""
    return invoice.status_transitions.paid_at


def failed_before_paid(invoice: Invoice, *, slow: timedelta) -> bool:
    """Whether it is paid now and did not go through at the first try."""
    if invoice.status != "paid" or not _was_tried(invoice):
        return False
    if invoice.collection_method != "charge_automatically":
        return False
    if invoice.attempt_count > 1 or (invoice.amount_paid_off_stripe or 0) > 0:
        return True
    # VENDOR: a try by hand does not raise attempt_count (invoices/pay), but it comes late.
    paid, finalized = paid_at(invoice), invoice.status_transitions.finalized_at
    return bool(paid and finalized and paid - finalized > slow)


def _was_tried(invoice: Invoice) -> bool:
    return invoice.attempted and invoice.attempt_count >= 1
