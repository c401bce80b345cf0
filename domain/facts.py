"""What is true about an account right now, in our own words. Read from the vendors, never stored
payloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.ids import Ref
from domain.leaf import Known, Leaf, Missing
from domain.money import Money

NOT_MAPPED = Missing("field not mapped")


class InvoiceStatus(StrEnum):
    """Where an invoice stands. A word we do not know becomes UNKNOWN, never a default."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"
    UNKNOWN = "unknown"

    @property
    def is_settled(self) -> bool:
        """Nothing is left to collect on it."""
        return self in (InvoiceStatus.PAID, InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE)


class SubscriptionStatus(StrEnum):
    """The life of a subscription; PAUSED may be a payment failure and never means resolved."""

    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    CANCELED = "canceled"
    UNKNOWN = "unknown"

    @property
    def is_live(self) -> bool:
        """Whether it can still produce invoices. Unknown counts as live: we must see its bills."""
        return self not in (SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED)


class AttemptBy(StrEnum):
    """Who tried to collect."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Decline:
    """Why the bank said no: the code with the highest authority, and what came with it."""

    code: str
    advice: str | None = None
    network_code: str | None = None
    reason: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try to collect an invoice, oldest first in every list."""

    at: datetime
    succeeded: bool
    code: str | None = None
    by: AttemptBy = AttemptBy.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Card:
    """The card on file, as far as it may be shown."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    replaced_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """One invoice. `advances` is whether the payment system acts on it by itself (None: cannot
    tell)."""

    id: str
    number: str | None
    status: InvoiceStatus
    total: Money
    remaining: Money
    created_at: datetime
    is_charged_automatically: bool
    advances: bool | None
    attempt_count: int = 0
    attempted: bool = False
    next_attempt_at: datetime | None = None
    finalized_at: datetime | None = None
    due_at: datetime | None = None
    settled_at: datetime | None = None
    subscription: str | None = None
    is_first: bool = False
    is_renewal: bool = False
    decline: Decline | None = None
    attempts: tuple[Attempt, ...] = ()
    mark: str | None = None
    paid_by: str | None = None

    @property
    def failed_at(self) -> datetime | None:
        """When collection first failed, or None."""
        failures = [attempt.at for attempt in self.attempts if not attempt.succeeded]
        if failures:
            return min(failures)
        return self.decline.at if self.decline else None


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Collection of future invoices is paused in the payment system; `resumes_at` ends it by
    itself."""

    behavior: str
    resumes_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One subscription. `mark` is our own note on it, None if we never touched it."""

    id: str
    status: SubscriptionStatus
    mrr: Money
    pause: Pause | None = None
    mark: str | None = None
    started_at: datetime | None = None
    period_end: datetime | None = None
    cancel_at: datetime | None = None
    canceled_because: str | None = None
    interval_months: int | None = None
    seats: int | None = None
    plan: str | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentHistory:
    """Earlier episodes of this account, the present one left out."""

    first_paid_at: datetime | None = None
    earlier_failures: int = 0
    resolved: int = 0
    lost: int = 0
    median_days: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentPicture:
    """Everything the payment system says about one customer at `read_at`."""

    customer: Ref
    read_at: datetime
    name: str | None = None
    email: str | None = None
    country: str | None = None
    is_deleted: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str | None] = field(default_factory=dict)
    """What the CRM may write there, by our names: the customer's own details, each present, and the
    notes of ours that there are."""
    card: Card | None = None
    invoices: tuple[Invoice, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    history: PaymentHistory = PaymentHistory()
    mrr_now: Money | None = None
    mrr_t3m: Money | None = None
    url: str | None = None
    glance: str | None = None
    """A fingerprint of what the payment system's lists show of all this (`domain.glancing`)."""

    def invoice(self, id: str) -> Invoice | None:
        """The invoice with this id, or None."""
        return next((one for one in self.invoices if one.id == id), None)

    def subscription(self, id: str) -> Subscription | None:
        """The subscription with this id, or None."""
        return next((one for one in self.subscriptions if one.id == id), None)


