"""Builders for context packages: each test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from domain.case import Case, CaseState
from domain.facts import (
    AccountFacts,
    Attempt,
    AttemptBy,
    Card,
    Contact,
    CrmPicture,
    Decline,
    ErpPicture,
    Invoice,
    InvoiceStatus,
    PaymentHistory,
    PaymentPicture,
    Person,
    Role,
    Subscription,
    SubscriptionStatus,
    Ticket,
    Touch,
)
from domain.holds import Quiet, QuietCertificate
from domain.ids import AccountId, Ref
from domain.leaf import Known, Leaf, Missing
from domain.money import Money
from domain.package import ContextPackage, build_package
from domain.policy import OnDay, PackageRules, Policy, Tier
from domain.situation import Names

ZONE = "America/New_York"
NOW = datetime(2026, 11, 20, 14, 58, tzinfo=UTC)
"""Friday 20 November 2026, 09:58 in New York."""
FAILED = datetime(2026, 11, 20, 11, 2, tzinfo=UTC)
NAMES = Names(payments="Stripe", crm="Salesforce")
FELIX = Person(id="005F", name="Felix Nordstrom")
ANN = Person(id="005A", name="Ann Lee")
VIP = Tier(name="vip", handoff=OnDay(0), is_vip=True)


def usd(amount: str) -> Money:
    return Money.of(amount, "usd")


def invoice(**parts: Any) -> Invoice:
    made: dict[str, Any] = {
        "id": "in_1",
        "number": "RV-0417",
        "status": InvoiceStatus.OPEN,
        "total": usd("14200"),
        "remaining": usd("14200"),
        "created_at": FAILED,
        "is_charged_automatically": True,
        "advances": False,
        "attempt_count": 1,
        "attempted": True,
        "decline": Decline(code="generic_decline", at=FAILED),
        "attempts": (
            Attempt(at=FAILED, succeeded=False, code="generic_decline", by=AttemptBy.AUTOMATIC),
        ),
    }
    return Invoice(**{**made, **parts})


def payments(**parts: Any) -> PaymentPicture:
    made: dict[str, Any] = {
        "customer": Ref("stripe", "customer", "cus_RvUprq"),
        "read_at": NOW,
        "name": "Aurelius Partners",
        "country": "US",
        "card": Card(
            brand="visa",
            last4="4242",
            exp_month=10,
            exp_year=2029,
            replaced_at=datetime(2026, 11, 5, 9, tzinfo=UTC),
        ),
        "invoices": (
            invoice(),
            invoice(
                id="in_0",
                number="RV-0416",
                status=InvoiceStatus.PAID,
                settled_at=datetime(2026, 10, 20, 11, tzinfo=UTC),
                remaining=usd("0"),
            ),
        ),
        "subscriptions": (
            Subscription(
                id="sub_1",
                status=SubscriptionStatus.PAST_DUE,
                mrr=usd("14200"),
                period_end=datetime(2026, 12, 20, 11, tzinfo=UTC),
                interval_months=1,
                seats=40,
            ),
        ),
        "history": PaymentHistory(
            first_paid_at=datetime(2024, 4, 20, tzinfo=UTC),
            earlier_failures=2,
            resolved=2,
            median_days=Decimal(4),
        ),
        "mrr_now": usd("14200"),
        "mrr_t3m": usd("14200"),
        "url": "https://dashboard.stripe.com/customers/cus_RvUprq",
    }
    return PaymentPicture(**{**made, **parts})


def known(value: Any, as_of: datetime = NOW) -> Known[Any]:
    return Known(value, "salesforce", as_of)


def crm(**parts: Any) -> CrmPicture:
    made: dict[str, Any] = {
        "account": Ref("salesforce", "account", "001A"),
        "read_at": NOW,
        "name": "Aurelius Partners",
        "url": "https://example.lightning.force.com/001A",
        "people": {Role.CSM: ANN, Role.OWNER: FELIX},
        "ap_contact": known(
            Contact(id="003D", name="Dana Ruiz", first_name="Dana", email="dana@aurelius.example")
        ),
        "tickets": known(
            (
                Ticket(
                    id="500A",
                    title="Single sign-on",
                    url="https://example.lightning.force.com/500A",
                ),
            )
        ),
        "last_touch": known(
            Touch(
                at=datetime(2026, 11, 12, 15, tzinfo=UTC),
                kind="call",
                who="Ann Lee",
                line="planned the winter rollout",
            )
        ),
        "health": known("62", datetime(2026, 11, 18, 9, tzinfo=UTC)),
        "cs_tier": known("Gold"),
        "expansion": known(usd("30000")),
        "renewal_call": known(date(2026, 12, 9)),
        "contract": known("Annual, billed monthly"),
        "contract_end": known(date(2027, 4, 30)),
        "seats": known(42),
    }
    return CrmPicture(**{**made, **parts})


ERP = Known(
    ErpPicture(invoice_numbers={"in_1": "INV-2026-04-1198"}, amounts={"in_1": usd("14200")}),
    "NetSuite",
    NOW,
)


def case(**parts: Any) -> Case:
    made: dict[str, Any] = {
        "account": AccountId(17),
        "number": 1,
        "key": "kg-17-1",
        "state": CaseState.WITH_PERSON,
        "opened_at": NOW,
        "tier": "vip",
        "tier_reasons": ("mrr_t3m 14,200 is above 5,000",),
        "invoices": ("in_1",),
        "assignee_id": ANN.id,
        "assignee_name": ANN.name,
        "due_on": date(2026, 11, 25),
        "window_ends_at": datetime(2026, 11, 25, 17, tzinfo=UTC),
    }
    return Case(**{**made, **parts})


QUIET = QuietCertificate(
    state=Quiet.QUIET,
    invoices=2,
    subscriptions=1,
    checked_at=NOW,
    because="policy tier vip, since 2026-11-20",
)


def policy(**rules: Any) -> Policy:
    return Policy(name="default", version=3, tiers=(VIP,), package=PackageRules(**rules))


def package(
    *,
    of: Case | None = None,
    pays: PaymentPicture | Missing | None = None,
    keeps: CrmPicture | Missing | None = None,
    erp: Leaf[ErpPicture] = ERP,
    rules: Policy | None = None,
    tier: Tier = VIP,
    certificate: QuietCertificate = QUIET,
    next_owner: Person | None = FELIX,
    now: datetime = NOW,
    **more: Any,
) -> ContextPackage:
    the_case = of or case()
    pays, keeps = pays or payments(), keeps or crm()
    return build_package(
        case=the_case,
        facts=AccountFacts(
            payments=pays if isinstance(pays, Missing) else Known(pays, "stripe", pays.read_at),
            crm=keeps if isinstance(keeps, Missing) else Known(keeps, "salesforce", keeps.read_at),
            erp=erp,
        ),
        policy=rules or policy(),
        tier=tier,
        certificate=certificate,
        now=now,
        zone=ZONE,
        next_owner=next_owner,
        due_at=the_case.window_ends_at,
        names=NAMES,
        **more,
    )


def with_invoice(**parts: Any) -> PaymentPicture:
    """The usual picture with its failing invoice changed."""
    picture = payments()
    return replace(picture, invoices=(replace(picture.invoices[0], **parts), *picture.invoices[1:]))
