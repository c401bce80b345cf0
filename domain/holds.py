"""Why an account is to be quiet, until when, and what was changed to make it so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, assert_never


@dataclass(frozen=True, kw_only=True)
class HeldByPolicy:
    """The tier is handled by people only. Ends with the case; it has no date."""

    tier: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class HeldByWord:
    """A person set the CRM's resolution field. Ends at `until`, which is never absent."""

    raw: str
    by: str | None
    since: datetime
    until: datetime
    fingerprint: str
    is_understood: bool = True
    dated_by_person: bool = False
    system: str | None = None
    """In which CRM the word stands; an account can be in several."""


@dataclass(frozen=True, kw_only=True)
class HeldByPromise:
    """The customer named a date. Ends on the morning after it."""

    promised: date
    since: datetime
    until: datetime


Hold = HeldByPolicy | HeldByWord | HeldByPromise


def ends_at(hold: Hold) -> datetime | None:
    """When the hold ends by itself; None for a policy hold, which only the case's end lifts."""
    match hold:
        case HeldByPolicy():
            return None
        case HeldByWord() | HeldByPromise():
            return hold.until
        case _:
            assert_never(hold)


def provenance(hold: Hold) -> str:
    """One line for people and for the audit: who asked, where, since when."""
    since = hold.since.date().isoformat()
    match hold:
        case HeldByPolicy():
            return f"policy tier {hold.tier}, since {since}"
        case HeldByWord():
            return f"CRM says {hold.raw!r}, set by {hold.by or 'an unnamed person'}, since {since}"
        case HeldByPromise():
            return f"promised for {hold.promised.isoformat()}, since {since}"
        case _:
            assert_never(hold)


class SuppressionState(StrEnum):
    """Where one changed setting stands."""

    WANTED = "wanted"
    """We intend to change it; the snapshot may not be taken yet."""
    QUIET = "quiet"
    """Changed by us and read back so."""
    FOREIGN = "foreign"
    """A person had set it before us, or changed it behind us: we leave it alone."""
    RESTORED = "restored"
    """Put back exactly as found, and read back so."""
    MOOT = "moot"
    """Nothing is left to restore: paid, voided, cancelled or deleted meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """One row of the hold ledger: one object, what it was before us, and what it is now.

    `before` is the exact setting found before the first write of this hold and is never
    overwritten by a later attempt. `drifts` counts how often somebody switched it back. From
    `taken_at` on the object is in our hands: what happened to it since may have left no trace.
    """

    subject: str
    hold_number: int
    state: SuppressionState
    before: Mapping[str, Any] = field(default_factory=dict)
    checked_at: datetime | None = None
    drifts: int = 0
    is_intercept: bool = False
    taken_at: datetime | None = None

    @property
    def is_ours(self) -> bool:
        """Whether there is something of ours to restore."""
        return self.state in (SuppressionState.WANTED, SuppressionState.QUIET)


class Quiet(StrEnum):
    """Whether the payment system is quiet for this account, as read back."""

    QUIET = "quiet"
    NOT_QUIET = "not_quiet"
    UNKNOWN = "unknown"
    OFF = "off"
    """Nobody asked for quiet."""


@dataclass(frozen=True, kw_only=True)
class QuietCertificate:
    """The proof that a person reads: what is quiet, and when that was last read back."""

    state: Quiet
    invoices: int = 0
    subscriptions: int = 0
    checked_at: datetime | None = None
    until: datetime | None = None
    because: str = ""
