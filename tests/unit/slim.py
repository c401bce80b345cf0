"""A world of one account in a few objects: `decide`, and all it asks for carried out at once.

No database and no HTTP, so that five hundred episodes cost seconds. Effects follow the same rules
as the real deliverer: a command happens once per key, a guard is asked first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from domain.case import Case, Timer, TimerKind
from domain.decide import choose, decide, wants_quiet
from domain.effects import Effect, EffectKind, Guard
from domain.facts import (
    AccountFacts,
    AttemptBy,
    CrmPicture,
    HoldSignal,
    HoldWord,
    InvoiceStatus,
    Pause,
    PaymentPicture,
    Person,
    Role,
    WorkItem,
)
from domain.holds import QuietCertificate, Suppression, SuppressionState
from domain.ids import AccountId, Ref
from domain.intercepting import intercepts
from domain.leaf import Known, Leaf, Missing
from domain.policy import Policy
from domain.situation import Decision, Names, Situation
from domain.workdays import Calendar
from mappings.policy_file import preset
from tests.unit.slim_billing import Billing

CSM = Person(id="005csm", name="Morgan Vale", zone="America/New_York")
OWNER = Person(id="005own", name="Felix Nordstrom", zone="America/New_York")
OPS = Person(id="005ops", name="Billing Ops")
WORDS = {None: HoldWord.SILENT, "In Resolution": HoldWord.HELD, "Released": HoldWord.RELEASED}


@lru_cache
def policy_of(name: str) -> Policy:
    """A shipped policy, parsed once."""
    return preset(name)


@dataclass
class Slim(Billing):
    """One account. `run` judges until nothing follows; `pass_time` lets days go by."""

    policy: Policy = field(default_factory=lambda: policy_of("default"))
    csm: Person | None = CSM
    crm: CrmPicture | None = None
    tasks: dict[str, WorkItem] = field(default_factory=dict)
    stripe_down: str | None = None
    crm_down: str | None = None
    heard: CrmPicture | None = None
    unlinked: bool = False
    case: Case | None = None
    ledger: dict[str, Suppression] = field(default_factory=dict)
    timers: tuple[Timer, ...] = ()
    certificate: QuietCertificate | None = None
    was_intercepting: bool = False
    refuses: Callable[[Effect], bool] = lambda effect: False
    keys: set[str] = field(default_factory=set)
    waiting: dict[str, Effect] = field(default_factory=dict)
    sent: list[Effect] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    last: Decision | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        people = {Role.OWNER: OWNER} | ({Role.CSM: self.csm} if self.csm else {})
        self.crm = CrmPicture(
            account=Ref("crm", "account", "001"),
            read_at=self.now,
            name="Aurelius Partners",
            people=people,
        )

    # ------------------------------------------------------------ people in the CRM

    def say(self, raw: str | None, until: date | None = None) -> None:
        """The CSM writes into the resolution field."""
        word = WORDS.get(raw, HoldWord.UNKNOWN)
        self.set_crm(hold=HoldSignal(word=word, raw=raw, until=until, by="Morgan Vale"))

    def set_crm(self, **fields: object) -> None:
        """Somebody edits the account in the CRM."""
        assert self.crm is not None
        self.crm = replace(self.crm, **fields)  # type: ignore[arg-type]

    def edit_task(self, **fields: object) -> None:
        """Somebody edits the living task."""
        task = self.task()
        self.tasks[task.key] = replace(task, **fields)  # type: ignore[arg-type]

    # ------------------------------------------------------------ the engine

    def situation(self) -> Situation:
        """What the engine sees now."""
        payments: Leaf[PaymentPicture] = Known(self.picture(), "stripe", self.now)
        if self.stripe_down:
            payments = Missing(self.stripe_down)
        assert self.crm is not None
        seen = replace(self.crm, tasks=tuple(self.tasks.values()), read_at=self.now)
        crm: Leaf[CrmPicture] = Known(seen, "crm", self.now)
        if self.crm_down or self.unlinked:
            crm = Missing(self.crm_down or "no CRM account carries this customer id")
        return Situation(
            account=AccountId(1),
            case=self.case,
            facts=AccountFacts(payments=payments, crm=crm, heard=self.heard),
            ledger=tuple(self.ledger[subject] for subject in sorted(self.ledger)),
            policy=self.policy,
            calendar=Calendar(),
            now=self.now,
            names=Names(payments="Stripe", crm="Salesforce"),
            fallback=OPS,
            was_intercepting=self.was_intercepting,
        )

    def judge(self) -> Decision:
        """Decide once and keep what is to be kept; nothing is sent."""
        decision = decide(self.situation())
        self.case = decision.case
        for row in decision.ledger:
            self.ledger[row.subject] = row
        self.certificate = decision.certificate
        if decision.timers is not None:
            self.timers = decision.timers
            self.was_intercepting = intercepts(choose(self.situation()).tier)
        elif any(timer.due <= self.now for timer in self.timers):
            # What fired is gone, and an unread account is looked at again a little later.
            later = Timer(kind=TimerKind.QUIET_CHECK, due=self.now + timedelta(hours=1))
            self.timers = (*(one for one in self.timers if one.due > self.now), later)
        self.last = decision
        return decision

    def run(self, rounds: int = 12) -> Decision:
        """Decide and carry out until nothing new follows. Fails if it never comes to rest."""
        for _ in range(rounds):
            for waiting in [] if self.crm_down else list(self.waiting.values()):
                self.send(self.waiting.pop(waiting.subject))
            decision = self.judge()
            if not [one for one in decision.effects if self.send(one)]:
                return decision
        raise AssertionError(f"no rest: {[one.key for one in self.sent[-4:]]}")

    def send(self, effect: Effect) -> bool:
        """Carry one effect out as the deliverer would; False if there was nothing to do."""
        if effect.kind is not EffectKind.KEEP_TASK:
            if effect.key in self.keys:
                return False
            if self.refuses(effect):
                return False
            self.keys.add(effect.key)
        elif self.crm_down:
            # Written down, and sent when the CRM is back, unless a newer one takes its place.
            self.waiting[effect.subject] = effect
            return False
        if not self._wanted(effect):
            return True
        self.sent.append(effect)
        match effect.kind:
            case EffectKind.ALERT:
                self.alerts.append(str(effect.body["text"]))
            case EffectKind.KEEP_TASK:
                self._keep_task(effect)
            case EffectKind.QUIET_INVOICE | EffectKind.RESTORE_INVOICE:
                self._switch_invoice(effect)
            case EffectKind.QUIET_SUBSCRIPTION | EffectKind.RESTORE_SUBSCRIPTION:
                self._switch_subscription(effect)
            case EffectKind.FINALIZE_INVOICE:
                self.change(_id(effect), status=InvoiceStatus.OPEN, finalized_at=self.now)
            case EffectKind.PAY_INVOICE:
                self.try_now(_id(effect), AttemptBy.MANUAL)
            case _:
                raise AssertionError(effect.kind)
        return True

    def pass_time(self, by: timedelta, *, running: bool = True) -> None:
        """Time goes by in steps of what falls due. Without `running` the engine is down."""
        target = self.now + by
        if running:
            self.run()
        while True:
            stops = [self.next_by_itself(), *(timer.due for timer in self.timers if running)]
            due = [moment for moment in stops if moment is not None and moment <= target]
            if not due:
                break
            self.now = max(min(due), self.now)
            self.play()
            if running:
                self.run()
                late = [one for one in self.timers if one.due <= self.now]
                assert not late, f"judged at once again, for ever: {late}"
        self.now = target
        if running:
            self.run()

    def days(self, number: float, *, running: bool = True) -> None:
        """So many days go by."""
        self.pass_time(timedelta(days=number), running=running)

    # ------------------------------------------------------------ looks

    def task(self) -> WorkItem:
        """The living task of the latest case."""
        assert self.case is not None
        return self.tasks[self.case.key]

    def said(self) -> str:
        """The lines of the change log, one below the other."""
        return "\n".join(line.text for line in self.case.changes) if self.case else ""

    # ------------------------------------------------------------ inside

    def _wanted(self, effect: Effect) -> bool:
        assert self.last is not None
        match effect.guard:
            case Guard.STILL_HELD:
                return wants_quiet(self.last)
            case Guard.NO_LONGER_HELD | Guard.STILL_INTERCEPTED:
                return not wants_quiet(self.last)
            case _:
                return True

    def _switch_invoice(self, effect: Effect) -> None:
        invoice = self.invoices[_id(effect)]
        row = self.ledger[effect.subject]
        if effect.body.get("note_only"):
            self.change(invoice.id, mark=None)
            return
        if effect.kind is EffectKind.RESTORE_INVOICE:
            self.change(invoice.id, advances=effect.body["before"]["advances"], mark=None)
            self.ledger[effect.subject] = replace(
                row, state=SuppressionState.RESTORED, checked_at=self.now
            )
            return
        self.change(invoice.id, advances=False, mark=str(effect.body["mark"]))
        self.ledger[effect.subject] = replace(
            row, state=SuppressionState.QUIET, checked_at=self.now
        )

    def _switch_subscription(self, effect: Effect) -> None:
        row = self.ledger[effect.subject]
        if effect.body.get("note_only"):
            self.change(_id(effect), mark=None)
            return
        if effect.kind is EffectKind.RESTORE_SUBSCRIPTION:
            self.change(_id(effect), pause=None, mark=None)
            self.ledger[effect.subject] = replace(
                row, state=SuppressionState.RESTORED, checked_at=self.now
            )
            return
        ends = datetime.fromisoformat(str(effect.body["resumes_at"]))
        pause = Pause(behavior=str(effect.body["behavior"]), resumes_at=ends)
        self.change(_id(effect), pause=pause, mark=str(effect.body["mark"]))
        self.ledger[effect.subject] = replace(
            row, state=SuppressionState.QUIET, checked_at=self.now
        )

    def _keep_task(self, effect: Effect) -> None:
        body = effect.body
        key, verb = str(body["key"]), body["verb"]
        if verb != "keep" and key not in self.tasks:
            return
        task = self.tasks.get(key) or WorkItem(id=f"00T{len(self.tasks)}", key=key, is_closed=False)
        if body.get("subject") is not None:
            text = body.get("text") or task.description
            task = replace(task, subject=body["subject"], description=text)
        if body.get("owner_id") is not None:
            task = replace(task, owner_id=body["owner_id"])
        if body.get("due_on") is not None:
            task = replace(task, due_on=date.fromisoformat(body["due_on"]))
        if verb != "keep":
            task = replace(task, is_closed=verb == "close")
        self.tasks[key] = task


def _id(effect: Effect) -> str:
    return effect.subject.partition(":")[2]
