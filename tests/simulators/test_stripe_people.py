"""Customers, cards and the portal of the simulated Stripe."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
import stripe

from simulators.clock import SimClock
from simulators.stripe import ApiError, StripeSim
from tests.simulators.stripe_stage import DAY, HOUR, START, Stage, behaviour, stage

__all__ = ["behaviour", "stage"]


def test_a_card_may_decline_with_codes_of_ones_choice(stage: Stage) -> None:
    stage.failing_renewal(
        card="declines:do_not_honor;advice=do_not_try_again;network=46;network_advice=03"
    )
    failed = stage.events("charge.failed")[0]["data"]["object"]
    outcome = failed["outcome"]
    assert failed["failure_code"] == "card_declined"
    assert (outcome["reason"], outcome["type"]) == ("do_not_honor", "issuer_declined")
    assert (
        outcome["advice_code"],
        outcome["network_decline_code"],
        outcome["network_advice_code"],
    ) == ("do_not_try_again", "46", "03")


def test_a_payment_that_radar_blocks_never_reaches_the_bank(stage: Stage) -> None:
    customer, _, _ = stage.failing_renewal(card="blocked:highest_risk_level")
    stage.clock.advance(10 * DAY)
    charges = stage.api.v1.charges.list({"customer": customer}).data
    assert [charge.status for charge in charges] == ["failed", "succeeded"]
    outcome = charges[0].outcome
    assert outcome is not None
    assert (outcome.type, outcome.reason, outcome.network_status) == (
        "blocked",
        "highest_risk_level",
        "not_sent_to_network",
    )


def test_an_expired_card_shows_a_date_in_the_past(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "a@acme.example", card="declines:expired_card")
    card = stage.api.v1.payment_methods.list({"customer": customer}).data[0].card
    assert card is not None
    assert card.exp_year < START.year


def test_a_card_that_refuses_to_attach_answers_402(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "a@acme.example", card=None)
    with pytest.raises(stripe.CardError) as refused:
        stage.api.v1.payment_methods.attach(
            "pm_card_visa_chargeDeclinedInsufficientFunds", {"customer": customer}
        )
    assert refused.value.error is not None
    assert refused.value.error.decline_code == "insufficient_funds"
    assert stage.api.v1.payment_methods.list({"customer": customer}).data == []
    with pytest.raises(ApiError):
        stage.sim.customer_updates_card(customer, "refuses:lost_card")


def test_an_unknown_card_is_told_what_there_is(stage: Stage) -> None:
    with pytest.raises(ValueError, match="declines:<code>"):
        stage.sim.add_customer("Acme", "a@acme.example", card="bad")


def test_a_new_card_in_the_portal_is_attached_and_default(stage: Stage) -> None:
    customer, _, _ = stage.failing_renewal()
    before = len(stage.events())
    method = stage.sim.customer_updates_card(customer)
    told = stage.events()[before:]
    assert [event["type"] for event in told] == ["payment_method.attached", "customer.updated"]
    assert stage.sim.get(customer)["invoice_settings"]["default_payment_method"] == method


def test_the_network_may_renew_a_card_by_itself(stage: Stage) -> None:
    customer, _, invoice = stage.failing_renewal(card="declines:expired_card")
    stage.sim.network_updates_card(customer)
    event = stage.events("payment_method.automatically_updated")[0]
    assert list(event["data"]["previous_attributes"]["card"]) == ["exp_year"]
    stage.clock.advance(4 * DAY)
    assert stage.sim.get(invoice)["status"] == "paid"


def test_detaching_the_default_card_leaves_nothing_to_charge(stage: Stage) -> None:
    customer, _, invoice = stage.failing_renewal()
    method = stage.sim.get(customer)["invoice_settings"]["default_payment_method"]
    stage.api.v1.payment_methods.detach(method)
    with pytest.raises(stripe.InvalidRequestError, match="default_payment_method"):
        stage.api.v1.invoices.pay(invoice)
    stage.clock.advance(4 * DAY)
    assert len(stage.api.v1.charges.list({"customer": customer}).data) == 2
    assert stage.sim.get(invoice)["attempt_count"] == 2


def test_somebody_elses_card_cannot_become_the_default(stage: Stage) -> None:
    one = stage.sim.add_customer("One", "one@example.com")
    two = stage.sim.add_customer("Two", "two@example.com")
    card = stage.sim.get(two)["invoice_settings"]["default_payment_method"]
    with pytest.raises(stripe.InvalidRequestError, match="must be attached"):
        stage.api.v1.customers.update(one, {"invoice_settings": {"default_payment_method": card}})


def test_an_update_tells_what_it_replaced(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "old@acme.example", metadata={"tier": "vip"})
    stage.api.v1.customers.update(
        customer, {"email": "new@acme.example", "metadata": {"tier": "", "csm": "Ada"}}
    )
    assert stage.events("customer.updated")[-1]["data"]["previous_attributes"] == {
        "email": "old@acme.example",
        "metadata": {"tier": "vip", "csm": None},
    }


def test_the_mail_address_of_an_invoice_is_frozen_when_it_is_finalized(stage: Stage) -> None:
    customer, _, invoice = stage.failing_renewal()
    stage.api.v1.customers.update(customer, {"email": ""})
    assert stage.sim.get(invoice)["customer_email"] == "ap@acme.example"
    stage.clock.advance(4 * DAY)
    assert {mail.to for mail in stage.sim.mailer.sent} == {"ap@acme.example"}


def _portal(stage: Stage, customer: str, *, recovers: bool = False) -> str:
    create = stage.api.v1.billing_portal.sessions.create
    if recovers:
        return create(
            {
                "customer": customer,
                "flow_data": {"type": "payment_method_update"},
                "after_expiration": {"type": "customer_login"},
            }
        ).url
    return create({"customer": customer, "flow_data": {"type": "payment_method_update"}}).url


def test_a_link_scanner_does_not_use_up_a_portal_link(stage: Stage) -> None:
    customer, _, invoice = stage.failing_renewal()
    url = _portal(stage, customer)
    assert stage.sim.scan_portal(url) == "open"
    assert stage.sim.customer_opens_portal(url, card="good") == "open"
    assert stage.api.v1.invoices.pay(invoice).status == "paid"


def test_an_unused_portal_link_dies_after_five_minutes(stage: Stage) -> None:
    customer, _, _ = stage.failing_renewal()
    url = _portal(stage, customer)
    stage.sim.scan_portal(url)
    stage.clock.advance(timedelta(minutes=6))
    assert stage.sim.customer_opens_portal(url, card="good") == "expired"
    assert stage.sim.mailer.robotic(customer) != []


def test_a_used_portal_session_lives_an_hour_after_the_last_activity(stage: Stage) -> None:
    customer, _, _ = stage.failing_renewal()
    url = _portal(stage, customer)
    stage.sim.customer_opens_portal(url)
    stage.clock.advance(HOUR * 0.9)
    assert stage.sim.customer_opens_portal(url) == "open"
    stage.clock.advance(HOUR * 0.9)
    assert stage.sim.customer_opens_portal(url) == "open"
    stage.clock.advance(HOUR * 1.1)
    assert stage.sim.customer_opens_portal(url) == "expired"


def test_a_dead_link_recovers_for_the_customers_own_address(stage: Stage) -> None:
    customer, _, _ = stage.failing_renewal()
    url = _portal(stage, customer, recovers=True)
    stage.clock.advance(9 * DAY)
    assert stage.sim.customer_opens_portal(url) == "recoverable"
    assert stage.sim.customer_opens_portal(url, email="cfo@acme.example") == "recoverable"
    assert stage.sim.customer_opens_portal(url, email="ap@acme.example", card="good") == "recovered"


def test_whether_another_address_recovers_a_link_is_a_switch(stage: Stage) -> None:
    stage.sim.behaviour.portal_recovery_needs_customer_email = False
    customer, _, _ = stage.failing_renewal()
    url = _portal(stage, customer, recovers=True)
    stage.clock.advance(9 * DAY)
    assert stage.sim.customer_opens_portal(url, email="cfo@acme.example") == "recovered"


def test_with_local_pages_a_browser_can_pay_and_a_scanner_cannot() -> None:
    clock = SimClock(START)
    with StripeSim(clock, local_pages=True) as sim:
        customer = sim.add_customer("Acme", "ap@acme.example", card="authenticate")
        sim.add_subscription(customer, amount=900, next_renewal_in=DAY)
        clock.advance(DAY + HOUR)
        invoice = sim.invoices(customer)[-1]
        requests.get(invoice["hosted_invoice_url"], timeout=10)
        assert sim.get(invoice["id"])["status"] == "open"
        requests.post(invoice["hosted_invoice_url"], timeout=10)
        assert sim.get(invoice["id"])["status"] == "paid"
