"""What the durable store hands out: plain values that the use cases work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from domain.case import Case
from domain.effects import EffectKind, Guard
from domain.ids import AccountId, CaseId, Ref
from domain.merge import Base

EVALUATE = "evaluate"
"""The lane in which an account is read and judged; every other lane is named for its system."""


class Urgency(IntEnum):
    """The relay's order. Lower goes first; bulk work never delays a case of a VIP."""

    VIP = 0
    NORMAL = 5
    BULK = 9


@dataclass(frozen=True)
class Mark:
    """That an account must be looked at again: how soon, and because of what."""

    urgency: Urgency
    cause: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What hangs on news of an account, as it was last judged. Nobody is judged at first."""

    wants_quiet: bool = False
    intercepts: bool = False
    has_case: bool = False


class InboxState(StrEnum):
    """What became of a stored message."""

    NEW = "new"
    DONE = "done"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, kw_only=True)
class InboxRow:
    """One stored message as it came."""

    id: int
    source: str
    key: str
    topic: str
    body: bytes
    received_at: datetime


class LinkState(StrEnum):
    """Whether an outside record surely belongs to an account of ours."""

    CONFIRMED = "confirmed"
    SUGGESTED = "suggested"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


BY_A_PERSON = "confirmed by a person"
"""The reason of a link that stands whatever the record itself says of its customer."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """One outside record and the account it belongs to, or why that is not sure."""

    account: AccountId | None
    system: str
    kind: str
    external_id: str
    state: LinkState
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class LeasedLane:
    """One lane held by this worker until `fence` is superseded. `seq` is what was read of
    `dirty_seq`."""

    account: AccountId
    kind: str
    fence: int
    seq: int
    urgency: Urgency
    cause: str


@dataclass(frozen=True, kw_only=True)
class StoredCase:
    """A case with its row's id and the version that a writer must still find."""

    id: CaseId
    version: int
    case: Case


class EffectState(StrEnum):
    """Where an effect stands."""

    WAITING = "waiting"
    SENDING = "sending"
    DONE = "done"
    OBSERVED = "observed"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    """One of too many at once: it waits until a person lets it go or drops it."""
    PARKED = "parked"
    DEAD = "dead"


class EffectMode(StrEnum):
    """Whether effects of a kind are dropped, written down, or carried out."""

    OFF = "off"
    OBSERVE = "observe"
    ACT = "act"


@dataclass(frozen=True, kw_only=True)
class StoredEffect:
    """One effect row. `snapshot` is what was found before the first write and is never replaced."""

    id: int
    account: AccountId
    case_id: CaseId | None
    kind: EffectKind
    system: str
    subject: str
    key: str
    body: Mapping[str, Any]
    guard: Guard
    rule: str
    state: EffectState
    attempts: int
    cause: str
    config_version: str
    created_at: datetime
    snapshot: Mapping[str, Any] | None = None
    last_error_code: str | None = None
    last_error: str | None = None
    receipt: Mapping[str, Any] | None = None
    not_before: datetime | None = None
    done_at: datetime | None = None
    round: int = 0
    """How often it was answered with a failure, or sent again. Unlike `attempts` it only grows."""


@dataclass(frozen=True, kw_only=True)
class WrittenValue:
    """One value that we put into an outside system, and everything that explains it."""

    system: str
    record: str
    field: str
    value: Any
    at: datetime
    effect_id: int
    rule: str
    cause: str
    config_version: str
    actor: str = "kidglove"
    wins: str | None = None
    """The winner that the mapping's row names; None for what no row writes."""
    replaced: Any = None
    """The value that lost: what stood there before; None if nothing did."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Two values of one field between which a person has to choose."""

    ours: Any
    theirs: Any
    asked_at: datetime


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """What is remembered of one mapped field of one record. `effect_id` is the write after which
    both agreed; None if they did so without one."""

    base: Base | None
    at: datetime
    effect_id: int | None = None
    question: Question | None = None


@dataclass(frozen=True, kw_only=True)
class KnownCustomer:
    """The account of a payment customer, and the glance of its last whole read. Without an account
    a person has said that the customer is nobody's, or it is not sure whose."""

    account: AccountId | None
    glance: str | None = None


@dataclass(frozen=True, kw_only=True)
class KnownRecord:
    """One CRM record as it was last read whole."""

    ref: Ref
    fields: Mapping[str, Any]
    read_at: datetime


@dataclass(frozen=True, kw_only=True)
class KnownAccount:
    """What the store knows of one account, to tell whether a glance shows anything new.

    `is_busy` says that a case is open, something is held, something of ours is to be given back, or
    a write was last held back. `seen_at` is when the payment system's list last showed it,
    `read_at` when it was last read whole, `judged_by` the configuration in force when it was last
    judged. `records` are its CRM records as last read, by system; `home` is where its task belongs.
    """

    account: AccountId
    created_at: datetime
    is_busy: bool
    links: tuple[Link, ...]
    agreed: Mapping[str, Mapping[str, Agreed]]
    seen_at: datetime | None = None
    read_at: datetime | None = None
    judged_by: str | None = None
    home: str | None = None
    records: Mapping[str, KnownRecord] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AskedField:
    """One open question and where it is asked."""

    account: AccountId
    system: str
    record: str
    field: str
    agreed: Agreed


@dataclass(frozen=True, kw_only=True)
class FieldWrite:
    """One write of mapped fields, in the CRM or on the customer: what stood there, what we asked
    for, what was read back.

    `now` None says that nothing was; a field that is not in it was left alone. Of a write that is
    not `is_done` nobody knows whether it arrived. `crm_record` is the record whose agreement it is
    about, `keys` are the names of the agreements, by field, `names` what the vendor calls a field
    where we call it otherwise.
    """

    id: int
    account: AccountId
    has_case: bool
    system: str
    record: str
    crm_record: str
    on_customer: bool
    before: Mapping[str, Any]
    values: Mapping[str, Any]
    now: Mapping[str, Any] | None
    rule: str
    keys: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    is_done: bool = True


@dataclass(frozen=True, kw_only=True)
class AuditLine:
    """One line of the story of an account."""

    at: datetime
    actor: str
    kind: str
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Stance:
    """What was last decided for an account, against which guards are tested right before a call.

    `judged_by` names the policy and mappings in force then.
    """

    wants_quiet: bool
    evaluated_at: datetime
    intercepts: bool = False
    judged_by: str | None = None
