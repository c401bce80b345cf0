"""The blast breaker: more at once than the mapping allows stops, and a person is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.case import Case
from domain.effects import Effect, EffectKind
from domain.ids import AccountId
from domain.merge import is_same
from domain.rows import EffectState, Urgency
from mappings.mapping import BlastLimits
from sync.clock import Clock
from sync.configs import mapping_name
from sync.durable import Store, TransactionPort

WINDOW = timedelta(hours=1)
"""What was made longer ago counts no more."""
LET_GO = "breaker:let-go"
"""The cursor that keeps when a person last decided: counting begins anew from there."""
FOLLOWS_FOR = timedelta(days=3)
"""How long the changes that a plan showed are not counted: each account has its look within a day,
and a CRM may be away for another."""
FOLLOWS_UNPLANNED = timedelta(hours=30)
"""How long nothing is counted after a mapping that came into force without a plan (a version that
somebody went back to): until each account has had its look of the day."""
ASKED = ("backfill:", "config:", "mapping:", "person:", "rollback:")
"""How the causes begin that a person agreed to, having been told how many records follow."""


Planned = Mapping[AccountId, Mapping[str, Any]]
"""The values that a plan showed, by account and field."""


class Limit(StrEnum):
    """Which of the mapping's limits stopped something."""

    TASKS = "tasks_per_hour"
    BLANKS = "blanked_fields"
    CHANGED = "changed_percent"


@dataclass
class Counted:
    """What was counted once for a whole job: by kind and system, how many accounts are linked and
    whose records were changed unasked. Counting anew for each write would cost more than it."""

    known: dict[tuple[EffectKind, str], tuple[int, set[AccountId]]] = field(default_factory=dict)
    shown: dict[str, Planned | None] = field(default_factory=dict)

    def planned(self, tx: TransactionPort, label: str) -> Planned | None:
        """What the plan of this version showed, by account and field; None if it had no plan."""
        if label not in self.shown:
            self.shown[label] = tx.breaker.planned(label)
        return self.shown[label]

    def of(
        self, tx: TransactionPort, kind: EffectKind, system: str, since: datetime
    ) -> tuple[int, set[AccountId]]:
        """How many accounts are linked there, and the set to which a further one is added."""
        if (kind, system) not in self.known:
            self.known[kind, system] = (
                tx.breaker.linked(system),
                tx.breaker.changed(kind, system, since),
            )
        return self.known[kind, system]


def is_unasked(cause: str, *cases: Case | None) -> bool:
    """Whether what follows for an account is bulk that nobody agreed to.

    What belongs to an open case, or to one that was open until now, is a person's work and no
    bulk; what a person caused was shown with its number before.
    """
    if any(case is not None and case.is_open for case in cases):
        return False
    return not any(part.startswith(ASKED) for part in cause.split(" + "))


def was_shown(
    tx: TransactionPort,
    account: AccountId,
    effect: Effect,
    crm: str,
    now: datetime,
    counted: Counted,
) -> bool:
    """Whether somebody who applied this CRM's mapping lately was shown every value of the effect.

    Anything else that changes at the same time is counted.
    """
    stored = tx.system.config(mapping_name(crm))
    if stored is None or now >= stored.at + FOLLOWS_FOR:
        return False
    planned = counted.planned(tx, stored.label)
    if planned is None:
        return False
    shown = planned.get(account, {})
    return all(
        name in shown and is_same(value, shown[name])
        for name, value in effect.body["values"].items()
    )


def as_unasked(effect: Effect) -> Effect:
    """The effect, to be counted against `changed_percent`."""
    return replace(effect, body={**effect.body, "unasked": True})


def stops(
    tx: TransactionPort,
    account: AccountId,
    effect: Effect,
    system: str,
    mapping: tuple[str, BlastLimits],
    now: datetime,
    counted: Counted,
) -> Effect | None:
    """The effect with the limit for which it has to wait for a person; None if it may go.

    Only what makes new tasks, empties values that are not ours, or changes records unasked is
    counted. As long as something of the sort is stopped, what comes after it is stopped too: they
    are told once. `mapping` is the CRM whose mapping wants it, and that mapping's limits; `counted`
    is the job's own.
    """
    decided_at = _decided_at(tx)
    since = max(now - WINDOW, decided_at or now - WINDOW)
    found = (
        _too_many_tasks(tx, effect, system, mapping[1], since)
        or _too_many_blanks(tx, effect, system, mapping[1], since)
        or _too_many_records(tx, account, effect, system, mapping, since, now, counted)
    )
    if found is None:
        return None
    limit, what = found
    tx.audit.raise_alert(
        f"blast:{effect.kind}:{system}:{limit}:{decided_at or 'never'}",
        f"Stopped: {what}. Nothing more of this kind is sent until somebody looks: "
        "`kidglove breaker show`, then `kidglove breaker release` or `kidglove breaker drop`.",
        rule="blast.stopped",
        now=now,
        account=None,
    )
    return replace(effect, body={**effect.body, "stopped_by": limit.value})


