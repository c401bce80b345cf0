"""The two numbers that must be 0: automatic messages to held accounts, and invoices aging in
silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from domain.case import Case
from domain.facts import CrmPicture, PaymentPicture
from domain.leaf import Known
from domain.policy import HoldRules
from domain.trouble import failing_invoices
from store.codec import CASE, CRM, PAYMENTS
from store.unit_of_work import Transaction

GRACE = timedelta(minutes=10)
"""How late the next step may be before it counts as silence; a restart takes a minute."""
MOST = 500
"""Exceptions that are looked at one by one; with more of them the number says "at least"."""
SHOWN = 5
"""Exceptions named on the page; the first few lead to the cause."""
# Whether an account was held at a moment is what the last decision before it said; a decision
# without the word left it as it was.
TRIES = """
SELECT count(*) FILTER (WHERE made_by = 'automatic') AS automatic,
  count(*) FILTER (WHERE made_by = 'unknown') AS unsure
FROM (
  SELECT facts.account_id, (try->>'at')::timestamptz AS at, try->>'by' AS made_by
  FROM facts, jsonb_array_elements(facts.picture->'invoices') invoice,
    jsonb_array_elements(invoice->'attempts') try
  WHERE facts.source = 'payments' AND try->>'by' <> 'manual'
    AND facts.account_id IN (SELECT account_id FROM suppressions)) tries
WHERE (
  SELECT details->>'quiet' FROM audit
  WHERE audit.account_id = tries.account_id AND kind = 'decision' AND audit.at < tries.at
    AND details->>'quiet' IS NOT NULL
  ORDER BY id DESC LIMIT 1) <> 'off'
"""
PROOF = """
SELECT count(*) AS held,
  count(*) FILTER (WHERE certificate->>'state' = 'quiet'
    AND (certificate->>'checked_at')::timestamptz >= :fresh) AS proven,
  min((certificate->>'checked_at')::timestamptz)
    FILTER (WHERE certificate->>'state' = 'quiet') AS oldest
FROM accounts WHERE wants_quiet
"""
DRIFTS = "SELECT coalesce(sum((body->>'drifts')::int), 0) FROM suppressions"
# A case is large, and each look into it unpacks it: once for every open case, never once a field.
LATE = """
WITH held AS MATERIALIZED (
  SELECT cases.id, cases.account_id, accounts.name, said.*
  FROM cases JOIN accounts ON accounts.id = cases.account_id,
    jsonb_to_record(cases.body) AS said(window_ends_at timestamptz, word jsonb, promise jsonb,
                                        assignee_id text, is_chain_exhausted boolean)
  WHERE cases.state <> 'closed' AND accounts.wants_quiet),
late AS (
  SELECT held.*, NOT EXISTS (SELECT 1 FROM timers WHERE timers.account_id = held.account_id)
    AND NOT EXISTS (SELECT 1 FROM lanes WHERE lanes.account_id = held.account_id
                    AND lanes.kind = 'evaluate' AND dirty_seq > done_seq) AS forgotten
  FROM held)
SELECT cases.body, late.name, late.forgotten, money.picture AS payments, crm.picture AS crm
FROM late JOIN cases ON cases.id = late.id
LEFT JOIN facts money ON money.account_id = late.account_id AND money.source = 'payments'
LEFT JOIN facts crm ON crm.account_id = late.account_id AND crm.source = 'crm'
WHERE late.window_ends_at < :late OR (late.word->>'until')::timestamptz < :late
  OR (late.promise->>'until')::timestamptz < :late OR late.assignee_id IS NULL
  OR late.is_chain_exhausted OR late.forgotten
ORDER BY cases.arr_minor DESC NULLS LAST, cases.id LIMIT :most
"""
PARKED = """
SELECT suppressions.subject, accounts.name, facts.picture FROM suppressions
JOIN accounts ON accounts.id = suppressions.account_id
JOIN facts ON facts.account_id = suppressions.account_id AND facts.source = 'payments'
WHERE NOT accounts.wants_quiet AND suppressions.state IN ('wanted', 'quiet')
  AND suppressions.subject LIKE 'invoice:%'
