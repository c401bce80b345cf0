"""Monthly revenue now, over three months, and the history behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.stripe import wire
from connectors.stripe.history import DEBIT_IS_SLOW, payment_history
from connectors.stripe.mrr import Catalog, PriceUnknown, largest, subscription_mrr
from connectors.stripe.trailing import touches, trailing_months, trailing_mrr
from domain.facts import PaymentHistory
from domain.money import Money
from tests.connectors.stripe_stage import (
    Json,
    invoice,
    item,
    line,
    listed,
    paid_invoice,
    price,
    seconds,
    subscription,
)

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOTHING = Catalog(prices={}, coupons={})


def mrr(*items: Json, catalog: Catalog = NOTHING, **over: Any) -> Money:
    return subscription_mrr(
        wire.parse(wire.Subscription, subscription(*items, **over)), catalog, at=AT
    )


def every(interval: str, count: int = 1, usage: str = "licensed") -> Json:
    return {"interval": interval, "interval_count": count, "usage_type": usage}


def coupon(**over: Any) -> Json:
    made = {"id": "co_1", "duration": "forever", "percent_off": None, "amount_off": None} | over
    return {"id": "di_1", "end": made.pop("end", None), "source": {"coupon": made}}


# ---------------------------------------------------------------- now


@pytest.mark.parametrize(
    ("recurring", "unit", "monthly"),
    [
        (every("month"), "1000", 1000),
        (every("month", 3), "3000", 1000),
        (every("year"), "12000", 1000),
        (every("year", 2), "24000", 1000),
        (every("week"), "1200", 5200),
        (every("day"), "1200", 36500),
    ],
)
def test_every_interval_becomes_a_month(recurring: Json, unit: str, monthly: int) -> None:
    one = item(quantity=1, price=price(recurring=recurring, unit_amount_decimal=unit))
    assert mrr(one) == Money(monthly, "usd")


def test_each_item_is_brought_to_a_month_by_itself() -> None:
    yearly = item(
        id="si_2", quantity=1, price=price(recurring=every("year"), unit_amount_decimal="12000")
    )
    assert mrr(item(quantity=1), yearly) == Money(51000, "usd")


@pytest.mark.parametrize(
    ("status", "counts"),
    [("active", True), ("past_due", True), ("trialing", False), ("unpaid", False),
     ("paused", False), ("incomplete", False), ("canceled", False), ("hibernating", False)],
)  # fmt: skip
def test_only_what_is_really_billed_counts(status: str, *, counts: bool) -> None:
    assert (mrr(status=status).minor > 0) is counts


@pytest.mark.parametrize(
    ("behavior", "counts"),
    [("keep_as_draft", True), ("void", False), ("mark_uncollectible", False)],
)
def test_a_pause_that_gives_the_money_up_counts_as_none(behavior: str, *, counts: bool) -> None:
    assert (mrr(pause_collection={"behavior": behavior}).minor > 0) is counts


def test_a_planned_cancellation_still_counts() -> None:
    assert mrr(cancel_at_period_end=True) == Money(250000, "usd")


def test_metered_usage_is_left_out() -> None:
    metered = price(recurring=every("month", usage="metered"))
    assert mrr(item(price=metered, quantity=None)) == Money(0, "usd")


def test_parts_of_a_cent_are_kept_until_the_end() -> None:
    tiny = item(quantity=1000, price=price(unit_amount=None, unit_amount_decimal="0.15"))
    assert mrr(tiny) == Money(150, "usd")


@pytest.mark.parametrize(("round_", "monthly"), [("up", 300), ("down", 200)])
def test_packages_are_counted_as_the_price_says(round_: str, monthly: int) -> None:
    packs = price(unit_amount_decimal="100", transform_quantity={"divide_by": 10, "round": round_})
    assert mrr(item(quantity=25, price=packs)) == Money(monthly, "usd")


TIERS = [
    {"up_to": 10, "unit_amount_decimal": "100", "flat_amount_decimal": "500"},
    {"up_to": None, "unit_amount_decimal": "50", "flat_amount_decimal": None},
]


@pytest.mark.parametrize(
    ("mode", "quantity", "monthly"),
    [("graduated", 10, 1500), ("graduated", 12, 1600), ("volume", 10, 1500), ("volume", 12, 600)],
)
def test_tiers_are_summed_by_their_mode(mode: str, quantity: int, monthly: int) -> None:
    tiered = price(billing_scheme="tiered", tiers_mode=mode, unit_amount_decimal=None)
    known = wire.parse(wire.Price, tiered | {"tiers": TIERS})
    catalog = Catalog(prices={"price_1": known}, coupons={})
    assert mrr(item(quantity=quantity, price=tiered), catalog=catalog) == Money(monthly, "usd")


@pytest.mark.parametrize(
    "odd",
    [
        price(billing_scheme="tiered", tiers_mode="volume"),
        price(recurring=None),
        price(recurring=every("fortnight")),
        price(unit_amount=None, unit_amount_decimal=None),
    ],
)
def test_a_price_that_cannot_be_worked_out_is_said_to_be_so(odd: Json) -> None:
    with pytest.raises(PriceUnknown):
        mrr(item(price=odd))


@pytest.mark.parametrize(
    ("reduction", "monthly"),
    [
        (coupon(percent_off=10), 225000),
        (coupon(percent_off=12.5), 218750),
        (coupon(amount_off=50000, currency="usd"), 200000),
        (coupon(amount_off=50000, currency="eur"), 250000),
        (coupon(amount_off=900000, currency="usd"), 0),
        (coupon(percent_off=10, duration="once"), 250000),
        (coupon(percent_off=10, duration="repeating", end=seconds("2026-12-01")), 225000),
        (coupon(percent_off=10, duration="repeating", end=seconds("2026-11-01")), 250000),
        (coupon(percent_off=10, applies_to={"products": ["prod_9"]}), 250000),
        (coupon(percent_off=10, applies_to={"products": ["prod_1"]}), 225000),
    ],
)
def test_a_lasting_discount_reduces(reduction: Json, monthly: int) -> None:
    assert mrr(discounts=[reduction]) == Money(monthly, "usd")


def test_an_amount_off_is_spread_over_its_interval() -> None:
    yearly = item(quantity=1, price=price(recurring=every("year"), unit_amount_decimal="120000"))
    reduced = mrr(yearly, discounts=[coupon(amount_off=12000, currency="usd")])
    assert reduced == Money(9000, "usd")


def test_discounts_follow_each_other_items_first() -> None:
    one = item(discounts=[coupon(percent_off=50)])
    assert mrr(one, discounts=[coupon(percent_off=10)]) == Money(112500, "usd")


def test_a_coupon_where_older_versions_kept_it_is_found() -> None:
    legacy = {"id": "di_1", "coupon": {"id": "co_1", "duration": "forever", "percent_off": 10}}
    assert mrr(discounts=[legacy]) == Money(225000, "usd")


def test_yen_have_no_cents() -> None:
    yen = item(quantity=1, price=price(currency="jpy", unit_amount_decimal="9800"))
    assert mrr(yen, currency="jpy").text() == "¥9,800"


def test_currencies_are_never_mixed() -> None:
    best, others = largest([Money(100, "usd"), Money(90, "usd"), Money(5000, "jpy")])
    assert (best, others) == (Money(5000, "jpy"), (Money(190, "usd"),))


@given(
    quantity=st.integers(0, 10_000),
    unit=st.integers(0, 1_000_000),
    percent=st.integers(0, 100),
)
def test_a_discount_never_makes_revenue_negative_or_larger(
    quantity: int, unit: int, percent: int
) -> None:
    one = item(quantity=quantity, price=price(unit_amount_decimal=str(unit)))
    whole, reduced = mrr(one), mrr(one, discounts=[coupon(percent_off=percent)])
    assert 0 <= reduced.minor <= whole.minor


# ---------------------------------------------------------------- three months


def average(*invoices: Json, at: datetime = AT) -> Money | None:
    return trailing_mrr([wire.parse(wire.Invoice, one) for one in invoices], at=at)[0]


def paid(*lines: Json, **over: Any) -> Json:
    return paid_invoice("in_1", "2026-08-01", lines=listed(*lines), **over)


def for_time(start: str, end: str, **over: Any) -> Json:
    return line(period={"start": seconds(start), "end": seconds(end)}, **over)


def test_the_three_months_are_whole_ones() -> None:
    start, end = trailing_months(AT)
    assert (start, end) == (datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("moment", "first"), [("2026-01-31", "2025-10-01"), ("2024-05-31", "2024-02-01")]
)
def test_they_reach_over_the_turn_of_the_year(moment: str, first: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert trailing_months(at)[0] == datetime.fromisoformat(first).replace(tzinfo=UTC)


def test_a_year_paid_long_ago_counts_a_twelfth_each_month() -> None:
    year = for_time("2026-01-01", "2027-01-01", amount=36500)
    assert average(paid(year)) == Money(round(36500 / 12), "usd")


def test_a_month_counts_whole_where_it_begins() -> None:
    begun, ended = ("2026-10-16", "2026-11-16"), ("2026-07-16", "2026-08-16")
    assert average(paid(for_time(*begun, amount=3100))) == Money(1033, "usd")
    assert average(paid(for_time(*ended, amount=3100))) is None


def test_odd_days_half_inside_count_half() -> None:
    assert average(paid(for_time("2026-10-27", "2026-11-06", amount=3000))) == Money(500, "usd")


@pytest.mark.parametrize(
    "other",
    [
        for_time("2026-08-01", "2026-11-01", parent=None),
        for_time(
            "2026-08-01",
            "2026-11-01",
            parent={
                "type": "subscription_item_details",
                "subscription_item_details": {"subscription": "sub_1", "proration": True},
            },
        ),
        for_time("2026-05-01", "2026-08-01"),
        for_time("2026-11-01", "2026-12-01"),
        for_time("2026-09-01", "2026-09-01"),
    ],
)
def test_what_is_no_recurring_service_of_these_months_is_left_out(other: Json) -> None:
    assert average(paid(other)) is None


@pytest.mark.parametrize("status", ["open", "draft", "void", "uncollectible"])
def test_what_was_not_paid_is_left_out(status: str) -> None:
    assert average(paid(for_time("2026-08-01", "2026-11-01"), status=status)) is None


def test_discounts_and_included_tax_come_off() -> None:
    one = for_time(
        "2026-08-01",
        "2026-11-01",
        amount=36000,
        discount_amounts=[{"amount": 3000}],
        taxes=[
            {"amount": 3000, "tax_behavior": "inclusive"},
            {"amount": 9999, "tax_behavior": "exclusive"},
        ],
    )
    assert average(paid(one)) == Money(10000, "usd")


def test_credit_notes_come_off_in_proportion() -> None:
    one = for_time("2026-08-01", "2026-11-01", amount=30000)
    credited = paid(one, total=30000, post_payment_credit_notes_amount=15000)
    assert average(credited) == Money(5000, "usd")


def test_money_paid_outside_counts() -> None:
    one = for_time("2026-08-01", "2026-11-01", amount=30000)
    assert average(paid(one, amount_paid_off_stripe=30000)) == Money(10000, "usd")


def test_only_invoices_that_reach_into_the_time_need_all_their_lines() -> None:
    old = wire.parse(wire.Invoice, paid(for_time("2025-01-01", "2025-02-01")))
    new = wire.parse(wire.Invoice, paid(for_time("2026-01-01", "2027-01-01")))
    assert (touches(old, at=AT), touches(new, at=AT)) == (False, True)


# ---------------------------------------------------------------- history


def history(*invoices: Json, **over: Any) -> PaymentHistory:
    return payment_history([wire.parse(wire.Invoice, one) for one in invoices], **over)


CLEAN = paid_invoice("in_1", "2026-01-20T09:00")


@pytest.mark.req("R51")
def test_a_clean_record_shows_no_failure() -> None:
    assert history(CLEAN) == PaymentHistory(first_paid_at=datetime(2026, 1, 20, 9, tzinfo=UTC))


@pytest.mark.req("R51")
def test_two_earlier_failures_that_were_resolved() -> None:
    first = paid_invoice("in_2", "2026-02-20", paid="2026-02-23", attempt_count=2)
    second = paid_invoice("in_3", "2026-03-20", paid="2026-03-25", attempt_count=4)
    found = history(CLEAN, first, second)
    assert (found.earlier_failures, found.resolved, found.lost) == (2, 2, 0)
    assert found.median_days == Decimal("4.0")


@pytest.mark.req("R51")
def test_two_earlier_failures_that_were_lost() -> None:
    found = history(CLEAN, invoice(id="in_2", status="uncollectible"), invoice(status="void"))
    assert (found.earlier_failures, found.resolved, found.lost) == (2, 0, 2)


def test_the_present_failure_is_left_out() -> None:
    assert history(CLEAN, invoice()).earlier_failures == 0


def test_a_draft_that_was_voided_untried_is_no_loss() -> None:
    assert history(invoice(status="void", attempted=False, attempt_count=0)).lost == 0


def test_a_recovery_by_hand_is_told_by_its_lateness() -> None:
    assert history(paid_invoice("in_2", "2026-02-20", paid="2026-02-22")).resolved == 1


def test_a_bank_debit_that_takes_days_did_not_fail() -> None:
    slow = paid_invoice("in_2", "2026-02-20", paid="2026-02-25")
    assert history(slow, slow=DEBIT_IS_SLOW).resolved == 0


def test_a_try_followed_by_a_transfer_was_a_failure() -> None:
    moved = paid_invoice("in_2", "2026-02-20", amount_paid_off_stripe=250000)
    assert history(moved).resolved == 1


def test_a_sent_invoice_paid_late_did_not_fail() -> None:
    sent = paid_invoice("in_2", "2026-02-20", paid="2026-03-20", collection_method="send_invoice")
    assert history(sent, slow=timedelta(0)).resolved == 0
