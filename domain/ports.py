"""What the use cases need from the outside, by capability and always in the plural.

Every read takes a sequence and answers by item; a `KidgloveError` as an item's answer is that
item's own failure and never sinks the batch. A method raises only what concerns the whole call
(`Unauthorized`, `RateLimited`, `Transient`). A second identical call of any read is free of
consequences; a second identical write is made harmless by its key and by looking first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from domain.described import Describes as Describes
from domain.errors import KidgloveError
from domain.examining import Examines as Examines
from domain.examining import Finding as Finding
from domain.examining import Health as Health
from domain.facts import (
    Contact,
    Invoice,
    PaymentPicture,
    Person,
    Role,
    Ticket,
    Touch,
    WorkItem,
)
from domain.glancing import AccountGlance as AccountGlance
from domain.glancing import CustomerGlance as CustomerGlance
from domain.glancing import CustomersPage as CustomersPage
from domain.glancing import SurveysAccounts as SurveysAccounts
from domain.glancing import SurveysCustomers as SurveysCustomers
from domain.ids import Ref
from domain.leaf import Leaf
from domain.listing import CustomerPage as CustomerPage
from domain.listing import ListsCustomers as ListsCustomers
from domain.suggestions import SuggestsAccounts as SuggestsAccounts


@dataclass(frozen=True, kw_only=True)
class Hint:
    """Something may have changed: look at the account that owns `ref`. Never a fact in itself."""

    ref: Ref
    topic: str
    event_id: str
    at: datetime | None = None
    digest: str | None = None
    """A fingerprint of the relevant fields, so that a hint that says nothing new costs no call."""
    record: str = ""
    """The record whose fields the digest is of, where it is not `ref` itself."""
    echo_of: str | None = None
    """The key of the write that caused it, if the vendor tells. One of ours needs no look: whoever
    wrote reads back, and asks for a judgement."""


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One verified message, ready to be stored as it came. `key` is unique within `source`."""

    source: str
    key: str
    topic: str
    body: bytes
    problem: str | None = None
    """Why it goes to quarantine although it is authentic; None for a readable message."""


# ---------------------------------------------------------------- payments


class ReadsPayments(Protocol):
    """Reads the truth about customers from the payment system."""

    def read_payments(
        self, customers: Sequence[str]
    ) -> Mapping[str, PaymentPicture | KidgloveError]:
        """One picture per customer id, with open, draft and recent invoices, live subscriptions,
        declines of failing invoices, history and MRR. A deleted customer has `is_deleted`; one
        that never existed is `Gone`."""
        ...


@dataclass(frozen=True, kw_only=True)
class InvoiceSetting:
    """The quiet-relevant state of one invoice, as read."""

    status: str
    advances: bool | None
    mark: str | None = None
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SubscriptionSetting:
    """The quiet-relevant state of one subscription, as read. `pause` None means not paused."""

    status: str
    pause_behavior: str | None = None
    resumes_at: datetime | None = None
    mark: str | None = None


Setting = InvoiceSetting | SubscriptionSetting


@dataclass(frozen=True, kw_only=True)
class InvoiceChange:
    """Set whether the invoice advances by itself; `mark` None removes our note from it."""

    invoice: str
    advances: bool
    mark: str | None
    key: str


@dataclass(frozen=True, kw_only=True)
class SubscriptionChange:
    """Pause (keep as draft, until `resumes_at`) or restore collection of future invoices.

    `pause_behavior` None unsets the pause; `mark` None removes our note.
    """

    subscription: str
    pause_behavior: str | None
    resumes_at: datetime | None
    mark: str | None
    key: str


class Quiets(Protocol):
    """Switches automatic collection off and on, and reads back that it is so.

    Subjects are `invoice:<id>` and `subscription:<id>`.
    """

    def read_settings(self, subjects: Sequence[str]) -> Mapping[str, Setting | KidgloveError]:
        """The settings now, fresh from the system. A vanished object is `Gone`."""
        ...

    def change_setting(self, change: InvoiceChange | SubscriptionChange) -> None:
        """Write one change under its idempotency key. Raises the error class that says what next;
        `OutcomeUnknown` when the request may have acted."""
        ...


class Collects(Protocol):
    """Takes over the collection of a draft that was intercepted."""

    def finalize(self, invoice: str, *, key: str) -> None:
        """Finalize a draft without letting it advance. A finalized one is left as it is."""
        ...

    def pay(self, invoice: str, *, key: str) -> bool:
        """Try once to collect; True if it is paid now, False if the bank declined.

        `key` names this intended attempt and nothing else: the same key never charges twice.
        Raises `OutcomeUnknown` if no answer came."""
        ...

    def read_invoices(self, invoices: Sequence[str]) -> Mapping[str, Invoice | KidgloveError]:
        """The invoices as they are now, without declines or attempts."""
        ...


@dataclass(frozen=True, kw_only=True)
class CustomerChange:
    """These values of this customer should be so, by our names (`customer.email`, `account.tier`);
    None takes a value away. `expected` is what stood there when that was decided."""

    customer: str
    values: Mapping[str, str | None]
    expected: Mapping[str, str | None]
    key: str


@dataclass(frozen=True, kw_only=True)
class CustomerReceipt:
    """What stands there now, by our names, and what the payment system calls each of them."""

    now: Mapping[str, str | None]
    fields: Mapping[str, str]
    was_written: bool


