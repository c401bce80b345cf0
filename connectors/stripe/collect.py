"""Collects an intercepted invoice by hand: finalize it quietly, then one try under one key."""

from __future__ import annotations

from connectors.stripe import wire
from connectors.stripe.client import StripeApi
from connectors.stripe.errors import Declined
from domain.errors import Conflict, KidgloveError, OutcomeUnknown, Rejected


class Collector:
    """Implements the writes of `Collects`."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def finalize(self, invoice: str, *, key: str) -> None:
        """See `Collects.finalize`. `Conflict` if it was voided meanwhile."""
        try:
            self._api.post("invoices/{id}/finalize", {"auto_advance": False}, id=invoice, key=key)
        except Rejected:
            now = self._read(invoice)
            if now.status in ("open", "paid"):
                return
            if now.status == "draft":
                raise
            raise Conflict(f"invoice {invoice} is {now.status} meanwhile") from None

    def pay(self, invoice: str, *, key: str) -> bool:
        """See `Collects.pay`.

        `False` is said only after a fresh read shows that the money is still owed: Stripe may
        have collected beside us. `Conflict` if it was voided or given up meanwhile;
        `OutcomeUnknown` also while a bank debit is under way.
        """
        try:
            body = self._api.post("invoices/{id}/pay", id=invoice, key=key)
        except Declined as declined:
            return self._after_decline(invoice, declined)
        except Rejected as rejected:
            return self._after_refusal(invoice, rejected)
        paid = wire.parse(wire.Invoice, body)
        if paid.status == "paid":
            return True
        # VENDOR: methods that settle later answer 200 with the invoice still open (invoices/pay).
        raise OutcomeUnknown(f"the payment of invoice {invoice} is under way")

    def _after_decline(self, invoice: str, declined: Declined) -> bool:
        now = self._look(invoice, declined)
        if now.status == "paid":
            return True
        if now.status == "open":
            return False
        raise _settled(now)

    def _after_refusal(self, invoice: str, rejected: Rejected) -> bool:
        # VENDOR: no code says "already paid" or "void"; the state does (invoices/pay).
        now = self._look(invoice, rejected)
        if now.status == "paid":
            return True
        if now.status in ("void", "uncollectible"):
            raise _settled(now)
        raise rejected

    def _look(self, invoice: str, answer: KidgloveError) -> wire.Invoice:
        try:
            return self._read(invoice)
        except KidgloveError as error:
            raise OutcomeUnknown(
                f"{answer.message}; what became of invoice {invoice} could not be read"
            ) from error

    def _read(self, invoice: str) -> wire.Invoice:
        return wire.parse(wire.Invoice, self._api.get("invoices/{id}", id=invoice))


def _settled(invoice: wire.Invoice) -> Conflict:
    return Conflict(f"invoice {invoice.id} is {invoice.status} meanwhile, nothing to collect")
