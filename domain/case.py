"""A case: one payment episode of one account, from the first failure to the last word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from domain.facts import Meaning, Role
from domain.holds import HeldByPromise, HeldByWord
from domain.ids import AccountId


class CaseState(StrEnum):
    """Where the episode stands."""

    WATCHING = "watching"
    """A payment failed and the payment system's own dunning deals with it; no person is due yet."""
    WITH_PERSON = "with_person"
    """A task is open and it is a person's turn."""
    IN_RESOLUTION = "in_resolution"
    """A person said in the CRM that it is being fixed."""
    PROMISED = "promised"
    """The customer named a date and we wait for it."""
    CLOSED = "closed"

    @property
    def needs_person(self) -> bool:
        """Whether an open work item must exist in this state."""
        return self in (CaseState.WITH_PERSON, CaseState.IN_RESOLUTION, CaseState.PROMISED)


class Outcome(StrEnum):
    """How a case ended."""

    PAID = "paid"
    VOIDED = "voided"
    LOST = "lost"
    RELEASED = "released"


class TimerKind(StrEnum):
    """Why an account must be looked at again at a given time."""

    HANDOFF = "handoff"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    HOLD_WARNING = "hold_warning"
    HOLD_EXPIRY = "hold_expiry"
    PROMISE = "promise"
    SAFETY_RENEWAL = "safety_renewal"
    QUIET_CHECK = "quiet_check"
    INTERCEPT = "intercept"
    NEXT_ATTEMPT = "next_attempt"


@dataclass(frozen=True, kw_only=True)
class Timer:
    """Look at the account again at `due`. One per kind and account; a later decision replaces
    it."""

    kind: TimerKind
    due: datetime


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One step of the escalation that has happened."""

    role: Role
    person_id: str
    person_name: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something a person added to the case."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ChangeLine:
    """One dated line of the living task's change log."""

    at: datetime
    text: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """One episode. `key` names its task everywhere; `number` counts the account's episodes from
    1."""

    account: AccountId
    number: int
    key: str
    state: CaseState
    opened_at: datetime
    tier: str
    tier_reasons: tuple[str, ...] = ()
    invoices: tuple[str, ...] = ()
    hold_number: int = 0
    policy_hold_since: datetime | None = None
    word: HeldByWord | None = None
    promise: HeldByPromise | None = None
    spent_word: str | None = None
    warned_word: str | None = None
    spent_promise: date | None = None
    assignee_id: str | None = None
    assignee_name: str | None = None
    assigned_as: Role | None = None
    """The part for which we chose the assignee; None once a person gave it to somebody."""
    assigned_at: datetime | None = None
    due_on: date | None = None
    rest_due: date | None = None
    """The due day that a wait in force has set, so that it goes with the wait."""
    window_opened_at: datetime | None = None
    window_ends_at: datetime | None = None
    active_at: datetime | None = None
    """When somebody last worked on the task itself: a note in it, another status."""
    reminded_at: datetime | None = None
    hops: tuple[Hop, ...] = ()
    is_chain_exhausted: bool = False
    expedited_at: datetime | None = None
    expedite_reason: str | None = None
    reopened: int = 0
    last_outcome: str | None = None
    last_meaning: Meaning | None = None
    notes: tuple[Note, ...] = ()
    changes: tuple[ChangeLine, ...] = ()
    outcome: Outcome | None = None
    closed_at: datetime | None = None
    quieted_at: datetime | None = None
    seen_due: date | None = None
    seen_owner: str | None = None
    seen_status: str | None = None
    seen_closed: bool = False
    sent_dues: tuple[date, ...] = ()
    """What we wrote and have not seen arrive, as `sent_owners` and all but the first of
    `sent_texts`, which is the one that people see. None of it may be taken for their doing."""
    sent_owners: tuple[str, ...] = ()
    sent_texts: tuple[str, ...] = ()
    sent_high: bool | None = None
    task_digest: str | None = None
    task_text: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the episode is still going on."""
        return self.state is not CaseState.CLOSED

    def logged(self, at: datetime, text: str) -> Case:
        """The case with one more line in its change log."""
        return replace(self, changes=(*self.changes, ChangeLine(at=at, text=text)))

    @property
    def task_key(self) -> str:
        """The unique key of the living task in the CRM (letters, digits, `-`)."""
        return self.key

    def hop_key(self, number: int) -> str:
        """The unique key of the task that escalation step `number` (from 1) gives to somebody."""
        return f"{self.key}-e{number}"
