"""What a decision is made from, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.case import Case, Timer
from domain.effects import Effect
from domain.facts import AccountFacts, Person
from domain.holds import QuietCertificate, Suppression
from domain.ids import AccountId
from domain.leaf import Leaf
from domain.policy import Policy
from domain.workdays import Calendar


@dataclass(frozen=True, kw_only=True)
class Names:
    """How the outside systems are called in texts for people; data, so that no vendor is named
    here."""

    payments: str
    crm: str
    why_command: str = "kidglove case why"


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Everything `decide` may look at. `case` is the account's latest case, open or closed."""

    account: AccountId
    case: Case | None
    facts: AccountFacts
    ledger: tuple[Suppression, ...]
    policy: Policy
    calendar: Calendar
    now: datetime
    names: Names
    fallback: Person | None = None
    was_intercepting: bool = False
    """Whether the account's tier took its renewals over when it was last judged."""
    open_effects: frozenset[str] = frozenset()
    """Keys of commands that are waiting or under way, so that nothing is judged overdue too
    early."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why something was decided: the rule's id, and the sentence a person reads."""

    rule: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What should follow. `timers` None means that nothing could be judged: keep those there
    are."""

    case: Case | None
    effects: tuple[Effect, ...] = ()
    ledger: tuple[Suppression, ...] = ()
    timers: tuple[Timer, ...] | None = ()
    reasons: tuple[Reason, ...] = ()
    certificate: QuietCertificate | None = None
    ours: Mapping[str, Leaf[object]] = field(default_factory=dict)
