"""The payment system of the slim world: what it does by itself, and what people do in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from domain.facts import (
    Attempt,
    AttemptBy,
    Decline,
    Invoice,
    InvoiceStatus,
    PaymentPicture,
    Subscription,
    SubscriptionStatus,
)
from domain.ids import Ref
from domain.money import Money

START = datetime(2026, 11, 20, 15, tzinfo=UTC)
"""A Friday, ten in the morning in New York."""
RETRY_DAYS = (3, 5, 7, 8, 9, 11, 12, 14)


def usd(minor: int) -> Money:
    return Money(minor, "usd")


@dataclass
class Billing:
    """One customer. It finalizes drafts that advance, tries and retries open invoices that advance,
    and mails after each failed try of its own."""

    now: datetime = START
    mrr: int = 1_420_000
    card_works: bool = False
    is_deleted: bool = False
    invoices: dict[str, Invoice] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    mails: list[tuple[datetime, str]] = field(default_factory=list)
    charges: list[tuple[datetime, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.subscriptions:
            self.subscriptions["sub_1"] = Subscription(
                id="sub_1", status=SubscriptionStatus.ACTIVE, mrr=usd(self.mrr)
            )

    def renew(self, id: str = "in_1", *, subscription: str = "sub_1") -> str:
        """A period ends: its invoice appears as a draft, parked if the subscription is paused."""
        paused = self.subscriptions[subscription].pause is not None
        amount = self.subscriptions[subscription].mrr
        self.invoices[id] = Invoice(
            id=id,
            number=f"INV-{id}",
            status=InvoiceStatus.DRAFT,
            total=amount,
            remaining=amount,
            created_at=self.now,
            is_charged_automatically=True,
            advances=not paused,
            subscription=subscription,
            is_renewal=True,
        )
        return id

    def fail(self, id: str = "in_1") -> str:
        """Stripe's own try of an open invoice fails before anybody could react, and mails."""
        if id not in self.invoices:
            self.renew(id)
        self.change(id, status=InvoiceStatus.OPEN, finalized_at=self.now, advances=True)
        self.try_now(id, AttemptBy.AUTOMATIC)
        return id

    def change(self, id: str, **fields: object) -> None:
        """Somebody changes an invoice or a subscription."""
        if id in self.invoices:
            self.invoices[id] = replace(self.invoices[id], **fields)  # type: ignore[arg-type]
        else:
            self.subscriptions[id] = replace(self.subscriptions[id], **fields)  # type: ignore[arg-type]

    def pay(self, id: str = "in_1") -> None:
        """The customer pays an open invoice by hand."""
        self.charges.append((self.now, id, "customer"))
        self._settle(id)

    def cancel(self, id: str = "sub_1") -> None:
        """A person cancels a subscription: Stripe stops collecting its invoices."""
        self.change(id, status=SubscriptionStatus.CANCELED)
        for invoice in list(self.invoices.values()):
            if invoice.subscription == id and not invoice.status.is_settled:
                self.change(invoice.id, advances=False, next_attempt_at=None)

    def is_loud(self) -> bool:
        """Whether anything automatic could still happen, by the world itself and not by us."""
        live = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID)
        return any(
            one.advances is not False for one in self.invoices.values() if not one.status.is_settled
        ) or any(one.pause is None for one in self.subscriptions.values() if one.status in live)

    def settings(self) -> dict[str, object]:
        """Everything that a hold changes, of what is not settled."""
        found: dict[str, object] = {
            one.id: (one.advances, one.mark)
            for one in self.invoices.values()
            if not one.status.is_settled
        }
        return found | {one.id: (one.pause, one.mark) for one in self.subscriptions.values()}

    def picture(self) -> PaymentPicture:
        """Everything as our reader would tell it."""
        gone = self.is_deleted
        return PaymentPicture(
            customer=Ref("stripe", "customer", "cus_1"),
            read_at=self.now,
            name="Aurelius Partners",
            is_deleted=gone,
            invoices=() if gone else tuple(self.invoices.values()),
            subscriptions=() if gone else tuple(self.subscriptions.values()),
            mrr_now=usd(self.mrr),
            mrr_t3m=usd(self.mrr),
        )

    def try_now(self, id: str, by: AttemptBy) -> None:
        """One try to collect; Stripe mails when its own fails."""
        invoice = self.invoices[id]
        self.charges.append((self.now, id, by.value))
        if self.card_works:
            self._settle(id)
            return
        count = 1 if by is AttemptBy.AUTOMATIC or not invoice.attempted else 0
        attempt = Attempt(at=self.now, succeeded=False, code="insufficient_funds", by=by)
        self.change(
            id,
            attempted=True,
            attempt_count=invoice.attempt_count + count,
            attempts=(*invoice.attempts, attempt),
            decline=Decline(code="insufficient_funds", at=self.now),
        )
        if by is AttemptBy.AUTOMATIC:
            self.mails.append((self.now, id))

    def _settle(self, id: str) -> None:
        self.change(
            id, status=InvoiceStatus.PAID, remaining=usd(0), advances=False, settled_at=self.now
        )

    def next_by_itself(self) -> datetime | None:
        """When Stripe next does something by itself."""
        moments: list[datetime] = []
        for invoice in self.invoices.values():
            at = self._next_of(invoice)
            if at is not None:
                moments.append(at)
        for one in self.subscriptions.values():
            if one.pause is not None and one.pause.resumes_at is not None:
                moments.append(one.pause.resumes_at)
        return min(moments, default=None)

    def _next_of(self, invoice: Invoice) -> datetime | None:
        if not invoice.advances or invoice.status.is_settled:
            return None
        if invoice.status is InvoiceStatus.DRAFT:
            return max(self.now, invoice.created_at + timedelta(hours=1))
        if not invoice.attempted:
            return self.now
        first = invoice.failed_at or self.now
        slots = [first + timedelta(days=day) for day in RETRY_DAYS]
        tried = max(attempt.at for attempt in invoice.attempts)
        return next((max(slot, self.now) for slot in slots if slot > tried), None)

    def play(self) -> None:
        """Do what is due by now."""
        for invoice in list(self.invoices.values()):
            at = self._next_of(invoice)
            if at is None or at > self.now:
                continue
            if invoice.status is InvoiceStatus.DRAFT:
                self.change(invoice.id, status=InvoiceStatus.OPEN, finalized_at=self.now)
            self.try_now(invoice.id, AttemptBy.AUTOMATIC)
        for one in list(self.subscriptions.values()):
            if one.pause and one.pause.resumes_at and one.pause.resumes_at <= self.now:
                self.change(one.id, pause=None)
