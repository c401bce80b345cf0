"""What people do outside the CRM: expedite a case, add a note, acknowledge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.case import Case, Note
from domain.errors import Conflict, Gone, Misconfigured
from domain.escalation import close_window
from domain.ids import AccountId
from domain.rows import EVALUATE, StoredCase, Urgency
from sync.clock import Clock
from sync.durable import Store, TransactionPort


class Actions:
    """Each action is one transaction: the case, the audit line, and a dirty lane.

    A case that somebody else changes at the same moment raises `Conflict`; simply do it again.
    An unknown or closed case raises `Gone`.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def expedite(self, key: str, *, by: str, reason: str) -> None:
        """Ask for expedited outreach: high priority, due today where the owner works, the reason
        in the log. The time until the work goes on to the next begins anew.

        A second call replaces the reason and changes nothing else.
        """
        now = self._clock.now()
        with self._store.begin() as tx:
            stored = _open(tx, key)
            case = stored.case.logged(now, f"Expedited by {by}: {reason}")
            if case.expedited_at is None:
                # The judgement that follows knows the owner, and so which day it is for them.
                case = close_window(replace(case, expedited_at=now, due_on=None))
            case = replace(case, expedite_reason=reason)
            self._save(tx, stored, case, by=by, kind="case.expedited", text=reason)

    def add_note(self, key: str, *, by: str, text: str) -> None:
        """Add a note on the failure; it appears on the CRM task and in the timeline."""
        now = self._clock.now()
        with self._store.begin() as tx:
            stored = _open(tx, key)
            note = Note(at=now, by=by, text=" ".join(text.split()))
            case = replace(stored.case, notes=(*stored.case.notes, note))
            self._save(tx, stored, case, by=by, kind="case.note", text=note.text)

    def apply_config(
        self, name: str, text: str, *, by: str, note: str, over: str | None = None
    ) -> str:
        """Put a new version of a policy or mapping in force, from the next evaluation on.

        The text must have been checked. Effects that were parked because of the configuration are
        sent again. Returns the version's label; the same text again is the same version. `over` is
        the label of the version that it was made over: if another one is in force by now, nothing
        happens and `Conflict` says so.
        """
        now = self._clock.now()
        with self._store.begin() as tx:
            present = tx.system.config(name)
            label = present.label if present is not None else f"{name}:shipped"
            if over is not None and label != over:
                raise Conflict(
                    f"{label} is in force, and not {over} any more",
                    remedy="Look at what is in force now, then do it again over that.",
                )
            version = tx.system.add_config(name, text, author=by, note=note, now=now)
            replayed = tx.effects.replay_all(Misconfigured.code)
            for account, system in replayed:
                tx.lanes.mark_dirty(account, system, cause=f"config:{version.label}")
            tx.audit.note(
                "config.applied",
                f"{version.label}: {note}",
                now=now,
                actor=by,
                details={"replayed_for": [int(account) for account, _ in replayed]},
            )
        return version.label

    def look_again(self, accounts: Sequence[AccountId], *, cause: str) -> None:
        """Have these accounts read and judged again, behind everything that is urgent."""
        for start in range(0, len(accounts), 500):
            with self._store.begin() as tx:
                for account in accounts[start : start + 500]:
                    tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency.BULK, cause=cause)

    def _save(
        self, tx: TransactionPort, stored: StoredCase, case: Case, *, by: str, kind: str, text: str
    ) -> None:
        tx.cases.save(case, before=stored)
        tx.audit.note(
            kind,
            text,
            now=self._clock.now(),
            account=case.account,
            case_id=stored.id,
            actor=by,
        )
        tx.lanes.mark_dirty(case.account, EVALUATE, urgency=Urgency.VIP, cause=f"person:{kind}")


def _open(tx: TransactionPort, key: str) -> StoredCase:
    stored = tx.cases.by_key(key)
    if stored is None or not stored.case.is_open:
        raise Gone(f"there is no open case {key}", remedy="`kidglove case list` shows them.")
    return stored