ORDER BY suppressions.account_id, suppressions.subject LIMIT :most
"""


@dataclass(frozen=True, kw_only=True)
class Messages:
    """Automatic messages to held accounts, and how sure that is.

    `unsure` are tries of which the payment system does not tell who made them. `proven` of the
    `held` accounts were read back quiet lately, the longest ago at `oldest`.
    """

    automatic: int
    unsure: int
    held: int
    proven: int
    oldest: datetime | None
    switched_back: int

    @property
    def is_well(self) -> bool:
        """Nothing went out, and silence is proven for everybody who should have it."""
        return self.automatic == 0 and self.proven == self.held


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Invoices of one account that nobody speaks about. `key` is None without a case."""

    key: str | None
    name: str
    invoices: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Silent:
    """All of them: how many invoices (at least), and the first few accounts."""

    invoices: int
    examples: tuple[Silence, ...]
    is_at_least: bool = False


def proven_since(rules: HoldRules, now: datetime) -> datetime:
    """Since when a read-back proves anything: a check missed once is late, missed twice it is
    none."""
    return now - timedelta(minutes=2 * rules.recheck_minutes)


def messages(tx: Transaction, *, rules: HoldRules, now: datetime) -> Messages:
    """Count what would have reached a customer although the account was held."""
    fresh = proven_since(rules, now)
    tries = tx.connection.execute(sa.text(TRIES)).one()
    proof = tx.connection.execute(sa.text(PROOF), {"fresh": fresh}).one()
    return Messages(
        automatic=tries.automatic,
        unsure=tries.unsure,
        held=proof.held,
        proven=proof.proven,
        oldest=proof.oldest,
        switched_back=tx.connection.execute(sa.text(DRIFTS)).scalar_one(),
    )


def silent(tx: Transaction, *, rules: HoldRules, now: datetime) -> Silent:
    """Invoices that make no sound and that nobody speaks about, past the time for it."""
    late = now - GRACE
    asked = {"late": late, "most": MOST}
    overdue = tx.connection.execute(sa.text(LATE), asked).all()
    parked = tx.connection.execute(sa.text(PARKED), {"most": MOST}).all()
    hours = rules.intercept_hand_back_hours
    found = [
        *(_late(row, late, now) for row in overdue),
        *(_parked(row, late - timedelta(hours=hours), hours) for row in parked),
    ]
    silences = [one for one in found if one is not None and one.invoices]
    return Silent(
        invoices=sum(one.invoices for one in silences),
        examples=tuple(silences[:SHOWN]),
        is_at_least=MOST in (len(overdue), len(parked)),
    )


def _late(row: sa.Row[Any], late: datetime, now: datetime) -> Silence | None:
    case = CASE.load(row.body)
    crm = CRM.load(row.crm) if row.crm is not None else None
    why = _why(case, crm, late, is_forgotten=row.forgotten)
    if why is None:
        return None
    picture = PAYMENTS.load(row.payments) if row.payments is not None else None
    failing = len(failing_invoices(picture, now)) if picture else len(case.invoices)
    return Silence(key=case.key, name=row.name or case.key, invoices=failing, why=why)


def _why(case: Case, crm: CrmPicture | None, late: datetime, *, is_forgotten: bool) -> str | None:
    if case.word is not None and case.word.until < late:
        return "the time for the resolution has run out"
    if case.promise is not None and case.promise.until < late:
        return "the promised day has passed"
    if case.window_ends_at is not None and case.window_ends_at < late:
        return "the person's time is over and nothing followed"
    if case.assignee_id is None:
        return "nobody has the task"
    if case.is_chain_exhausted and case.word is None and case.promise is None:
        last = case.hops[-1].at if case.hops else case.opened_at
        if not _spoke_since(crm, last):
            return "everybody in the chain has had it and nobody acted"
    return "no next look is planned" if is_forgotten else None


def _spoke_since(crm: CrmPicture | None, moment: datetime) -> bool:
    if crm is None or not isinstance(crm.last_touch, Known) or crm.last_touch.value is None:
        return False
    return crm.last_touch.value.at >= moment


def _parked(row: sa.Row[Any], made_before: datetime, hours: int) -> Silence | None:
    """An invoice in our hands without a hold: taken over and never collected, or never restored."""
    picture: PaymentPicture = PAYMENTS.load(row.picture)
    invoice = picture.invoice(row.subject.partition(":")[2])
    if invoice is None or invoice.status.is_settled or invoice.advances is not False:
        return None
    if invoice.created_at >= made_before:
        return None
    return Silence(
        key=None,
        name=row.name or invoice.id,
        invoices=1,
        why=f"it is switched off without a hold for more than {hours} hours",
    )
