"""One case with everything that a person needs to understand it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import sqlalchemy as sa

from console.case_list import BASE, arr_of, at_risk
from console.timeline import Entry, timeline
from domain.case import Case, Timer
from domain.declines import explain
from domain.facts import CrmPicture, Invoice, PaymentPicture
from domain.holds import (
    HeldByPolicy,
    HeldByPromise,
    HeldByWord,
    Hold,
    Quiet,
    QuietCertificate,
    Suppression,
    ends_at,
)
from domain.money import Money
from domain.policy import Policy
from domain.rows import AuditLine
from domain.trouble import failing_invoices
from jobs.crms import title_of
from store.codec import CRM, PAYMENTS
from store.tables import audit, cases, pictures
from store.unit_of_work import Transaction


@dataclass(frozen=True, kw_only=True)
class HoldLine:
    """One hold: who asked, where, since when and until when."""

    by: str
    where: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Debt:
    """One failing invoice, and why it failed."""

    invoice: Invoice
    why: str


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """Everything on the page of a case. `judged` is the last decision that had reasons."""

    case: Case
    name: str
    arr: Money | None
    at_risk: tuple[Money, ...] | None
    certificate: QuietCertificate
    holds: tuple[HoldLine, ...]
    ledger: tuple[Suppression, ...]
    debts: tuple[Debt, ...]
    timers: tuple[Timer, ...]
    judged: AuditLine | None
    judged_at: datetime | None
    entries: tuple[Entry, ...]
    payments: PaymentPicture | None
    crm: CrmPicture | None
    is_latest: bool


def read_case(
    tx: Transaction, key: str, *, policy: Policy | None, now: datetime
) -> CaseView | None:
    """The view of the case with this key, or None. An older case shows no present holds."""
    stored = tx.cases.by_key(key)
    if stored is None:
        return None
    case = stored.case
    payments, crm = _pictures(tx, case)
    latest = tx.cases.latest(case.account)
    is_latest = latest is not None and latest.id == stored.id
    stance = tx.cases.stance(case.account)
    certificate = tx.cases.certificate(case.account) if is_latest else None
    currency = payments.mrr_now.currency if payments and payments.mrr_now else None
    arr_minor = tx.connection.execute(
        sa.select(cases.c.arr_minor).where(cases.c.id == stored.id)
    ).scalar()
    return CaseView(
        case=case,
        name=tx.cases.account_name(case.account) or f"Account {case.account}",
        arr=arr_of(arr_minor, currency, policy.base_currency if policy else BASE),
        at_risk=at_risk(payments, now) if payments is not None else None,
        certificate=certificate or QuietCertificate(state=Quiet.OFF),
        holds=_holds(case) if case.is_open else (),
        ledger=tx.cases.ledger(case.account),
        debts=_debts(payments, now) if payments is not None and case.is_open else (),
        timers=tx.cases.timers(case.account) if case.is_open else (),
        judged=_judged(tx, case),
        judged_at=stance.evaluated_at if stance else None,
        entries=timeline(tx, case, payments),
        payments=payments,
        crm=crm,
        is_latest=is_latest,
    )


def _pictures(tx: Transaction, case: Case) -> tuple[PaymentPicture | None, CrmPicture | None]:
    rows = tx.connection.execute(
        sa.select(pictures.c.source, pictures.c.picture).where(
            pictures.c.account_id == case.account, pictures.c.source.in_(("payments", "crm"))
        )
    )
    found = {row.source: row.picture for row in rows}
    payments, crm = found.get("payments"), found.get("crm")
    return (
        PAYMENTS.load(payments) if payments is not None else None,
        CRM.load(crm) if crm is not None else None,
    )


def _holds(case: Case) -> tuple[HoldLine, ...]:
    holds: list[Hold] = []
    if case.policy_hold_since is not None:
        holds.append(HeldByPolicy(tier=case.tier, since=case.policy_hold_since))
    holds.extend(hold for hold in (case.word, case.promise) if hold is not None)
    return tuple(map(_line, holds))


def _line(hold: Hold) -> HoldLine:
    match hold:
        case HeldByPolicy():
            by, where = "The policy", f"tier {hold.tier} is handled by people only"
        case HeldByWord():
            unknown = "" if hold.is_understood else ", a word that no mapping row translates"
            by = hold.by or "An unnamed person"
            where = f"{title_of(hold.system)} says {hold.raw!r}{unknown}"
        case HeldByPromise():
            by, where = "The customer", f"promised for {hold.promised.isoformat()}"
        case _:
            assert_never(hold)
    return HoldLine(by=by, where=where, since=hold.since, until=ends_at(hold))


def _debts(picture: PaymentPicture, now: datetime) -> tuple[Debt, ...]:
    return tuple(
        Debt(invoice=invoice, why=_why(invoice)) for invoice in failing_invoices(picture, now)
    )


def _why(invoice: Invoice) -> str:
    if invoice.decline is None:
        return "past its due date" if invoice.due_at else "no reason was told"
    return explain(invoice.decline.code, invoice.decline.advice).plain


def _judged(tx: Transaction, case: Case) -> AuditLine | None:
    """The last decision about this case that gave a reason."""
    row = tx.connection.execute(
        sa.select(audit)
        .join(cases, cases.c.id == audit.c.case_id)
        .where(
            audit.c.account_id == case.account,
            audit.c.kind == "decision",
            cases.c.key == case.key,
            sa.func.jsonb_array_length(audit.c.details["rules"]) > 0,
        )
        .order_by(audit.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return AuditLine(at=row.at, actor=row.actor, kind=row.kind, text=row.text, details=row.details)


def paired(line: AuditLine) -> Sequence[tuple[str, str]]:
    """Each rule of a decision with its sentence."""
    rules = [str(rule) for rule in line.details.get("rules") or ()]
    sentences = [str(text) for text in line.details.get("reasons") or ()]
    if len(rules) == len(sentences):
        return list(zip(rules, sentences, strict=True))
    return [(", ".join(rules), line.text)]
