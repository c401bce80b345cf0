"""What people do outside the CRM: expedite a case, add a note, acknowledge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.case import Case, Note
from domain.effects import BY_LOOKS, TRIAL_RULE
from domain.errors import Conflict, Gone, Misconfigured
from domain.escalation import close_window
from domain.ids import AccountId
from domain.rows import EVALUATE, FieldWrite, Mark, StoredCase, Urgency
from sync.clock import Clock
from sync.configs import crm_of
from sync.durable import Store, TransactionPort

BY_A_MAPPING = (*BY_LOOKS, TRIAL_RULE)
"""The rules of the field writes that end with the mapping which wanted them."""


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

        The text must have been checked. Fields that the mapping before it wanted written, and that
        were not yet, are not sent: their accounts are judged anew. Everything else of that CRM (of
        every system, for a policy) that was parked because of the configuration is sent again.
        Returns the version's label; the same text again is the same version. `over` is the label of
        the version that it was made over: if another one is in force by now, nothing happens and
        `Conflict` says so.
        """
        with self._store.begin() as tx:
            return self.put_in_force(tx, name, text, by=by, note=note, over=over)

    def put_in_force(
        self,
        tx: TransactionPort,
        name: str,
        text: str,
        *,
        by: str,
        note: str,
        over: str | None = None,
    ) -> str:
        """The same as `apply_config`, as a part of what else happens in this transaction."""
        now = self._clock.now()
        present = tx.system.config(name)
        before = present.label if present is not None else f"{name}:shipped"
        if over is not None and before != over:
            raise Conflict(
                f"{before} is in force, and not {over} any more",
                remedy="Look at what is in force now, then do it again over that.",
            )
        label = tx.system.add_config(name, text, author=by, note=note, now=now).label
        crm = crm_of(name)
        dropped = _drop_fields(tx, crm, label, now) if crm is not None else []
        replayed = _replay(tx, label, system=crm)
        tx.audit.note(
            "config.applied",
            f"{label}: {note}",
            now=now,
            actor=by,
            details={
                "replayed_for": replayed,
                "judged_anew": sorted({int(one.account) for one in dropped}),
            },
        )
        return label

    def look_again(self, accounts: Sequence[AccountId], *, cause: str) -> None:
        """Have these accounts read and judged again, behind everything that is urgent."""
        for start in range(0, len(accounts), 500):
            marks = dict.fromkeys(accounts[start : start + 500], Mark(Urgency.BULK, cause))
            with self._store.begin() as tx:
                tx.lanes.mark_all_dirty(marks, EVALUATE)

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


def _drop_fields(tx: TransactionPort, crm: str, label: str, now: datetime) -> list[FieldWrite]:
    """End every write of fields that another version than `label` wanted, and have the accounts
    judged by the new one."""
    marks: dict[AccountId, Mark] = {}
    lanes: dict[str, set[AccountId]] = {}
    for one in tx.fields.unfinished(crm, label=label, rules=BY_A_MAPPING):
        if one.has_case or one.account not in marks:
            urgency = Urgency.NORMAL if one.has_case else Urgency.BULK
            marks[one.account] = Mark(urgency, f"config:{label}")
        lanes.setdefault(one.system, set()).add(one.account)
    # Lanes before effects, as those take them who judge and deliver.
    tx.lanes.mark_all_dirty(marks, EVALUATE)
    for system, accounts in sorted(lanes.items()):
        tx.lanes.take_away(accounts, system)
    # Again: whoever held one of the lanes may have brought something to its end meanwhile.
    dropped = tx.fields.unfinished(crm, label=label, rules=BY_A_MAPPING)
    tx.fields.drop([one.id for one in dropped], now=now)
    return dropped


def _replay(tx: TransactionPort, label: str, *, system: str | None) -> list[int]:
    """Send again what is no field and was parked because of the configuration; the accounts."""
    concerned: dict[str, set[AccountId]] = {}
    for id in tx.fields.stuck_others(Misconfigured.code, system=system):
        effect = tx.effects.by_id(id)
        if tx.effects.replay(id) and effect is not None:
            concerned.setdefault(effect.system, set()).add(effect.account)
    for place, accounts in sorted(concerned.items()):
        marks = dict.fromkeys(sorted(accounts), Mark(Urgency.NORMAL, f"config:{label}"))
        tx.lanes.mark_all_dirty(marks, place)
    return sorted({int(account) for accounts in concerned.values() for account in accounts})


def _open(tx: TransactionPort, key: str) -> StoredCase:
    stored = tx.cases.by_key(key)
    if stored is None or not stored.case.is_open:
        raise Gone(f"there is no open case {key}", remedy="`kidglove case list` shows them.")
    return stored
