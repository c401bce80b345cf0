"""Which tier takes an account, at the very lines where people argue about it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.facts import AccountFacts, CrmPicture, InvoiceStatus, Role, VipOverride
from domain.leaf import Missing
from domain.money import Money
from domain.policy import (
    AttributeIs,
    Automation,
    Comparison,
    ExchangeRate,
    Metric,
    Never,
    Policy,
    Signal,
    SignalIs,
    Threshold,
    Tier,
)
from domain.tiers import classify
from mappings.policy_file import preset
from tests.unit.accounts import account, invoice, picture, subscription, usd


def line(metric: Metric, op: Comparison, value: str, currency: str = "usd") -> Threshold:
    return Threshold(metric=metric, op=op, value=Decimal(value), currency=currency)


def policy(*conditions: Threshold | AttributeIs | SignalIs) -> Policy:
    """A policy with one VIP tier for these conditions, and a tier for everyone else."""
    return Policy(
        name="test",
        version=1,
        tiers=(Tier(name="vip", any_of=conditions, is_vip=True), Tier(name="rest")),
    )


def tier_of(facts: AccountFacts, name: str) -> str:
    return classify(facts, preset(name)).tier.name


# ---------------------------------------------------------------- lines


@pytest.mark.req("R28")
def test_exactly_five_thousand_stays_on_the_automated_path() -> None:
    at_the_line = classify(account(t3m=usd("5000.00")), preset("revops-sop")).tier
    above_it = classify(account(t3m=usd("5000.01")), preset("revops-sop")).tier
    assert (at_the_line.automation, at_the_line.handoff) == (Automation.PARALLEL, Never())
    assert above_it.automation is Automation.HELD


@pytest.mark.req("R29")
@pytest.mark.parametrize("name", ["revops-sop", "default"])
def test_the_average_of_three_months_decides_and_never_the_current_month(name: str) -> None:
    # [4800, 5100, 5400] averages 5100; [4900, 4900, 5200] averages 5000.
    assert tier_of(account(t3m=usd("5100"), mrr=usd("9000")), name) == "vip"
    assert tier_of(account(t3m=usd("5000"), mrr=usd("20000")), name) != "vip"


@pytest.mark.req("R30")
def test_five_hundred_a_month_gets_personal_attention_and_a_cent_less_does_not() -> None:
    assert tier_of(account(mrr=usd("500.00")), "sequence") == "high"
    assert tier_of(account(mrr=usd("499.99")), "sequence") == "mid"


@pytest.mark.req("R123", partly="the alert after the final notice")
@pytest.mark.parametrize(
    ("mrr", "tier"),
    [("49.99", "low"), ("50", "low"), ("50.01", "mid"), ("499.99", "mid"), ("500", "high")],
)
def test_the_ends_of_fifty_to_five_hundred_are_open(mrr: str, tier: str) -> None:
    assert tier_of(account(mrr=usd(mrr)), "sequence") == tier


@pytest.mark.req("R31")
def test_two_thousand_a_month_deserves_thirty_days_and_five_thousand_is_enterprise() -> None:
    hand_off = preset("hand-off")
    assert classify(account(mrr=usd("2000")), hand_off).tier.window_days == 30
    assert classify(account(mrr=usd("150")), hand_off).tier.window_days == 14
    assert tier_of(account(mrr=usd("5000")), "hand-off") == "enterprise"
    assert tier_of(account(mrr=usd("4999.99")), "hand-off") == "high"


@pytest.mark.req("R27", partly="that a changed line takes effect with the next event")
def test_an_invoice_amount_or_an_own_attribute_makes_a_vip() -> None:
    by_amount = line(Metric.INVOICE_AMOUNT, Comparison.AT_LEAST, "10000")
    by_attribute = AttributeIs(name="vip", value="true")
    large = account(invoices=(invoice(usd("40")), invoice(usd("14200"))))
    marked = account(attributes={"vip": "True"})
    assert classify(large, policy(by_amount)).tier.is_vip
    assert classify(marked, policy(by_attribute)).tier.is_vip
    assert not classify(large, policy(replace(by_amount, value=Decimal(20000)))).tier.is_vip
    assert not classify(account(attributes={"vip": "no"}), policy(by_attribute)).tier.is_vip


def test_paid_invoices_do_not_count_and_drafts_only_when_nothing_is_open() -> None:
    rule = policy(line(Metric.INVOICE_AMOUNT, Comparison.AT_LEAST, "100"))
    paid = invoice(usd("900"), status=InvoiceStatus.PAID)
    draft = invoice(usd("900"), status=InvoiceStatus.DRAFT)
    assert not classify(account(invoices=(paid,)), rule).tier.is_vip
    assert classify(account(invoices=(draft,)), rule).tier.is_vip
    assert not classify(account(invoices=(draft, invoice(usd("5")))), rule).tier.is_vip


def test_the_largest_open_invoice_is_the_one_that_is_named() -> None:
    rule = policy(line(Metric.INVOICE_AMOUNT, Comparison.ABOVE, "100"))
    facts = account(invoices=(invoice(usd("300")), invoice(usd("14200")), invoice(usd("150"))))
    assert classify(facts, rule).reasons == ("invoice INV-1420000, $14,200, is above $100",)


def test_the_arr_is_twelve_times_the_present_mrr() -> None:
    rule = policy(line(Metric.ARR, Comparison.AT_LEAST, "170400"))
    assert classify(account(mrr=usd("14200")), rule).reasons == (
        "the ARR, $170,400, is at least $170,400",
    )
    assert not classify(account(mrr=usd("14199.99")), rule).tier.is_vip


EDGES = st.sampled_from([4_999, 5_000, 5_001, 49_999, 50_000, 50_001, 499_999, 500_000, 500_001])


@given(minor=st.integers(min_value=0, max_value=2_000_000) | EDGES)
def test_half_open_intervals_have_no_gap_and_no_overlap(minor: int) -> None:
    mrr = Money(minor, "usd")
    intervals = {
        "low": minor <= 5_000,
        "mid": 5_000 < minor < 50_000,
        "high": 50_000 <= minor <= 500_000,
        "vip": minor > 500_000,
    }
    assert [name for name, takes in intervals.items() if takes] == [
        tier_of(account(t3m=mrr), "default")
    ]


# ---------------------------------------------------------------- currencies

EURO = ExchangeRate(rate=Decimal("1.08"), as_of="2026-11-01")


def test_an_amount_in_another_currency_is_compared_at_the_rate_of_the_policy() -> None:
    rule = policy(line(Metric.MRR_T3M, Comparison.ABOVE, "5000"))
    rule = replace(rule, rates={"eur": EURO})
    (reason,) = classify(account(t3m=Money.of("4700", "eur")), rule).reasons
    assert reason == (
        "the three-month average MRR, €4,700 (about $5,076 at the rate of 2026-11-01), is above "
        "$5,000"
    )
    assert not classify(account(t3m=Money.of("4600", "eur")), rule).tier.is_vip


def test_a_line_in_another_currency_is_compared_too() -> None:
    rule = policy(line(Metric.MRR_T3M, Comparison.ABOVE, "5000", "eur"))
    rule = replace(rule, rates={"eur": EURO})
    assert classify(account(t3m=usd("5400.01")), rule).tier.is_vip
    assert not classify(account(t3m=usd("5400")), rule).tier.is_vip


def test_currencies_without_decimals_are_not_a_hundred_times_too_large() -> None:
    rule = policy(line(Metric.MRR_T3M, Comparison.ABOVE, "5000"))
    rule = replace(rule, rates={"jpy": ExchangeRate(rate=Decimal("0.0065"), as_of="2026-11-01")})
    assert not classify(account(t3m=Money(700_000, "jpy")), rule).tier.is_vip
    assert classify(account(t3m=Money(800_000, "jpy")), rule).tier.is_vip


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        (Money(100, "eur"), "the policy has no exchange rate for EUR"),
        (Money(100, "xyz"), "the currency XYZ is not one we can compare"),
    ],
)
def test_an_amount_that_cannot_be_compared_counts_as_beyond_and_says_so(
    amount: Money, why: str
) -> None:
    rule = policy(line(Metric.MRR_T3M, Comparison.ABOVE, "5000"))
    choice = classify(account(t3m=amount), rule)
    assert choice.tier.is_vip
    assert choice.reasons[0].endswith(f"counts as above $5,000: {why}")


def test_an_unknown_mrr_counts_as_beyond_only_where_something_is_recurring() -> None:
    rule = policy(line(Metric.MRR_T3M, Comparison.ABOVE, "5000"))
    choice = classify(account(t3m=None, subscriptions=(subscription(),)), rule)
    assert choice.reasons == (
        "the three-month average MRR is not known, so it counts as above $5,000",
    )
    assert not classify(account(t3m=None), rule).tier.is_vip


# ---------------------------------------------------------------- signals


@pytest.mark.req("R32")
@pytest.mark.parametrize(
    ("rule", "facts", "reason"),
    [
        (
            line(Metric.MRR_NOW, Comparison.ABOVE, "5000"),
            account(mrr=usd("6000")),
            "the present MRR, $6,000, is above $5,000",
        ),
        (
            SignalIs(signal=Signal.FLAG),
            account(attributes={"vip": "yes"}),
            "flagged as VIP in the payment system",
        ),
        (
            SignalIs(signal=Signal.NAMED_CSM),
            account(crm=picture(roles=(Role.CSM,))),
            "has a named CSM",
        ),
        (
            SignalIs(signal=Signal.NAMED_OWNER),
            account(crm=picture(roles=(Role.OWNER,))),
            "has a named owner",
        ),
        (
            SignalIs(signal=Signal.SEATS, at_least=100),
            account(crm=picture(seats=120)),
            "120 seats, at least 100",
        ),
        (
            SignalIs(signal=Signal.SEATS, at_least=100),
            account(subscriptions=(subscription(seats=60), subscription(seats=40))),
            "100 seats, at least 100",
        ),
        (
            SignalIs(signal=Signal.ENTITIES, at_least=3),
            account(crm=picture(entities=3)),
            "3 entities, at least 3",
        ),
        (
            SignalIs(signal=Signal.NOT_SELF_SERVE),
            account(subscriptions=(subscription(plan="Enterprise"),)),
            "is on Enterprise, which is not a self-serve plan",
        ),
    ],
)
def test_each_signal_alone_makes_a_vip_and_is_named_as_the_reason(
    rule: Threshold | SignalIs, facts: AccountFacts, reason: str
) -> None:
    one = replace(policy(rule), self_serve_plans=("Starter", "Team"))
    choice = classify(facts, one)
    assert choice.tier.is_vip
    assert choice.reasons == (reason,)


EVERY_SIGNAL = policy(
    line(Metric.MRR_NOW, Comparison.ABOVE, "5000"),
    line(Metric.ARR, Comparison.ABOVE, "60000"),
    SignalIs(signal=Signal.FLAG),
    SignalIs(signal=Signal.NAMED_CSM),
    SignalIs(signal=Signal.NAMED_OWNER),
    SignalIs(signal=Signal.SEATS, at_least=100),
    SignalIs(signal=Signal.ENTITIES, at_least=3),
    SignalIs(signal=Signal.NOT_SELF_SERVE),
)


@pytest.mark.req("R32")
def test_an_account_with_no_signal_is_no_vip() -> None:
    one = replace(EVERY_SIGNAL, self_serve_plans=("starter",))
    facts = account(
        mrr=usd("20"), subscriptions=(subscription(),), crm=picture(seats=4, entities=1)
    )
    choice = classify(facts, one)
    assert choice.tier.name == "rest"
    assert choice.reasons == ("no other tier takes this account",)


def test_every_signal_that_holds_is_a_reason() -> None:
    facts = account(mrr=usd("6000"), attributes={"vip": "1"}, crm=picture(roles=(Role.CSM,)))
    assert classify(facts, EVERY_SIGNAL).reasons == (
        "the present MRR, $6,000, is above $5,000",
        "the ARR, $72,000, is above $60,000",
        "flagged as VIP in the payment system",
        "has a named CSM",
        "has a named owner",
    )


def test_without_a_list_of_self_serve_plans_no_plan_is_judged() -> None:
    facts = account(subscriptions=(subscription(plan="Enterprise"),))
    assert not classify(facts, policy(SignalIs(signal=Signal.NOT_SELF_SERVE))).tier.is_vip


# ---------------------------------------------------------------- a person's word


def marked(override: VipOverride) -> CrmPicture:
    return picture(override=override)


@pytest.mark.req("R33")
@pytest.mark.parametrize(
    "name", ["default", "relationship-first", "revops-sop", "hand-off", "sequence"]
)
def test_always_personal_beats_every_number(name: str) -> None:
    facts = account(mrr=usd("1"), t3m=usd("1"), crm=marked(VipOverride.ALWAYS))
    choice = classify(facts, preset(name))
    assert choice.tier == next(tier for tier in preset(name).tiers if tier.is_vip)
    assert choice.overridden
    assert choice.reasons == ("a person marked this account in the CRM as always personal",)


@pytest.mark.req("R33")
def test_never_vip_picks_the_first_other_tier_that_matches_and_says_what_it_passed_over() -> None:
    facts = account(mrr=usd("9000"), t3m=usd("9000"), crm=marked(VipOverride.NEVER))
    choice = classify(facts, preset("default"))
    assert choice.tier.name == "high"
    assert choice.overridden
    assert choice.reasons == (
        "a person marked this account in the CRM as never VIP",
        "the three-month average MRR, $9,000, is at least $500",
        "would be vip: the three-month average MRR, $9,000, is above $5,000",
    )


def test_never_vip_changes_nothing_for_an_account_that_is_none() -> None:
    facts = account(t3m=usd("20"), crm=marked(VipOverride.NEVER))
    choice = classify(facts, preset("default"))
    assert choice.tier.name == "low"
    assert not choice.overridden


def test_always_personal_without_a_tier_for_vips_is_said_and_the_numbers_decide() -> None:
    plain = Policy(name="plain", version=1, tiers=(Tier(name="rest"),))
    choice = classify(account(crm=marked(VipOverride.ALWAYS)), plain)
    assert choice.tier.name == "rest"
    assert not choice.overridden
    assert choice.reasons[-1] == (
        "the CRM says always personal, but this policy has no tier for VIPs"
    )


# ---------------------------------------------------------------- what is missing


def test_without_the_payment_picture_nothing_is_judged() -> None:
    facts = AccountFacts(payments=Missing("Stripe was not reached"), crm=Missing("not asked"))
    with pytest.raises(ValueError, match="Stripe was not reached"):
        classify(facts, preset("default"))


def test_a_crm_that_was_not_read_is_named_and_its_signals_are_not_guessed() -> None:
    choice = classify(account(t3m=usd("20"), crm=Missing("the CRM was down")), preset("default"))
    assert choice.tier.name == "low"
    assert choice.reasons[-1] == "the CRM was not considered: the CRM was down"


def test_a_policy_that_takes_not_everyone_is_refused_with_its_name() -> None:
    lonely = Policy(
        name="lonely",
        version=7,
        tiers=(Tier(name="vip", any_of=(SignalIs(signal=Signal.NAMED_CSM),)),),
    )
    with pytest.raises(ValueError, match="lonely version 7 has no tier for everyone else"):
        classify(account(), lonely)
