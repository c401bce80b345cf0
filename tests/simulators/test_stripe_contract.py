"""Every endpoint of the simulated Stripe answers as Stripe's own document says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
import stripe

from simulators.clock import SimClock
from simulators.stripe import StripeSim
from simulators.stripe.endpoints import PAGES, table
from tests.simulators.openapi import CheckedSession, Spec, stripe_spec
from tests.simulators.stripe_stage import START, Stage, behaviour, stage

__all__ = ["behaviour", "stage"]


@pytest.fixture
def spec() -> Spec:
    return stripe_spec()


@pytest.fixture
def session(spec: Spec) -> CheckedSession:
    return CheckedSession(spec)


@pytest.fixture
def checked(stage: Stage, session: CheckedSession) -> stripe.StripeClient:
    http = stripe.RequestsClient(session=session)
    return stage.client(stage.sim.api_key, http_client=http)


def _tell_everything(stage: Stage, api: stripe.StripeClient, url: str) -> None:
    """One call of every endpoint, on objects in every state."""
    v1 = api.v1
    clock = v1.test_helpers.test_clocks.create({"frozen_time": stage.sim.world.now()})
    v1.test_helpers.test_clocks.list()
    v1.test_helpers.test_clocks.retrieve(clock.id)
    v1.accounts.retrieve_current()
    product = v1.products.create({"name": "Gold", "metadata": {"a": "b"}})
    v1.products.retrieve(product.id)
    v1.products.list({"active": True})
    tiered = v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [{"up_to": 10, "unit_amount": 500}, {"up_to": "inf", "unit_amount": 300}],
            "recurring": {"interval": "month"},
        }
    )
    cheap = v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount_decimal": Decimal("12.5"),
            "recurring": {"interval": "year"},
            "transform_quantity": {"divide_by": 10, "round": "up"},
        }
    )
    v1.prices.retrieve(tiered.id, {"expand": ["tiers", "product"]})
    v1.prices.list({"expand": ["data.tiers"]})
    coupon = v1.coupons.create({"percent_off": 25, "duration": "forever"})
    v1.coupons.retrieve(coupon.id)
    v1.coupons.list()
    customer = v1.customers.create(
        {
            "name": "Acme",
            "email": "ap@acme.example",
            "address": {"country": "US", "city": "Here"},
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
        }
    )
    v1.customers.update(customer.id, {"metadata": {"tier": "vip"}})
    second = v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    v1.payment_methods.retrieve(second.id, {"expand": ["customer"]})
    v1.payment_methods.list({"customer": customer.id, "type": "card"})
    v1.customers.payment_methods.list(customer.id)
    v1.customers.payment_methods.retrieve(customer.id, second.id)
    v1.payment_methods.detach(second.id)
    bought = v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [
                {"price": tiered.id, "quantity": 12},
            ],
            "discounts": [{"coupon": coupon.id}],
            "expand": ["latest_invoice.payments", "discounts.source.coupon"],
        }
    )
    yearly = v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": cheap.id, "quantity": 25}]}
    )
    v1.customers.retrieve(
        customer.id,
        {"expand": ["subscriptions", "invoice_settings.default_payment_method", "default_source"]},
    )
    v1.customers.list({"email": "ap@acme.example"})
    v1.customers.search({"query": "metadata['tier']:'vip'"})
    trial = v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": tiered.id}], "trial_period_days": 7}
    )
    v1.subscriptions.update(
        bought.id, {"pause_collection": {"behavior": "keep_as_draft"}, "metadata": {"k": "v"}}
    )
    v1.subscriptions.list(
        {
            "status": "all",
            "expand": [
                "data.latest_invoice.payments",
                "data.discounts.source.coupon",
                "data.items.data.discounts",
                "data.customer",
            ],
        }
    )
    v1.subscriptions.search({"query": "status:'active'"})
    v1.subscriptions.pause(yearly.id)
    v1.subscriptions.resume(yearly.id)
    v1.subscriptions.retrieve(yearly.id, {"expand": ["customer", "latest_invoice"]})
    v1.subscriptions.cancel(trial.id)
    _invoices(stage, api)
    endpoint = v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})
    v1.webhook_endpoints.update(endpoint.id, {"description": "x"})
    v1.webhook_endpoints.retrieve(endpoint.id)
    v1.webhook_endpoints.list()
    v1.webhook_endpoints.delete(endpoint.id)
    v1.billing_portal.sessions.create(
        {
            "customer": customer.id,
            "return_url": "https://example.com",
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {
                    "type": "redirect",
                    "redirect": {"return_url": "https://example.com/done"},
                },
            },
            "after_expiration": {"type": "customer_login", "customer_login": {}},
            "expand": ["configuration"],
        }
    )
    for portal in v1.billing_portal.configurations.list().data:
        v1.billing_portal.configurations.retrieve(portal.id)
    for event in v1.events.list({"limit": 5}).data:
        v1.events.retrieve(event.id)
    v1.customers.delete(customer.id)
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": stage.sim.world.now() + 60})


def _invoices(stage: Stage, api: stripe.StripeClient) -> None:
    v1 = api.v1
    _, _, declined = stage.failing_renewal(history=[("lost", 3), ("failed_then_paid", 2, 5)])
    _, _, asking = stage.failing_renewal(card="authenticate")
    _, drafting, _ = stage.failing_renewal(card="good")
    v1.invoices.update(declined, {"auto_advance": False, "metadata": {"hold": "1"}})
    v1.invoices.update(declined, {"auto_advance": True})
    for invoice in (declined, asking):
        with pytest.raises(stripe.CardError):
            v1.invoices.pay(invoice)
        v1.invoices.retrieve(
            invoice, {"expand": ["payments.data.payment.payment_intent", "confirmation_secret"]}
        )
    v1.invoices.list(
        {
            "limit": 20,
            "expand": [
                "data.payments",
                "data.parent.subscription_details.subscription",
                "data.customer",
                "data.discounts",
            ],
        }
    )
    v1.invoices.line_items.list(declined)
    v1.invoices.search({"query": "status:'open' AND total>1"})
    payments = v1.invoice_payments.list(
        {"invoice": asking, "expand": ["data.payment.payment_intent.latest_charge"]}
    )
    payment = payments.data[0]
    v1.invoice_payments.retrieve(payment.id)
    intent = payment.payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge", "customer"]})
    v1.payment_intents.list()
    charges = v1.charges.list({"limit": 20, "expand": ["data.payment_intent", "data.customer"]})
    v1.charges.retrieve(charges.data[0].id)
    v1.charges.search({"query": "status:'failed' AND created>1"})
    v1.invoices.pay(asking, {"paid_out_of_band": True})
    v1.invoices.mark_uncollectible(declined)
    v1.invoices.void_invoice(declined)
    renewal = stage.sim.get(drafting)["items"]["data"][0]["current_period_end"]
    stage.clock.advance_to(datetime.fromtimestamp(renewal, UTC))
    draft = stage.sim.invoices(stage.sim.get(drafting)["customer"], "draft")[0]
    v1.invoices.update(draft["id"], {"auto_advance": False, "description": "by hand"})
    v1.invoices.finalize_invoice(draft["id"], {"auto_advance": False})


def test_every_endpoint_answers_as_the_document_says(
    stage: Stage, checked: stripe.StripeClient, session: CheckedSession, spec: Spec
) -> None:
    _tell_everything(stage, checked, "https://example.com/hooks")
    declared = {
        (entry.method, spec.path_of(entry.method, entry.path.replace("{", "").replace("}", "")))
        for entry in table()
    }
    assert "\n".join(sorted(set(session.problems))) == ""
    assert declared - session.checked == set()


def test_every_event_carries_an_object_as_the_document_says(stage: Stage, spec: Spec) -> None:
    stage.failing_renewal(card="authenticate")
    stage.failing_renewal()
    stage.clock.advance(timedelta(days=40))
    bodies = [event["data"]["object"] for event in stage.events()]
    distinct = {(body["object"], str(sorted(body))): body for body in bodies}
    problems = [text for body in distinct.values() for text in spec.object_problems(body)]
    assert problems == []


@pytest.mark.parametrize("entry", table(), ids=lambda entry: f"{entry.method} {entry.path}")
def test_no_endpoint_takes_a_parameter_that_stripe_does_not_know(entry: Any, spec: Spec) -> None:
    template = spec.path_of(entry.method, entry.path.replace("{", "").replace("}", ""))
    tops = {name.split(".")[0] for name in entry.allowed}
    assert tops - spec.parameters(entry.method, template) == set()
    for name in {name for name in entry.allowed if "." in name}:
        top, inner = name.split(".")[:2]
        known = spec.inner_parameters(entry.method, template, top)
        assert known is None or inner in known, name
    if entry.method == "GET" and tops & set(PAGES):
        assert set(PAGES) <= tops or "page" in tops


@pytest.fixture(scope="module")
def standing() -> Iterator[StripeSim]:
    """One account for tests that change nothing."""
    with StripeSim(SimClock(START)) as sim:
        yield sim


@pytest.mark.parametrize("entry", table(), ids=lambda entry: f"{entry.method} {entry.path}")
def test_every_endpoint_refuses_an_unknown_parameter(entry: Any, standing: StripeSim) -> None:
    path = entry.path.replace("{", "").replace("}", "")
    answer = requests.request(
        entry.method,
        standing.url + path,
        data={"nonsense": "1"} if entry.method == "POST" else None,
        params={"nonsense": "1"} if entry.method != "POST" else None,
        headers={"Authorization": f"Bearer {standing.api_key}"},
        timeout=10,
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "parameter_unknown"


def test_unknown_names_inside_a_hash_are_refused(stage: Stage) -> None:
    _, subscription, _ = stage.failing_renewal()
    with pytest.raises(stripe.InvalidRequestError, match=r"pause_collection\[until\]"):
        stage.api.raw_request(
            "post",
            f"/v1/subscriptions/{subscription}",
            pause_collection={"behavior": "void", "until": 1},
        )
