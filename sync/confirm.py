"""What became of an effect: a receipt and its why, or the place where its error belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from domain.effects import EffectKind
from domain.errors import KidgloveError, Misconfigured, Rejected, Unauthorized
from domain.holds import SuppressionState
from domain.ports import Receipt
from domain.rows import EVALUATE, EffectState, LeasedLane, StoredEffect, WrittenValue
from sync.checkpoints import Checkpoint, reached
from sync.clock import Clock
from sync.durable import Store, TransactionPort
from sync.receipts import Done, agreed_customer, agreed_fields, losses
from sync.verdicts import verdict

log = structlog.get_logger()
UNREAD = ("contact_id", "kind", "remind_at")
"""What we ask for on a task and the CRM does not read back: explained as it was asked for."""
QUIETING = (EffectKind.QUIET_INVOICE, EffectKind.QUIET_SUBSCRIPTION)
"""The effects whose withdrawal leaves nothing to give back, if they were never sent."""
LOUD_AFTER = timedelta(minutes=15)
"""For how long a quieting may fail before somebody hears of it."""


class Confirm:
    """Ends effects of one system, each in one transaction.

    Each method raises `Conflict` and writes nothing if the lane is held by somebody else by now:
    the successor looks before it acts, and what it found must not be written over.
    """

    def __init__(self, *, system: str, store: Store, clock: Clock) -> None:
        self._system = system
        self._store = store
        self._clock = clock

    def finished(self, effect: StoredEffect, done: Done, *, lane: LeasedLane) -> None:
        """A payment effect was carried out and read back: its row, the ledger and the why of it."""
        now = self._clock.now()
        with self._store.begin() as tx:
            tx.lanes.hold(lane)
            tx.effects.finish(effect.id, done.state, now=now, receipt=done.receipt)
            if done.ledger is not None:
                tx.cases.save_suppression(effect.account, done.ledger)
            if effect.kind is EffectKind.WRITE_CUSTOMER:
                self._agree_customer(tx, effect, done.receipt, now)
            else:
                self._explain(tx, effect, effect.subject, done.receipt.get("now", {}), now)
            tx.audit.note(
                "effect.done",
                f"{effect.kind} {effect.subject}: {done.state}",
                now=now,
                account=effect.account,
                case_id=effect.case_id,
                details={"key": effect.key, "receipt": done.receipt},
            )
        log.info("effect.done", key=effect.key, system=self._system, state=done.state)
        reached(Checkpoint.EFFECT_FINISHED)

    def written(self, effect: StoredEffect, receipt: Receipt, *, lane: LeasedLane) -> None:
        """A CRM write was read back. A task that comes after its case has ended is judged again."""
        now = self._clock.now()
        plain = {
            "ref": str(receipt.ref),
            "id": receipt.ref.id,
            "created": receipt.was_created,
            "now": dict(receipt.now),
            "note": receipt.note,
        }
        with self._store.begin() as tx:
            tx.lanes.hold(lane)
            tx.effects.finish(effect.id, EffectState.DONE, now=now, receipt=plain)
            asked = {name: effect.body.get(name) for name in UNREAD}
            asked = {name: value for name, value in asked.items() if value is not None}
            self._explain(tx, effect, receipt.ref.id, {**asked, **receipt.now}, now)
            if effect.kind is EffectKind.WRITE_FIELDS:
                agreed = agreed_fields(effect, receipt.now, now)
                tx.agreed.remember(
                    effect.account, self._system, str(effect.body["account"]), agreed, now=now
                )
                self._warn(tx, effect, receipt.now, now)
                self._tell_refused(tx, effect, receipt, now)
            tx.audit.note(
                "effect.done",
                f"{effect.kind} {effect.subject}{': ' + receipt.note if receipt.note else ''}",
                now=now,
                account=effect.account,
                case_id=effect.case_id,
                details={"key": effect.key, "record": receipt.ref.id},
            )
            if effect.kind is EffectKind.KEEP_TASK and effect.body.get("verb") != "close":
                self._close_late(tx, effect)
        log.info("effect.done", key=effect.key, system=self._system)
        reached(Checkpoint.EFFECT_FINISHED)

    def _tell_refused(
        self, tx: TransactionPort, effect: StoredEffect, receipt: Receipt, now: datetime
    ) -> None:
        """What the CRM refused while it took the rest: it is asked again with the next look."""
        refused = sorted(set(effect.body["values"]) - set(receipt.now))
        if refused:
            tx.audit.raise_alert(
                # A rule that refuses one record refuses the next as well, and is told once.
                f"refused:{self._system}:{','.join(refused)}",
                f"{self._system} took the fields of {receipt.ref.id} without "
                f"{', '.join(refused)}. {receipt.note} Correct the field or its row: "
                "`kidglove mapping doctor` says what does not fit.",
                rule="field.refused",
                now=now,
                account=effect.account,
            )

    def withdrawn(
        self, effect: StoredEffect, *, lane: LeasedLane, reason: str | None = None
    ) -> None:
        """The guard no longer holds, or `reason`: nothing is sent, and nothing is left to
        restore."""
        now = self._clock.now()
        with self._store.begin() as tx:
            tx.lanes.hold(lane)
            tx.effects.finish(
                effect.id,
                EffectState.WITHDRAWN,
                now=now,
                receipt={"note": reason or f"no longer wanted: {effect.guard} does not hold"},
            )
            row = next(
                (one for one in tx.cases.ledger(effect.account) if one.subject == effect.subject),
                None,
            )
            is_unsent = effect.kind in QUIETING and not effect.snapshot
            if row is not None and row.state is SuppressionState.WANTED and is_unsent:
                tx.cases.save_suppression(
                    effect.account, replace(row, state=SuppressionState.RESTORED, checked_at=now)
                )
            tx.audit.note(
                "effect.withdrawn",
                f"{effect.kind} {effect.subject} is no longer wanted",
                now=now,
                account=effect.account,
                case_id=effect.case_id,
                details={"key": effect.key, "guard": effect.guard, "reason": reason},
            )

    def failed(
        self, effect: StoredEffect, error: KidgloveError, *, lane: LeasedLane
    ) -> datetime | None:
        """Put the failure where the table says; returns when to try again, if ever."""
        now = self._clock.now()
        what = verdict(error, attempts=effect.attempts + 1, key=effect.key)
        until = now + what.wait if what.wait is not None else None
        with self._store.begin() as tx:
            tx.lanes.hold(lane)
            if what.state is EffectState.WAITING:
                tx.effects.put_off(effect.id, until=until, error=error)
            else:
                tx.effects.finish(effect.id, what.state, now=now, error=error)
            if what.opens_circuit and tx.system.open_circuit(
                self._system, reason=error.message, now=now
            ):
                tx.audit.raise_alert(
                    f"circuit:{self._system}:{now.isoformat()}",
                    f"{self._system} refuses our credential; its effects wait. {error.remedy}",
                    rule="credential.refused",
                    now=now,
                    account=None,
                )
            if effect.kind in QUIETING and until is not None:
                self._tell_loud(tx, effect, error, now)
            if what.tell:
                tx.audit.raise_alert(
                    f"stuck:{_cause(effect, error)}:{error.code}",
                    f"{effect.kind} {effect.subject} is {what.state}: {error.message} "
                    f"{error.remedy}",
                    rule=f"effect.{error.code}",
                    now=now,
                    account=effect.account,
                )
            if what.judge_again:
                tx.lanes.mark_dirty(
                    effect.account, EVALUATE, urgency=lane.urgency, cause=f"kidglove:{error.code}"
                )
        log.warning(
            "effect.failed",
            key=effect.key,
            system=self._system,
            code=error.code,
            state=what.state,
            is_credential=isinstance(error, Unauthorized),
        )
        return until

    def _tell_loud(
        self, tx: TransactionPort, effect: StoredEffect, error: KidgloveError, now: datetime
    ) -> None:
        """A hold that does not take is told long before the last try."""
        if now - effect.created_at >= LOUD_AFTER:
            tx.audit.raise_alert(
                f"loud:{effect.id}",
                f"{effect.subject} should be quiet and is not yet, after {effect.attempts + 1} "
                f"tries: {error.message} It is tried again by itself; until then switch off its "
                "automatic collection by hand.",
                rule="hold.loud",
                now=now,
                account=effect.account,
            )

    def _close_late(self, tx: TransactionPort, effect: StoredEffect) -> None:
        """The money may have come while the task was on its way; then the task must close too."""
        stored = tx.cases.latest(effect.account)
        if stored is not None and not stored.case.is_open:
            tx.lanes.mark_dirty(effect.account, EVALUATE, cause="kidglove:late task")

    def _agree_customer(
        self, tx: TransactionPort, effect: StoredEffect, receipt: dict[str, Any], now: datetime
    ) -> None:
        """Both sides agree from now on; what was really written can be explained."""
        tx.agreed.remember(
            effect.account,
            str(effect.body["system"]),
            str(effect.body["record"]),
            agreed_customer(effect, receipt["now"], now),
            now=now,
        )
        if receipt["note"] and not effect.attempts and not effect.round:
            # Somebody else's value; at a later try it may be our own, whose answer was lost.
            return
        self._explain(tx, effect, str(receipt["id"]), receipt["now"], now, names=receipt["fields"])
        self._warn(tx, effect, receipt["now"], now)

    def _warn(
        self, tx: TransactionPort, effect: StoredEffect, read_back: Any, now: datetime
    ) -> None:
        """A value that did not go through whole is said, and not sent again."""
        lost = losses(effect, read_back)
        if lost:
            tx.audit.note(
                "field.shortened",
                "; ".join(lost),
                now=now,
                account=effect.account,
                case_id=effect.case_id,
                details={"key": effect.key},
            )

    def _explain(
        self,
        tx: TransactionPort,
        effect: StoredEffect,
        record: str,
        values: Any,
        now: datetime,
        *,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Keep why each value is where it is; `names` are the vendor's, where they are not ours."""
        merges = effect.body.get("merge", {})
        tx.written.record(
            [
                WrittenValue(
                    system=self._system,
                    record=record,
                    field=(names or {}).get(str(name), str(name)),
                    value=value,
                    at=now,
                    effect_id=effect.id,
                    rule=effect.rule,
                    cause=effect.cause,
                    config_version=effect.config_version,
                    wins=merges.get(name, {}).get("wins"),
                    replaced=merges.get(name, {}).get("replaces"),
                )
                for name, value in dict(values or {}).items()
            ]
        )


def _cause(effect: StoredEffect, error: KidgloveError) -> str:
    """What an alert is about: what refuses a mapped field of one record refuses the next as well,
    and is told once; silence, money and tasks are told for each account."""
    if effect.kind not in (EffectKind.WRITE_FIELDS, EffectKind.WRITE_CUSTOMER):
        return str(effect.id)
    place = error.row if isinstance(error, Misconfigured) else None
    place = error.field if isinstance(error, Rejected) else place
    return f"{effect.system}:{effect.kind}:{place}" if place else str(effect.id)
