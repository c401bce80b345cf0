"""What a well-formed policy may still get wrong: rules that break what people were promised."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import available_timezones

from domain.money import KNOWN
from domain.policy import (
    AfterFraction,
    AfterManualRetry,
    Automation,
    Handoff,
    HoldStart,
    Never,
    OnDay,
    Signal,
)
from domain.workdays import is_zone
from mappings.calendars import known_countries
from mappings.findings import Finding, Severity, nearest
from mappings.policy_schema import PolicyDocument, SignalRow, ThresholdRow, TierRow
from mappings.reading import finding
from mappings.standing_in import Unsure
from mappings.yaml_source import Document, Path

COUNTED = (Signal.SEATS, Signal.ENTITIES)
"""Signals that mean nothing without a number."""


def policy_findings(
    policy: PolicyDocument, document: Document, unsure: Unsure
) -> Iterator[Finding]:
    """Everything wrong or doubtful in a policy that has the right shape.

    Of the unsure parts, which something stands in for, nothing is said, and nothing follows from
    them.
    """
    yield from _tier_names(policy, document, unsure)
    if not unsure.of("tiers"):
        yield from _tier_order(policy, document, unsure)
    for number, tier in enumerate(policy.tiers):
        path: Path = ("tiers", number)
        yield from _tier(tier, document, path, unsure)
        yield from _conditions(policy, tier, document, path, unsure)
        yield from _handoff_day(policy, tier, document, path, unsure)
    yield from _hold(policy, document, unsure)
    yield from _escalation(policy, document, unsure)
    yield from _calendar(policy, document, unsure)
    yield from _currencies(policy, document, unsure)


def handoff_day(handoff: Handoff, window_days: int | None) -> int | None:
    """On which day after the first failure a person starts; None if no day can be told."""
    match handoff:
        case OnDay(day):
            return day
        case AfterFraction(numerator, denominator) if window_days is not None:
            return -(-window_days * numerator // denominator)
        case _:
            return None


def _tier_names(policy: PolicyDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for number, tier in enumerate(policy.tiers):
        if unsure.of("tiers", number, "name"):
            continue
        first = seen.setdefault(tier.name.casefold(), number)
        if first != number:
            yield finding(
                document,
                ("tiers", number, "name"),
                f"a second tier is called {tier.name!r}; the first is in line "
                f"{document.place(('tiers', first, 'name')).line}",
                fix="Give each tier a name of its own.",
            )


def _tier_order(policy: PolicyDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    for number, tier in enumerate(policy.tiers):
        takes_everyone = not tier.any_of and not unsure.of("tiers", number, "any_of")
        if takes_everyone and number < len(policy.tiers) - 1:
            yield finding(
                document,
                ("tiers", number, "name"),
                f"tier {tier.name!r} takes everyone, so no tier after it is ever reached",
                fix="Move it to the end, or give it an `any_of`.",
            )
    if policy.tiers[-1].any_of and not unsure.of("tiers", len(policy.tiers) - 1):
        yield finding(
            document,
            ("tiers", len(policy.tiers) - 1, "any_of"),
            "no tier takes everyone else",
            fix="Add a last tier without `any_of`, for all accounts that no other tier takes.",
            of_key=True,
        )
    if not any(tier.vip or unsure.of("tiers", n, "vip") for n, tier in enumerate(policy.tiers)):
        yield finding(
            document,
            ("tiers",),
            "no tier is for VIPs, so the CRM's word `always personal` has no effect",
            fix="Write `vip: true` in the tier that such accounts belong to.",
            severity=Severity.WARNING,
            of_key=True,
        )


def _tier(tier: TierRow, document: Document, path: Path, unsure: Unsure) -> Iterator[Finding]:
    held = tier.automation is Automation.HELD
    at: Path = (*path, "handoff", "at")
    if unsure.of(*path, "automation"):
        return
    if held and isinstance(tier.handoff.at, Never) and not unsure.of(*at):
        yield finding(
            document,
            at,
            f"tier {tier.name!r} is held and nobody is ever called: its invoices would age in "
            "silence",
            fix="Write `at: day 0`, or let the payment system's dunning run (`parallel`).",
        )
    if not held and isinstance(tier.handoff.at, AfterManualRetry) and not unsure.of(*at):
        yield finding(
            document,
            at,
            f"tier {tier.name!r} is not held, so there is never a manual retry to wait for",
            fix="Write `automation: held`, or a day, as in `at: day 0`.",
        )
    if tier.vip and tier.automation is Automation.PARALLEL:
        yield finding(
            document,
            (*path, "automation"),
            f"tier {tier.name!r} is for VIPs, and automatic mails go on beside the person",
            fix="Write `automation: held`, or `until_in_resolution`, if that is not meant.",
            severity=Severity.WARNING,
        )
    if not held and tier.hold_start is HoldStart.INTERCEPT:
        yield finding(
            document,
            (*path, "hold_start"),
            f"tier {tier.name!r} is not held, so `hold_start` has no effect",
            fix="Remove it, or write `automation: held`.",
            severity=Severity.WARNING,
        )


def _conditions(
    policy: PolicyDocument, tier: TierRow, document: Document, path: Path, unsure: Unsure
) -> Iterator[Finding]:
    plans_unknown = not policy.self_serve_plans and not unsure.of("self_serve_plans")
    for number, one in enumerate(tier.any_of):
        here: Path = (*path, "any_of", number)
        if isinstance(one, ThresholdRow):
            if not unsure.of(*here, "currency"):
                yield from _currency(one.currency, document, (*here, "currency"))
        elif isinstance(one, SignalRow) and not unsure.of(*here, "signal"):
            if not unsure.of(*here, "at_least"):
                yield from _signal(one, document, here)
            if one.signal is Signal.NOT_SELF_SERVE and plans_unknown:
                yield finding(
                    document,
                    here,
                    "which plans are self-serve is not said, so this signal never shows",
                    fix="List their names in `self_serve_plans`.",
                )


def _handoff_day(
    policy: PolicyDocument, tier: TierRow, document: Document, path: Path, unsure: Unsure
) -> Iterator[Finding]:
    at: Path = (*path, "handoff", "at")
    window = tier.window_days
    if unsure.of(*at) or unsure.of(*path, "window_days"):
        return
    if isinstance(tier.handoff.at, AfterFraction) and window is None:
        yield finding(
            document,
            at,
            f"tier {tier.name!r} has no window of which to take a part",
            fix="Write `window_days`, or a day, as in `at: day 7`.",
        )
    day = handoff_day(tier.handoff.at, window)
    if day is None:
        return
    last = policy.assumed_dunning.days
    if day >= last and not unsure.of("assumed_dunning", "days"):
        yield finding(
            document,
            at,
            f"tier {tier.name!r} calls a person on day {day}, not before the last automatic try "
            f"on day {last}",
            fix=f"Write a day before {last}, or `never`; if the payment system is set to try for "
            "longer, say so in `assumed_dunning`.",
        )
    elif window is not None and day >= window:
        yield finding(
            document,
            at,
            f"tier {tier.name!r} calls a person on day {day}, after its own window of {window} "
            "days",
            fix="Write an earlier day or a longer window.",
        )
    if day > 0 and tier.automation is Automation.HELD and not unsure.of(*path, "automation"):
        yield finding(
            document,
            at,
            f"tier {tier.name!r} is held from the start, and nothing happens before day {day}",
            fix="Write `at: day 0` if that silence is not meant.",
            severity=Severity.WARNING,
        )
    before = tier.handoff.due_before_day
    if before is not None and before <= day:
        yield finding(
            document,
            (*path, "handoff", "due_before_day"),
            f"tier {tier.name!r} wants the task done before day {before}, but it begins on day "
            f"{day}",
            fix=f"Write a day after {day}.",
        )


def _signal(row: SignalRow, document: Document, path: Path) -> Iterator[Finding]:
    if row.signal in COUNTED and row.at_least is None:
        yield finding(
            document,
            path,
            f"the signal {row.signal.value!r} needs a number",
            fix=f"Write `{{signal: {row.signal.value}, at_least: 50}}`.",
        )
    if row.signal not in COUNTED and row.at_least is not None:
        yield finding(
            document,
            (*path, "at_least"),
            f"the signal {row.signal.value!r} is not counted",
            fix="Remove `at_least`.",
            of_key=True,
        )


def _hold(policy: PolicyDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    if any(unsure.of("hold", name) for name in ("warn_working_days", "max_working_days")):
        return
    if policy.hold.warn_working_days >= policy.hold.max_working_days:
        yield finding(
            document,
            ("hold", "warn_working_days"),
            "the warning would come before the hold has begun",
            fix=f"Write less than max_working_days, which is {policy.hold.max_working_days}.",
        )


def _escalation(policy: PolicyDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    seen = set()
    for number, role in enumerate(policy.escalation):
        if unsure.of("escalation", number):
            continue
        if role in seen:
            yield finding(
                document,
                ("escalation", number),
                f"{role.value!r} stands in the escalation twice",
                fix="Keep the first.",
            )
        seen.add(role)


def _calendar(policy: PolicyDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    calendar = policy.calendar
    for number, country in enumerate(calendar.countries):
        if not unsure.of("calendar", "countries", number):
            yield from _country(country, document, ("calendar", "countries", number))
    for country in policy.package.country_notes:
        yield from _country(country, document, ("package", "country_notes", country), of_key=True)
    hours = ("day_starts_hour", "day_ends_hour")
    hours_are_sure = not any(unsure.of("calendar", name) for name in hours)
    if hours_are_sure and calendar.day_starts_hour >= calendar.day_ends_hour:
        yield finding(
            document,
            ("calendar", "day_ends_hour"),
            f"the working day ends at {calendar.day_ends_hour}, before it starts at "
            f"{calendar.day_starts_hour}",
            fix="Write hours like 9 and 17.",
        )
    if not is_zone(calendar.default_zone):
        zone = calendar.default_zone
        yield finding(
            document,
            ("calendar", "default_zone"),
            f"no time zone is called {zone!r}",
            fix="Write it like America/New_York or Europe/Berlin.",
            suggestion=nearest(zone, sorted(available_timezones())),
        )


def _country(
    country: str, document: Document, path: Path, *, of_key: bool = False
) -> Iterator[Finding]:
    if country not in known_countries():
        yield finding(
            document,
            path,
            f"no holidays are known for country {country!r}",
            fix="Write the two capital letters of ISO 3166, like US or DE.",
            suggestion=nearest(country, sorted(known_countries())),
            of_key=of_key,
        )


def _currencies(policy: PolicyDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    base_is_sure = not unsure.of("base_currency")
    if base_is_sure:
        yield from _currency(policy.base_currency, document, ("base_currency",))
    for currency in policy.rates:
        yield from _currency(currency, document, ("rates", currency), of_key=True)
        if currency == policy.base_currency and base_is_sure:
            yield finding(
                document,
                ("rates", currency),
                f"{currency!r} is the base currency itself",
                fix="Remove the rate.",
                of_key=True,
            )
    if policy.base_currency not in KNOWN or not base_is_sure or unsure.of("rates"):
        return
    comparable = {policy.base_currency, *policy.rates}
    for number, tier in enumerate(policy.tiers):
        for row, one in enumerate(tier.any_of):
            if not isinstance(one, ThresholdRow) or one.currency not in KNOWN:
                continue
            if unsure.of("tiers", number, "any_of", row, "currency"):
                continue
            if one.currency not in comparable:
                yield finding(
                    document,
                    ("tiers", number, "any_of", row, "currency"),
                    f"there is no rate for {one.currency!r}, so amounts in other currencies count "
                    "as beyond this line",
                    fix=f"Add `{one.currency}` to `rates`, or use {policy.base_currency}.",
                    severity=Severity.WARNING,
                )


def _currency(
    currency: str, document: Document, path: Path, *, of_key: bool = False
) -> Iterator[Finding]:
    if currency not in KNOWN:
        yield finding(
            document,
            path,
            f"the currency {currency!r} is not one we can compare",
            fix="Write its ISO code in small letters, like usd or eur.",
            suggestion=nearest(currency, sorted(KNOWN)),
            of_key=of_key,
        )
