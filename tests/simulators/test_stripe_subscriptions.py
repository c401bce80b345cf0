"""Subscriptions of the simulated Stripe: pauses, beginnings, ends, pasts and prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe_stage import DAY, HOUR, START, Stage, behaviour, stage

__all__ = ["behaviour", "stage"]


def _good(stage: Stage, **subscription: Any) -> tuple[str, str]:
    customer = stage.sim.add_customer("Acme", "ap@acme.example")
    fields = {"amount": 900, "next_renewal_in": DAY, **subscription}
    return customer, stage.sim.add_subscription(customer, **fields)


def test_a_renewal_of_a_good_card_is_paid_after_the_grace_hour(stage: Stage) -> None:
    customer, subscription = _good(stage, next_invoice_number="A1B2-0007")
    stage.clock.advance(DAY)
    assert stage.sim.invoices(customer)[-1]["status"] == "draft"
    stage.clock.advance(HOUR)
    paid = stage.sim.invoices(customer)[-1]
    assert (paid["status"], paid["number"], paid["attempt_count"]) == ("paid", "A1B2-0007", 1)
    found = stage.api.v1.subscriptions.retrieve(subscription)
    item = found.items.data[0]
    assert datetime.fromtimestamp(item.current_period_start, UTC) == START + DAY
    assert found.latest_invoice == paid["id"]


def test_kept_drafts_stay_parked_after_the_pause_until_somebody_acts(stage: Stage) -> None:
    customer, subscription = _good(stage)
    until = int((START + 10 * DAY).timestamp())
    stage.api.v1.subscriptions.update(
        subscription, {"pause_collection": {"behavior": "keep_as_draft", "resumes_at": until}}
    )
    stage.clock.advance(20 * DAY)
    assert stage.api.v1.subscriptions.retrieve(subscription).pause_collection is None
    lifted = stage.events("customer.subscription.updated")[-1]
    assert lifted["data"]["previous_attributes"] == {
        "pause_collection": {"behavior": "keep_as_draft", "resumes_at": until}
    }
    assert lifted["request"]["id"] is None
    draft = stage.sim.invoices(customer, "draft")[0]
    assert (draft["auto_advance"], draft["automatically_finalizes_at"]) == (False, None)
    stage.api.v1.invoices.update(draft["id"], {"auto_advance": True})
    stage.clock.advance(HOUR)
    assert stage.sim.get(draft["id"])["status"] == "paid"


def test_a_pause_can_be_lifted_by_unsetting_it(stage: Stage) -> None:
    customer, subscription = _good(stage)
    stage.api.v1.subscriptions.update(subscription, {"pause_collection": {"behavior": "void"}})
    stage.api.v1.subscriptions.update(subscription, {"pause_collection": ""})
    stage.clock.advance(DAY + HOUR)
    assert stage.sim.invoices(customer)[-1]["status"] == "paid"


def test_a_new_end_of_the_pause_replaces_the_old_one(stage: Stage) -> None:
    _, subscription = _good(stage)
    for days in (3, 9):
        until = int((START + days * DAY).timestamp())
        stage.api.v1.subscriptions.update(
            subscription, {"pause_collection": {"behavior": "void", "resumes_at": until}}
        )
    stage.clock.advance(5 * DAY)
    assert stage.api.v1.subscriptions.retrieve(subscription).pause_collection is not None
    stage.clock.advance(5 * DAY)
    assert stage.api.v1.subscriptions.retrieve(subscription).pause_collection is None


@pytest.mark.parametrize(
    ("answer", "status"), [("mark_uncollectible", "uncollectible"), ("void", "void")]
)
def test_a_pause_may_write_future_invoices_off(stage: Stage, answer: Any, status: str) -> None:
    customer, subscription = _good(stage)
    stage.api.v1.subscriptions.update(subscription, {"pause_collection": {"behavior": answer}})
    stage.clock.advance(DAY + HOUR)
    last = stage.sim.invoices(customer)[-1]
    assert last["status"] == status
    assert stage.sim.get(subscription)["status"] == "active"
    assert len(stage.api.v1.charges.list({"customer": customer}).data) == 1


def test_an_end_of_pause_in_the_past_is_refused(stage: Stage) -> None:
    _, subscription = _good(stage)
    with pytest.raises(stripe.InvalidRequestError, match="future"):
        stage.api.v1.subscriptions.update(
            subscription, {"pause_collection": {"behavior": "void", "resumes_at": 1}}
        )


def test_a_real_pause_stops_invoices_and_a_resume_bills_at_once(stage: Stage) -> None:
    customer, subscription = _good(stage)
    stage.api.v1.subscriptions.pause(subscription)
    stage.clock.advance(40 * DAY)
    assert len(stage.sim.invoices(customer)) == 1
    resumed = stage.api.v1.subscriptions.resume(subscription)
    assert resumed.status == "active"
    assert stage.sim.invoices(customer)[-1]["status"] == "paid"
    stage.clock.advance(32 * DAY)
    assert len(stage.sim.invoices(customer)) == 3


def _price(stage: Stage) -> str:
    return stage.sim.add_price(amount=1500)


def test_the_first_invoice_is_finalized_and_charged_at_once(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example")
    made = stage.api.v1.subscriptions.create(
        {
            "customer": customer,
            "items": [{"price": _price(stage), "quantity": 3}],
            "expand": ["latest_invoice"],
        }
    )
    assert made.status == "active"
    assert isinstance(made.latest_invoice, stripe.Invoice)
    first = made.latest_invoice
    assert (first.status, first.total, first.billing_reason) == (
        "paid",
        4500,
        "subscription_create",
    )


def test_a_first_payment_that_fails_leaves_it_incomplete_and_expires(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example", card="declines:do_not_honor")
    price = _price(stage)
    made = stage.api.v1.subscriptions.create({"customer": customer, "items": [{"price": price}]})
    assert made.status == "incomplete"
    stage.clock.advance(23 * HOUR)
    assert stage.api.v1.subscriptions.retrieve(made.id).status == "incomplete_expired"
    assert stage.sim.invoices(customer)[-1]["status"] == "void"


def test_error_if_incomplete_makes_nothing(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example", card="declines:do_not_honor")
    price = _price(stage)
    with pytest.raises(stripe.CardError):
        stage.api.v1.subscriptions.create(
            {
                "customer": customer,
                "items": [{"price": price}],
                "payment_behavior": "error_if_incomplete",
            }
        )
    assert stage.api.v1.subscriptions.list({"customer": customer, "status": "all"}).data == []


def test_a_customer_without_a_card_cannot_subscribe(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example", card=None)
    price = _price(stage)
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        stage.api.v1.subscriptions.create({"customer": customer, "items": [{"price": price}]})


def test_a_trial_bills_when_it_ends(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example")
    made = stage.api.v1.subscriptions.create(
        {"customer": customer, "items": [{"price": _price(stage)}], "trial_period_days": 7}
    )
    assert (made.status, stage.sim.invoices(customer)) == ("trialing", [])
    stage.clock.advance(7 * DAY + HOUR)
    assert stage.api.v1.subscriptions.retrieve(made.id).status == "active"
    assert [row["status"] for row in stage.sim.invoices(customer)] == ["paid"]


def test_lists_leave_canceled_ones_out_unless_asked(stage: Stage) -> None:
    customer, subscription = _good(stage)
    _, other = _good(stage)
    stage.api.v1.subscriptions.cancel(subscription)
    listed = stage.api.v1.subscriptions.list
    assert [row.id for row in listed().data] == [other]
    assert [row.id for row in listed({"status": "canceled"}).data] == [subscription]
    assert [row.id for row in listed({"customer": customer, "status": "all"}).data] == [
        subscription
    ]


def test_cancel_at_period_end_ends_there_without_an_invoice(stage: Stage) -> None:
    customer, subscription = _good(stage)
    stage.api.v1.subscriptions.update(subscription, {"cancel_at_period_end": True})
    stage.clock.advance(2 * DAY)
    assert stage.api.v1.subscriptions.retrieve(subscription).status == "canceled"
    assert len(stage.sim.invoices(customer)) == 1


def test_canceling_stops_collection_but_the_invoice_stays_payable(stage: Stage) -> None:
    _, subscription, invoice = stage.failing_renewal()
    stage.api.v1.subscriptions.cancel(subscription)
    assert stage.sim.get(invoice)["auto_advance"] is False
    assert stage.sim.customer_pays(invoice, card="good")
    assert stage.sim.get(subscription)["status"] == "canceled"


def test_the_past_holds_what_was_told(stage: Stage) -> None:
    customer, _ = _good(
        stage,
        started_months_ago=6,
        history=[("failed_then_paid", 3, 5, "do_not_honor"), ("lost", 5)],
    )
    rows = stage.sim.invoices(customer)
    assert [row["status"] for row in rows] == ["paid", "paid", "uncollectible", *["paid"] * 4]
    assert [row["attempt_count"] for row in rows] == [1, 1, 9, 1, 3, 1, 1]
    late = rows[4]["status_transitions"]
    assert late["paid_at"] - late["finalized_at"] == 5 * 86400
    failed = stage.api.v1.charges.search({"query": "status:'failed'", "limit": 100}).data
    assert len(failed) == 11
    assert stage.sim.mailer.sent == []
    assert stage.events("invoice.payment_failed") == []


@pytest.mark.parametrize(
    ("shape", "quantity", "total"),
    [
        ({"amount": 1200, "interval": "year"}, 2, 2400),
        ({"amount": 300, "interval": "week"}, 1, 300),
        ({"amount": "12.5"}, 10, 125),
        (
            {
                "tiers_mode": "graduated",
                "tiers": [
                    {"up_to": 10, "unit_amount": 500},
                    {"up_to": "inf", "unit_amount": 300, "flat_amount": 100},
                ],
            },
            12,
            5700,
        ),
        (
            {
                "tiers_mode": "volume",
                "tiers": [
                    {"up_to": 10, "unit_amount": 500},
                    {"up_to": "inf", "unit_amount": 300},
                ],
            },
            12,
            3600,
        ),
        ({"amount": 900, "usage_type": "metered"}, 5, 0),
    ],
)
def test_prices_of_every_shape_bill_what_they_should(
    stage: Stage, shape: dict[str, Any], quantity: int, total: int
) -> None:
    price = stage.sim.add_price(**shape)
    customer, _ = _good(stage, amount=None, price=price, quantity=quantity)
    assert stage.sim.invoices(customer)[0]["total"] == total


def test_a_coupon_reduces_every_invoice(stage: Stage) -> None:
    coupon = stage.api.v1.coupons.create({"percent_off": 25, "duration": "forever"})
    customer, subscription = _good(stage, coupon=coupon.id, amount=1000)
    stage.clock.advance(DAY + HOUR)
    assert [row["total"] for row in stage.sim.invoices(customer)] == [750, 750]
    found = stage.api.v1.subscriptions.retrieve(
        subscription, {"expand": ["discounts.source.coupon"]}
    )
    discount = found.discounts[0]
    assert isinstance(discount, stripe.Discount)
    assert isinstance(discount.source.coupon, stripe.Coupon)
    assert discount.source.coupon.percent_off == 25


def test_months_clamp_to_their_last_day_and_come_back(stage: Stage) -> None:
    stage.clock.advance_to(datetime(2027, 1, 30, 9, tzinfo=UTC))
    customer, _ = _good(stage)
    stage.clock.advance_to(datetime(2027, 4, 30, tzinfo=UTC))
    starts = [row["created"] for row in stage.sim.invoices(customer)][1:]
    days = [datetime.fromtimestamp(start, UTC).day for start in starts]
    assert days == [31, 28, 31]


def test_an_upcoming_renewal_can_be_announced(stage: Stage) -> None:
    stage.sim.behaviour.upcoming_days = 3
    _good(stage, next_renewal_in=5 * DAY)
    stage.clock.advance(2 * DAY)
    assert [mail.kind for mail in stage.sim.mailer.sent] == ["upcoming"]
    assert len(stage.events("invoice.upcoming")) == 1


def test_a_draft_may_wait_for_its_hook(stage: Stage) -> None:
    stage.sim.behaviour.draft_waits_for_hooks = True
    stage.sim.add_webhook_endpoint("http://127.0.0.1:9/nobody")
    customer, _ = _good(stage)
    stage.clock.advance(DAY + 70 * HOUR)
    assert stage.sim.invoices(customer)[-1]["status"] == "draft"
    stage.clock.advance(3 * HOUR)
    assert stage.sim.invoices(customer)[-1]["status"] == "paid"


def test_an_invoice_that_is_sent_becomes_past_due_at_its_due_date(stage: Stage) -> None:
    customer, subscription = _good(stage)
    stage.api.v1.subscriptions.update(
        subscription, {"collection_method": "send_invoice", "days_until_due": 10}
    )
    stage.clock.advance(DAY + HOUR)
    sent = stage.sim.invoices(customer)[-1]
    assert (sent["status"], sent["next_payment_attempt"]) == ("open", None)
    stage.clock.advance(10 * DAY + timedelta(minutes=1))
    assert stage.sim.get(subscription)["status"] == "past_due"
