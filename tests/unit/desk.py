"""One account judged over time by `decide` alone: its facts, its case, and the tasks in its CRM.

The smallest thing that does with effects what the engine and the vendors do with them. Tests move
the clock, play the people, and read the tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.case import Case
from domain.decide import decide
from domain.effects import Effect, EffectKind
from domain.facts import (
    AccountFacts,
    Attempt,
    AttemptBy,
    CrmPicture,
    Decline,
    HoldSignal,
    HoldWord,
    Invoice,
    InvoiceStatus,
    Meaning,
    Pause,
    PaymentPicture,
    Person,
    Role,
    Subscription,
    SubscriptionStatus,
    Touch,
    WorkItem,
)
from domain.holds import Suppression, SuppressionState
from domain.ids import AccountId, Ref
from domain.leaf import Known, Leaf, Missing
from domain.money import Money
from domain.policy import Policy
from domain.situation import Decision, Names, Situation
from mappings.calendars import calendar_for
from mappings.policy_file import preset

MORGAN = Person(id="005M", name="Morgan Vale", zone="America/New_York")
FELIX = Person(id="005F", name="Felix Nordstrom", zone="America/New_York")
INES = Person(id="005I", name="Ines Okafor", zone="America/New_York")
OPS = Person(id="005O", name="Billing Ops", zone="America/New_York")
TEAM = {Role.CSM: MORGAN, Role.OWNER: FELIX, Role.MANAGER: INES}
START = datetime(2026, 11, 20, 14, tzinfo=UTC)
"""Friday 20 November 2026, 09:00 in New York."""
NAMES = Names(payments="Stripe", crm="Salesforce")


def usd(amount: str) -> Money:
    return Money.of(amount, "usd")


def failed(at: datetime, *, id: str = "in_1", amount: str = "14200", **parts: Any) -> Invoice:
    """An invoice whose first try failed at this moment."""
    made: dict[str, Any] = {
        "id": id,
        "number": f"INV-{id}",
        "status": InvoiceStatus.OPEN,
        "total": usd(amount),
        "remaining": usd(amount),
        "created_at": at - timedelta(hours=1),
        "is_charged_automatically": True,
        "advances": True,
        "attempted": True,
        "attempt_count": 1,
        "decline": Decline(code="generic_decline", at=at),
        "attempts": (
            Attempt(at=at, succeeded=False, code="generic_decline", by=AttemptBy.AUTOMATIC),
        ),
    }
    return Invoice(**{**made, **parts})


def paid(invoice: Invoice, at: datetime) -> Invoice:
    """The same invoice, paid."""
    nothing = Money(0, invoice.total.currency)
    return replace(invoice, status=InvoiceStatus.PAID, remaining=nothing, settled_at=at)


@dataclass
class Desk:
    """One account. `look` judges and delivers once; `until` does so whenever a timer falls due.

    `is_down` says that the CRM can neither be read nor written; what was to be written waits.
    """

    now: datetime = START
    policy: Policy = field(default_factory=lambda: preset("default"))
    mrr: str = "1000"
    people: Mapping[Role, Person] = field(default_factory=lambda: dict(TEAM))
    fallback: Person | None = OPS
    invoices: list[Invoice] = field(default_factory=list)
    hold: HoldSignal = HoldSignal()
    promise: date | None = None
    touch: Touch | None = None
    crm_parts: dict[str, Any] = field(default_factory=dict)
    crm_gap: str | None = None
    is_down: bool = False
    case: Case | None = None
    ledger: dict[str, Suppression] = field(default_factory=dict)
    tasks: dict[str, WorkItem] = field(default_factory=dict)
    waiting: dict[str, Effect] = field(default_factory=dict)
    sent: list[Effect] = field(default_factory=list)
    alerts: dict[str, str] = field(default_factory=dict)
    told: list[tuple[datetime, str]] = field(default_factory=list)
    last: Decision = Decision(case=None)
    timers: dict[str, datetime] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    subscription: Subscription = field(
        default_factory=lambda: Subscription(
            id="sub_1", status=SubscriptionStatus.PAST_DUE, mrr=usd("1000")
        )
    )

    # ------------------------------------------------------------ the engine

    def judge(self) -> Decision:
        """Decide once, and write down what follows."""
        situation = self.situation()
        self.last = decide(situation)
        self.case = self.last.case
        self.ledger |= {row.subject: row for row in self.last.ledger}
        if self.last.timers is not None:
            self.timers = {timer.kind.value: timer.due for timer in self.last.timers}
        self.told += [(self.now, reason.rule) for reason in self.last.reasons]
        for effect in self.last.effects:
            if effect.kind is EffectKind.ALERT:
                self.alerts.setdefault(effect.key, str(effect.body["text"]))
            else:
                self.waiting[effect.subject] = effect
        return self.last

    def situation(self) -> Situation:
        """What would be judged now."""
        return Situation(
            account=AccountId(1),
            case=self.case,
            facts=AccountFacts(payments=Known(self.picture(), "stripe", self.now), crm=self._crm()),
            ledger=tuple(self.ledger.values()),
            policy=self.policy,
            calendar=calendar_for(
                self.policy.calendar, range(self.now.year - 1, self.now.year + 3)
            ),
            now=self.now,
            names=NAMES,
            fallback=self.fallback,
        )

    def deliver(self) -> bool:
        """Carry out what waits; what is for a CRM that is down stays. Whether Stripe changed."""
        changed = False
        for subject, effect in list(self.waiting.items()):
            if effect.kind in (EffectKind.KEEP_TASK, EffectKind.WRITE_FIELDS):
                if self.is_down:
                    continue
                self._keep(effect.body)
            else:
                self._quieten(effect)
                changed = True
            self.sent.append(effect)
            del self.waiting[subject]
        return changed

    def look(self) -> Desk:
        """Judge, deliver, and judge again if the payment system was changed."""
        for _ in range(5):
            self.judge()
            if not self.deliver():
                return self
        raise AssertionError("the account does not come to rest")

    def until(self, moment: datetime) -> Desk:
        """Move to a moment, looking whenever a timer falls due on the way, and then."""
        while stops := [due for due in self.timers.values() if due < moment]:
            self.now = max(min(stops), self.now)
            before = self.timers
            self.look()
            assert self.timers != before or min(stops) > self.now, "a timer that changes nothing"
        self.now = moment
        return self.look()

    def wait(self, **span: float) -> Desk:
        """Move on by so many days, hours or minutes."""
        return self.until(self.now + timedelta(**span))

    def sleep(self, **span: float) -> Desk:
        """Nobody is there to look for so long; then somebody is again."""
        self.now += timedelta(**span)
        return self.look()

    # ------------------------------------------------------------ what is so

    def picture(self) -> PaymentPicture:
        """What the payment system says now."""
        return PaymentPicture(
            customer=Ref("stripe", "customer", "cus_1"),
            read_at=self.now,
            name="Aurelius Partners",
            invoices=tuple(self.invoices),
            subscriptions=(self.subscription,),
            mrr_now=usd(self.mrr),
            mrr_t3m=usd(self.mrr),
        )

    def _crm(self) -> Leaf[CrmPicture]:
        if self.is_down or self.crm_gap:
            return Missing(self.crm_gap or "Salesforce does not answer")
        parts: dict[str, Any] = {
            "account": Ref("salesforce", "account", "001A"),
            "read_at": self.now,
            "name": "Aurelius Partners",
            "url": "https://example.lightning.force.com/001A",
            "people": self.people,
            "hold": self.hold,
            "promise": self.promise,
            "last_touch": Known(self.touch, "salesforce", self.now),
            "tasks": tuple(self.tasks.values()),
        }
        return Known(CrmPicture(**{**parts, **self.crm_parts}), "salesforce", self.now)

    # ------------------------------------------------------------ the vendors

    def _keep(self, body: Mapping[str, Any]) -> None:
        key, verb = str(body["key"]), body["verb"]
        before = self.tasks.get(key)
        if before is None:
            if verb != "keep":
                return
            # Whoever makes a task without saying for whom has it.
            before = WorkItem(
                id=f"00T{len(self.tasks)}", key=key, is_closed=False, owner_id="005SYNC"
            )
        changes: dict[str, Any] = {
            name: body[part]
            for name, part in (("subject", "subject"), ("description", "text"))
            if body.get(part) is not None
        }
        if body.get("owner_id") is not None:
            changes["owner_id"] = body["owner_id"]
        if body.get("due_on") is not None:
            changes["due_on"] = date.fromisoformat(body["due_on"])
        if body.get("high_priority") is not None:
            changes["priority"] = "High" if body["high_priority"] else "Normal"
        if verb != "keep":
            changes["is_closed"] = verb == "close"
            changes["status"] = "Completed" if verb == "close" else "Not Started"
        self.tasks[key] = replace(before, **changes)

    def _quieten(self, effect: Effect) -> None:
        quiet = effect.kind in (EffectKind.QUIET_INVOICE, EffectKind.QUIET_SUBSCRIPTION)
        kind, _, id = effect.subject.partition(":")
        if kind == "invoice":
            self.invoices = [
                replace(one, advances=not quiet) if one.id == id else one for one in self.invoices
            ]
        else:
            pause = Pause(behavior="keep_as_draft") if quiet else None
            self.subscription = replace(self.subscription, pause=pause)
        state = SuppressionState.QUIET if quiet else SuppressionState.RESTORED
        self.ledger[effect.subject] = replace(self.ledger[effect.subject], state=state)

    # ------------------------------------------------------------ people

    @property
    def open_case(self) -> Case:
        """The case, which is open."""
        assert self.case is not None
        assert self.case.is_open
        return self.case

    @property
    def task(self) -> WorkItem:
        """The living task."""
        assert self.case is not None
        return self.tasks[self.case.task_key]

    def hop(self, number: int) -> WorkItem:
        """The task of an escalation step, from 1."""
        assert self.case is not None
        return self.tasks[self.case.hop_key(number)]

    def person_edits(self, **fields: Any) -> None:
        """Somebody changes the living task in the CRM."""
        self.tasks[self.task.key] = replace(self.task, **fields)

    def person_types(self, *lines: str) -> None:
        """Somebody types lines at the top of the living task."""
        self.person_edits(description="\n".join([*lines, self.task.description]))

    def person_completes(self, outcome: str | None = None, meaning: Meaning | None = None) -> None:
        """Somebody completes the living task."""
        self.person_edits(is_closed=True, status="Completed", outcome=outcome, meaning=meaning)

    def person_deletes(self) -> None:
        """Somebody deletes the living task."""
        del self.tasks[self.task.key]

    def person_talks(self) -> None:
        """Somebody logs a talk with the customer."""
        self.touch = Touch(at=self.now, kind="call", who=MORGAN.name, line="spoke with them")

    def person_resolves(self, until: date | None = None) -> None:
        """Somebody sets the resolution field."""
        self.hold = HoldSignal(word=HoldWord.HELD, raw="In Resolution", until=until)

    def person_clears(self) -> None:
        """Somebody clears the resolution field."""
        self.hold = HoldSignal()

    def fails(self, **parts: Any) -> Desk:
        """A payment fails now, and somebody looks."""
        self.invoices.append(failed(self.now, **parts))
        return self.look()

    def pays(self) -> Desk:
        """The customer pays everything, and somebody looks."""
        self.invoices = [
            one if one.status.is_settled else paid(one, self.now) for one in self.invoices
        ]
        return self.look()

    # ------------------------------------------------------------ counting

    def writes(self, key: str | None = None) -> list[Effect]:
        """What was written to the CRM's tasks, oldest first."""
        return [
            one
            for one in self.sent
            if one.kind is EffectKind.KEEP_TASK and key in (None, one.body["key"])
        ]

    def heard(self, rule: str) -> list[datetime]:
        """When a rule was applied."""
        return [at for at, told in self.told if told == rule]
