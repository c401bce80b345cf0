"""A world of one account in a few objects: `decide`, and all it asks for carried out at once.

No database and no HTTP, so that five hundred episodes cost seconds. The payment system in it does
what Stripe does by itself: it finalizes drafts that advance, tries and retries open invoices that
advance, and mails after each failed try. Effects follow the same rules as the real deliverer: a
command happens once per key, a guard is asked first, what a person had set stays theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from domain.case import Case, Timer
from domain.decide import decide, wants_quiet
from domain.effects import Effect, EffectKind, Guard
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
    Pause,
    PaymentPicture,
    Person,
    Role,
    Subscription,
    SubscriptionStatus,
    WorkItem,
)
from domain.holds import QuietCertificate, Suppression, SuppressionState
from domain.ids import AccountId, Ref
from domain.leaf import Known, Leaf, Missing
from domain.money import Money
from domain.policy import Policy
from domain.situation import Decision, Names, Situation
from domain.workdays import Calendar
from mappings.policy_file import preset

START = datetime(2026, 11, 20, 15, tzinfo=UTC)
"""A Friday, ten in the morning in New York."""
RETRY_DAYS = (3, 5, 7, 8, 9, 11, 12, 14)
CSM = Person(id="005csm", name="Morgan Vale", zone="America/New_York")
OWNER = Person(id="005own", name="Felix Nordstrom", zone="America/New_York")
OPS = Person(id="005ops", name="Billing Ops")


@lru_cache
def policy_of(name: str) -> Policy:
    """A shipped policy, parsed once."""
    return preset(name)


def usd(minor: int) -> Money:
    return Money(minor, "usd")


@dataclass
class Slim:
    """One account. `run` judges until nothing follows; `pass_time` lets days go by."""

    policy: Policy = field(default_factory=lambda: policy_of("default"))
    now: datetime = START
    mrr: int = 1_420_000
    csm: Person | None = CSM
    card_works: bool = False
    invoices: dict[str, Invoice] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    crm: CrmPicture | Missing | None = None
    stripe_down: str | None = None
    crm_down: str | None = None
    case: Case | None = None
    ledger: dict[str, Suppression] = field(default_factory=dict)
    timers: tuple[Timer, ...] = ()
    certificate: QuietCertificate | None = None
    is_deleted: bool = False
    refuses: Callable[[Effect], bool] = lambda effect: False
    keys: set[str] = field(default_factory=set)
    sent: list[Effect] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    mails: list[tuple[datetime, str]] = field(default_factory=list)
    charges: list[tuple[datetime, str, str]] = field(default_factory=list)
    last: Decision | None = None

    def __post_init__(self) -> None:
        if not self.subscriptions:
            self.subscriptions["sub_1"] = Subscription(
                id="sub_1", status=SubscriptionStatus.ACTIVE, mrr=usd(self.mrr)
            )
        if self.crm is None:
            people = {Role.OWNER: OWNER} | ({Role.CSM: self.csm} if self.csm else {})
            self.crm = CrmPicture(
                account=Ref("crm", "account", "001"),
                read_at=self.now,
                name="Aurelius Partners",
                people=people,
            )

    # ------------------------------------------------------------ what happens in the world

    def renew(self, id: str = "in_1", *, subscription: str = "sub_1") -> str:
        """A period ends: its invoice appears as a draft, parked if the subscription is paused."""
        paused = self.subscriptions[subscription].pause is not None
        amount = self.subscriptions[subscription].mrr
        self.invoices[id] = Invoice(
            id=id,
            number=f"INV-{id}",
            status=InvoiceStatus.DRAFT,
            total=amount,
            remaining=amount,
            created_at=self.now,
            is_charged_automatically=True,
            advances=not paused,
            subscription=subscription,
            is_renewal=True,
        )
        return id

    def fail(self, id: str = "in_1") -> str:
        """Stripe's own try of an open invoice fails before anybody could react, and mails."""
        if id not in self.invoices:
            self.renew(id)
        self.change(id, status=InvoiceStatus.OPEN, finalized_at=self.now, advances=True)
        self._try(id, AttemptBy.AUTOMATIC)
        return id

    def change(self, id: str, **fields: object) -> None:
        """Somebody changes an invoice or a subscription."""
        if id in self.invoices:
            self.invoices[id] = replace(self.invoices[id], **fields)  # type: ignore[arg-type]
        else:
            self.subscriptions[id] = replace(self.subscriptions[id], **fields)  # type: ignore[arg-type]

    def pay(self, id: str = "in_1") -> None:
        """The customer pays an open invoice by hand."""
        self.charges.append((self.now, id, "customer"))
        self._settle(id)

    def cancel(self, id: str = "sub_1") -> None:
        """A person cancels a subscription: Stripe stops collecting its invoices."""
        self.change(id, status=SubscriptionStatus.CANCELED)
        for invoice in list(self.invoices.values()):
            if invoice.subscription == id and not invoice.status.is_settled:
                self.change(invoice.id, advances=False, next_attempt_at=None)

    def say(self, raw: str | None, until: date | None = None) -> None:
        """The CSM writes into the resolution field."""
        word = {
            None: HoldWord.SILENT,
            "In Resolution": HoldWord.HELD,
            "Released": HoldWord.RELEASED,
        }
        self.set_crm(
            hold=HoldSignal(
                word=word.get(raw, HoldWord.UNKNOWN), raw=raw, until=until, by="Morgan Vale"
            )
        )

    def set_crm(self, **fields: object) -> None:
        """Somebody edits the account in the CRM."""
        assert isinstance(self.crm, CrmPicture)
        self.crm = replace(self.crm, **fields)  # type: ignore[arg-type]

    def edit_task(self, **fields: object) -> None:
        """Somebody edits the living task."""
        assert isinstance(self.crm, CrmPicture)
        first, *others = self.crm.tasks
        self.set_crm(tasks=(replace(first, **fields), *others))  # type: ignore[arg-type]

    # ------------------------------------------------------------ the engine

    def situation(self) -> Situation:
        """What the engine sees now."""
        payments: Leaf[PaymentPicture]
        if self.stripe_down:
            payments = Missing(self.stripe_down)
        else:
            payments = Known(self._picture(), "stripe", self.now)
        crm: Leaf[CrmPicture]
        if self.crm_down or isinstance(self.crm, Missing) or self.crm is None:
            because = self.crm.because if isinstance(self.crm, Missing) else self.crm_down
            crm = Missing(because or "no CRM is connected")
        else:
            crm = Known(self.crm, "crm", self.now)
        return Situation(
            account=AccountId(1),
            case=self.case,
            facts=AccountFacts(payments=payments, crm=crm),
            ledger=tuple(self.ledger[subject] for subject in sorted(self.ledger)),
            policy=self.policy,
            calendar=Calendar(),
            now=self.now,
            names=Names(payments="Stripe", crm="Salesforce"),
            fallback=OPS,
        )

    def judge(self) -> Decision:
        """Decide once and keep what is to be kept; nothing is sent."""
        decision = decide(self.situation())
        self.case = decision.case
        for row in decision.ledger:
            self.ledger[row.subject] = row
        if decision.timers is not None:
            self.timers = decision.timers
            self.certificate = decision.certificate
        self.last = decision
        return decision

    def run(self, rounds: int = 12) -> Decision:
        """Decide and carry out until nothing new follows. Fails if it never comes to rest."""
        for _ in range(rounds):
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
                self._try(_id(effect), AttemptBy.MANUAL)
            case _:
                raise AssertionError(effect.kind)
        return True

    def pass_time(self, by: timedelta, *, running: bool = True) -> None:
        """Time goes by in steps of what falls due. Without `running` the engine is down."""
        target = self.now + by
        if running:
            self.run()
        while True:
            stops = [self._next_by_itself(), *(timer.due for timer in self.timers if running)]
            due = [moment for moment in stops if moment is not None and moment <= target]
            if not due:
                break
            self.now = max(min(due), self.now)
            self._play()
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

    def is_loud(self) -> bool:
        """Whether anything automatic could still happen, by the world itself and not by us."""
        live = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID)
        return any(
            one.advances is not False for one in self.invoices.values() if not one.status.is_settled
        ) or any(one.pause is None for one in self.subscriptions.values() if one.status in live)

    def settings(self) -> dict[str, object]:
        """Everything that a hold changes, of what is not settled."""
        found: dict[str, object] = {
            one.id: (one.advances, one.mark)
            for one in self.invoices.values()
            if not one.status.is_settled
        }
        return found | {one.id: (one.pause, one.mark) for one in self.subscriptions.values()}

    def task(self) -> WorkItem:
        """The one living task."""
        assert isinstance(self.crm, CrmPicture)
        assert self.case is not None
        found = [task for task in self.crm.tasks if task.key == self.case.key]
        assert len(found) == 1
        return found[0]

    def said(self) -> str:
        """The lines of the change log, one below the other."""
        return "\n".join(line.text for line in self.case.changes) if self.case else ""

    # ------------------------------------------------------------ inside

    def _picture(self) -> PaymentPicture:
        gone = self.is_deleted
        return PaymentPicture(
            customer=Ref("stripe", "customer", "cus_1"),
            read_at=self.now,
            name="Aurelius Partners",
            is_deleted=gone,
            invoices=() if gone else tuple(self.invoices.values()),
            subscriptions=() if gone else tuple(self.subscriptions.values()),
            mrr_now=usd(self.mrr),
            mrr_t3m=usd(self.mrr),
        )

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
        if not isinstance(self.crm, CrmPicture):
            return
        body, tasks = effect.body, {one.key: one for one in self.crm.tasks}
        key = str(body["key"])
        task = tasks.get(key) or WorkItem(id=f"00T{len(tasks)}", key=key, is_closed=False)
        if body.get("subject") is not None:
            task = replace(task, subject=body["subject"], description=body["text"])
        if body.get("owner_id") is not None:
            task = replace(task, owner_id=body["owner_id"])
        if body.get("due_on") is not None:
            task = replace(task, due_on=date.fromisoformat(body["due_on"]))
        if body["verb"] != "keep":
            task = replace(task, is_closed=body["verb"] == "close")
        tasks[key] = task
        self.set_crm(tasks=tuple(tasks.values()))

    def _try(self, id: str, by: AttemptBy) -> None:
        invoice = self.invoices[id]
        self.charges.append((self.now, id, by.value))
        if self.card_works:
            self._settle(id)
            return
        count = 1 if by is AttemptBy.AUTOMATIC or not invoice.attempted else 0
        attempt = Attempt(at=self.now, succeeded=False, code="insufficient_funds", by=by)
        self.change(
            id,
            attempted=True,
            attempt_count=invoice.attempt_count + count,
            attempts=(*invoice.attempts, attempt),
            decline=Decline(code="insufficient_funds", at=self.now),
        )
        if by is AttemptBy.AUTOMATIC:
            self.mails.append((self.now, id))

    def _settle(self, id: str) -> None:
        self.change(
            id, status=InvoiceStatus.PAID, remaining=usd(0), advances=False, settled_at=self.now
        )

    def _next_by_itself(self) -> datetime | None:
        """When Stripe next does something by itself."""
        moments: list[datetime] = []
        for invoice in self.invoices.values():
            at = self._next_of(invoice)
            if at is not None:
                moments.append(at)
        for one in self.subscriptions.values():
            if one.pause is not None and one.pause.resumes_at is not None:
                moments.append(one.pause.resumes_at)
        return min(moments, default=None)

    def _next_of(self, invoice: Invoice) -> datetime | None:
        if not invoice.advances or invoice.status.is_settled:
            return None
        if invoice.status is InvoiceStatus.DRAFT:
            return max(self.now, invoice.created_at + timedelta(hours=1))
        if not invoice.attempted:
            return self.now
        first = invoice.failed_at or self.now
        slots = [first + timedelta(days=day) for day in RETRY_DAYS]
        tried = max(attempt.at for attempt in invoice.attempts)
        return next((max(slot, self.now) for slot in slots if slot > tried), None)

    def _play(self) -> None:
        for invoice in list(self.invoices.values()):
            at = self._next_of(invoice)
            if at is None or at > self.now:
                continue
            if invoice.status is InvoiceStatus.DRAFT:
                self.change(invoice.id, status=InvoiceStatus.OPEN, finalized_at=self.now)
            self._try(invoice.id, AttemptBy.AUTOMATIC)
        for one in list(self.subscriptions.values()):
            if one.pause and one.pause.resumes_at and one.pause.resumes_at <= self.now:
                self.change(one.id, pause=None)


def _id(effect: Effect) -> str:
    return effect.subject.partition(":")[2]