class WritesCustomer(Protocol):
    """Writes what the CRM says of a customer: as notes of ours, or as the customer's details."""

    def write_customers(
        self, changes: Sequence[CustomerChange]
    ) -> Sequence[CustomerReceipt | KidgloveError]:
        """One answer per change, in order. Looks first: only values that differ are sent, each
        change under its key, and read back. A second identical call sends nothing. `Conflict` if
        something else stands there than was expected or is wanted; `Gone` if the customer was
        deleted. One refused change does not stop the others; raises `Unauthorized` and
        `RateLimited`, which concern all."""
        ...


@dataclass(frozen=True, kw_only=True)
class PaymentLink:
    """A bearer link on which the customer replaces the card on file. Never logged, never in a
    CRM."""

    url: str
    opens: str
    survives_expiry: bool


class MakesPaymentLinks(Protocol):
    """Makes the link that a personal mail carries."""

    def make_link(self, customer: str, *, key: str) -> PaymentLink | KidgloveError:
        """A portal session on the payment-method form, recoverable after it expires. The link is
        never opened by us."""
        ...


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some changes and where to go on. `is_last` says that the present was reached."""

    hints: tuple[Hint, ...]
    cursor: str
    is_last: bool
    raw: tuple[Incoming, ...] = ()
    """The same changes as storable messages, for sources whose changes are events."""


class ListsChanges(Protocol):
    """Lists what changed since a cursor, with enough overlap that nothing is missed."""

    def changes(self, cursor: str | None, *, now: datetime) -> Page:
        """The next page after `cursor` (None: from the start of what the vendor keeps)."""
        ...


class SendsSignals(Protocol):
    """Turns a stored message of this vendor into hints. Pure: no call is made."""

    def hints(self, body: bytes) -> Sequence[Hint]:
        """The hints in a stored body. ValueError if it cannot be read (it goes to quarantine)."""
        ...


# ---------------------------------------------------------------- CRM


@dataclass(frozen=True, kw_only=True)
class ReadPlan:
    """Which fields of the CRM the mapping wants, by the vendor's own field names.

    Of `timed_fields` it matters when each was changed; a vendor may tell or not.
    """

    account_fields: tuple[str, ...]
    people_fields: Mapping[Role, str] = field(default_factory=dict)
    contact_field: str | None = None
    task_outcome_field: str | None = None
    task_key_field: str = ""
    customer_field: str = ""
    timed_fields: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AccountRecord:
    """One CRM account as read: mapped fields raw, people and related records already understood.

    `fields_changed_at` has the timed fields whose time the vendor keeps. `digest` is that of the
    hint by which a list of changes would name the record in this state; None if lists give none.
    """

    ref: Ref
    name: str
    url: str | None
    read_at: datetime
    fields: Mapping[str, Any]
    people: Mapping[Role, Person]
    customers: tuple[str, ...]
    ap_contact: Leaf[Contact]
    tickets: Leaf[tuple[Ticket, ...]]
    last_touch: Leaf[Touch | None]
    tasks: tuple[WorkItem, ...]
    changed_by: str | None = None
    changed_at: datetime | None = None
    fields_changed_at: Mapping[str, datetime] = field(default_factory=dict)
    digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoundAccounts:
    """The answer for one look-up: every live account that claims the key, best first."""

    records: tuple[AccountRecord, ...]


class ReadsAccounts(Protocol):
    """Reads accounts with everything a case needs, in as few calls as the vendor allows."""

    def read_accounts(
        self,
        *,
        ids: Sequence[str] = (),
        customers: Sequence[str] = (),
        plan: ReadPlan,
    ) -> Mapping[str, FoundAccounts | KidgloveError]:
        """By CRM account id and by payment customer id, in one batch; answers under the id or
        customer id that was asked for. Nothing found is an empty tuple; two or more records under
        one customer are all returned, so that the caller can call it ambiguous. An id that was
        merged away answers with the survivor."""
        ...

    def person(self, id: str) -> Person | KidgloveError:
        """One colleague by id (the configured fallback), a queue counts as an active person."""
        ...


class TaskVerb(StrEnum):
    """What is wanted of a task."""

    KEEP = "keep"
    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True, kw_only=True)
class TaskChange:
    """One task should be so. Absent (None) parts are left as they are in the CRM.

    With an account the task hangs on it afterwards, also one that was made before the account was
    known. A `known_id` is that of a task which was read on its account.
    """

    key: str
    account: Ref | None
    verb: TaskVerb = TaskVerb.KEEP
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    owner_id: str | None = None
    due_on: date | None = None
    high_priority: bool | None = None
    kind: str = "call"
    contact_id: str | None = None
    remind_at: datetime | None = None
    known_id: str | None = None
    fallback_owner_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class FieldsChange:
    """These fields of this account should have these values (vendor field names, JSON values)."""

    account: Ref
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A write as read back: the record it concerns, whether it was made new, and what is there
    now."""

    ref: Ref
    was_created: bool
    now: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


class WritesCrm(Protocol):
    """Keeps tasks and fields, in as few calls as possible, each written value read back."""

    def write(
        self, changes: Sequence[TaskChange | FieldsChange]
    ) -> Sequence[Receipt | KidgloveError]:
        """One answer per change, in order. Everything of one account travels in one call; one
        refused change does not stop the others. A task is upserted by its key: a second identical
        call changes nothing and makes no second task. After an unknown outcome call again: the
        key is looked up first."""
        ...


class SweepsHolds(Protocol):
    """Lists the complete small set of accounts that matter now, whatever events were lost."""

    def accounts_on_hold(self, *, plan: ReadPlan, words: Sequence[str]) -> Sequence[Ref]:
        """Every account whose resolution field holds one of the words."""
        ...
