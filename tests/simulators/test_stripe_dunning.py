"""The simulated Stripe collects, retries, mails and gives up as the real one is known to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import stripe

from tests.simulators.stripe_stage import DAY, HOUR, Stage, behaviour, stage

__all__ = ["behaviour", "stage"]


def _kinds(stage: Stage) -> list[str]:
    return [mail.kind for mail in stage.sim.mailer.robotic()]


def _charges(stage: Stage, customer: str) -> list[str]:
    rows = stage.api.v1.charges.list({"customer": customer, "limit": 100}).data
    return [row.status for row in reversed(rows)]


def test_a_failing_renewal_retries_mails_each_time_and_cancels(stage: Stage) -> None:
    customer, subscription, invoice = stage.failing_renewal()
    stage.clock.advance(15 * DAY)
    assert _kinds(stage) == ["payment_failed"] * 9
    assert _charges(stage, customer) == ["succeeded", *["failed"] * 9]
    found = stage.api.v1.subscriptions.retrieve(subscription)
    assert found.status == "canceled"
    assert found.cancellation_details is not None
    assert found.cancellation_details.reason == "payment_failed"
    left = stage.api.v1.invoices.retrieve(invoice)
    assert (left.status, left.attempt_count, left.auto_advance) == ("open", 9, False)
    assert left.next_payment_attempt is None


def test_the_first_failure_tells_itself_in_events(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    renewal = [event["type"] for event in stage.events()][-11:]
    assert renewal == [
        "invoice.created",
        "customer.subscription.updated",
        "payment_intent.created",
        "invoice.finalized",
        "invoice.updated",
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
        "invoice.updated",
        "customer.updated",
        "customer.subscription.updated",
    ]
    failed = stage.events("invoice.payment_failed")[0]
    assert failed["data"]["object"]["id"] == invoice
    assert failed["request"] == {"id": None, "idempotency_key": None}
    assert stage.events("customer.subscription.updated")[-1]["data"]["previous_attributes"] == {
        "status": "active"
    }


def test_one_call_tells_why_the_bank_declined(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    payments = stage.api.v1.invoice_payments.list(
        {"invoice": invoice, "expand": ["data.payment.payment_intent.latest_charge"]}
    )
    intent = payments.data[0].payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == "insufficient_funds"
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.outcome is not None
    assert intent.latest_charge.outcome.advice_code == "try_again_later"
    assert intent.latest_charge.outcome.network_decline_code == "51"


def test_auto_advance_false_silences_the_failed_invoice_for_sixty_days(stage: Stage) -> None:
    customer, subscription, invoice = stage.failing_renewal()
    stage.clock.advance(HOUR)
    before = (_kinds(stage), _charges(stage, customer))
    held = stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    assert (held.status, held.auto_advance, held.next_payment_attempt) == ("open", False, None)
    stage.api.v1.subscriptions.update(
        subscription, {"pause_collection": {"behavior": "keep_as_draft"}}
    )
    stage.clock.advance(60 * DAY)
    assert (_kinds(stage), _charges(stage, customer)) == before
    assert stage.api.v1.subscriptions.retrieve(subscription).status == "past_due"
    drafts = stage.sim.invoices(customer, "draft")
    assert [draft["auto_advance"] for draft in drafts] == [False]


def test_pause_collection_alone_does_not_stop_the_failed_invoice(stage: Stage) -> None:
    _, subscription, invoice = stage.failing_renewal()
    stage.api.v1.subscriptions.update(
        subscription, {"pause_collection": {"behavior": "keep_as_draft"}}
    )
    stage.clock.advance(4 * DAY)
    assert stage.api.v1.invoices.retrieve(invoice).attempt_count == 2
    assert _kinds(stage) == ["payment_failed"] * 2


def test_a_hold_between_two_retries_leaves_no_trace_once_released(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    stage.clock.advance(HOUR)
    before = stage.sim.state(volatile=False)
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    stage.clock.advance(DAY)
    assert stage.sim.state(volatile=False) != before
    stage.api.v1.invoices.update(invoice, {"auto_advance": True})
    assert stage.sim.state(volatile=False) == before


def test_a_resume_after_the_retry_window_plans_nothing(stage: Stage) -> None:
    _, subscription, invoice = stage.failing_renewal(interval="year")
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    stage.clock.advance(20 * DAY)
    assert (
        stage.api.v1.invoices.update(invoice, {"auto_advance": True}).next_payment_attempt is None
    )
    stage.clock.advance(60 * DAY)
    assert stage.api.v1.subscriptions.retrieve(subscription).status == "past_due"


def test_a_resume_may_start_the_whole_schedule_over(stage: Stage) -> None:
    stage.sim.behaviour.resume_window = "restart"
    _, _, invoice = stage.failing_renewal()
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    stage.clock.advance(20 * DAY)
    resumed = stage.api.v1.invoices.update(invoice, {"auto_advance": True})
    assert resumed.next_payment_attempt == stage.sim.world.now() + 3 * 86400


def test_a_resume_may_bring_no_retry_at_all(stage: Stage) -> None:
    stage.sim.behaviour.resume_window = "drop"
    customer, _, invoice = stage.failing_renewal(interval="year")
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    stage.api.v1.invoices.update(invoice, {"auto_advance": True})
    stage.clock.advance(60 * DAY)
    assert _charges(stage, customer) == ["succeeded", "failed"]


def test_a_resume_may_charge_within_minutes(stage: Stage) -> None:
    stage.sim.behaviour.on_resume = "charge_soon"
    customer, _, invoice = stage.failing_renewal()
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    stage.clock.advance(DAY)
    stage.api.v1.invoices.update(invoice, {"auto_advance": True})
    stage.clock.advance(timedelta(minutes=4))
    assert _charges(stage, customer) == ["succeeded", "failed", "failed"]
    assert stage.api.v1.invoices.retrieve(invoice).attempt_count == 2


def test_the_end_action_may_fire_although_the_invoice_is_held(stage: Stage) -> None:
    stage.sim.behaviour.end_action_while_held = True
    _, subscription, invoice = stage.failing_renewal()
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    stage.clock.advance(13 * DAY)
    assert stage.api.v1.subscriptions.retrieve(subscription).status == "past_due"
    stage.clock.advance(2 * DAY)
    assert stage.api.v1.subscriptions.retrieve(subscription).status == "canceled"


def test_the_next_attempt_may_stay_visible_during_a_hold(stage: Stage) -> None:
    stage.sim.behaviour.hold_clears_next_attempt = False
    customer, _, invoice = stage.failing_renewal()
    held = stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    assert held.next_payment_attempt is not None
    stage.clock.advance(10 * DAY)
    assert _charges(stage, customer) == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("rule", "advance", "mails"),
    [
        ("never", True, 1),
        ("unless_quiet", True, 2),
        ("unless_quiet", False, 1),
        ("always", False, 2),
    ],
)
def test_whether_a_failing_manual_payment_mails_is_a_switch(
    stage: Stage, rule: str, advance: bool, mails: int
) -> None:
    setattr(stage.sim.behaviour, "manual_failure_mails", rule)  # noqa: B010 - a parameter
    _, _, invoice = stage.failing_renewal()
    stage.api.v1.invoices.update(invoice, {"auto_advance": advance})
    with pytest.raises(stripe.CardError):
        stage.api.v1.invoices.pay(invoice)
    stage.clock.advance(HOUR)
    assert len(_kinds(stage)) == mails


def test_a_manual_payment_counts_no_attempt_and_moves_no_schedule(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    before = stage.sim.get(invoice)
    with pytest.raises(stripe.CardError) as refused:
        stage.api.v1.invoices.pay(invoice)
    assert refused.value.http_status == 402
    assert refused.value.error is not None
    assert refused.value.error.decline_code == "insufficient_funds"
    assert refused.value.error.payment_intent is not None
    assert str(refused.value.error.charge).startswith("ch_")
    assert stage.sim.get(invoice) == before


def test_a_manual_payment_that_comes_first_counts(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example", card="declines:do_not_honor")
    stage.sim.add_subscription(customer, amount=900, next_renewal_in=DAY)
    stage.clock.advance(DAY)
    draft = stage.sim.invoices(customer)[-1]["id"]
    stage.api.v1.invoices.finalize_invoice(draft, {"auto_advance": False})
    with pytest.raises(stripe.CardError):
        stage.api.v1.invoices.pay(draft)
    with pytest.raises(stripe.CardError):
        stage.api.v1.invoices.pay(draft)
    assert stage.api.v1.invoices.retrieve(draft).attempt_count == 1


def test_money_may_come_minutes_after_a_manual_payment_failed(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example", card="declines:do_not_honor")
    stage.sim.add_subscription(customer, amount=900, next_renewal_in=DAY)
    stage.clock.advance(DAY)
    draft = stage.sim.invoices(customer)[-1]["id"]
    stage.api.v1.invoices.finalize_invoice(draft)
    with pytest.raises(stripe.CardError):
        stage.api.v1.invoices.pay(draft)
    stage.sim.set_card(customer, "good")
    stage.clock.advance(timedelta(minutes=5))
    assert stage.api.v1.invoices.retrieve(draft).status == "paid"


def test_after_a_hard_decline_the_schedule_runs_but_no_bank_is_asked(stage: Stage) -> None:
    customer, _, invoice = stage.failing_renewal(card="declines:stolen_card")
    stage.clock.advance(6 * DAY)
    assert stage.api.v1.invoices.retrieve(invoice).attempt_count == 3
    assert _charges(stage, customer) == ["succeeded", "failed"]
    stage.sim.customer_updates_card(customer)
    stage.clock.advance(2 * DAY)
    assert _charges(stage, customer) == ["succeeded", "failed", "succeeded"]
    assert stage.api.v1.invoices.retrieve(invoice).status == "paid"


def test_a_new_card_is_used_at_the_next_scheduled_attempt_only(stage: Stage) -> None:
    customer, subscription, invoice = stage.failing_renewal()
    stage.sim.customer_updates_card(customer)
    stage.clock.advance(2 * DAY)
    assert stage.api.v1.invoices.retrieve(invoice).status == "open"
    stage.clock.advance(DAY)
    paid = stage.api.v1.invoices.retrieve(invoice)
    assert (paid.status, paid.amount_remaining, paid.auto_advance) == ("paid", 0, False)
    assert stage.api.v1.subscriptions.retrieve(subscription).status == "active"
    assert [mail.kind for mail in stage.sim.mailer.sent] == ["payment_failed", "receipt"]


def test_the_card_of_the_subscription_goes_before_the_customers(stage: Stage) -> None:
    customer, subscription, invoice = stage.failing_renewal()
    old = stage.sim.get(customer)["invoice_settings"]["default_payment_method"]
    stage.api.v1.subscriptions.update(subscription, {"default_payment_method": old})
    new = stage.sim.customer_updates_card(customer)
    with pytest.raises(stripe.CardError):
        stage.api.v1.invoices.pay(invoice)
    assert stage.api.v1.invoices.pay(invoice, {"payment_method": new}).status == "paid"


def test_unpaid_is_an_end_after_which_invoices_stay_drafts(stage: Stage) -> None:
    stage.sim.behaviour.end_action = "unpaid"
    customer, subscription, _ = stage.failing_renewal()
    stage.clock.advance(35 * DAY)
    assert stage.api.v1.subscriptions.retrieve(subscription).status == "unpaid"
    assert stage.sim.invoices(customer)[-1]["status"] == "draft"
    assert stage.sim.invoices(customer)[-1]["auto_advance"] is False


def test_past_due_is_an_end_after_which_invoices_are_charged_on(stage: Stage) -> None:
    stage.sim.behaviour.end_action = "past_due"
    customer, subscription, _ = stage.failing_renewal()
    stage.clock.advance(35 * DAY)
    assert stage.api.v1.subscriptions.retrieve(subscription).status == "past_due"
    assert [row["status"] for row in stage.sim.invoices(customer)] == ["paid", "open", "open"]


def test_pause_is_an_end_that_says_why(stage: Stage) -> None:
    stage.sim.behaviour.end_action = "pause"
    _, subscription, _ = stage.failing_renewal()
    stage.clock.advance(35 * DAY)
    found = stage.api.v1.subscriptions.retrieve(subscription)
    assert found.status == "paused"
    assert found.status_details is not None
    assert found.status_details.paused.subscription.type == "final_payment_failure"
    assert len(stage.events("customer.subscription.paused")) == 1


def test_a_pause_may_come_at_the_first_failure(stage: Stage) -> None:
    stage.sim.behaviour.pause_on_first_failure = True
    _, subscription, _ = stage.failing_renewal()
    details = stage.api.v1.subscriptions.retrieve(subscription).status_details
    assert details is not None
    assert details.paused.subscription.type == "first_payment_failure"


def test_the_invoice_may_end_as_bad_debt_with_its_reason(stage: Stage) -> None:
    stage.sim.behaviour.end_invoice = "uncollectible"
    _, _, invoice = stage.failing_renewal()
    stage.clock.advance(15 * DAY)
    lost = stage.api.v1.invoices.retrieve(invoice)
    assert lost.status == "uncollectible"
    assert lost.status_details is not None
    assert lost.status_details.uncollectible is not None
    assert lost.status_details.uncollectible.reason == "max_payment_attempts"


def test_a_bank_transfer_is_booked_without_a_charge(stage: Stage) -> None:
    customer, _, invoice = stage.failing_renewal()
    paid = stage.api.v1.invoices.pay(invoice, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid_off_stripe) == ("paid", 250_000)
    assert _charges(stage, customer) == ["succeeded", "failed"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stage.api.v1.invoices.pay(invoice)
    assert refused.value.http_status == 400
    assert refused.value.code is None


def test_a_card_that_asks_to_confirm_is_confirmed_on_the_hosted_page(stage: Stage) -> None:
    _, subscription, invoice = stage.failing_renewal(card="authenticate")
    assert _kinds(stage) == ["action_required"]
    assert len(stage.events("invoice.payment_action_required")) == 1
    with pytest.raises(stripe.CardError) as refused:
        stage.api.v1.invoices.pay(invoice)
    assert refused.value.code == "invoice_payment_intent_requires_action"
    assert stage.sim.customer_pays(invoice)
    assert stage.api.v1.subscriptions.retrieve(subscription).status == "active"


def test_the_next_attempt_may_be_told_in_a_later_update(stage: Stage) -> None:
    stage.sim.behaviour.next_attempt_comes_later = True
    stage.failing_renewal()
    assert (
        stage.events("invoice.payment_failed")[0]["data"]["object"]["next_payment_attempt"] is None
    )
    last = stage.events("invoice.updated")[-1]["data"]
    assert last["previous_attributes"] == {"next_payment_attempt": None}


@pytest.mark.parametrize(
    ("survives", "after", "reminders"),
    [
        (True, "dropped", 3),
        (False, "dropped", 0),
        (False, "resumes", 1),
        (False, "restarts", 3),
    ],
)
def test_whether_an_automations_reminders_outlive_a_hold_is_a_switch(
    stage: Stage, survives: bool, after: str, reminders: int
) -> None:
    stage.sim.behaviour.reminder_days = (2, 4, 6)
    stage.sim.behaviour.automation_survives_hold = survives
    setattr(stage.sim.behaviour, "automation_after_resume", after)  # noqa: B010 - a parameter
    _, _, invoice = stage.failing_renewal()
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    stage.clock.advance(5 * DAY)
    stage.api.v1.invoices.update(invoice, {"auto_advance": True})
    stage.clock.advance(7 * DAY)
    assert _kinds(stage).count("reminder") == reminders


@pytest.mark.parametrize(("survives", "mails"), [(True, 1), (False, 0)])
def test_a_mail_on_its_way_leaves_or_not(stage: Stage, survives: bool, mails: int) -> None:
    stage.sim.behaviour.mail_delay = 2 * HOUR
    stage.sim.behaviour.queued_mail_survives_hold = survives
    _, _, invoice = stage.failing_renewal()
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    stage.clock.advance(DAY)
    assert len(_kinds(stage)) == mails


def test_mails_can_be_switched_off_for_the_account(stage: Stage) -> None:
    stage.sim.behaviour.failure_mails = False
    stage.failing_renewal()
    stage.clock.advance(15 * DAY)
    assert stage.sim.mailer.robotic() == []


def test_an_intercepted_draft_is_never_charged(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example", card="declines:do_not_honor")
    stage.sim.add_subscription(customer, amount=900, next_renewal_in=DAY)
    stage.clock.advance(DAY)
    draft = stage.sim.invoices(customer, "draft")[0]
    due = datetime.fromtimestamp(draft["automatically_finalizes_at"], UTC)
    assert due == stage.clock.now() + HOUR
    stage.api.v1.invoices.update(draft["id"], {"auto_advance": False})
    stage.clock.advance(20 * DAY)
    assert stage.sim.get(draft["id"])["status"] == "draft"
    stage.api.v1.invoices.update(draft["id"], {"auto_advance": True})
    stage.clock.advance(HOUR)
    assert stage.sim.get(draft["id"])["attempt_count"] == 1
