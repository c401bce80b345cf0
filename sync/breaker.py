"""The blast breaker: more at once than the mapping allows stops, and a person is asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.effects import Effect, EffectKind
from domain.rows import EffectState, Urgency
from mappings.mapping import BlastLimits
from sync.clock import Clock
from sync.durable import Store, TransactionPort

WINDOW = timedelta(hours=1)
"""What was made longer ago counts no more."""
LET_GO = "breaker:let-go"
"""The cursor that keeps when a person last decided: counting begins anew from there."""


def stops(
    tx: TransactionPort, effect: Effect, system: str, limits: BlastLimits, now: datetime
) -> bool:
    """Whether this effect has to wait for a person, because it is one of too many.

    Only what makes new tasks, or empties values that are not ours, is counted. As long as
    something of the sort is stopped, what comes after it is stopped too: they are told once.
    """
    blanks = int(effect.body.get("blanks", 0))
    if not is_new_task(effect) and not blanks:
        return False
    decided_at = _decided_at(tx)
    since = max(now - WINDOW, decided_at or now - WINDOW)
    if is_new_task(effect):
        count, limit = tx.breaker.new_tasks(system, since) + 1, limits.tasks_per_hour
        what = f"{count} tasks in {system} within an hour, and the mapping allows {limit}"
    else:
        count = tx.breaker.blanks(effect.kind, system, since) + blanks
        limit = limits.blanked_fields
        what = f"{count} fields in {system} emptied within an hour, and the mapping allows {limit}"
    if count <= limit and not tx.breaker.stopped(effect.kind, system):
        return False
    tx.audit.raise_alert(
        f"blast:{effect.kind}:{system}:{decided_at or 'never'}",
        f"Stopped: {what}. Nothing more of this kind is sent until somebody looks: "
        "`kidglove breaker show`, then `kidglove breaker release` or `kidglove breaker drop`.",
        rule="blast.stopped",
        now=now,
        account=None,
    )
    return True


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
