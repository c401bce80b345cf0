"""The policy: who is a VIP, when a person starts, what runs beside, how long, how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from domain.facts import Role


class Metric(StrEnum):
    """A number that can be compared with a line."""

    MRR_T3M = "mrr_t3m"
    MRR_NOW = "mrr_now"
    ARR = "arr"
    INVOICE_AMOUNT = "invoice_amount"


class Comparison(StrEnum):
    """On which side the line itself lies."""

    ABOVE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """True when the metric is beyond the line. An amount that cannot be compared counts as
    beyond."""

    metric: Metric
    op: Comparison
    value: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class AttributeIs:
    """True when the customer's attribute (payment-system metadata) has this value, case ignored."""

    name: str
    value: str


class Signal(StrEnum):
    """Something about the account itself that makes it a VIP."""

    FLAG = "flag"
    NAMED_CSM = "named_csm"
    NAMED_OWNER = "named_owner"
    SEATS = "seats"
    ENTITIES = "entities"
    NOT_SELF_SERVE = "not_self_serve"


@dataclass(frozen=True, kw_only=True)
class SignalIs:
    """True when the account shows the signal; `at_least` for signals that are counted."""

    signal: Signal
    at_least: int | None = None


Condition = Threshold | AttributeIs | SignalIs


class Automation(StrEnum):
    """What the payment system's own dunning may do beside a person."""

    HELD = "held"
    PARALLEL = "parallel"
    UNTIL_IN_RESOLUTION = "until_in_resolution"


class HoldStart(StrEnum):
    """When a held tier becomes quiet: before the first automatic mail, or as a reaction to it."""

    INTERCEPT = "intercept"
    REACT = "react"


@dataclass(frozen=True)
class OnDay:
    """A person starts `day` days after the first failure; 0 is at once."""

    day: int


@dataclass(frozen=True)
class AfterFraction:
    """A person starts after this fraction of the tier's window, rounded up to a whole day."""

    numerator: int
    denominator: int


@dataclass(frozen=True)
class AfterManualRetry:
    """A person starts once a manual retry has failed too, or when nobody made one within the tier's
    snooze."""


@dataclass(frozen=True)
class Never:
    """Nobody is called; the payment system's own dunning is the right path."""


Handoff = OnDay | AfterFraction | AfterManualRetry | Never


class TaskKind(StrEnum):
    """What the CSM is asked to do first."""

    CALL = "call"
    EMAIL = "email"
    TODO = "todo"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of working time: whole working days, or working hours of the owner's day."""

    days: int = 0
    hours: int = 0


@dataclass(frozen=True, kw_only=True)
class Tier:
    """One row of the policy; the first whose `any_of` holds wins, an empty `any_of` takes
    everyone."""

    name: str
    any_of: tuple[Condition, ...] = ()
    automation: Automation = Automation.PARALLEL
    hold_start: HoldStart = HoldStart.REACT
    handoff: Handoff = OnDay(0)
    due_before_day: int | None = None
    due: Span = Span(days=1)
    snooze: Span = Span(days=1)
    window_days: int | None = 14
    task: TaskKind = TaskKind.CALL
    high_priority: bool = False
    is_vip: bool = False


class OnDrift(StrEnum):
    """What to do when somebody switches automatic collection on behind a hold."""

    RESTORE = "restore"
    ASK = "ask"


@dataclass(frozen=True, kw_only=True)
class HoldRules:
    """How long a hold lasts and how it is guarded."""

    max_working_days: int = 10
    longest_days: int = 90
    warn_working_days: int = 1
    safety_days: int = 30
    on_drift: OnDrift = OnDrift.RESTORE
    recheck_minutes: int = 720
    intercept_finalize_minutes: int = 60
    intercept_hand_back_hours: int = 24


@dataclass(frozen=True, kw_only=True)
class CalendarRules:
    """Which days count as working days."""

    countries: tuple[str, ...] = ("US",)
    weekend: tuple[int, ...] = (5, 6)
    day_starts_hour: int = 9
    day_ends_hour: int = 17
    default_zone: str = "America/New_York"


@dataclass(frozen=True, kw_only=True)
class PackageRules:
    """What the context package calls stale, near or notable."""

    health_stale_days: int = 14
    renewal_near_days: int = 60
    max_read_characters: int = 3000
    country_notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExchangeRate:
    """One unit of the currency in the policy's base currency, with the date of the table it is
    from."""

    rate: Decimal
    as_of: str


class Elsewhere(StrEnum):
    """What an account gets in a CRM other than the one in which its task is."""

    FIELDS = "fields"
    """Its mapped fields are kept there too; never a task."""
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class CrmRules:
    """Where the task of an account goes that is in several CRMs.

    `primary` is a connected system's name; None is the first that is configured.
    """

    primary: str | None = None
    elsewhere: Elsewhere = Elsewhere.FIELDS


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One versioned document, evaluated per account; the same document explains every decision."""

    name: str
    version: int
    tiers: tuple[Tier, ...]
    escalation: tuple[Role, ...] = (Role.CSM, Role.OWNER, Role.ESCALATION, Role.MANAGER)
    hold: HoldRules = HoldRules()
    calendar: CalendarRules = CalendarRules()
    package: PackageRules = PackageRules()
    crm: CrmRules = CrmRules()
    base_currency: str = "usd"
    rates: Mapping[str, ExchangeRate] = field(default_factory=dict)
    attempts_assumed: int = 8
    window_assumed_days: int = 14
    self_serve_plans: tuple[str, ...] = ()

    def tier(self, name: str) -> Tier:
        """The tier of this name; KeyError if the policy has none."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise KeyError(f"policy {self.name} version {self.version} has no tier {name!r}")
