"""What a policy file may say, word by word."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    Tag,
    WithJsonSchema,
)

from domain.facts import Role
from domain.policy import (
    AfterFraction,
    AfterManualRetry,
    Automation,
    CalendarRules,
    Comparison,
    CrmRules,
    Elsewhere,
    Handoff,
    HoldRules,
    HoldStart,
    Metric,
    Never,
    OnDay,
    OnDrift,
    PackageRules,
    Signal,
    Span,
    TaskKind,
)
from mappings.findings import nearest
from mappings.reading import Amount, Shape, Whole, Word, like, mistake
from mappings.vocabulary import System

_SPAN = re.compile(r"([0-9]{1,4}) (?:working|business) (hour|day)s?")
_DAY = re.compile(r"day ([0-9]{1,4})")
_FRACTION = re.compile(r"(?:fraction )?([0-9]{1,3})/([0-9]{1,3}) of the (?:real )?window")
NO_END = "no automatic end"
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DayName = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _span(value: Any) -> Span:
    if isinstance(value, str) and (found := _SPAN.fullmatch(value)):
        count = int(found[1])
        return Span(hours=count) if found[2] == "hour" else Span(days=count)
    raise mistake(
        f"{value!r} is not a stretch of working time",
        "Write it like `4 working hours` or `1 working day`.",
    )


def _handoff(value: Any) -> Handoff:
    if value == "never":
        return Never()
    if value == "after_manual_retry":
        return AfterManualRetry()
    if isinstance(value, str) and (found := _DAY.fullmatch(value)):
        return OnDay(int(found[1]))
    if isinstance(value, str) and (found := _FRACTION.fullmatch(value)):
        numerator, denominator = int(found[1]), int(found[2])
        if not 0 < numerator < denominator:
            raise mistake(f"{value!r} is not a part of the window", "Write a part like 1/3.")
        return AfterFraction(numerator, denominator)
    forms = ["day 0", "day 7", "1/3 of the window", "after_manual_retry", "never"]
    raise mistake(
        f"{value!r} does not say when a person starts",
        f"Write it like {', '.join(forms[:-1])} or {forms[-1]}.",
        nearest(str(value), ["after_manual_retry", "never"]),
    )


def _told_span(span: Span) -> str:
    count, unit = (span.days, "day") if span.days else (span.hours, "hour")
    return f"{count} working {unit}" + ("" if count == 1 else "s")


def _told_handoff(handoff: Handoff) -> str:
    match handoff:
        case OnDay(day):
            return f"day {day}"
        case AfterFraction(numerator, denominator):
            return f"{numerator}/{denominator} of the window"
        case AfterManualRetry():
            return "after_manual_retry"
        case Never():
            return "never"


def _told_window(days: int | None) -> int | str:
    return NO_END if days is None else days


def _window(value: Any) -> int | None:
    if value == NO_END:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 366:
        return value
    raise mistake(
        f"a window cannot be {value!r}"
        if isinstance(value, str)
        else f"a window cannot be {value}",
        f"Write a whole number from 1 to 366, or `{NO_END}`.",
    )


SpanText = Annotated[
    Span,
    PlainValidator(_span),
    PlainSerializer(_told_span),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[0-9]{1,4} (working|business) (hour|day)s?$",
            "examples": ["4 working hours", "1 working day"],
        }
    ),
]
HandoffText = Annotated[
    Handoff,
    PlainValidator(_handoff),
    PlainSerializer(_told_handoff),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["day 0", "after_manual_retry", "never"]},
                {"type": "string", "pattern": "^day [0-9]{1,4}$"},
                {"type": "string", "pattern": f"^{_FRACTION.pattern}$"},
            ]
        }
    ),
]


WindowText = Annotated[
    int | None,
    PlainValidator(_window),
    PlainSerializer(_told_window),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 366}, {"const": NO_END}]}
    ),
]
PolicyName = Annotated[
    str,
    *like(r"[a-z0-9][a-z0-9-]{0,39}", "a policy's name", "Use small letters, digits and hyphens."),
]
DayText = Annotated[str, *like(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a day", "Write it like 2026-11-20.")]


_HOLD, _CALENDAR, _PACKAGE, _CRM = HoldRules(), CalendarRules(), PackageRules(), CrmRules()


class ThresholdRow(Shape):
    """A number beyond a line: `{metric: mrr_t3m, op: ">", value: 5000, currency: usd}`."""

    metric: Metric
    op: Comparison
    value: Amount
    currency: str


class AttributeRow(Shape):
    """The customer's attribute in the payment system: `{attribute: vip, is: true}`."""

    attribute: str
    is_: Word = Field(alias="is")


class SignalRow(Shape):
    """Something about the account itself: `{signal: seats, at_least: 100}`."""

    signal: Signal
    at_least: Annotated[Whole, Field(ge=1)] | None = None


KINDS = ("metric", "attribute", "signal")


def _kind(row: Any) -> str | None:
    for name in row if isinstance(row, dict) else ():
        if guess := nearest(str(name), KINDS):
            return f"<{guess}>"
    return None


