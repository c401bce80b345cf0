"""What people do from here, and what each of it will change before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from console.stuck import Replayed, replay_alike, replay_one
from domain.case import Case
from domain.effects import EffectKind
from domain.errors import Conflict
from domain.rows import EffectMode
from jobs.crms import connected, title_here
from jobs.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What each form of a case says before anything is done."""

    note: str
    expedite: str


def promised(case: Case, runtime: Runtime, *, today: date) -> Promise:
    """What a note and an expedite would change, in records."""
    task = _task(case, runtime)
    moved = f"high priority, and its due day moves to {today:%a} {today.day} {today:%b}"
    if case.expedited_at is not None:
        expedite = f"The case is expedited already: the reason of 1 case is replaced, and {task}."
    elif case.state.needs_person:
        expedite = f"1 case becomes {moved}; the reason is logged, and {task}."
    else:
        expedite = (
            f"1 case goes to a person at once with {moved}; the reason is logged, and {task}."
        )
    return Promise(
        note=f"The note is added to 1 case and its timeline, and {task}.", expedite=expedite
    )


def _task(case: Case, runtime: Runtime) -> str:
    crm = title_here(runtime.settings)
    if not connected(runtime.settings):
        return "no task is written, because no CRM is connected"
    if runtime.settings.mode_of(EffectKind.KEEP_TASK) is not EffectMode.ACT:
        return f"0 tasks in {crm} change, because tasks are only observed now"
    if not case.state.needs_person:
        return f"it stands on the task in {crm} as soon as there is one"
    return f"1 task in {crm} is updated"


def add_note(runtime: Runtime, key: str, *, by: str, text: str) -> None:
    """Add a note. The same note sent twice by a double click is one note."""
    with runtime.store.begin() as tx:
        stored = tx.cases.by_key(key)
    last = stored.case.notes[-1] if stored is not None and stored.case.notes else None
    if last is not None and (last.by, last.text) == (by, text):
        return
    runtime.actions.add_note(key, by=by, text=text)


def acknowledge(runtime: Runtime, id: int, *, by: str) -> None:
    """Mark an alert as read; one that is read already stays as it is."""
    now = runtime.clock.now()
    with runtime.store.begin() as tx:
        found = next((alert for alert in tx.audit.alerts() if alert.id == id), None)
        if found is not None and tx.audit.acknowledge(id, by=by, now=now):
            tx.audit.note(
                "alert.acknowledged", found.text, now=now, account=found.account, actor=by
            )


def send_again(runtime: Runtime, id: int, *, by: str) -> Replayed:
    """Replay one effect. `Conflict` if it is not stuck any more."""
    with _unless_replaced(), runtime.store.begin() as tx:
        return replay_one(tx, id, by=by, now=runtime.clock.now())


def send_alike_again(runtime: Runtime, like: int, *, count: int, last_id: int, by: str) -> Replayed:
    """Replay exactly the effects that were shown. `Conflict` if they are others by now."""
    now = runtime.clock.now()
    with _unless_replaced(), runtime.store.begin() as tx:
        return replay_alike(tx, like, count=count, last_id=last_id, by=by, now=now)


@contextmanager
def _unless_replaced() -> Iterator[None]:
    try:
        yield
    except sa.exc.IntegrityError as problem:
        # A newer projection of the same subject was written between our look and our update.
        raise Conflict("an effect was replaced meanwhile") from problem
