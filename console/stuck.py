"""Parked and dead effects by cause, and sending them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.effects import EffectKind
from domain.errors import Conflict
from domain.ids import AccountId, CaseId
from domain.rows import EVALUATE, EffectState, Urgency
from store.effects import STUCK
from store.unit_of_work import Transaction

SHOWN = 20
"""Effects of one cause that are listed; the rest is counted, and replayed with them."""
# Outdated is what the store drops instead of sending it again: a newer projection exists.
FOUND = """
SELECT effects.id, effects.account_id, effects.case_id, effects.key, effects.system,
  effects.kind, effects.subject,
  effects.state, effects.attempts, effects.created_at, effects.done_at,
  coalesce(effects.last_error_code, 'unknown') AS cause, effects.last_error,
  accounts.name, cases.key AS case_key,
  effects.is_projection AND EXISTS (
    SELECT 1 FROM effects newer WHERE newer.account_id = effects.account_id
      AND newer.system = effects.system AND newer.subject = effects.subject
      AND newer.is_projection AND newer.id > effects.id AND newer.state <> 'withdrawn') AS outdated
FROM effects JOIN accounts ON accounts.id = effects.account_id
LEFT JOIN cases ON cases.id = effects.case_id
WHERE effects.state = ANY(:stuck)
ORDER BY effects.id DESC
"""


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """One effect that waits for a person. An outdated one is replaced by a newer already."""

    id: int
    account: AccountId
    case_id: CaseId | None
    key: str
    name: str
    case_key: str | None
    kind: EffectKind
    subject: str
    system: str
    state: EffectState
    attempts: int
    error: str
    since: datetime
    is_outdated: bool


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Every stuck effect of one kind and system with one cause, the newest first."""

    system: str
    kind: EffectKind
    cause: str
    effects: tuple[Stuck, ...]

    @property
    def shown(self) -> tuple[Stuck, ...]:
        """Those that are listed."""
        return self.effects[:SHOWN]

    @property
    def sendable(self) -> int:
        """How many a replay sends."""
        return sum(not one.is_outdated for one in self.effects)

    @property
    def outdated(self) -> int:
        """How many a replay drops."""
        return len(self.effects) - self.sendable

    @property
    def accounts(self) -> int:
        """How many accounts are concerned."""
        return len({one.account for one in self.effects})

    @property
    def last_id(self) -> int:
        """The newest of them: what comes later was not seen by whoever decides now."""
        return max(one.id for one in self.effects)


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What a replay did."""

    sent: int
    dropped: int


def read_stuck(tx: Transaction) -> tuple[Alike, ...]:
    """Every parked and dead effect with those that failed alike, the largest group first."""
    groups: dict[tuple[str, str, str], list[Stuck]] = {}
    for row in tx.connection.execute(sa.text(FOUND), {"stuck": [str(state) for state in STUCK]}):
        groups.setdefault((row.system, row.kind, row.cause), []).append(_stuck(row))
    alike = [
        Alike(system=system, kind=EffectKind(kind), cause=cause, effects=tuple(effects))
        for (system, kind, cause), effects in groups.items()
    ]
    return tuple(sorted(alike, key=lambda one: (-len(one.effects), one.system, one.cause)))


def replay_one(tx: Transaction, id: int, *, by: str, now: datetime) -> Replayed:
    """Send one effect again. `Conflict` if it is not stuck any more."""
    found = [one for alike in read_stuck(tx) for one in alike.effects if one.id == id]
    if not found:
        raise Conflict(f"effect {id} is not stuck any more", remedy="Look at the list again.")
    return _replay(tx, found, by=by, now=now)


def replay_alike(
    tx: Transaction, like: int, *, count: int, last_id: int, by: str, now: datetime
) -> Replayed:
    """Send exactly those again that the person saw with the effect `like`: `count` of them, none
    newer than `last_id`.

    `Conflict` if it would be others by now.
    """
    found = [
        one
        for alike in read_stuck(tx)
        if any(one.id == like for one in alike.effects)
        for one in alike.effects
        if one.id <= last_id
    ]
    if not found or len(found) != count:
        raise Conflict(
            f"{count} effects were to be replayed, but {len(found)} are stuck by now",
            remedy="Nothing was sent. Look at the list again.",
        )
    return _replay(tx, found, by=by, now=now)


def _replay(tx: Transaction, stuck: list[Stuck], *, by: str, now: datetime) -> Replayed:
    sent = 0
    for one in sorted(stuck, key=lambda effect: effect.id):
        sent += tx.effects.replay(one.id)
        lane = EVALUATE if one.is_outdated else one.system
        tx.lanes.mark_dirty(one.account, lane, urgency=Urgency.NORMAL, cause="person:replay")
        tx.audit.note(
            "effect.replayed",
            f"{one.kind} {one.subject}",
            now=now,
            account=one.account,
            case_id=one.case_id,
            actor=by,
            details={"key": one.key},
        )
    return Replayed(sent=sent, dropped=len(stuck) - sent)


def _stuck(row: sa.Row[Any]) -> Stuck:
    return Stuck(
        id=row.id,
        account=AccountId(row.account_id),
        case_id=CaseId(row.case_id) if row.case_id is not None else None,
        key=row.key,
        name=row.name or f"Account {row.account_id}",
        case_key=row.case_key,
        kind=EffectKind(row.kind),
        subject=row.subject,
        system=row.system,
        state=EffectState(row.state),
        attempts=row.attempts,
        error=row.last_error or "no reason was kept",
        since=row.done_at or row.created_at,
        is_outdated=row.outdated,
    )
