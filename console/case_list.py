"""The cases as a list: largest ARR first, by stage, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.case import Case, CaseState, Timer, TimerKind
from domain.facts import PaymentPicture
from domain.holds import Quiet, QuietCertificate
from domain.money import THREE_DECIMAL, ZERO_DECIMAL, Money, total
from domain.policy import Policy
from domain.trouble import failing_invoices
from store.codec import CASE, CERTIFICATE, PAYMENTS
from store.unit_of_work import Transaction

SIZE = 50
"""Cases on a page: more than two people handle in a day, few enough for a phone."""
BASE = "usd"
"""The currency of a revenue whose own is not known, when the policy cannot be read either."""
# Ordered before anything else is joined: cases and pictures are large, and only one page of them
# is shown.
LISTED = """
WITH priced AS MATERIALIZED (
  SELECT cases.id, cases.arr_minor, facts.picture->'mrr_now'->>'currency' AS currency,
    CASE WHEN cases.state = 'closed' THEN extract(epoch FROM cases.closed_at) END AS closed
  FROM cases LEFT JOIN facts ON facts.account_id = cases.account_id AND facts.source = 'payments'
  WHERE (cases.state = :stage OR (CAST(:stage AS text) IS NULL AND cases.state <> 'closed'))),
page AS (
  SELECT priced.*, arr_minor * coalesce(
    (CAST(:weights AS jsonb)->>coalesce(currency, :base))::numeric, 0.01) AS revenue
  FROM priced ORDER BY closed DESC NULLS LAST, revenue DESC NULLS LAST, id
  LIMIT :size OFFSET :skip)
SELECT page.*, cases.account_id, cases.body, accounts.name, accounts.certificate, facts.picture,
  next.kind, next.due
FROM page JOIN cases ON cases.id = page.id JOIN accounts ON accounts.id = cases.account_id
LEFT JOIN facts ON facts.account_id = cases.account_id AND facts.source = 'payments'
LEFT JOIN LATERAL (SELECT kind, due FROM timers WHERE timers.account_id = cases.account_id
                   ORDER BY due LIMIT 1) next ON page.closed IS NULL
ORDER BY closed DESC NULLS LAST, revenue DESC NULLS LAST, page.id
"""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One line of the list. `at_risk` is by currency, or None if nothing was read yet."""

    case: Case
    name: str
    arr: Money | None
    at_risk: tuple[Money, ...] | None
    certificate: QuietCertificate
    next_timer: Timer | None


@dataclass(frozen=True, kw_only=True)
class CasePage:
    """One page of the list. `counts` has every stage; `number` starts at 1."""

    rows: tuple[Listed, ...]
    stage: CaseState | None
    counts: Mapping[CaseState, int]
    number: int

    @property
    def open_count(self) -> int:
        """How many cases are open."""
        return sum(count for state, count in self.counts.items() if state is not CaseState.CLOSED)

    @property
    def found(self) -> int:
        """How many cases are in the chosen stage, on all pages."""
        return self.open_count if self.stage is None else self.counts[self.stage]

    @property
    def pages(self) -> int:
        """How many pages there are, at least 1."""
        return max(1, -(-self.found // SIZE))


def read_page(
    tx: Transaction, *, stage: CaseState | None, number: int, policy: Policy | None, now: datetime
) -> CasePage:
    """Open cases (or those of one stage); closed ones are listed by their end, the newest first.

    Revenue in several currencies is compared by the policy's rates; without a rate one unit counts
    as one unit of the base currency.
    """
    counts = dict.fromkeys(CaseState, 0)
    counted = tx.connection.execute(sa.text("SELECT state, count(*) FROM cases GROUP BY state"))
    counts.update({CaseState(state): number for state, number in counted})
    base = policy.base_currency if policy else BASE
    rows = tx.connection.execute(
        sa.text(LISTED).bindparams(
            sa.bindparam("weights", type_=sa.JSON), sa.bindparam("stage", type_=sa.Text)
        ),
        {
            "weights": _weights(policy),
            "base": base,
            "stage": stage.value if stage else None,
            "size": SIZE,
            "skip": (number - 1) * SIZE,
        },
    )
    return CasePage(
        rows=tuple(_listed(row, base, now) for row in rows),
        stage=stage,
        counts=counts,
        number=number,
    )


def at_risk(picture: PaymentPicture, now: datetime) -> tuple[Money, ...]:
    """What is open on failing invoices, the largest currency first."""
    sums = total([invoice.remaining for invoice in failing_invoices(picture, now)])
    return tuple(sorted(sums.values(), key=lambda money: money.major, reverse=True))


def certificate_of(plain: Any) -> QuietCertificate:
    """The stored certificate, or one that says that nobody asked for quiet."""
    return CERTIFICATE.load(plain) if plain is not None else QuietCertificate(state=Quiet.OFF)


def arr_of(minor: int | None, currency: str | None, base: str) -> Money | None:
    """Revenue of a year, if it is known."""
    return Money(minor, currency or base) if minor is not None else None


def _listed(row: sa.Row[Any], base: str, now: datetime) -> Listed:
    case = CASE.load(row.body)
    return Listed(
        case=case,
        name=row.name or f"Account {row.account_id}",
        arr=arr_of(row.arr_minor, row.currency, base),
        at_risk=at_risk(PAYMENTS.load(row.picture), now) if row.picture is not None else None,
        certificate=certificate_of(row.certificate),
        next_timer=Timer(kind=TimerKind(row.kind), due=row.due) if row.kind is not None else None,
    )


def _weights(policy: Policy | None) -> dict[str, str]:
    """What one minor unit of each currency is worth in major units of the base currency."""
    rates = {name: rate.rate for name, rate in policy.rates.items()} if policy else {}
    named = {*rates, *ZERO_DECIMAL, *THREE_DECIMAL}
    return {name: str(Money(1, name).major * rates.get(name, 1)) for name in named}
