"""A customer as we see it, and what seeing it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.stripe.connector import StripeConnector
from domain.errors import Bug, Gone, Misconfigured, RateLimited, Transient, Unauthorized
from domain.facts import (
    Attempt,
    AttemptBy,
    Card,
    Decline,
    InvoiceStatus,
    Pause,
    PaymentPicture,
    SubscriptionStatus,
)
from domain.ids import Ref
from domain.money import Money
from tests.connectors.stripe_stage import (
    NOW,
    Answer,
    Json,
    ScriptedStripe,
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
    refusal,
    seconds,
    subscription,
)

SUBSCRIPTIONS, INVOICES = "GET /v1/subscriptions", "GET /v1/invoices"
CHARGES, PAYMENTS = "GET /v1/charges", "GET /v1/invoice_payments"
CUSTOMER = "GET /v1/customers/cus_1"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class World:
    """Scripts one customer and reads it."""

    def __init__(self, scripted: ScriptedStripe, connector: StripeConnector) -> None:
        self.scripted, self.connector = scripted, connector
        self.has(subscriptions=[subscription()], invoices=[invoice()], charges=[charge()])

    def has(
        self,
        *,
        subscriptions: list[Json] | None = None,
        invoices: list[Json] | None = None,
        charges: list[Json] | None = None,
    ) -> World:
        """Replace what is given."""
        for call, rows in (
            (SUBSCRIPTIONS, subscriptions),
            (INVOICES, invoices),
            (CHARGES, charges),
        ):
            if rows is not None:
                self.scripted.on(call, listed(*rows))
        return self

    def picture(self) -> PaymentPicture:
        """The customer, which must be readable."""
        found = self.connector.read_payments(["cus_1"])["cus_1"]
        assert isinstance(found, PaymentPicture), found
        return found


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    scripted = ScriptedStripe()
    return World(scripted, connect(scripted, monkeypatch))


# ---------------------------------------------------------------- what it costs


def test_a_failed_renewal_costs_three_reads(world: World) -> None:
    world.picture()
    assert world.connector.calls == {"GET subscriptions": 1, "GET invoices": 1, "GET charges": 1}


def test_several_failing_invoices_cost_no_more(world: World) -> None:
    world.has(invoices=[invoice(), invoice(id="in_2"), invoice(id="in_3")])
    world.has(charges=[charge(id=f"ch_{n}", payment_intent=f"pi_{n}") for n in (1, 2, 3)])
    world.picture()
    assert world.connector.calls.total() == 3


def test_a_healthy_customer_costs_two_reads(world: World) -> None:
    world.has(invoices=[paid_invoice("in_1", "2026-11-20T09:00")])
    world.picture()
    assert world.connector.calls == {"GET subscriptions": 1, "GET invoices": 1}


def test_no_list_asks_for_more_than_four_levels(world: World) -> None:
    world.has(charges=[])
    world.scripted.on(PAYMENTS, listed())
    world.picture()
    expands = [
        value for one in world.scripted.sent for key, value in one.params.items() if "expand" in key
    ]
    assert expands
    assert all(len(one.split(".")) <= 4 for one in expands)


def test_charges_are_asked_for_since_the_oldest_failing_invoice(world: World) -> None:
    world.picture()
    since = int(world.scripted.sent_to(CHARGES)[0].params["created[gte]"])
    assert since == seconds("2026-11-21T08:00")


# ---------------------------------------------------------------- what is seen


def test_a_failed_renewal_is_seen_whole(world: World) -> None:
    picture = world.picture()
    assert (picture.customer, picture.read_at) == (Ref("stripe", "customer", "cus_1"), NOW)
    assert (picture.name, picture.email, picture.country) == ("Example Ltd", "ap@example.com", "US")
    assert picture.attributes == {"tier": "vip"}
    assert picture.card == Card(brand="visa", last4="0341", exp_month=12, exp_year=2027)
    assert picture.url == "https://dashboard.stripe.com/test/customers/cus_1"
    assert (picture.mrr_now, picture.mrr_t3m) == (Money(250000, "usd"), Money(0, "usd"))
    failing = picture.invoices[0]
    assert failing.status is InvoiceStatus.OPEN
    assert (failing.number, failing.subscription) == ("A1B2-1", "sub_1")
    assert (failing.total, failing.remaining) == (Money(250000, "usd"), Money(250000, "usd"))
    assert (failing.advances, failing.attempted, failing.attempt_count) == (True, True, 1)
    assert (failing.is_renewal, failing.is_first) == (True, False)
    assert failing.next_attempt_at == at("2026-11-24T09:00")
    assert failing.failed_at == at("2026-11-21T09:00")
    assert failing.decline == Decline(
        code="insufficient_funds",
        advice="try_again_later",
        network_code="51",
        reason="issuer_declined",
        at=at("2026-11-21T09:00"),
    )
    assert failing.attempts == (
        Attempt(
            at=at("2026-11-21T09:00"),
            succeeded=False,
            code="insufficient_funds",
            by=AttemptBy.AUTOMATIC,
        ),
    )


def test_the_subscription_is_seen_whole(world: World) -> None:
    world.has(
        subscriptions=[
            subscription(
                cancel_at_period_end=True,
                pause_collection={"behavior": "keep_as_draft", "resumes_at": seconds("2026-12-01")},
                metadata={"kidglove_hold": "3"},
            )
        ]
    )
    seen = world.picture().subscriptions[0]
    assert (seen.status, seen.mrr) == (SubscriptionStatus.PAST_DUE, Money(250000, "usd"))
    assert seen.pause == Pause(behavior="keep_as_draft", resumes_at=at("2026-12-01"))
    assert (seen.mark, seen.seats, seen.interval_months) == ("3", 5, 1)
    assert (seen.started_at, seen.period_end) == (at("2025-01-20"), at("2026-12-20"))
    assert (seen.cancel_at, seen.plan) == (at("2026-12-20"), "Team plan")


def test_times_are_plain_utc(world: World) -> None:
    assert world.picture().invoices[0].created_at.tzinfo is UTC


def test_a_pause_of_somebody_else_is_reported_as_it_is(world: World) -> None:
    pause = {"behavior": "void", "resumes_at": None}
    world.has(subscriptions=[subscription(pause_collection=pause)])
    seen = world.picture().subscriptions[0]
    assert (seen.pause, seen.mark) == (Pause(behavior="void"), None)


@pytest.mark.parametrize("reason", ["payment_failed", "cancellation_requested"])
def test_why_a_subscription_ended_is_kept(world: World, reason: str) -> None:
    ended = subscription(
        status="canceled",
        ended_at=seconds("2026-11-20"),
        cancellation_details={"reason": reason},
    )
    world.has(subscriptions=[ended])
    seen = world.picture().subscriptions[0]
    assert (seen.status, seen.canceled_because) == (SubscriptionStatus.CANCELED, reason)
    assert seen.cancel_at == at("2026-11-20")


def test_why_a_subscription_is_paused_is_kept(world: World) -> None:
    details = {"paused": {"subscription": {"type": "final_payment_failure"}}}
    world.has(subscriptions=[subscription(status="paused", status_details=details)])
    assert world.picture().subscriptions[0].canceled_because == "final_payment_failure"


def test_a_subscription_that_ended_long_ago_is_left_out(world: World) -> None:
    world.has(subscriptions=[subscription(status="canceled", ended_at=seconds("2025-11-20"))])
    assert world.picture().subscriptions == ()


def test_words_we_do_not_know_become_unknown(world: World) -> None:
    world.has(
        subscriptions=[subscription(status="hibernating")], invoices=[invoice(status="disputed")]
    )
    picture = world.picture()
    assert picture.invoices[0].status is InvoiceStatus.UNKNOWN
    assert picture.subscriptions[0].status is SubscriptionStatus.UNKNOWN


def test_an_invoice_that_does_not_say_whether_it_advances_is_not_guessed(world: World) -> None:
    silent = invoice()
    del silent["auto_advance"]
    world.has(invoices=[silent])
    assert world.picture().invoices[0].advances is None


def test_settled_invoices_of_long_ago_count_but_are_not_listed(world: World) -> None:
    world.has(invoices=[paid_invoice("in_9", "2025-01-20T09:00")])
    picture = world.picture()
    assert picture.invoices == ()
    assert picture.history.first_paid_at == at("2025-01-20T09:00")


def test_a_lost_invoice_is_settled_when_it_was_given_up(world: World) -> None:
    done = invoice()["status_transitions"] | {"marked_uncollectible_at": seconds("2026-11-20")}
    world.has(invoices=[invoice(status="uncollectible", status_transitions=done)])
    assert world.picture().invoices[0].settled_at == at("2026-11-20")


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


# ---------------------------------------------------------------- whose customer


def test_without_subscriptions_the_customer_is_read_by_itself(world: World) -> None:
    world.has(subscriptions=[])
    world.scripted.on(CUSTOMER, customer())
    picture = world.picture()
    assert (picture.name, picture.mrr_now) == ("Example Ltd", None)
    assert world.connector.calls["GET customers/{id}"] == 1


def test_a_deleted_customer_is_said_to_be_so(world: World) -> None:
    world.has(subscriptions=[])
    world.scripted.on(CUSTOMER, {"id": "cus_1", "object": "customer", "deleted": True})
    assert world.picture().is_deleted


def test_a_customer_that_never_existed_is_gone(world: World) -> None:
    world.has(subscriptions=[])
    world.scripted.on(CUSTOMER, refusal(404, "resource_missing", param="id"))
    assert isinstance(world.connector.read_payments(["cus_1"])["cus_1"], Gone)


def test_one_bad_row_never_sinks_its_batch(world: World) -> None:
    world.scripted.on(
        SUBSCRIPTIONS, refusal(400, "resource_missing", param="customer"), listed(subscription())
    )
    found = world.connector.read_payments(["cus_0", "cus_1"])
    assert isinstance(found["cus_0"], Gone)
    assert isinstance(found["cus_1"], PaymentPicture)


def test_an_odd_shape_is_a_bug_that_names_the_field_and_no_value(world: World) -> None:
    world.has(invoices=[invoice(total="ap@example.com")])
    found = world.connector.read_payments(["cus_1"])["cus_1"]
    assert isinstance(found, Bug)
    assert "total" in found.message
    assert "ap@example.com" not in found.message


def test_a_missing_permission_is_that_customers_answer(world: World) -> None:
    world.scripted.on(CHARGES, refusal(403, message="needs rak_charge_read"))
    found = world.connector.read_payments(["cus_1"])["cus_1"]
    assert isinstance(found, Misconfigured)
    assert found.row == "rak_charge_read"


def test_a_refused_key_concerns_the_whole_call(world: World) -> None:
    world.scripted.on(SUBSCRIPTIONS, refusal(401))
    with pytest.raises(Unauthorized):
        world.connector.read_payments(["cus_0", "cus_1"])


def test_a_limit_met_at_once_concerns_the_whole_call(world: World) -> None:
    world.scripted.on(SUBSCRIPTIONS, refusal(429, headers={"Retry-After": "60"}))
    with pytest.raises(RateLimited):
        world.connector.read_payments(["cus_1", "cus_2"])
    assert world.connector.calls.total() == 1


def test_a_limit_met_half_way_keeps_what_was_read(world: World) -> None:
    world.scripted.on(
        SUBSCRIPTIONS, listed(subscription()), refusal(429, headers={"Retry-After": "60"})
    )
    found = world.connector.read_payments(["cus_1", "cus_2", "cus_3"])
    assert isinstance(found["cus_1"], PaymentPicture)
    assert [type(found[one]) for one in ("cus_2", "cus_3")] == [RateLimited, RateLimited]


def test_an_illness_of_stripe_concerns_the_whole_call(world: World) -> None:
    world.scripted.on(SUBSCRIPTIONS, refusal(503, type="api_error"))
    with pytest.raises(Transient):
        world.connector.read_payments(["cus_1"])


# ---------------------------------------------------------------- long lists


def test_the_lists_are_followed_to_their_end(world: World) -> None:
    world.scripted.on(
        INVOICES,
        listed(invoice(), has_more=True),
        listed(paid_invoice("in_0", "2026-10-20T09:00")),
    )
    assert [one.id for one in world.picture().invoices] == ["in_1", "in_0"]
    assert world.scripted.sent_to(INVOICES)[1].params["starting_after"] == "in_1"


def test_an_old_open_invoice_is_found_beyond_three_pages(world: World) -> None:
    page = Answer(listed(paid_invoice("in_0", "2026-11-01T09:00"), has_more=True))
    old = invoice(id="in_7", created=seconds("2020-01-01"))
    world.scripted.on(INVOICES, page, page, page, listed(old), listed())
    world.has(charges=[charge(payment_intent="pi_7")])
    picture = world.picture()
    assert picture.invoice("in_7") is not None
    assert world.connector.calls["GET invoices"] == 5


def test_the_lines_beyond_the_tenth_are_fetched_where_they_count(world: World) -> None:
    period = {"start": seconds("2026-08-01"), "end": seconds("2026-11-01")}
    long = paid_invoice("in_1", "2026-08-01", lines=listed(line(period=period), has_more=True))
    world.has(invoices=[long])
    rows = [line(id=f"il_{n}", period=period, amount=3000) for n in range(11)]
    world.scripted.on("GET /v1/invoices/in_1/lines", listed(*rows))
    assert world.picture().mrr_t3m == Money(11000, "usd")


def test_the_invoices_of_a_payment_are_read_fresh_and_bare(world: World) -> None:
    world.scripted.on("GET /v1/invoices/in_1", invoice())
    world.scripted.on("GET /v1/invoices/in_2", refusal(404, "resource_missing"))
    found = world.connector.read_invoices(["in_1", "in_2"])
    one = found["in_1"]
    assert not isinstance(one, Exception)
    assert (one.status, one.decline, one.attempts) == (InvoiceStatus.OPEN, None, ())
    assert isinstance(found["in_2"], Gone)


def test_the_history_is_told_in_days(world: World) -> None:
    world.has(
        invoices=[
            invoice(),
            paid_invoice("in_9", "2026-06-20T09:00", paid="2026-06-24T09:00", attempt_count=3),
        ],
    )
    history = world.picture().history
    assert (history.earlier_failures, history.resolved, history.lost) == (1, 1, 0)
    assert history.median_days == Decimal("4.0")


def test_the_clock_is_the_one_given(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = ScriptedStripe()
    later = NOW + timedelta(days=400)
    world = World(scripted, connect(scripted, monkeypatch, clock=lambda: later))
    assert world.picture().read_at == later