def _too_many_tasks(
    tx: TransactionPort, effect: Effect, system: str, limits: BlastLimits, since: datetime
) -> tuple[Limit, str] | None:
    if not is_new_task(effect):
        return None
    count, limit = tx.breaker.new_tasks(system, since) + 1, limits.tasks_per_hour
    if count <= limit and not tx.breaker.stopped(effect.kind, system, Limit.TASKS):
        return None
    return (
        Limit.TASKS,
        f"{count} tasks in {system} within an hour, and the mapping allows {limit}",
    )


def _too_many_blanks(
    tx: TransactionPort, effect: Effect, system: str, limits: BlastLimits, since: datetime
) -> tuple[Limit, str] | None:
    blanks = int(effect.body.get("blanks", 0))
    if not blanks:
        return None
    count, limit = tx.breaker.blanks(effect.kind, system, since) + blanks, limits.blanked_fields
    if count <= limit and not tx.breaker.stopped(effect.kind, system, Limit.BLANKS):
        return None
    return (
        Limit.BLANKS,
        f"{count} fields in {system} emptied within an hour, and the mapping allows {limit}",
    )


def _too_many_records(
    tx: TransactionPort,
    account: AccountId,
    effect: Effect,
    system: str,
    mapping: tuple[str, BlastLimits],
    since: datetime,
    now: datetime,
    counted: Counted,
) -> tuple[Limit, str] | None:
    if not effect.body.get("unasked"):
        return None
    crm, limits = mapping
    since = _counts_from(tx, crm, since, counted)
    is_stopped = bool(tx.breaker.stopped(effect.kind, system, Limit.CHANGED))
    if since >= now and not is_stopped:
        return None
    linked, changed = counted.of(tx, effect.kind, system, since)
    if linked < limits.changed_from and not is_stopped:
        return None
    count = len(changed | {account})
    if 100 * count <= limits.changed_percent * linked and not is_stopped:
        changed.add(account)
        return None
    what = (
        f"{count} of {linked} linked records in {system} changed within an hour although no person "
        f"asked for it, and the mapping allows {limits.changed_percent} %"
    )
    return Limit.CHANGED, what


def _counts_from(tx: TransactionPort, crm: str, since: datetime, counted: Counted) -> datetime:
    """From when on changed records count: not while the accounts follow a version without a plan,
    of which nobody knows any more what it was to change."""
    stored = tx.system.config(mapping_name(crm))
    if stored is None or counted.planned(tx, stored.label) is not None:
        return since
    return max(since, stored.at + FOLLOWS_UNPLANNED)


def is_new_task(effect: Effect) -> bool:
    """Whether it asks for a task that is not there yet."""
    return (
        effect.kind is EffectKind.KEEP_TASK
        and effect.body.get("verb") == "keep"
        and not effect.body.get("known_id")
    )


def _decided_at(tx: TransactionPort) -> datetime | None:
    kept = tx.system.cursor(LET_GO)
    return datetime.fromisoformat(kept) if kept else None


class Breaker:
    """What a person decides about everything that was stopped. Each is one transaction."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def stopped(self) -> int:
        """How many effects wait for a decision."""
        with self._store.begin() as tx:
            return tx.breaker.stopped()

    def release(self, *, by: str) -> int:
        """Let everything go that was stopped, and count anew from now on. How many accounts."""
        return self._end(EffectState.WAITING, by=by, word="released")

    def drop(self, *, by: str) -> int:
        """Drop everything that was stopped, and count anew. What is still wanted comes back when
        its account is judged again. How many accounts."""
        return self._end(EffectState.WITHDRAWN, by=by, word="dropped")

    def _end(self, state: EffectState, *, by: str, word: str) -> int:
        now = self._clock.now()
        with self._store.begin() as tx:
            places = tx.breaker.end(state, now=now)
            tx.system.set_cursor(LET_GO, now.isoformat(), now=now)
            for account, system in places if state is EffectState.WAITING else ():
                tx.lanes.mark_dirty(
                    account, system, urgency=Urgency.NORMAL, cause="person:breaker.released"
                )
            tx.audit.note(
                f"breaker.{word}",
                f"what the blast breaker stopped is {word}",
                now=now,
                actor=by,
                details={"accounts": sorted({int(account) for account, _ in places})},
            )
        return len({account for account, _ in places})
