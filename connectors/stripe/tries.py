"""The tries to collect what is failing: one list of charges for a whole customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.stripe import wire
from connectors.stripe.attempts import attempts
from connectors.stripe.client import StripeApi
from connectors.stripe.declines import charge_decline, intent_decline
from connectors.stripe.history import DEBIT_IS_SLOW, failed_before_paid
from connectors.stripe.lists import read_list
from connectors.stripe.marks import MARK
from domain.facts import Attempt, AttemptBy, Decline

CHARGE_PAGES = 2
"""Charges since the oldest failing invoice; the networks allow far fewer than 200."""
JUST_RECOVERED = timedelta(days=7)
"""How long a recovered invoice still costs the call that says who paid it."""
NOT_AT_ONCE = timedelta(minutes=2)
"""A card payment this long after finalizing may follow a failed try; looking costs one call."""


@dataclass(frozen=True, kw_only=True)
class Tries:
    """What was found out about the tries to collect one invoice."""

    charges: tuple[wire.Charge, ...] = ()
    decline: Decline | None = None
    attempts: tuple[Attempt, ...] = ()


class TryReader:
    """Reads why invoices failed and how often.

    A list of invoices cannot carry its charges (that would be the fifth level of expansion), and
    a payment intent carries only its newest one. The customer's charges carry them all, in one
    call for every failing invoice together; the payment's id joins them.
    """

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def tries(
        self,
        customer: str,
        invoices: Sequence[wire.Invoice],
        *,
        at: datetime,
        is_card: bool,
        urgent: bool,
    ) -> dict[str, Tries]:
        """The tries on each failing or just recovered invoice, from one list of charges."""
        slow = NOT_AT_ONCE if is_card else DEBIT_IS_SLOW
        wanted = [
            one
            for one in invoices
            if is_failing(one)
            or (failed_before_paid(one, slow=slow) and _paid_since(one, at - JUST_RECOVERED))
        ]
        if not wanted:
            return {}
        since = min(_tried_first(one) for one in wanted) - timedelta(hours=1)
        charges, _ = read_list(
            self._api,
            wire.Charge,
            "charges",
            {"customer": customer, "created": {"gte": int(since.timestamp())}},
            pages=CHARGE_PAGES,
            urgent=urgent,
        )
        return {one.id: self._tries_of(one, charges, urgent=urgent) for one in wanted}

    def _tries_of(
        self, invoice: wire.Invoice, charges: Sequence[wire.Charge], *, urgent: bool
    ) -> Tries:
        intents, direct = _payment_ids(invoice)
        mine = sorted(
            (one for one in charges if one.payment_intent in intents or one.id in direct),
            key=lambda one: (one.created, one.id),
        )
        failed = [one for one in mine if one.status == "failed"]
        is_marked = bool(invoice.metadata.get(MARK))
        found = attempts(mine, counted=invoice.attempt_count, is_marked=is_marked)
        decline = charge_decline(failed[-1]) if failed else None
        if decline is None and is_failing(invoice):
            decline = self._decline_without_charge(invoice, urgent=urgent)
            if decline and not found:
                found = (
                    Attempt(
                        at=decline.at or _tried_first(invoice),
                        succeeded=False,
                        code=decline.code,
                        by=AttemptBy.UNKNOWN if is_marked else AttemptBy.AUTOMATIC,
                    ),
                )
        return Tries(charges=tuple(mine), decline=decline, attempts=found)

    def _decline_without_charge(self, invoice: wire.Invoice, *, urgent: bool) -> Decline | None:
        """The reason kept by the invoice's payment, for a try that never became a charge."""
        payments, _ = read_list(
            self._api,
            wire.InvoicePayment,
            "invoice_payments",
            {"invoice": invoice.id, "expand": ["data.payment.payment_intent.latest_charge"]},
            pages=1,
            urgent=urgent,
        )
        ranked = sorted(
            payments,
            key=lambda one: (one.is_default, one.created or invoice.created),
            reverse=True,
        )
        for one in ranked:
            intent = one.payment.payment_intent if one.payment else None
            if isinstance(intent, wire.PaymentIntent):
                return intent_decline(intent, at=_tried_first(invoice))
            charge = one.payment.charge if one.payment else None
            if isinstance(charge, wire.Charge) and charge.status == "failed":
                return charge_decline(charge)
        return None


def is_failing(invoice: wire.Invoice) -> bool:
    """Whether collecting it was tried in vain."""
    return (
        invoice.status == "open"
        and invoice.amount_remaining > 0
        and invoice.attempted
        and invoice.attempt_count >= 1
    )


def _paid_since(invoice: wire.Invoice, since: datetime) -> bool:
    paid = invoice.status_transitions.paid_at
    return paid is not None and paid >= since


def _tried_first(invoice: wire.Invoice) -> datetime:
    return invoice.status_transitions.finalized_at or invoice.created


def _payment_ids(invoice: wire.Invoice) -> tuple[set[str], set[str]]:
    """The payment intents and the direct charges that paid, or should pay, the invoice."""
    intents: set[str] = set()
    charges: set[str] = set()
    for one in invoice.payments.data if invoice.payments else ():
        if one.payment is None:
            continue
        intent, charge = one.payment.payment_intent, one.payment.charge
        if intent is not None:
            intents.add(intent if isinstance(intent, str) else intent.id)
        if charge is not None:
            charges.add(charge if isinstance(charge, str) else charge.id)
    return intents, charges
