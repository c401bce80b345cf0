"""Switches Stripe's automatic collection off and on, object by object, and reads it back.

VENDOR: `auto_advance` governs the tries and the mails of an invoice that exists
(invoicing/integration/automatic-advancement-collection); `pause_collection` governs only the
invoices that a subscription will make (billing/subscriptions/pause-payment). Quiet needs both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from connectors.stripe import wire
from connectors.stripe.client import StripeApi
from connectors.stripe.lists import read_list
from connectors.stripe.marks import MARK
from domain.errors import (
    Bug,
    Conflict,
    KidgloveError,
    RateLimited,
    Rejected,
    Unauthorized,
)
from domain.ports import (
    InvoiceChange,
    InvoiceSetting,
    Setting,
    SubscriptionChange,
    SubscriptionSetting,
)

ENOUGH_FOR_A_LIST = 3
"""From so many objects on, one list of the customer is cheaper than reading each."""
SETTLED = frozenset({"paid", "void", "uncollectible"})

W = TypeVar("W", wire.Invoice, wire.Subscription)


class Quieter:
    """Implements `Quiets`."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def read_settings(self, subjects: Sequence[str]) -> Mapping[str, Setting | KidgloveError]:
        """See `Quiets.read_settings`. Raises `Unauthorized` and `RateLimited`."""
        found: dict[str, Setting | KidgloveError] = {}
        invoices = _ids(subjects, "invoice:")
        subscriptions = _ids(subjects, "subscription:")
        for subject in subjects:
            if subject.partition(":")[0] not in ("invoice", "subscription"):
                found[subject] = Bug(f"{subject} names no invoice and no subscription")
        for one_id, invoice in self._read(wire.Invoice, "invoices", invoices).items():
            found[f"invoice:{one_id}"] = (
                invoice if isinstance(invoice, KidgloveError) else invoice_setting(invoice)
            )
        for one_id, one in self._read(wire.Subscription, "subscriptions", subscriptions).items():
            found[f"subscription:{one_id}"] = (
                one if isinstance(one, KidgloveError) else subscription_setting(one)
            )
        return found

    def change_setting(self, change: InvoiceChange | SubscriptionChange) -> None:
        """See `Quiets.change_setting`.

        Returns as well when Stripe refuses and the object turns out to be as wanted. `Conflict`
        says that it was settled or cancelled meanwhile, `Gone` that it no longer exists.
        """
        match change:
            case InvoiceChange():
                self._change_invoice(change)
            case SubscriptionChange():
                self._change_subscription(change)

    def _change_invoice(self, change: InvoiceChange) -> None:
        params = {"auto_advance": change.advances, "metadata": {MARK: change.mark or ""}}
        try:
            self._api.post("invoices/{id}", params, id=change.invoice, key=change.key)
        except Rejected:
            # VENDOR: no error code says "paid meanwhile"; the state does (invoices/update).
            now = self._invoice(change.invoice)
            if now.status in SETTLED:
                raise Conflict(
                    f"invoice {change.invoice} is {now.status} meanwhile, nothing to switch"
                ) from None
            setting = invoice_setting(now)
            if setting.advances != change.advances or setting.mark != change.mark:
                raise

    def _change_subscription(self, change: SubscriptionChange) -> None:
        pause: Any = ""
        if change.pause_behavior is not None:
            pause = {"behavior": change.pause_behavior}
            if change.resumes_at is not None:
                pause["resumes_at"] = int(change.resumes_at.timestamp())
        params = {"pause_collection": pause, "metadata": {MARK: change.mark or ""}}
        try:
            self._api.post("subscriptions/{id}", params, id=change.subscription, key=change.key)
        except Rejected:
            now = self._subscription(change.subscription)
            if now.status in ("canceled", "incomplete_expired"):
                raise Conflict(
                    f"subscription {change.subscription} is {now.status} meanwhile"
                ) from None
            setting = subscription_setting(now)
            if (setting.pause_behavior, setting.mark) != (change.pause_behavior, change.mark):
                raise

    # ------------------------------------------------------------ reads

    def _invoice(self, id: str) -> wire.Invoice:
        return wire.parse(wire.Invoice, self._api.get("invoices/{id}", id=id))

    def _subscription(self, id: str) -> wire.Subscription:
        return wire.parse(wire.Subscription, self._api.get("subscriptions/{id}", id=id))

    def _read(self, model: type[W], path: str, ids: Sequence[str]) -> dict[str, W | KidgloveError]:
        """The objects, each read afresh: one by one, or by their customer when many are left."""
        found: dict[str, W | KidgloveError] = {}
        listed: set[str] = set()
        for one_id in ids:
            if one_id in found:
                continue
            try:
                one = wire.parse(model, self._api.get(f"{path}/{{id}}", id=one_id))
            except (Unauthorized, RateLimited):
                raise
            except KidgloveError as error:
                found[one_id] = error
                continue
            found[one_id] = one
            customer = _customer(one)
            left = {other for other in ids if other not in found}
            if customer and customer not in listed and len(left) >= ENOUGH_FOR_A_LIST - 1:
                listed.add(customer)
                # VENDOR: without a status, a list of subscriptions leaves out the cancelled ones.
                params = {"customer": customer}
                if path == "subscriptions":
                    params["status"] = "all"
                more, _ = read_list(self._api, model, path, params, pages=1, urgent=True)
                found |= {other.id: other for other in more if other.id in left}
        return found


def invoice_setting(invoice: wire.Invoice) -> InvoiceSetting:
    """The quiet-relevant part of an invoice."""
    return InvoiceSetting(
        status=invoice.status or "unknown",
        advances=invoice.auto_advance,
        mark=invoice.metadata.get(MARK) or None,
        next_attempt_at=invoice.next_payment_attempt,
    )


def subscription_setting(subscription: wire.Subscription) -> SubscriptionSetting:
    """The quiet-relevant part of a subscription."""
    pause = subscription.pause_collection
    return SubscriptionSetting(
        status=subscription.status,
        pause_behavior=pause.behavior if pause else None,
        resumes_at=pause.resumes_at if pause else None,
        mark=subscription.metadata.get(MARK) or None,
    )


def _ids(subjects: Sequence[str], prefix: str) -> list[str]:
    return [one.removeprefix(prefix) for one in subjects if one.startswith(prefix)]


def _customer(one: wire.Invoice | wire.Subscription) -> str | None:
    return one.customer.id if isinstance(one.customer, wire.Customer) else one.customer
