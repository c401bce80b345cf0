"""Builders of accounts that name only what a test about tiers is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from domain.facts import (
    AccountFacts,
    CrmPicture,
    Invoice,
    InvoiceStatus,
    PaymentPicture,
    Person,
    Role,
    Subscription,
    SubscriptionStatus,
    VipOverride,
)
from domain.ids import Ref
from domain.leaf import Known, Missing
from domain.money import Money

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
CUSTOMER = Ref("stripe", "customer", "cus_RvUprq")


def usd(amount: str) -> Money:
    return Money.of(amount, "usd")


def invoice(remaining: Money, *, status: InvoiceStatus = InvoiceStatus.OPEN) -> Invoice:
    return Invoice(
        id=f"in_{remaining.minor}",
        number=f"INV-{remaining.minor}",
        status=status,
        total=remaining,
        remaining=remaining,
        created_at=NOW,
        is_charged_automatically=True,
        advances=True,
    )


def subscription(*, plan: str = "Starter", seats: int | None = 1) -> Subscription:
    return Subscription(
        id="sub_1",
        status=SubscriptionStatus.PAST_DUE,
        mrr=usd("10"),
        plan=plan,
        seats=seats,
    )


def account(
    *,
    mrr: Money | None = None,
    t3m: Money | None = None,
    invoices: tuple[Invoice, ...] = (),
    subscriptions: tuple[Subscription, ...] = (),
    attributes: Mapping[str, str] | None = None,
    crm: CrmPicture | Missing | None = None,
) -> AccountFacts:
    """An account with nothing remarkable but what is given."""
    payments = PaymentPicture(
        customer=CUSTOMER,
        read_at=NOW,
        mrr_now=mrr,
        mrr_t3m=t3m,
        invoices=invoices,
        subscriptions=subscriptions,
        attributes=attributes or {},
    )
    seen = crm if isinstance(crm, Missing) else Known(crm or picture(), "crm", NOW)
    return AccountFacts(payments=Known(payments, "payments", NOW), crm=seen)


def picture(
    *,
    override: VipOverride | None = None,
    roles: tuple[Role, ...] = (),
    seats: int | None = None,
    entities: int | None = None,
) -> CrmPicture:
    """What the CRM says about an account with nothing remarkable but what is given."""
    return CrmPicture(
        account=Ref("crm", "account", "001"),
        read_at=NOW,
        name="Northgate Capital",
        override=override,
        people={role: Person(id=role.value, name="Felix Nordstrom") for role in roles},
        seats=Missing("field not mapped") if seats is None else Known(seats, "crm"),
        entities=Missing("field not mapped") if entities is None else Known(entities, "crm"),
    )