_NO_KIND = {
    "text": "a condition names a metric, an attribute or a signal",
    "fix": "Write it like `{signal: flag}`, `{attribute: vip, is: true}` or "
    '`{metric: arr, op: ">=", value: 60000, currency: usd}`.',
    "suggestion": None,
}
ConditionRow = Annotated[
    Annotated[ThresholdRow, Tag("<metric>")]
    | Annotated[AttributeRow, Tag("<attribute>")]
    | Annotated[SignalRow, Tag("<signal>")],
    Discriminator(
        _kind,
        custom_error_type="kidglove",
        custom_error_message="{text}",
        custom_error_context=_NO_KIND,
    ),
]


class HandoffRow(Shape):
    """When a person starts, and what that person is asked to do."""

    at: HandoffText
    task: TaskKind = TaskKind.CALL
    due: SpanText = Span(days=1)
    due_before_day: Annotated[Whole, Field(ge=1)] | None = None
    high_priority: StrictBool = False


class TierRow(Shape):
    """One tier; the first whose `any_of` holds takes the account. Without `any_of`: everyone."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    vip: StrictBool = False
    any_of: Annotated[tuple[ConditionRow, ...], Field(min_length=1, max_length=50)] = ()
    automation: Automation = Automation.PARALLEL
    hold_start: HoldStart = HoldStart.REACT
    handoff: HandoffRow
    snooze: SpanText = Span(days=1)
    window_days: WindowText = 14


class HoldRow(Shape):
    """How long "in resolution" may last, and how it is guarded."""

    max_working_days: Annotated[Whole, Field(ge=1, le=260)] = _HOLD.max_working_days
    warn_working_days: Annotated[Whole, Field(ge=0, le=260)] = _HOLD.warn_working_days
    safety_days: Annotated[Whole, Field(ge=1, le=366)] = _HOLD.safety_days
    on_drift: OnDrift = _HOLD.on_drift
    recheck_minutes: Annotated[Whole, Field(ge=5, le=1440)] = _HOLD.recheck_minutes
    intercept_finalize_minutes: Annotated[Whole, Field(ge=1, le=4320)] = (
        _HOLD.intercept_finalize_minutes
    )
    intercept_hand_back_hours: Annotated[Whole, Field(ge=1, le=240)] = (
        _HOLD.intercept_hand_back_hours
    )


class CalendarRow(Shape):
    """Which days and hours count as working time."""

    countries: Annotated[tuple[str, ...], Field(max_length=30)] = _CALENDAR.countries
    weekend: Annotated[tuple[DayName, ...], Field(max_length=6)] = ("saturday", "sunday")
    day_starts_hour: Annotated[Whole, Field(ge=0, le=22)] = _CALENDAR.day_starts_hour
    day_ends_hour: Annotated[Whole, Field(ge=1, le=23)] = _CALENDAR.day_ends_hour
    default_zone: str = _CALENDAR.default_zone


class PackageRow(Shape):
    """What the context package calls stale, near or notable."""

    health_stale_days: Annotated[Whole, Field(ge=1)] = _PACKAGE.health_stale_days
    renewal_near_days: Annotated[Whole, Field(ge=1)] = _PACKAGE.renewal_near_days
    max_read_characters: Annotated[Whole, Field(ge=500, le=30000)] = _PACKAGE.max_read_characters
    country_notes: dict[str, str] = Field(default_factory=dict, max_length=300)


class CrmRow(Shape):
    """Which CRM gets the task of an account that is in several, and what the others get."""

    primary: System | None = None
    elsewhere: Elsewhere = _CRM.elsewhere


class RateRow(Shape):
    """One unit of the currency in the base currency, and the day the rate is from."""

    rate: Annotated[Amount, Field(gt=0)]
    as_of: DayText


class DunningRow(Shape):
    """What the payment system's own dunning is set to; no API tells it, so a person writes it."""

    attempts: Annotated[Whole, Field(ge=2, le=50)] = 8
    days: Annotated[Whole, Field(ge=1, le=120)] = 14


class PolicyDocument(Shape):
    """A policy file: who is a VIP, when a person starts, what runs beside, how long, how often."""

    policy: PolicyName
    version: Annotated[Whole, Field(ge=1)]
    tiers: Annotated[tuple[TierRow, ...], Field(min_length=1, max_length=30)]
    escalation: Annotated[tuple[Role, ...], Field(min_length=1, max_length=10)] = (
        Role.CSM,
        Role.OWNER,
        Role.ESCALATION,
        Role.MANAGER,
    )
    hold: HoldRow = HoldRow()
    calendar: CalendarRow = CalendarRow()
    package: PackageRow = PackageRow()
    crm: CrmRow = CrmRow()
    assumed_dunning: DunningRow = DunningRow()
    base_currency: str = "usd"
    rates: dict[str, RateRow] = Field(default_factory=dict, max_length=200)
    self_serve_plans: Annotated[tuple[str, ...], Field(max_length=500)] = ()
