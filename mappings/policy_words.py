"""A policy as sentences, so that nobody has to read the file to know what it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from domain.facts import Role
from domain.money import Money
from domain.policy import (
    AfterFraction,
    AfterManualRetry,
    AttributeIs,
    Automation,
    Comparison,
    Condition,
    CrmRules,
    Elsewhere,
    Handoff,
    HoldStart,
    Metric,
    Never,
    OnDay,
    OnDrift,
    Policy,
    Signal,
    SignalIs,
    Span,
    TaskKind,
    Threshold,
    Tier,
)

_METRICS = {
    Metric.MRR_T3M: "the MRR averaged over the last three full months",
    Metric.MRR_NOW: "the present MRR",
    Metric.ARR: "the ARR (twelve times the present MRR)",
    Metric.INVOICE_AMOUNT: "what is open on one invoice",
}
_SIGNALS = {
    Signal.FLAG: "the customer is flagged as VIP in the payment system",
    Signal.NAMED_CSM: "a CSM is named for the account",
    Signal.NAMED_OWNER: "any owner is named for the account",
    Signal.SEATS: "seats",
    Signal.ENTITIES: "entities",
    Signal.NOT_SELF_SERVE: "the plan is not a self-serve plan",
}
_ROLES = {
    Role.CSM: "the CSM",
    Role.OWNER: "the account owner",
    Role.ESCALATION: "the escalation owner",
    Role.MANAGER: "the manager",
    Role.FALLBACK: "the fallback",
}
_TASKS = {
    TaskKind.CALL: "a task to call",
    TaskKind.EMAIL: "a task to write",
    TaskKind.TODO: "a task",
}


def explain_policy(policy: Policy) -> str:
    """The whole policy in sentences, one paragraph per tier."""
    opening = (
        f"Policy {policy.name}, version {policy.version}. The first tier that takes an account "
        "decides. In the CRM, `always personal` picks the first VIP tier and `never VIP` passes "
        "over all of them; both beat every number."
    )
    tiers = [" ".join(_tier(tier)) for tier in policy.tiers]
    return "\n\n".join([opening, *tiers, " ".join(_rest(policy))]) + "\n"


def _tier(tier: Tier) -> Iterator[str]:
    kind = "VIP tier" if tier.is_vip else "Tier"
    if tier.any_of:
        yield f"{kind} {tier.name}: {', or '.join(_condition(one) for one in tier.any_of)}."
    else:
        yield f"{kind} {tier.name}: everyone else."
    yield _automation(tier)
    yield from _person(tier)
    if tier.window_days is None:
        yield "It has no automatic end; only a person gives up."
    else:
        yield f"It is pursued for {_count(tier.window_days, 'day')}."


def _condition(condition: Condition) -> str:
    match condition:
        case Threshold():
            side = "above" if condition.op is Comparison.ABOVE else "at least"
            line = _line(condition)
            return f"{_METRICS[condition.metric]} is {side} {line}"
        case AttributeIs():
            return f"the payment system's attribute {condition.name} is {condition.value}"
        case SignalIs() if condition.at_least is not None:
            return f"the account has at least {condition.at_least} {_SIGNALS[condition.signal]}"
        case SignalIs():
            return _SIGNALS[condition.signal]
        case _:
            assert_never(condition)


def _line(threshold: Threshold) -> str:
    try:
        return Money.of(threshold.value, threshold.currency).text()
    except ValueError:
        return f"{threshold.currency.upper()} {threshold.value}"


def _automation(tier: Tier) -> str:
    match tier.automation:
        case Automation.HELD if tier.hold_start is HoldStart.INTERCEPT:
            return (
                "Stripe stays quiet from the draft on: its invoices are taken over before the "
                "first automatic try, so no automatic mail can leave (the first invoice of a new "
                "subscription has no draft and is made quiet after it)."
            )
        case Automation.HELD:
            return (
                "Stripe is made quiet when the first payment fails; the mail of that first failure "
                "may already be out."
            )
        case Automation.PARALLEL:
            return "Stripe's own dunning runs; it stops only while the CRM says in resolution."
        case Automation.UNTIL_IN_RESOLUTION:
            return "Stripe's own dunning runs beside the person until the CRM says in resolution."
        case _:
            assert_never(tier.automation)


def _person(tier: Tier) -> Iterator[str]:
    if isinstance(tier.handoff, Never):
        yield "Nobody is called: that dunning is the right path here."
        return
    urgency = " of high priority" if tier.high_priority else ""
    if tier.due_before_day is not None:
        due = f"due before day {tier.due_before_day}"
    else:
        due = f"due within {_span(tier.due)}"
    yield f"{_start(tier.handoff, tier)} a person gets {_TASKS[tier.task]}{urgency}, {due}."
    if tier.due_before_day is not None:
        rest = f"each after them within {_span(tier.snooze)}"
        yield f"If nobody acts by then, the next in the chain gets it, {rest}."
    else:
        yield f"If nobody acts within {_span(tier.snooze)}, the next in the chain gets it."


def _start(handoff: Handoff, tier: Tier) -> str:
    match handoff:
        case OnDay(0):
            return "At the first failure"
        case OnDay(day):
            return f"On day {day} after the first failure"
        case AfterFraction(numerator, denominator):
            return f"After {numerator}/{denominator} of the {tier.window_days} days"
        case AfterManualRetry():
            return f"Once a manual retry has failed too, or {_span(tier.snooze)} without one,"
        case Never():
            return "Never"
        case _:
            assert_never(handoff)


def _rest(policy: Policy) -> Iterator[str]:
    hold, calendar = policy.hold, policy.calendar
    yield f"The chain is {', then '.join(_ROLES[role] for role in policy.escalation)}."
    yield (
        "In resolution lasts until the date that a person gave, "
        f"{_count(hold.longest_days, 'day')} at most; without a date "
        f"{_count(hold.max_working_days, 'working day')}. Its owner is warned "
        f"{_count(hold.warn_working_days, 'working day')} before."
    )
    drift = "it is switched off again" if hold.on_drift is OnDrift.RESTORE else "a person is asked"
    yield f"If somebody switches Stripe's collection back on behind a hold, {drift}."
    countries = " and ".join(calendar.countries) or "no country"
    yield (
        f"Working time is {calendar.day_starts_hour}:00 to {calendar.day_ends_hour}:00 in the "
        f"person's zone ({calendar.default_zone} if unknown), without the holidays of {countries}."
    )
    yield (
        f"Stripe is taken to try {policy.attempts_assumed} times within "
        f"{_count(policy.window_assumed_days, 'day')}; a person is called before that is over."
    )
    yield from _crms(policy.crm)
    if policy.rates:
        rates = ", ".join(
            f"1 {currency.upper()} is {rate.rate} {policy.base_currency.upper()} ({rate.as_of})"
            for currency, rate in sorted(policy.rates.items())
        )
        yield f"Amounts in other currencies are compared at these rates: {rates}."
    yield "An amount that cannot be compared counts as beyond the line."


def _crms(rules: CrmRules) -> Iterator[str]:
    first = rules.primary or "the first that is configured"
    other = "keep its fields in step" if rules.elsewhere is Elsewhere.FIELDS else "get nothing"
    yield f"An account that is in several CRMs has its task in {first}; the others {other}."


def _span(span: Span) -> str:
    parts = []
    if span.days:
        parts.append(_count(span.days, "working day"))
    if span.hours:
        parts.append(_count(span.hours, "working hour"))
    return " and ".join(parts) or "no time at all"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
