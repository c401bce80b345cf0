"""A customer as we see it, and what seeing it costs."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal

import pytest

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
    CHARGES,
    CUSTOMER,
    INVOICES,
    NOW,
    PAYMENTS,
    SUBSCRIPTIONS,
    Answer,
    ScriptedStripe,
    World,
    at,
    charge,
    connect,
    customer,
    invoice,
    line,
    listed,
    paid_invoice,
    refusal,
    seconds,
    subscription,
)


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
    world.scripted.on("GET /v1/customers/cus_0", refusal(404, "resource_missing", param="id"))
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
