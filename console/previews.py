"""One account under a mapping: ours now, what would become of it, theirs now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from domain.ids import AccountId
from domain.leaf import Known, Leaf, Missing
from domain.merge import Flow
from domain.money import Money
from mappings.mapping import FieldMapping, FieldRow
from store.unit_of_work import Transaction
from sync.planned import WRITES, Change, Plan, PlannedField, PlannedRecord
from sync.planning import Sight

BEFORE = sa.text("SELECT max(id) FROM accounts WHERE id < :account")
AFTER = sa.text("SELECT min(id) FROM accounts WHERE id > :account")
FIRST = sa.text("SELECT min(id) FROM accounts")
FOUND = sa.text(
    "SELECT account_id AS id FROM links WHERE external_id = :word AND state = 'confirmed' "
    "UNION SELECT id FROM accounts WHERE lower(name) = lower(:word) "
    "UNION SELECT account_id FROM cases WHERE key = :word ORDER BY id LIMIT 1"
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the mapping for this account. `becomes` is what the written side will hold; it is
    None where nothing is written. `side` says which side that is."""

    field: str
    carries: str
    ours: str
    theirs: str
    change: Change
    becomes: str | None
    side: str
    why: str = ""

    @property
    def is_written(self) -> bool:
        """Whether anything is written for it."""
        return self.change in WRITES


@dataclass(frozen=True, kw_only=True)
class Ways:
    """Where to go from one account: its neighbours, and the next ones that are worth a look."""

    before: AccountId | None
    after: AccountId | None
    changes: AccountId | None
    fails: AccountId | None


def ways(tx: Transaction, plan: Plan, account: AccountId) -> Ways:
    """The accounts around this one, and the plan's next that changes and that fails."""
    here = {"account": int(account)}
    return Ways(
        before=tx.connection.execute(BEFORE, here).scalar(),
        after=tx.connection.execute(AFTER, here).scalar(),
        changes=_next((one for one in plan.records if one.is_written), account),
        fails=_next((one for one in plan.records if is_rejected(one)), account),
    )


def first_account(tx: Transaction, plan: Plan) -> AccountId | None:
    """Where to begin: with an account that changes, else with any."""
    changing = _next((one for one in plan.records if one.is_written), AccountId(0))
    return changing or tx.connection.execute(FIRST).scalar()


def find_account(tx: Transaction, word: str) -> AccountId | None:
    """The account of this name, customer's id, CRM id or case key, or None."""
    return tx.connection.execute(FOUND, {"word": word.strip()}).scalar()


def is_rejected(record: PlannedRecord) -> bool:
    """Whether the CRM would refuse something of it."""
    return any(one.change is Change.REJECTED for one in record.fields)


def lines(sight: Sight, mapping: FieldMapping, *, payments: str, crm: str) -> tuple[Line, ...]:
    """A line for each row of the mapping, those that change first."""
    found = [
        one
        for row in mapping.rows
        for one in _row(row, sight, {each.name: each for each in sight.fields}, payments, crm)
    ]
    return tuple(sorted(found, key=lambda one: (one.change is Change.NO_OP, one.field)))


def said(value: Any) -> str:
    """A value as people read it."""
    match value:
        case None | "":
            return "empty"
        case Money():
            return value.text()
        case date():
            return value.isoformat(sep=" ") if hasattr(value, "hour") else value.isoformat()  # type: ignore[call-arg]
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _row(
    row: FieldRow, sight: Sight, planned: dict[str, PlannedField], payments: str, crm: str
) -> Iterator[Line]:
    ours = sight.ours.get(row.ours or "")
    carries = row.ours or (row.constant if row.constant is not None else row.template) or ""
    theirs = said(sight.theirs.get(row.theirs))
    to_theirs = planned.get(row.theirs) if row.flow is not Flow.IN else None
    to_ours = planned.get(row.ours or "") if row.flow is not Flow.OUT else None
    change = next((one for one in (to_ours, to_theirs) if one and one.change in WRITES), to_theirs)
    if change is None:
        yield Line(
            field=row.theirs,
            carries=carries,
            ours=_leaf(ours, row),
            theirs=theirs,
            change=Change.NO_OP,
            becomes=None,
            side=crm,
            why=f"not known: {ours.because}" if isinstance(ours, Missing) else "",
        )
        return
    is_ours = change is to_ours
    yield Line(
        field=row.theirs,
        carries=carries,
        ours=said(change.before) if is_ours else _leaf(ours, row),
        theirs=theirs,
        change=change.change,
        becomes=said(change.after) if change.change in WRITES else None,
        side=payments if is_ours else crm,
        why=change.why,
    )


def _leaf(leaf: Leaf[object] | None, row: FieldRow) -> str:
    if isinstance(leaf, Known):
        return said(leaf.value)
    if row.ours is None:
        return row.constant if row.constant is not None else "the sentence"
    return "not known"


def _next(records: Iterable[PlannedRecord], after: AccountId) -> AccountId | None:
    """The next in the order of accounts, from the start again behind the last."""
    ids = sorted({one.account for one in records})
    later = [one for one in ids if one > after]
    return AccountId((later or ids)[0]) if ids else None
