"""What several commands read: accounts by any name that people use, cases, and their stories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from domain.case import Case, Timer
from domain.errors import Gone
from domain.holds import Quiet
from domain.ids import AccountId
from domain.money import Money
from domain.rows import StoredCase

if TYPE_CHECKING:
    from store.unit_of_work import Transaction

BY_ID = sa.text("SELECT account_id FROM links WHERE external_id = :word AND state = 'confirmed'")
BY_NAME = sa.text("SELECT id FROM accounts WHERE lower(name) = lower(:word)")
ARR = sa.text("SELECT arr_minor FROM cases WHERE id = :id")
CURRENCY = sa.text(
    "SELECT picture->'mrr_now'->>'currency' FROM facts "
    "WHERE account_id = :account AND source = 'payments'"
)


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """One line of the list."""

    key: str
    account: str
    state: str
    tier: str
    arr: str | None
    quiet: str
    owner: str | None
    due_on: str | None
    next_timer: str | None
    next_at: datetime | None
    opened_at: datetime


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a story."""

    at: datetime
    who: str
    what: str
    details: Mapping[str, Any] = field(default_factory=dict)


def find_case(tx: Transaction, word: str) -> StoredCase:
    """The case of this key, or the newest case of an account by id or name. `Gone` if none."""
    stored = tx.cases.by_key(word)
    if stored is not None:
        return stored
    accounts = {
        AccountId(id)
        for query in (BY_ID, BY_NAME)
        for id in _ids(tx, query, word)
        if id is not None
    }
    cases = [case for account in accounts if (case := tx.cases.latest(account)) is not None]
    if len(cases) == 1:
        return cases[0]
    if cases:
        keys = ", ".join(sorted(one.case.key for one in cases))
        raise Gone(f"{word!r} names several accounts", remedy=f"Say which case: {keys}.")
    raise Gone(f"there is no case {word!r}", remedy="`kidglove case list --all` shows every case.")


def case_rows(tx: Transaction, *, open_only: bool) -> list[CaseRow]:
    """Cases, the largest ARR first."""
    return [_case_row(tx, stored) for stored in tx.cases.all(open_only=open_only)]


def arr_of(tx: Transaction, stored: StoredCase) -> Money | None:
    """The account's yearly revenue as of the last decision, or None if it is not known."""
    minor = tx.connection.execute(ARR, {"id": stored.id}).scalar()
    currency = tx.connection.execute(CURRENCY, {"account": stored.case.account}).scalar()
    return Money(int(minor), str(currency)) if minor is not None and currency else None


def next_timer(timers: Sequence[Timer]) -> Timer | None:
    """The next time at which the account is looked at although nobody calls."""
    return min(timers, key=lambda one: one.due, default=None)


def story(tx: Transaction, case: Case) -> list[Entry]:
    """The account's story: what was decided and done, and what still waits, oldest first."""
    told = [
        Entry(at=line.at, who=line.actor, what=_told(line.kind, line.text), details=line.details)
        for line in tx.audit.of_account(case.account)
    ]
    waiting = [
        Entry(
            at=effect.created_at,
            who="kidglove",
            what=f"{effect.state}: {effect.kind} {effect.subject}"
            + (f" ({effect.last_error})" if effect.last_error else ""),
            details={"key": effect.key, "effect": effect.id, "attempts": effect.attempts},
        )
        for effect in tx.effects.of_account(case.account)
        if effect.state in ("waiting", "sending", "parked", "dead", "observed")
    ]
    seen = [
        Entry(at=note.at, who=note.by, what=f"note: {note.text}")
        for note in case.notes
        if not any(line.what.endswith(note.text) for line in told)
    ]
    return sorted([*told, *waiting, *seen], key=lambda entry: entry.at)


def _told(kind: str, text: str) -> str:
    return text if kind in ("decision", "effect.done") else f"{kind.replace('.', ' ')}: {text}"


def _case_row(tx: Transaction, stored: StoredCase) -> CaseRow:
    case = stored.case
    timer = next_timer(tx.cases.timers(case.account))
    certificate = tx.cases.certificate(case.account)
    arr = arr_of(tx, stored)
    return CaseRow(
        key=case.key,
        account=tx.cases.account_name(case.account) or f"account {case.account}",
        state=case.state.value if case.is_open else f"closed, {case.outcome}",
        tier=case.tier,
        arr=arr.text() if arr else None,
        quiet=(certificate.state if certificate else Quiet.OFF).value,
        owner=case.assignee_name,
        due_on=case.due_on.isoformat() if case.due_on else None,
        next_timer=timer.kind.value if timer else None,
        next_at=timer.due if timer else None,
        opened_at=case.opened_at,
    )


def _ids(tx: Transaction, query: sa.TextClause, word: str) -> Sequence[int | None]:
    return tx.connection.execute(query, {"word": word}).scalars().all()
