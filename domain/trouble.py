"""Which invoices are in trouble."""

from __future__ import annotations

from datetime import datetime

from domain.facts import Invoice, InvoiceStatus, PaymentPicture


def is_failing(invoice: Invoice, now: datetime) -> bool:
    """Open with money left, and either tried without success or past its due date.

    A partial payment keeps it failing with the lower amount. An open invoice that nobody has
    tried to collect yet is not in trouble.
    """
    if invoice.status is not InvoiceStatus.OPEN or invoice.remaining.minor <= 0:
        return False
    if invoice.is_charged_automatically:
        return invoice.attempted and invoice.attempt_count >= 1
    return invoice.due_at is not None and invoice.due_at < now


def failing_invoices(picture: PaymentPicture, now: datetime) -> tuple[Invoice, ...]:
    """The invoices in trouble, oldest first."""
    failing = [invoice for invoice in picture.invoices if is_failing(invoice, now)]
    return tuple(sorted(failing, key=lambda invoice: (invoice.created_at, invoice.id)))
