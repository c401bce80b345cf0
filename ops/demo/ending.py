"""What each simulated system must look like in the end, and what it does look like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.demo.crms import Crm, Member
from ops.demo.stage import Stage
from ops.invariants import broken


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part of the final state. Both sides are plain values, compared whole."""

    system: str
    what: str
    expected: Any
    actual: Any
    words: Callable[[Any], str] = str

    @property
    def holds(self) -> bool:
        """Whether they are equal."""
        return bool(self.expected == self.actual)

    @property
    def said_expected(self) -> str:
        """The expected value in short."""
        return self.words(self.expected)

    @property
    def said_actual(self) -> str:
        """The actual value in short; words that hide the difference are replaced by the value."""
        said = self.words(self.actual)
        return said if self.holds or said != self.said_expected else str(self.actual)


@dataclass(frozen=True, kw_only=True)
class Ends:
    """How one customer's story must end."""

    member: Member
    invoices: tuple[str, ...]
    robotic_mails: int
    settings: Mapping[str, Any]
    fields: Mapping[str, Any]
    task_owners: tuple[str, ...]
    our_writes: int | None = None


def checks(stage: Stage, ends: Sequence[Ends], *, open_cases: int) -> list[Check]:
    """Every part of the final state of every vendor and of our own store.

    Only the first CRM has tasks; an account that is in the others too has its fields there.
    """
    requests = stage.stripe.requests()
    found: list[Check] = []
    for end in ends:
        found += _stripe(stage, end, requests)
    for place, crm in enumerate(stage.crms):
        for end in ends:
            found += _crm(crm, end, has_tasks=place == 0)
    return [*found, *_ours(stage, open_cases)]


def _stripe(stage: Stage, end: Ends, requests: Sequence[Mapping[str, Any]]) -> list[Check]:
    member, system = end.member, "Stripe"
    invoices = stage.stripe.invoices(member.customer)
    statuses = [invoice["status"] for invoice in invoices[-len(end.invoices) :]]
    names = {member.customer, member.subscription, *(one["id"] for one in invoices)}
    writes = sum(
        call["method"] != "GET" and any(name in call["path"] for name in names) for call in requests
    )
    found = [
        Check(
            system=system,
            what=f"{member.name}: invoices",
            expected=list(end.invoices),
            actual=statuses,
            words=_counted,
        ),
        Check(
            system=system,
            what=f"{member.name}: robotic mails",
            expected=end.robotic_mails,
            actual=len(stage.stripe.robotic(member.customer)),
        ),
        Check(
            system=system,
            what=f"{member.name}: dunning settings",
            expected=dict(end.settings),
            actual=stage.stripe.settings(member.customer, member.subscription),
            words=settings_in_words,
        ),
    ]
    if end.our_writes is not None:
        found.append(
            Check(
                system=system,
                what=f"{member.name}: our writes",
                expected=end.our_writes,
                actual=writes,
            )
        )
    return found


def _crm(crm: Crm, end: Ends, *, has_tasks: bool) -> list[Check]:
    owners = end.task_owners if has_tasks else ()
    return [
        Check(
            system=crm.title,
            what=f"{end.member.name}: fields",
            expected=dict(end.fields),
            actual=crm.fields(end.member),
            words=_fields_in_words,
        ),
        Check(
            system=crm.title,
            what=f"{end.member.name}: tasks",
            expected=[(owner, True) for owner in owners],
            actual=[(task.owner, task.is_closed) for _, task in crm.tasks(end.member)],
            words=_tasks_in_words,
        ),
    ]


def _ours(stage: Stage, open_cases: int) -> list[Check]:
    with stage.store.begin() as tx:
        effects = tx.effects.counts()
        inbox = tx.inbox.counts()
        lanes = tx.lanes.dirty_count()
        cases = len(tx.cases.all())
        alerts = [alert.text for alert in tx.audit.alerts()]
        wrong = [str(one) for one in broken(tx, stage.world.read().now)]
    undone = sum(effects.get(name, 0) for name in ("parked", "dead", "waiting", "sending"))
    found: list[tuple[str, Any, Any]] = [
        ("open cases", open_cases, cases),
        ("effects not carried out", 0, undone),
        ("messages not understood", 0, inbox.get("quarantined", 0) + inbox.get("new", 0)),
        ("accounts that wait", 0, sum(lanes.values())),
    ]
    return [
        *(
            Check(system="Kidglove", what=what, expected=expected, actual=actual)
            for what, expected, actual in found
        ),
        Check(
            system="Kidglove",
            what="alerts to administrators",
            expected=[],
            actual=alerts,
            words=_listed,
        ),
        Check(
            system="Kidglove", what="broken invariants", expected=[], actual=wrong, words=_listed
        ),
    ]


def settings_in_words(settings: Mapping[str, Any]) -> str:
    """In short: what is paused or switched off, and whether a note of ours is left."""
    off = sum(one.get("auto_advance") is False for one in settings.values())
    paused = sum(one.get("pause_collection") is not None for one in settings.values())
    marked = sum(bool(one["metadata"]) for one in settings.values())
    if not off and not paused and not marked:
        return "collected by Stripe, no note of ours"
    return f"{off} switched off, {paused} paused, {marked} with a note of ours"


def _fields_in_words(fields: Mapping[str, Any]) -> str:
    problem = f", problem {fields['problem']}" if fields["problem"] else ""
    due = fields["due"] or "nothing"
    return f"{fields['status']}, due {due}, quiet {fields['quiet']}{problem}"


def _tasks_in_words(tasks: Sequence[tuple[str, bool]]) -> str:
    if not tasks:
        return "none"
    names = ", ".join(owner for owner, _ in tasks)
    still = sum(not closed for _, closed in tasks)
    return f"{names}: {'closed' if not still else f'{still} open'}"


def _counted(words: Sequence[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(words).items())


def _listed(texts: Sequence[str]) -> str:
    return "; ".join(texts) or "none"
