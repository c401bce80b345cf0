"""Average monthly revenue over the last three full calendar months, by what each line pays for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from connectors.stripe.mrr import largest
from connectors.stripe.wire import Invoice, Line
from domain.money import Money

MONTHS = 3


def trailing_months(at: datetime) -> tuple[datetime, datetime]:
    """From the first moment of the month three before, up to the first moment of this month."""
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    count = first.year * 12 + first.month - 1 - MONTHS
    return first.replace(year=count // 12, month=count % 12 + 1), first


def trailing_mrr(invoices: Iterable[Invoice], *, at: datetime) -> tuple[Money | None, list[Money]]:
    """Paid subscription lines, spread over their service period, as an average month before tax.

    A monthly line counts whole in the month in which its period begins, a yearly one a twelfth
    in each, whenever it was paid: a price that never changes is its own average, whatever day
    renews it. Periods of weeks or odd days count day by day. One-off lines and prorations are
    left out, credit notes are taken off in proportion, payments made outside Stripe count. The
    currency with the largest sum is the answer; the others come beside it. None if no line pays
    for that time.
    """
    start, end = trailing_months(at)
    shares: dict[str, Decimal] = {}
    for invoice in invoices:
        if invoice.status != "paid":
            continue
        kept = _kept_share(invoice)
        for line in invoice.lines.data:
            share = _share(line, start, end)
            if share is not None:
                shares[line.currency] = shares.get(line.currency, Decimal(0)) + share * kept
    averages = [
        Money(int((sum_ / MONTHS).quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)
        for currency, sum_ in shares.items()
    ]
    best, others = largest(averages)
    return best, list(others)


def touches(invoice: Invoice, *, at: datetime) -> bool:
    """Whether a paid invoice may pay for the time in question, so that all its lines are needed."""
    start, _ = trailing_months(at)
    if invoice.status != "paid":
        return False
    return any(line.period.end > start for line in invoice.lines.data)


def _kept_share(invoice: Invoice) -> Decimal:
    """The part of the invoice that credit notes have left, 0 to 1."""
    credited = invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount
    if credited <= 0 or invoice.total <= 0:
        return Decimal(1)
    return max(Decimal(0), 1 - Decimal(credited) / invoice.total)


def _share(line: Line, start: datetime, end: datetime) -> Decimal | None:
    details = line.parent.subscription_item_details if line.parent else None
    if details is None or details.proration:
        return None
    part = _part(line.period.start, line.period.end, start, end)
    if part is None:
        return None
    amount = line.amount - sum(one.amount for one in line.discount_amounts or ())
    # VENDOR: an inclusive tax is part of the line's amount, an exclusive one is not.
    amount -= sum(tax.amount for tax in line.taxes or () if tax.tax_behavior == "inclusive")
    return Decimal(amount) * part.numerator / part.denominator


def _part(since: datetime, until: datetime, start: datetime, end: datetime) -> Fraction | None:
    """Which part of a service period counts between two beginnings of months; None if none."""
    months = _whole_months(since, until)
    if months is None:
        overlap = min(until, end) - max(since, start)
        counted, whole = overlap.total_seconds(), (until - since).total_seconds()
    else:
        first = _month(since)
        counted = min(first + months, _month(end)) - max(first, _month(start))
        whole = months
    return Fraction(int(counted), int(whole)) if counted > 0 and whole > 0 else None


def _whole_months(since: datetime, until: datetime) -> int | None:
    """How many months a period has, if it ends on the day of the month on which it began.

    # VENDOR: a subscription that is anchored to a day which a month lacks renews on that month's
    # last day (billing cycle anchor).
    """
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    is_month = since.day == until.day or (_is_last_day(since if since.day < until.day else until))
    months = _month(until) - _month(since)
    return months if is_month and months > 0 else None


def _month(at: datetime) -> int:
    at = at.astimezone(UTC)
    return at.year * 12 + at.month


def _is_last_day(at: datetime) -> bool:
    return (at + timedelta(days=1)).day == 1
