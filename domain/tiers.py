"""Which tier of the policy an account belongs to, and the reasons in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import assert_never

from domain.facts import (
    AccountFacts,
    CrmPicture,
    Invoice,
    InvoiceStatus,
    PaymentPicture,
    Role,
    VipOverride,
)
from domain.leaf import Leaf, Missing, value_or
from domain.money import KNOWN, Money, exponent
from domain.policy import (
    AttributeIs,
    Comparison,
    Condition,
    Metric,
    Policy,
    Signal,
    SignalIs,
    Threshold,
    Tier,
)

YES = frozenset({"true", "yes", "1", "y", "on"})
"""What people write into an attribute when they mean yes; anything else means no."""
MONTHS = 12
UNCOMPARED = Decimal("Infinity")
"""Where an amount that cannot be compared stands: beyond every line."""


@dataclass(frozen=True, kw_only=True)
class TierChoice:
    """The tier, why, and whether a person's word in the CRM decided it instead of the numbers."""

    tier: Tier
    reasons: tuple[str, ...]
    overridden: bool = False


def classify(facts: AccountFacts, policy: Policy) -> TierChoice:
    """The first tier of the policy that takes the account.

    A person's word beats every number: "always" picks the first VIP tier, "never" the first other
    tier that matches. An amount that cannot be compared counts as beyond the line, and the reason
    says so: too much care for an account is the cheaper mistake. ValueError if the payment
    picture is missing (nothing can be judged then) or if no tier takes the account, which the
    policy check refuses.
    """
    if isinstance(facts.payments, Missing):
        raise ValueError(f"no tier without the payment picture: {facts.payments.because}")
    payments = facts.payments.value
    crm = value_or(facts.crm, None)
    override = crm.override if crm else None
    notes = _notes(facts.crm)
    if override is VipOverride.ALWAYS:
        chosen = next((tier for tier in policy.tiers if tier.is_vip), None)
        if chosen:
            why = "a person marked this account in the CRM as always personal"
            return TierChoice(tier=chosen, reasons=(why, *notes), overridden=True)
        notes = (
            *notes,
            "the CRM says always personal, but this policy has no tier for VIPs",
        )
    passed: list[str] = []
    for tier in policy.tiers:
        held = tuple(_why(tier.any_of, payments, crm, policy))
        if tier.any_of and not held:
            continue
        if override is VipOverride.NEVER and tier.is_vip:
            passed += [f"would be {tier.name}: {reason}" for reason in held or ("takes everyone",)]
            continue
        reasons = held or ("no other tier takes this account",)
        if override is VipOverride.NEVER:
            why = "a person marked this account in the CRM as never VIP"
            reasons = (why, *reasons, *passed)
        return TierChoice(
            tier=tier,
            reasons=(*reasons, *notes),
            overridden=override is VipOverride.NEVER and bool(passed),
        )
    raise ValueError(f"policy {policy.name} version {policy.version} has no tier for everyone else")


def _notes(crm: Leaf[CrmPicture]) -> tuple[str, ...]:
    if isinstance(crm, Missing):
        return (f"the CRM was not considered: {crm.because}",)
    return ()


def _why(
    conditions: Sequence[Condition],
    payments: PaymentPicture,
    crm: CrmPicture | None,
    policy: Policy,
) -> Iterator[str]:
    """One reason for each condition that holds."""
    for condition in conditions:
        match condition:
            case Threshold():
                reason = _beyond(condition, payments, policy)
            case AttributeIs():
                reason = _attribute(condition, payments)
            case SignalIs():
                reason = _signal(condition, payments, crm, policy)
            case _:
                assert_never(condition)
        if reason:
            yield reason


# ---------------------------------------------------------------- amounts


@dataclass(frozen=True)
class _Measured:
    """An amount to compare; None when it is not known. `what` names it in a sentence."""

    what: str
    amount: Money | None


def _beyond(line: Threshold, payments: PaymentPicture, policy: Policy) -> str | None:
    """The reason of the largest amount beyond the line; one that cannot be compared is larger."""
    compared = (_compare(one, line, policy) for one in _measure(line.metric, payments))
    found = [one for one in compared if one]
    return max(found, key=lambda one: one[0])[1] if found else None


def _measure(metric: Metric, payments: PaymentPicture) -> Sequence[_Measured]:
    match metric:
        case Metric.MRR_T3M:
            return _recurring("the three-month average MRR", payments.mrr_t3m, payments)
        case Metric.MRR_NOW:
            return _recurring("the present MRR", payments.mrr_now, payments)
        case Metric.ARR:
            now = payments.mrr_now
            arr = Money(now.minor * MONTHS, now.currency) if now else None
            return _recurring("the ARR", arr, payments)
        case Metric.INVOICE_AMOUNT:
            return [
                _Measured(f"invoice {invoice.number or invoice.id}", invoice.remaining)
                for invoice in _owed(payments.invoices)
            ]
        case _:
            assert_never(metric)


