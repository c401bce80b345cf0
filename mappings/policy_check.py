"""What a well-formed policy may still get wrong: rules that break what people were promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
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
from mappings.yaml_source import Document, Path

COUNTED = (Signal.SEATS, Signal.ENTITIES)
"""Signals that mean nothing without a number."""


def policy_findings(
    policy: PolicyDocument, document: Document, *, broken: AbstractSet[Path] = frozenset()
) -> Iterator[Finding]:
    """Everything wrong or doubtful in a policy that has the right shape.

    Of the `broken` parts, which something stands in for, nothing is said.
    """
    tiers = {
        number: tier
        for number, tier in enumerate(policy.tiers)
        if not broken & {("tiers",), ("tiers", number)}
    }
    yield from _tier_names(tiers, document)
    if len(tiers) == len(policy.tiers):
        yield from _tier_order(policy, document)
    for number, tier in tiers.items():
        path: Path = ("tiers", number)
        yield from _tier(tier, document, path)
        yield from _conditions(policy, tier, document, path, broken)
        if ("assumed_dunning",) not in broken:
            yield from _handoff_day(policy, tier, document, path)
    if ("hold",) not in broken:
        yield from _hold(policy, document)
    if ("escalation",) not in broken:
        yield from _escalation(policy, document)
    yield from _calendar(policy, document)
    yield from _currencies(policy, tiers, document, broken)


def handoff_day(handoff: Handoff, window_days: int | None) -> int | None:
    """On which day after the first failure a person starts; None if no day can be told."""
    match handoff:
        case OnDay(day):
            return day
        case AfterFraction(numerator, denominator) if window_days is not None:
            return -(-window_days * numerator // denominator)
        case _:
            return None


def _tier_names(tiers: Mapping[int, TierRow], document: Document) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for number, tier in tiers.items():
        first = seen.setdefault(tier.name.casefold(), number)
        if first != number:
            yield finding(
                document,
                ("tiers", number, "name"),
                f"a second tier is called {tier.name!r}; the first is in line "
                f"{document.place(('tiers', first, 'name')).line}",
                fix="Give each tier a name of its own.",
            )


def _tier_order(policy: PolicyDocument, document: Document) -> Iterator[Finding]:
    for number, tier in enumerate(policy.tiers):
        if not tier.any_of and number < len(policy.tiers) - 1:
            yield finding(
                document,
                ("tiers", number, "name"),
                f"tier {tier.name!r} takes everyone, so no tier after it is ever reached",
                fix="Move it to the end, or give it an `any_of`.",
            )
    if policy.tiers[-1].any_of:
        yield finding(
            document,
            ("tiers", len(policy.tiers) - 1, "any_of"),
            "no tier takes everyone else",
            fix="Add a last tier without `any_of`, for all accounts that no other tier takes.",
            of_key=True,
        )
    if not any(tier.vip for tier in policy.tiers):
        yield finding(
            document,
            ("tiers",),
            "no tier is for VIPs, so the CRM's word `always personal` has no effect",
            fix="Write `vip: true` in the tier that such accounts belong to.",
            severity=Severity.WARNING,
            of_key=True,
        )


def _tier(tier: TierRow, document: Document, path: Path) -> Iterator[Finding]:
    held = tier.automation is Automation.HELD
    at: Path = (*path, "handoff", "at")
    if held and isinstance(tier.handoff.at, Never):
        yield finding(
            document,
            at,
            f"tier {tier.name!r} is held and nobody is ever called: its invoices would age in "
            "silence",
            fix="Write `at: day 0`, or let the payment system's dunning run (`parallel`).",
        )
    if not held and isinstance(tier.handoff.at, AfterManualRetry):
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
    policy: PolicyDocument, tier: TierRow, document: Document, path: Path, broken: AbstractSet[Path]
) -> Iterator[Finding]:
    plans_unknown = not policy.self_serve_plans and ("self_serve_plans",) not in broken
    for number, one in enumerate(tier.any_of):
        here: Path = (*path, "any_of", number)
        if isinstance(one, ThresholdRow):
            yield from _currency(one.currency, document, (*here, "currency"))
        elif isinstance(one, SignalRow):
            yield from _signal(one, document, here)
            if one.signal is Signal.NOT_SELF_SERVE and plans_unknown:
                yield finding(
                    document,
                    here,
                    "which plans are self-serve is not said, so this signal never shows",
                    fix="List their names in `self_serve_plans`.",
                )


def _handoff_day(
    policy: PolicyDocument, tier: TierRow, document: Document, path: Path
) -> Iterator[Finding]:
    at: Path = (*path, "handoff", "at")
    window = tier.window_days
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
    if day >= last:
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
    if day > 0 and tier.automation is Automation.HELD:
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


def _hold(policy: PolicyDocument, document: Document) -> Iterator[Finding]:
    if policy.hold.warn_working_days >= policy.hold.max_working_days:
        yield finding(
            document,
            ("hold", "warn_working_days"),
            "the warning would come before the hold has begun",
            fix=f"Write less than max_working_days, which is {policy.hold.max_working_days}.",
        )


def _escalation(policy: PolicyDocument, document: Document) -> Iterator[Finding]:
    seen = set()
    for number, role in enumerate(policy.escalation):
        if role in seen:
            yield finding(
                document,
                ("escalation", number),
                f"{role.value!r} stands in the escalation twice",
                fix="Keep the first.",
            )
        seen.add(role)


def _calendar(policy: PolicyDocument, document: Document) -> Iterator[Finding]:
    calendar = policy.calendar
    for number, country in enumerate(calendar.countries):
        yield from _country(country, document, ("calendar", "countries", number))
    for country in policy.package.country_notes:
        yield from _country(country, document, ("package", "country_notes", country), of_key=True)
    if calendar.day_starts_hour >= calendar.day_ends_hour:
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


def _currencies(
    policy: PolicyDocument,
    tiers: Mapping[int, TierRow],
    document: Document,
    broken: AbstractSet[Path],
) -> Iterator[Finding]:
    yield from _currency(policy.base_currency, document, ("base_currency",))
    for currency in policy.rates:
        yield from _currency(currency, document, ("rates", currency), of_key=True)
        if currency == policy.base_currency:
            yield finding(
                document,
                ("rates", currency),
                f"{currency!r} is the base currency itself",
                fix="Remove the rate.",
                of_key=True,
            )
    if policy.base_currency not in KNOWN or broken & {("base_currency",), ("rates",)}:
        return
    comparable = {policy.base_currency, *policy.rates}
    for number, tier in tiers.items():
        for row, one in enumerate(tier.any_of):
            if not isinstance(one, ThresholdRow) or one.currency not in KNOWN:
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
