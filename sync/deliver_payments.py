"""Carrying out effects in the payment system: guard, snapshot, write, read back, ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from domain.effects import EffectKind, key_of_round
from domain.errors import Bug, Conflict, Gone, KidgloveError
from domain.facts import InvoiceStatus
from domain.holds import Suppression, SuppressionState
from domain.ports import (
    Collects,
    InvoiceChange,
    InvoiceSetting,
    Quiets,
    Setting,
    SubscriptionChange,
    SubscriptionSetting,
    WritesCustomer,
)
from domain.rows import EffectState, StoredEffect
from sync.checkpoints import Checkpoint, reached
from sync.clock import Clock
from sync.customer_writes import write_customer
from sync.durable import Store
from sync.receipts import Done

SETTLED = frozenset({"paid", "void", "uncollectible", "canceled", "incomplete_expired", "deleted"})
"""Statuses in which an object makes no sound any more."""


class PaymentEffects:
    """Carries out one payment effect at a time. Each is safe to repeat: it looks before it acts."""

    def __init__(
        self,
        *,
        store: Store,
        quiets: Quiets,
        collects: Collects,
        customers: WritesCustomer,
        clock: Clock,
    ) -> None:
        self._store = store
        self._customers = customers
        self._quiets = quiets
        self._collects = collects
        self._clock = clock

    def carry_out(self, effect: StoredEffect) -> Done:
        """Do it, read it back and say how it ended. Raises the error class that says what next.

        For a known key the vendor repeats its first answer for a day, a failure too, and does
        nothing. So what looks before it acts and ends in the same state however often it is done
        gets another key once a failure is on record; before that one key keeps a slow twin out.
        A payment has one key for ever.
        """
        if effect.kind is not EffectKind.PAY_INVOICE:
            effect = replace(effect, key=key_of_round(effect.key, effect.round))
        match effect.kind:
            case EffectKind.QUIET_INVOICE:
                return self._quiet_invoice(effect)
            case EffectKind.QUIET_SUBSCRIPTION:
                return self._quiet_subscription(effect)
            case EffectKind.RESTORE_INVOICE:
                return self._restore_invoice(effect)
            case EffectKind.RESTORE_SUBSCRIPTION:
                return self._restore_subscription(effect)
            case EffectKind.FINALIZE_INVOICE:
                return self._finalize(effect)
            case EffectKind.PAY_INVOICE:
                return self._pay(effect)
            case EffectKind.WRITE_CUSTOMER:
                return write_customer(effect, self._customers)
            case _:
                raise Bug(f"effect {effect.id} of kind {effect.kind} does not belong here")

    # -- quiet

    def _quiet_invoice(self, effect: StoredEffect) -> Done:
        found = self._setting(effect)
        if found is None:
            return self._moot(effect)
        if not isinstance(found, InvoiceSetting):
            raise Bug(f"{effect.subject} answered with another kind of setting")
        if found.advances is False:
            return self._found_quiet(effect, found.mark, {"advances": False}, {"advances": True})
        self._keep_snapshot(effect, {"advances": True})
        self._send(
            InvoiceChange(
                invoice=_id(effect), advances=False, mark=str(effect.body["mark"]), key=effect.key
            )
        )
        now = self._read_back(effect)
        if now is None:
            return self._moot(effect)
        if not isinstance(now, InvoiceSetting) or now.advances is not False:
            raise Conflict(f"{effect.subject} still advances after it was switched off")
        return self._quiet(effect, {"advances": True}, {"advances": False})

    def _quiet_subscription(self, effect: StoredEffect) -> Done:
        found = self._setting(effect)
        if found is None:
            return self._moot(effect)
        if not isinstance(found, SubscriptionSetting):
            raise Bug(f"{effect.subject} answered with another kind of setting")
        wanted_end = datetime.fromisoformat(str(effect.body["resumes_at"]))
        ours = found.mark is not None or effect.snapshot is not None
        before = {"pause": None}
        if found.pause_behavior is not None and not ours:
            return self._found_quiet(
                effect, found.mark, {"pause": found.pause_behavior}, {"pause": None}
            )
        if found.pause_behavior is None or found.resumes_at != wanted_end:
            self._keep_snapshot(effect, before)
            self._send(
                SubscriptionChange(
                    subscription=_id(effect),
                    pause_behavior=str(effect.body["behavior"]),
                    resumes_at=wanted_end,
                    mark=str(effect.body["mark"]),
                    key=effect.key,
                )
            )
        now = self._read_back(effect)
        if now is None:
            return self._moot(effect)
        if not isinstance(now, SubscriptionSetting) or now.pause_behavior is None:
            raise Conflict(f"{effect.subject} is still collected after it was paused")
        return self._quiet(
            effect,
            before,
            {
                "pause": now.pause_behavior,
                "resumes_at": now.resumes_at.isoformat() if now.resumes_at else None,
            },
        )

    def _found_quiet(
        self,
        effect: StoredEffect,
        mark: str | None,
        now: dict[str, Any],
        before: dict[str, Any],
    ) -> Done:
        """It is silent already: by our own lost answer, or by a person before us."""
        if effect.snapshot is not None or mark is not None:
            return self._quiet(effect, dict(effect.snapshot or before), now)
        row = self._row(effect, SuppressionState.FOREIGN, now)
        return Done(receipt={"now": now, "note": "a person had silenced it before"}, ledger=row)

    def _quiet(self, effect: StoredEffect, before: dict[str, Any], now: dict[str, Any]) -> Done:
        row = self._row(effect, SuppressionState.QUIET, dict(effect.snapshot or before))
        return Done(receipt={"now": {**now, "mark": effect.body["mark"]}}, ledger=row)

    # -- restore

    def _restore_invoice(self, effect: StoredEffect) -> Done:
        found = self._setting(effect)
        if found is None:
            return self._moot(effect)
        if not isinstance(found, InvoiceSetting):
            raise Bug(f"{effect.subject} answered with another kind of setting")
        before = dict(effect.body["before"])
        if effect.body.get("note_only"):
            return self._note_off(effect, found)
        wanted = bool(before.get("advances", True))
        if found.advances is not wanted or found.mark is not None:
            self._send(
                InvoiceChange(invoice=_id(effect), advances=wanted, mark=None, key=effect.key)
            )
        now = self._read_back(effect)
        if now is None:
            return self._moot(effect)
        if not isinstance(now, InvoiceSetting) or now.advances is not wanted:
            raise Conflict(f"{effect.subject} was not given back as it was found")
        return Done(
            receipt={"now": {"advances": now.advances, "mark": now.mark}},
            ledger=self._row(effect, SuppressionState.RESTORED, before),
        )

    def _restore_subscription(self, effect: StoredEffect) -> Done:
        found = self._setting(effect)
        if found is None:
            return self._moot(effect)
        if not isinstance(found, SubscriptionSetting):
            raise Bug(f"{effect.subject} answered with another kind of setting")
        before = dict(effect.body["before"])
        if effect.body.get("note_only"):
            return self._note_off(effect, found)
        if found.pause_behavior is not None and found.mark is None:
            # A person paused it anew and took our note off: it is theirs now.
            return Done(
                receipt={"now": {"pause": found.pause_behavior}, "note": "a person paused it"},
                ledger=self._row(effect, SuppressionState.FOREIGN, before),
            )
        if found.pause_behavior is not None or found.mark is not None:
            self._send(
                SubscriptionChange(
                    subscription=_id(effect),
                    pause_behavior=None,
                    resumes_at=None,
                    mark=None,
                    key=effect.key,
                )
            )
        now = self._read_back(effect)
        if now is None:
            return self._moot(effect)
        if not isinstance(now, SubscriptionSetting) or now.pause_behavior is not None:
            raise Conflict(f"{effect.subject} was not given back as it was found")
        return Done(
            receipt={"now": {"pause": None, "mark": now.mark}},
            ledger=self._row(effect, SuppressionState.RESTORED, before),
        )

    def _note_off(self, effect: StoredEffect, found: Setting) -> Done:
        """Take our note off what a person has set, and leave what they set."""
        match found:
            case InvoiceSetting():
                now: dict[str, Any] = {"advances": found.advances}
                change: InvoiceChange | SubscriptionChange = InvoiceChange(
                    invoice=_id(effect),
                    advances=found.advances is not False,
                    mark=None,
                    key=effect.key,
                )
            case SubscriptionSetting():
                now = {"pause": found.pause_behavior}
                change = SubscriptionChange(
                    subscription=_id(effect),
                    pause_behavior=found.pause_behavior,
                    resumes_at=found.resumes_at,
                    mark=None,
                    key=effect.key,
                )
            case _:
                assert_never(found)
        if found.mark is not None:
            self._send(change)
        return Done(
            receipt={"now": {**now, "mark": None}, "note": "what a person set is left as it is"},
            ledger=self._row(effect, SuppressionState.FOREIGN, now),
        )

    # -- collect

    def _finalize(self, effect: StoredEffect) -> Done:
        invoice = self._collects.read_invoices([_id(effect)])[_id(effect)]
        if isinstance(invoice, KidgloveError):
            raise invoice
        if invoice.status is InvoiceStatus.DRAFT:
            self._start()
            self._collects.finalize(_id(effect), key=effect.key)
            reached(Checkpoint.EFFECT_SENT)
        return Done(receipt={"now": {"finalized": True}})

    def _pay(self, effect: StoredEffect) -> Done:
        """One attempt, ever. If an earlier try got no answer, what the invoice says decides."""
        invoice = self._collects.read_invoices([_id(effect)])[_id(effect)]
        if isinstance(invoice, KidgloveError):
            raise invoice
        if invoice.status is not InvoiceStatus.OPEN or invoice.attempted:
            return Done(receipt={"now": {"status": invoice.status.value, "attempted": True}})
        self._start()
        is_paid = self._collects.pay(_id(effect), key=effect.key)
        reached(Checkpoint.EFFECT_SENT)
        return Done(receipt={"now": {"paid": is_paid}})

    # -- the small steps

    def _setting(self, effect: StoredEffect) -> Setting | None:
        """The setting as it is now, or None when the object makes no sound any more."""
        answer = self._quiets.read_settings([effect.subject])[effect.subject]
        if isinstance(answer, Gone):
            return None
        if isinstance(answer, KidgloveError):
            raise answer
        return None if answer.status in SETTLED else answer

    def _read_back(self, effect: StoredEffect) -> Setting | None:
        """The setting after we have changed it."""
        setting = self._setting(effect)
        reached(Checkpoint.READ_BACK)
        return setting

    def _keep_snapshot(self, effect: StoredEffect, before: dict[str, Any]) -> None:
        if effect.snapshot is None:
            with self._store.begin() as tx:
                tx.effects.keep_snapshot(effect.id, before)
        reached(Checkpoint.SNAPSHOT_KEPT)

    def _send(self, change: InvoiceChange | SubscriptionChange) -> None:
        self._start()
        self._quiets.change_setting(change)
        reached(Checkpoint.EFFECT_SENT)

    def _start(self) -> None:
        reached(Checkpoint.EFFECT_STARTED)

    def _moot(self, effect: StoredEffect) -> Done:
        before = dict(effect.snapshot or effect.body.get("before") or {})
        return Done(
            state=EffectState.WITHDRAWN,
            receipt={"note": "nothing is left there to change"},
            ledger=self._row(effect, SuppressionState.MOOT, before),
        )

    def _row(
        self, effect: StoredEffect, state: SuppressionState, before: dict[str, Any]
    ) -> Suppression | None:
        with self._store.begin() as tx:
            rows = {row.subject: row for row in tx.cases.ledger(effect.account)}
        known = rows.get(effect.subject)
        if known is None:
            return None
        return Suppression(
            subject=known.subject,
            hold_number=known.hold_number,
            state=state,
            before=before or known.before,
            checked_at=self._clock.now(),
            drifts=known.drifts,
            is_intercept=known.is_intercept,
        )


def _id(effect: StoredEffect) -> str:
    return effect.subject.partition(":")[2]