def _recurring(what: str, amount: Money | None, payments: PaymentPicture) -> Sequence[_Measured]:
    if amount is None and not any(one.status.is_live for one in payments.subscriptions):
        return []  # without a subscription there is nothing recurring, which is no riddle
    return [_Measured(what, amount)]


def _owed(invoices: Sequence[Invoice]) -> Sequence[Invoice]:
    """What is open; if nothing is, the drafts that are about to be."""
    live = (InvoiceStatus.OPEN, InvoiceStatus.UNKNOWN)
    owed = [one for one in invoices if one.status in live and one.remaining.minor > 0]
    return owed or [
        one for one in invoices if one.status is InvoiceStatus.DRAFT and one.remaining.minor > 0
    ]


def _compare(measured: _Measured, line: Threshold, policy: Policy) -> tuple[Decimal, str] | None:
    """The amount and the reason if it is beyond the line, or cannot be compared with it."""
    limit = _text(line.value, line.currency)
    beyond = f"{'above' if line.op is Comparison.ABOVE else 'at least'} {limit}"
    amount = measured.amount
    if amount is None:
        return UNCOMPARED, f"{measured.what} is not known, so it counts as {beyond}"
    converted = _converted(amount, line.currency, policy)
    if isinstance(converted, Missing):
        why = f"{measured.what}, {amount.text()}, counts as {beyond}: {converted.because}"
        return UNCOMPARED, why
    value, note = converted
    is_beyond = value > line.value if line.op is Comparison.ABOVE else value >= line.value
    return (value, f"{measured.what}, {amount.text()}{note}, is {beyond}") if is_beyond else None


def worth(amount: Money, policy: Policy) -> Decimal | None:
    """The amount in the policy's own currency by its rates; None if it has none for it."""
    found = _converted(amount, policy.base_currency, policy)
    return None if isinstance(found, Missing) else found[0]


def _converted(amount: Money, currency: str, policy: Policy) -> tuple[Decimal, str] | Missing:
    """The amount in major units of `currency`, and how it was converted, or why it cannot be."""
    for one in (amount.currency, currency):
        if one not in KNOWN:
            return Missing(f"the currency {one.upper()} is not one we can compare")
    if amount.currency == currency:
        return amount.major, ""
    rates: list[Decimal] = []
    dates: list[str] = []
    for one in (amount.currency, currency):
        if one == policy.base_currency:
            rates.append(Decimal(1))
        elif one in policy.rates and policy.rates[one].rate > 0:
            rates.append(policy.rates[one].rate)
            dates.append(policy.rates[one].as_of)
        else:
            return Missing(f"the policy has no exchange rate for {one.upper()}")
    value = amount.major * rates[0] / rates[1]
    return value, f" (about {_text(value, currency)} at the rate of {', '.join(dates)})"


def _text(amount: Decimal, currency: str) -> str:
    if currency not in KNOWN:
        return f"{amount} {currency.upper()}"
    rounded = amount.quantize(Decimal(1).scaleb(-exponent(currency)), rounding=ROUND_HALF_UP)
    return Money.of(rounded, currency).text()


# ---------------------------------------------------------------- signals


def _attribute(wanted: AttributeIs, payments: PaymentPicture) -> str | None:
    found = payments.attributes.get(wanted.name)
    if found is None or found.strip().casefold() != wanted.value.strip().casefold():
        return None
    return f"the payment system's attribute {wanted.name} is {found.strip()}"


def _signal(
    wanted: SignalIs, payments: PaymentPicture, crm: CrmPicture | None, policy: Policy
) -> str | None:
    people = crm.people if crm else {}
    match wanted.signal:
        case Signal.FLAG:
            flag = payments.attributes.get("vip", "").strip().casefold()
            return "flagged as VIP in the payment system" if flag in YES else None
        case Signal.NAMED_CSM:
            return "has a named CSM" if Role.CSM in people else None
        case Signal.NAMED_OWNER:
            owners = (Role.CSM, Role.OWNER, Role.ESCALATION)
            return "has a named owner" if any(role in people for role in owners) else None
        case Signal.SEATS:
            billed = sum(one.seats or 0 for one in payments.subscriptions if one.status.is_live)
            known = value_or(crm.seats, 0) if crm else 0
            return _many("seats", max(billed, known), wanted.at_least)
        case Signal.ENTITIES:
            return _many("entities", value_or(crm.entities, 0) if crm else 0, wanted.at_least)
        case Signal.NOT_SELF_SERVE:
            return _not_self_serve(payments, policy)
        case _:
            assert_never(wanted.signal)


def _many(what: str, count: int, at_least: int | None) -> str | None:
    least = at_least if at_least is not None else 1
    return f"{count} {what}, at least {least}" if count >= least else None


def _not_self_serve(payments: PaymentPicture, policy: Policy) -> str | None:
    self_serve = {plan.casefold() for plan in policy.self_serve_plans}
    if not self_serve:
        return None  # a list nobody has filled in tells nothing about any plan
    for one in payments.subscriptions:
        if one.status.is_live and one.plan and one.plan.casefold() not in self_serve:
            return f"is on {one.plan}, which is not a self-serve plan"
    return None