class Role(StrEnum):
    """The part a person plays for an account, in the order in which work may be handed on."""

    CSM = "csm"
    OWNER = "account_owner"
    ESCALATION = "escalation_owner"
    MANAGER = "manager"
    FALLBACK = "fallback"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A colleague in the CRM. Away or inactive people are never given work."""

    id: str
    name: str
    is_active: bool = True
    is_away: bool = False
    zone: str | None = None
    email: str | None = None
    title: str | None = None

    @property
    def can_take_work(self) -> bool:
        """Whether a task given to this person would be seen."""
        return self.is_active and not self.is_away


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person at the customer."""

    id: str
    name: str
    first_name: str | None = None
    email: str | None = None
    is_gone: bool = False


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One open support case."""

    id: str
    title: str
    priority: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Touch:
    """The last time customer success really spoke with the customer, our own tasks left out."""

    at: datetime
    kind: str
    who: str
    line: str


class Meaning(StrEnum):
    """What a person said by completing a task, after the mapping's translation."""

    ADVANCES = "advances"
    """They are on it: give the money two working days to arrive."""
    ASKS_AGAIN = "asks_again"
    """Nothing is settled: ask again on the next working day."""
    NOT_NEEDED = "not_needed"
    """They think that nothing is to be done; while money is open it is asked again."""
    WRONG_CONTACT = "wrong_contact"
    """They cannot reach the right person: the next in the chain may."""


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """One task of ours as it stands in the CRM now."""

    id: str
    key: str
    is_closed: bool
    subject: str = ""
    description: str = ""
    status: str | None = None
    priority: str | None = None
    due_on: date | None = None
    owner_id: str | None = None
    outcome: str | None = None
    meaning: Meaning | None = None
    closed_at: datetime | None = None
    changed_at: datetime | None = None


class HoldWord(StrEnum):
    """What the CRM's resolution field says, after the mapping's translation."""

    HELD = "held"
    RELEASED = "released"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class HoldSignal:
    """The CRM's word on this account. UNKNOWN (a word no mapping row translates) holds and asks."""

    word: HoldWord = HoldWord.SILENT
    raw: str | None = None
    until: date | None = None
    reason: str | None = None
    by: str | None = None
    seen_at: datetime | None = None
    system: str | None = None
    """In which CRM the word stands."""

    @property
    def fingerprint(self) -> str:
        """Tells this request apart from an earlier one that has run out."""
        return f"{self.word}|{self.raw or ''}|{self.until.isoformat() if self.until else ''}"


class VipOverride(StrEnum):
    """A person's word that beats every number."""

    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class CrmPicture:
    """Everything the CRM says about one account at `read_at`."""

    account: Ref
    read_at: datetime
    name: str
    url: str | None = None
    hold: HoldSignal = HoldSignal()
    promise: date | None = None
    override: VipOverride | None = None
    people: Mapping[Role, Person] = field(default_factory=dict)
    ap_contact: Leaf[Contact] = NOT_MAPPED
    tickets: Leaf[tuple[Ticket, ...]] = NOT_MAPPED
    last_touch: Leaf[Touch | None] = NOT_MAPPED
    health: Leaf[str] = NOT_MAPPED
    cs_tier: Leaf[str] = NOT_MAPPED
    expansion: Leaf[Money] = NOT_MAPPED
    renewal_call: Leaf[date] = NOT_MAPPED
    contract: Leaf[str] = NOT_MAPPED
    contract_end: Leaf[date] = NOT_MAPPED
    seats: Leaf[int] = NOT_MAPPED
    entities: Leaf[int] = NOT_MAPPED
    tasks: tuple[WorkItem, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)
    customers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    changed_at: datetime | None = None
    fields_changed_at: Mapping[str, datetime] = field(default_factory=dict)
    digest: str | None = None
    """How a list of changes would name the record in this state; see `AccountRecord`."""

    def task(self, key: str) -> WorkItem | None:
        """Our task under this key, or None."""
        return next((one for one in self.tasks if one.key == key), None)


@dataclass(frozen=True, kw_only=True)
class ErpPicture:
    """What the ERP adds to the package. Nothing reads it yet from a live system."""

    invoice_numbers: Mapping[str, str] = field(default_factory=dict)
    amounts: Mapping[str, Money] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AccountFacts:
    """The whole picture that one decision is made from.

    A part that could not be read is `Missing` with the reason; it is never guessed, and it never
    releases a hold.
    """

    payments: Leaf[PaymentPicture]
    crm: Leaf[CrmPicture]
    erp: Leaf[ErpPicture] = Missing("no ERP is connected")
    unread: tuple[str, ...] = ()
    """The other CRMs that could not be read, while this one could."""
    heard: CrmPicture | None = None
    """The account in another CRM, where it is in resolution, while this one shows nothing."""

    is_lost: bool = False
    """Whether this CRM answered, and has no record of the account."""

    @property
    def hold(self) -> HoldSignal | None:
        """The word that counts: what this CRM says, or another one while this one shows nothing.
        None if nothing was said that could be read."""
        if isinstance(self.crm, Known):
            return self.crm.value.hold
        return self.heard.hold if self.heard is not None else None
