"""One story of a case from every side, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from console import words
from domain.case import Case
from domain.declines import explain
from domain.facts import AttemptBy, PaymentPicture
from domain.rows import AuditLine, EffectState, InboxState, StoredEffect
from domain.wording import count
from jobs.runtime import NAMES
from store.tables import inbox
from store.unit_of_work import Transaction

BEFORE = timedelta(days=1)
"""What led to the case began before it: the renewal is taken over while it is still a draft."""
AFTER = timedelta(days=1)
"""What a closed case still causes: the task closes, the settings go back."""
LIMIT = 200
"""Entries of one kind; a case with more is read with the command line."""


OURSELVES = "kidglove"
"""The actor of audit lines that no person caused."""


class Side(StrEnum):
    """Who did it: the colour of a line, and its first word."""

    PAYMENTS = "payments"
    MESSAGE = "message"
    DECISION = "decision"
    EFFECT = "effect"
    PERSON = "person"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line. `more` says which rule, message or version is behind it; `is_bad` wants a look."""

    at: datetime
    side: Side
    who: str
    text: str
    more: str = ""
    is_bad: bool = False


def timeline(tx: Transaction, case: Case, picture: PaymentPicture | None) -> tuple[Entry, ...]:
    """What the vendors said, what was decided and done, and what people added."""
    since = case.opened_at - BEFORE
    until = case.closed_at + AFTER if case.closed_at is not None else None
    # What happens at the same moment is told in this order: heard, decided, done.
    found = [
        *_tries(case, picture),
        *_messages(tx, case, since),
        *_audit(tx.audit.of_account(case.account, limit=LIMIT)),
        *_notes(case),
        *_effects(reversed(tx.effects.of_account(case.account, limit=LIMIT))),
    ]
    within = [one for one in found if one.at >= since and (until is None or one.at <= until)]
    return tuple(sorted(within, key=lambda one: one.at)[::-1])


def _audit(lines: Sequence[AuditLine]) -> Iterator[Entry]:
    for line in lines:
        if _is_told_elsewhere(line):
            continue
        is_person = line.actor != OURSELVES
        kind = "" if line.kind == "decision" else f"{line.kind.replace('.', ' ')}: "
        yield Entry(
            at=line.at,
            side=Side.PERSON if is_person else Side.DECISION,
            who=line.actor if is_person else "Kidglove decided",
            text=f"{'expedited: ' if line.kind == 'case.expedited' else kind}{line.text}",
            more=_behind(line),
        )


def _is_told_elsewhere(line: AuditLine) -> bool:
    """Notes stand in the case, the ends of effects in the effects, and a decision without a reason
    is told by the effects that it renewed."""
    if line.kind == "decision":
        return not line.details.get("rules")
    return line.kind in ("case.note", "effect.done", "effect.withdrawn")


def _behind(line: AuditLine) -> str:
    rules = ", ".join(str(rule) for rule in line.details.get("rules") or ())
    cause, config = line.details.get("cause"), line.details.get("config")
    parts = [
        f"rules {rules}" if rules else "",
        f"because of {cause}" if cause else "",
        str(config) if config else "",
    ]
    return " · ".join(part for part in parts if part)


def _effects(effects: Iterable[StoredEffect]) -> Iterator[Entry]:
    for effect in effects:
        if effect.state is EffectState.SUPERSEDED:
            continue
        is_bad = effect.state in (EffectState.PARKED, EffectState.DEAD)
        is_told = is_bad or effect.done_at is None
        error = f" {effect.last_error}" if effect.last_error and is_told else ""
        tries = count(effect.attempts, "try", "tries") if effect.attempts > 1 else ""
        parts = [f"rule {effect.rule}", f"because of {effect.cause}", tries]
        yield Entry(
            at=effect.done_at or effect.created_at,
            side=Side.EFFECT,
            who="Kidglove:",
            text=f"{words.effect_named(effect.kind)}: {effect.subject.partition(':')[2]}, "
            f"{words.STATES[effect.state]}.{error}",
            more=" · ".join(part for part in parts if part),
            is_bad=is_bad,
        )


def _notes(case: Case) -> Iterator[Entry]:
    for note in case.notes:
        yield Entry(at=note.at, side=Side.PERSON, who=note.by, text=f"noted: {note.text}")


def _tries(case: Case, picture: PaymentPicture | None) -> Iterator[Entry]:
    if picture is None:
        return
    for invoice in picture.invoices:
        if invoice.id not in case.invoices:
            continue
        name = invoice.number or invoice.id
        for attempt in invoice.attempts:
            said = "it was paid" if attempt.succeeded else explain(attempt.code).plain
            by = {AttemptBy.AUTOMATIC: "by itself", AttemptBy.MANUAL: "by hand"}
            yield Entry(
                at=attempt.at,
                side=Side.PAYMENTS,
                who=NAMES.payments,
                text=f"tried {name}: {said}",
                more=" · ".join(
                    [by.get(attempt.by, "by whom is not told"), *filter(None, [attempt.code])]
                ),
                is_bad=not attempt.succeeded,
            )


def _messages(tx: Transaction, case: Case, since: datetime) -> Iterator[Entry]:
    rows = tx.connection.execute(
        sa.select(inbox.c.source, inbox.c.topic, inbox.c.key, inbox.c.received_at, inbox.c.state)
        .where(inbox.c.account_id == case.account, inbox.c.received_at >= since)
        .order_by(inbox.c.id.desc())
        .limit(LIMIT)
    ).all()
    for row in reversed(rows):
        yield _message(row)


def _message(row: sa.Row[Any]) -> Entry:
    ignored = row.state in (InboxState.IGNORED, InboxState.QUARANTINED)
    return Entry(
        at=row.received_at,
        side=Side.MESSAGE,
        who=row.source.capitalize(),
        text=f"sent {row.topic}{f' ({row.state})' if ignored else ''}",
        more=f"message {row.key}",
        is_bad=row.state == InboxState.QUARANTINED,
    )
