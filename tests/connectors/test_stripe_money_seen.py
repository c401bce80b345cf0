"""Tries, reasons, cards and revenue of a customer, as they were read."""

from __future__ import annotations

from itertools import pairwise

import pytest

from domain.money import Money
from tests.connectors.stripe_stage import (
    PAYMENTS,
    Json,
    ScriptedStripe,
    World,
    at,
    charge,
    connect,
    customer,
    invoice,
    item,
    line,
    listed,
    method,
    paid_invoice,
    payment,
    price,
    seconds,
    subscription,
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    scripted = ScriptedStripe()
    return World(scripted, connect(scripted, monkeypatch))


# ---------------------------------------------------------------- tries and reasons


def test_charges_of_other_invoices_are_not_mixed_in(world: World) -> None:
    other = charge(id="ch_2", payment_intent="pi_77", created=seconds("2026-11-21T11:00"))
    world.has(charges=[other, charge()])
    assert [one.code for one in world.picture().invoices[0].attempts] == ["insufficient_funds"]


def test_the_newest_refusal_is_the_reason(world: World) -> None:
    later = charge(
        id="ch_2",
        created=seconds("2026-11-21T11:00"),
        outcome={"type": "issuer_declined", "reason": "expired_card"},
    )
    world.has(invoices=[invoice(attempt_count=2)], charges=[later, charge()])
    failing = world.picture().invoices[0]
    assert failing.decline
    assert failing.decline.code == "expired_card"
    assert [one.code for one in failing.attempts] == ["insufficient_funds", "expired_card"]


def test_a_try_that_made_no_charge_costs_one_more_read_and_has_its_reason(world: World) -> None:
    world.has(charges=[])
    intent = {"id": "pi_1", "status": "requires_action", "last_payment_error": None}
    row = payment("pi_1") | {"payment": {"type": "payment_intent", "payment_intent": intent}}
    world.scripted.on(PAYMENTS, listed(row))
    failing = world.picture().invoices[0]
    assert failing.decline
    assert failing.decline.code == "authentication_required"
    assert [one.at for one in failing.attempts] == [at("2026-11-21T09:00")]
    assert world.connector.calls["GET invoice_payments"] == 1


def test_a_default_payment_has_the_word_among_several(world: World) -> None:
    world.has(charges=[])

    def row(name: str, code: str, *, is_default: bool) -> Json:
        intent = {
            "id": name,
            "status": "requires_payment_method",
            "last_payment_error": {"type": "card_error", "code": code},
        }
        return payment(name) | {
            "is_default": is_default,
            "payment": {"type": "payment_intent", "payment_intent": intent},
        }

    world.scripted.on(
        PAYMENTS,
        listed(
            row("pi_2", "expired_card", is_default=False),
            row("pi_1", "card_declined", is_default=True),
        ),
    )
    decline = world.picture().invoices[0].decline
    assert decline
    assert decline.code == "card_declined"


def test_nothing_on_file_has_a_word_of_our_own(world: World) -> None:
    world.has(charges=[])
    intent = {"id": "pi_1", "status": "requires_payment_method", "last_payment_error": None}
    row = payment("pi_1") | {"payment": {"type": "payment_intent", "payment_intent": intent}}
    world.scripted.on(PAYMENTS, listed(row))
    decline = world.picture().invoices[0].decline
    assert decline
    assert decline.code == "no_payment_method"


def test_a_recovered_invoice_says_who_paid_it(world: World) -> None:
    paid = paid_invoice("in_1", "2026-11-21T08:00", paid="2026-11-21T11:00", attempt_count=1)
    success = charge(
        id="ch_2", status="succeeded", created=seconds("2026-11-21T11:00"), outcome=None
    )
    world.has(invoices=[paid], charges=[success, charge()])
    seen = world.picture().invoices[0]
    assert seen.paid_by == "Visa ending in 0341"
    assert [one.succeeded for one in seen.attempts] == [False, True]
    assert seen.decline is None


def test_a_transfer_booked_by_hand_says_so(world: World) -> None:
    paid = paid_invoice(
        "in_1", "2026-11-19T08:00", paid="2026-11-21", amount_paid_off_stripe=250000
    )
    world.has(invoices=[paid], charges=[])
    assert world.picture().invoices[0].paid_by == "a payment outside Stripe"


# ---------------------------------------------------------------- cards


def test_the_subscriptions_own_card_goes_before_the_customers(world: World) -> None:
    own = method(id="pm_2", card=method()["card"] | {"last4": "4242"})
    world.has(subscriptions=[subscription(default_payment_method=own)])
    card = world.picture().card
    assert card
    assert card.last4 == "4242"


def test_a_card_put_on_file_after_the_refusal_counts_as_replaced(world: World) -> None:
    new = method(id="pm_2", created=seconds("2026-11-21T10:00"))
    settings = {"default_payment_method": new}
    world.has(subscriptions=[subscription(customer=customer(invoice_settings=settings))])
    card = world.picture().card
    assert card
    assert card.replaced_at == at("2026-11-21T10:00")


def test_without_a_default_the_refused_card_is_the_one_on_file(world: World) -> None:
    settings = {"default_payment_method": None}
    world.has(subscriptions=[subscription(customer=customer(invoice_settings=settings))])
    card = world.picture().card
    assert card
    assert (card.last4, card.replaced_at) == ("0341", None)


# ---------------------------------------------------------------- revenue


def test_paid_months_make_the_trailing_average(world: World) -> None:
    world.has(
        invoices=[
            paid_invoice(
                f"in_{month}",
                f"2026-{month:02}-01",
                lines=listed(
                    line(
                        period={
                            "start": seconds(f"2026-{month:02}-01"),
                            "end": seconds(f"2026-{month + 1:02}-01"),
                        }
                    )
                ),
            )
            for month in (8, 9, 10)
        ]
    )
    assert world.picture().mrr_t3m == Money(250000, "usd")


def monthly(world: World, *periods: tuple[str, str]) -> None:
    """Paid invoices of 2,500 dollars each, for these periods."""
    world.has(
        invoices=[
            paid_invoice(
                f"in_{number}",
                since,
                lines=listed(line(period={"start": seconds(since), "end": seconds(until)})),
            )
            for number, (since, until) in enumerate(periods)
        ]
    )


@pytest.mark.req("R29")
@pytest.mark.parametrize(
    "days",
    [
        ("07-05", "08-05", "09-05", "10-05", "11-05"),
        ("07-31", "08-31", "09-30", "10-31", "11-30"),
        ("07-30", "08-30", "09-30", "10-30", "11-30"),
        ("07-01", "08-01", "09-01", "10-01", "11-01"),
    ],
)
def test_a_price_that_never_changes_is_its_own_average(world: World, days: list[str]) -> None:
    monthly(world, *((f"2026-{a}T14:00", f"2026-{b}T14:00") for a, b in pairwise(days)))
    assert world.picture().mrr_t3m == Money(250000, "usd")


@pytest.mark.req("R29")
@pytest.mark.parametrize(
    ("period", "cents"),
    [
        (("2026-03-10", "2027-03-10"), 20833),
        (("2026-09-10", "2026-12-10"), 55556),
        (("2025-10-20", "2026-10-20"), 13889),
        (("2026-10-10", "2026-11-07"), 65476),
        (("2026-10-05", "2026-10-19"), 83333),
    ],
    ids=["a year", "a quarter, begun in time", "a year that ends", "four weeks", "two weeks"],
)
def test_other_periods_count_by_months_or_by_days(
    world: World, period: tuple[str, str], cents: int
) -> None:
    monthly(world, period)
    assert world.picture().mrr_t3m == Money(cents, "usd")


def test_tiers_are_read_once_per_price(world: World) -> None:
    tiered = price(billing_scheme="tiered", tiers_mode="volume", unit_amount_decimal=None)
    world.has(subscriptions=[subscription(item(price=tiered))])
    tiers = [{"up_to": None, "unit_amount_decimal": "100", "flat_amount_decimal": None}]
    world.scripted.on("GET /v1/prices/price_1", tiered | {"tiers": tiers})
    assert world.picture().mrr_now == Money(500, "usd")
    world.picture()
    assert world.connector.calls["GET prices/{id}"] == 1


def test_a_price_without_its_tiers_leaves_revenue_unknown_instead_of_too_low(
    world: World,
) -> None:
    tiered = price(billing_scheme="tiered", tiers_mode="volume", unit_amount_decimal=None)
    world.has(subscriptions=[subscription(item(price=tiered))])
    world.scripted.on("GET /v1/prices/price_1", tiered)
    assert world.picture().mrr_now is None


def test_a_coupon_of_an_item_is_read_once(world: World) -> None:
    reduced = item(discounts=[{"id": "di_1", "source": {"type": "coupon", "coupon": "half"}}])
    world.has(subscriptions=[subscription(reduced)])
    half = {"id": "half", "percent_off": 50, "duration": "forever"}
    world.scripted.on("GET /v1/coupons/half", half)
    assert world.picture().mrr_now == Money(125000, "usd")
    world.picture()
    assert world.connector.calls["GET coupons/{id}"] == 1


def test_the_currency_with_the_largest_sum_wins(world: World) -> None:
    euro = price(currency="eur", unit_amount_decimal="90000")
    world.has(
        subscriptions=[
            subscription(),
            subscription(item(price=euro), id="sub_2", currency="eur"),
        ]
    )
    assert world.picture().mrr_now == Money(450000, "eur")
