"""What happened since the last look, in sentences: from our own audit, and from the vendors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ops.demo.narrator import Narrator
from ops.demo.stage import Stage
from store.unit_of_work import Transaction

NEWS = sa.text(
    """
    SELECT audit.id, audit.at, audit.kind, audit.text, audit.details, accounts.name
    FROM audit LEFT JOIN accounts ON accounts.id = audit.account_id
    WHERE audit.id > :last ORDER BY audit.id
    """
)
RECEIPT = sa.text(
    "SELECT system, subject, receipt, body FROM effects WHERE key = :key ORDER BY id DESC LIMIT 1"
)
TOLD = {
    "case.open": "opens a case for {name}: {text}",
    "intercept.take_over": "takes over the renewal of {name} while it is a draft",
    "hold.word": "understands: {text}",
    "hold.word_cleared": "sees that {name} is released: {text}",
    "hold.word_ending": "tells the person in charge of {name}: {text}",
    "escalation.hop": "nobody acted on {name} in time, so it goes {text}",
    "case.close": "closes the case of {name}: {text}",
}
"""Rules of decisions that a spectator wants to hear of; the others stay in the audit."""


@dataclass(frozen=True, order=True)
class News:
    """One thing to tell. In the order of its moments, and of the looks in which it was found."""

    at: datetime
    number: int
    who: str = field(compare=False)
    what: str = field(compare=False)
    where: str = field(compare=False, default="")


class Observer:
    """Looks after each step of the clock, and tells what is new."""

    def __init__(self, stage: Stage, narrator: Narrator) -> None:
        self._stage = stage
        self._narrator = narrator
        self._audit = 0
        self._mails = 0
        self._tasks: dict[str, bool] = {}
        self._names = {member.customer: member.name for member in stage.accounts.values()}
        self._news: list[News] = []
        self.is_brief = False

    def look(self, now: datetime) -> None:
        """Tell what has happened since the last look."""
        self._stripe_mails()
        with self._stage.store.begin() as tx:
            rows = tx.connection.execute(NEWS, {"last": self._audit}).all()
            keys = [row.details["key"] for row in rows if row.kind == "effect.done"]
            done = {key: _effect_of(tx, key) for key in keys}
        for row in rows:
            self._audit = row.id
            if row.kind == "decision":
                self._decision(row.at, row.name, row.details)
            elif row.kind == "effect.done":
                self._effect(row.at, row.name, done[row.details["key"]])
        for one in sorted(self._news):
            self._narrator.tell(one.at, one.who, one.what, "" if self.is_brief else one.where)
        self._news.clear()

    def _decision(self, at: datetime, name: str, details: Mapping[str, Any]) -> None:
        for rule, reason in zip(details["rules"], details["reasons"], strict=True):
            if rule in TOLD:
                said = TOLD[rule].format(name=name, text=_readable(reason))
                self._say(at, "Kidglove", said)

    def _effect(self, at: datetime, name: str, effect: Mapping[str, Any]) -> None:
        kind, _, id = str(effect.get("subject", "")).partition(":")
        now = (effect.get("receipt") or {}).get("now") or {}
        where = f"Stripe /v1/{kind}s/{id}"
        match kind:
            case "invoice" if now.get("advances") is False:
                what = f"switches automatic collection of {self._number(name, id)} off"
                self._say(at, "Kidglove", f"{what}, reads it back: off", where)
            case "invoice" if now.get("advances") is True:
                what = f"gives {self._number(name, id)} back to Stripe's own collection"
                self._say(at, "Kidglove", f"{what}, reads it back: on", where)
            case "invoice" if "paid" in now:
                result = "the money is here" if now["paid"] else "the bank says no; no mail leaves"
                what = f"tries once to collect {self._number(name, id)}: {result}"
                self._say(at, "Kidglove", what, where)
            case "subscription" if now.get("pause"):
                until = str(now.get("resumes_at"))[:10]
                what = f"parks new invoices of {name} as drafts; safety end {until}"
                self._say(at, "Kidglove", what, where)
            case "subscription":
                what = f"takes its pause off the subscription of {name}"
                self._say(at, "Kidglove", what, where)
            case "task":
                self._task(at, effect)
            case _:
                pass

    def _task(self, at: datetime, effect: Mapping[str, Any]) -> None:
        crm = next(one for one in self._stage.crms if one.system == effect["system"])
        task = crm.task(effect["receipt"]["id"])
        known = self._tasks.get(task.id)
        if known is None or known != task.is_closed:
            verb = "closes the task of" if task.is_closed else "gives a task to"
            what = f'{verb} {task.owner}: "{task.subject}"'
            self._say(at, "Kidglove", what, task.where)
        self._tasks[task.id] = task.is_closed

    def _stripe_mails(self) -> None:
        mails = self._stage.stripe.mails()
        for mail in mails[self._mails :]:
            if mail["kind"] == "receipt" and self.is_brief:
                continue
            name = self._names.get(mail["customer"], mail["customer"])
            what = f"mails {name}: {mail['kind'].replace('_', ' ')}"
            self._say(datetime.fromisoformat(mail["at"]), "Stripe", what, mail["to"])
        self._mails = len(mails)

    def _number(self, name: str, invoice: str) -> str:
        found = self._stage.stripe.do("get", id=invoice)
        return f"{found['number'] or 'the draft'} of {name}"

    def _say(self, at: datetime, who: str, what: str, where: str = "") -> None:
        self._news.append(News(at, len(self._news), who, what, where))


def _effect_of(tx: Transaction, key: str) -> dict[str, Any]:
    row = tx.connection.execute(RECEIPT, {"key": key}).mappings().first()
    return dict(row) if row is not None else {}


def _readable(reason: str) -> str:
    """A reason without the names that only code has."""
    return reason.replace("_", " ")
