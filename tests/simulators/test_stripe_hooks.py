"""Events of the simulated Stripe: recorded, listed, signed, and delivered badly on demand."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import stripe

from simulators.stripe.webhooks import RETRIES
from tests.simulators.stripe_stage import DAY, HOUR, Inbox, Stage, behaviour, inbox, stage

__all__ = ["behaviour", "inbox", "stage"]


def _types(inbox: Inbox) -> list[str]:
    return [json.loads(body)["type"] for body, _ in inbox.got]


def test_a_hook_verifies_with_the_library_and_parses_into_its_types(
    stage: Stage, inbox: Inbox
) -> None:
    _, secret = stage.sim.add_webhook_endpoint(inbox.url, ["invoice.payment_failed"])
    _, subscription, invoice = stage.failing_renewal()
    stage.sim.postman.flush()
    body, header = inbox.got[0]
    now = int(stage.clock.seconds())
    assert stripe.WebhookSignature.verify_header(body.decode(), header, secret, None)
    assert f"t={now}" in header
    event = stripe.Webhook.construct_event(body, header, secret, tolerance=10**10)
    failed = event.data.object
    assert isinstance(failed, stripe.Invoice)
    assert failed.id == invoice
    assert failed.parent is not None
    assert failed.parent.subscription_details is not None
    assert failed.parent.subscription_details.subscription == subscription
    assert "payments" not in failed


def test_a_changed_body_does_not_verify(stage: Stage, inbox: Inbox) -> None:
    _, secret = stage.sim.add_webhook_endpoint(inbox.url)
    stage.sim.add_customer("Acme", "ap@acme.example")
    stage.sim.postman.flush()
    body, header = inbox.got[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body.decode() + " ", header, secret, None)


def test_while_a_secret_rolls_both_secrets_verify(stage: Stage, inbox: Inbox) -> None:
    endpoint, old = stage.sim.add_webhook_endpoint(inbox.url)
    new = stage.sim.roll_secret(endpoint)
    stage.sim.add_customer("Acme", "ap@acme.example", card=None)
    stage.sim.postman.flush()
    body, header = inbox.got[0]
    assert header.count("v1=") == 2
    assert stripe.WebhookSignature.verify_header(body.decode(), header, old, None)
    assert stripe.WebhookSignature.verify_header(body.decode(), header, new, None)
    stage.clock.advance(DAY)
    stage.sim.add_customer("Other", "ap@other.example", card=None)
    stage.sim.postman.flush()
    assert inbox.got[-1][1].count("v1=") == 1


def test_only_the_wanted_types_are_posted(stage: Stage, inbox: Inbox) -> None:
    stage.sim.add_webhook_endpoint(inbox.url, ["charge.failed", "invoice.payment_failed"])
    stage.failing_renewal()
    stage.sim.postman.flush()
    assert _types(inbox) == ["charge.failed", "invoice.payment_failed"]


def test_a_refused_hook_comes_again_for_three_days(stage: Stage, inbox: Inbox) -> None:
    assert sum(RETRIES, timedelta()) == 3 * DAY
    stage.sim.add_webhook_endpoint(inbox.url, ["customer.created"])
    inbox.status = 500
    stage.sim.add_customer("Acme", "ap@acme.example")
    stage.sim.postman.flush()
    for gap in RETRIES:
        stage.clock.advance(gap)
        stage.sim.postman.flush()
    stage.clock.advance(10 * DAY)
    stage.sim.postman.flush()
    assert len(inbox.got) == 1 + len(RETRIES)
    assert len({json.loads(body)["id"] for body, _ in inbox.got}) == 1


def test_the_dial_loses_doubles_and_shuffles(stage: Stage, inbox: Inbox) -> None:
    stage.sim.add_webhook_endpoint(inbox.url)
    stage.sim.postman.dial.copies = 2
    stage.sim.postman.dial.shuffle = True
    stage.failing_renewal()
    stage.sim.postman.flush()
    made = [event["id"] for event in stage.events()]
    got = [json.loads(body)["id"] for body, _ in inbox.got]
    assert sorted(got) == sorted(made * 2)
    assert got != sorted(got)
    stage.sim.postman.dial.loss = 1.0
    stage.sim.add_customer("Lost", "lost@example.com")
    stage.sim.postman.flush()
    assert len(inbox.got) == len(got)


def test_what_was_not_delivered_can_be_asked_for(stage: Stage, inbox: Inbox) -> None:
    stage.sim.add_webhook_endpoint(inbox.url, ["customer.created"])
    stage.sim.postman.dial.loss = 1.0
    lost = stage.sim.add_customer("Lost", "lost@example.com")
    stage.sim.postman.dial.loss = 0.0
    stage.sim.add_customer("Kept", "kept@example.com")
    stage.sim.postman.flush()
    missed = stage.api.v1.events.list({"delivery_success": False}).data
    assert [event.to_dict()["data"]["object"]["id"] for event in missed] == [lost]
    assert [event.pending_webhooks for event in missed] == [1]


def test_a_disabled_endpoint_gets_no_more_tries(stage: Stage, inbox: Inbox) -> None:
    endpoint, _ = stage.sim.add_webhook_endpoint(inbox.url, ["customer.created"])
    inbox.status = 500
    stage.sim.add_customer("Acme", "ap@acme.example")
    stage.sim.postman.flush()
    stage.api.v1.webhook_endpoints.update(endpoint, {"disabled": True})
    stage.clock.advance(3 * DAY)
    stage.sim.postman.flush()
    assert len(inbox.got) == 1


def test_a_resent_event_is_the_same_event(stage: Stage, inbox: Inbox) -> None:
    endpoint, _ = stage.sim.add_webhook_endpoint(inbox.url, ["customer.created"])
    stage.sim.add_customer("Acme", "ap@acme.example")
    stage.sim.postman.flush()
    stage.sim.resend(stage.events("customer.created")[0]["id"], endpoint)
    stage.sim.postman.flush()
    assert inbox.got[0][0] == inbox.got[1][0].replace(
        b'"pending_webhooks": 0', b'"pending_webhooks": 1'
    )


def test_an_endpoint_made_by_api_shows_its_secret_once(stage: Stage, inbox: Inbox) -> None:
    made = stage.api.v1.webhook_endpoints.create(
        {
            "url": inbox.url,
            "enabled_events": ["customer.created"],
            "api_version": "2026-09-30.endive",
        }
    )
    assert made.secret is not None
    assert made.api_version == "2026-09-30.endive"
    assert "secret" not in stage.api.v1.webhook_endpoints.retrieve(made.id)
    stage.sim.add_customer("Acme", "ap@acme.example")
    stage.sim.postman.flush()
    body, header = inbox.got[0]
    assert stripe.WebhookSignature.verify_header(body.decode(), header, made.secret, None)
    assert json.loads(body)["api_version"] == "2026-09-30.endive"


def test_an_old_endpoint_gets_bodies_of_its_own_age(stage: Stage, inbox: Inbox) -> None:
    stage.sim.add_webhook_endpoint(inbox.url, ["invoice.payment_failed"], api_version="2024-06-20")
    _, subscription, _ = stage.failing_renewal()
    stage.sim.postman.flush()
    old = json.loads(inbox.got[0][0])["data"]["object"]
    assert old["subscription"] == subscription
    assert "parent" not in old


def test_an_event_says_who_caused_it(stage: Stage) -> None:
    _, subscription, invoice = stage.failing_renewal()
    stage.api.v1.invoices.update(invoice, {"auto_advance": False}, {"idempotency_key": "hold"})
    ours = stage.events("invoice.updated")[-1]
    assert ours["request"]["idempotency_key"] == "hold"
    assert ours["data"]["previous_attributes"]["auto_advance"] is True
    assert ours["data"]["previous_attributes"]["next_payment_attempt"] > 0
    stage.sim.dashboard_update_invoice(invoice, auto_advance=True)
    human = stage.events("invoice.updated")[-1]["request"]
    assert human["id"].startswith("req_")
    assert human["idempotency_key"] is None
    stage.sim.dashboard_update_subscription(subscription, pause_collection={"behavior": "void"})
    stage.sim.dashboard_update_subscription(subscription, pause_collection=None)
    last = stage.events("customer.subscription.updated")[-1]
    assert last["data"]["previous_attributes"] == {
        "pause_collection": {"behavior": "void", "resumes_at": None}
    }


def test_a_write_that_changes_nothing_makes_no_event(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    before = len(stage.events())
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    assert len(stage.events()) == before


def test_events_are_listed_by_type_time_and_for_thirty_days(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal(interval="year")
    listed = stage.api.v1.events.list
    some = listed({"types": ["invoice.payment_failed", "charge.failed"]}).data
    assert [event.type for event in some] == ["invoice.payment_failed", "charge.failed"]
    assert len(listed({"type": "charge.failed"}).data) == 1
    since = stage.sim.get(invoice)["created"]
    assert {event.type for event in listed({"created": {"lt": since}, "limit": 100}).data} >= {
        "customer.created"
    }
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    stage.clock.advance(29 * DAY + 23 * HOUR)
    assert len(listed({"type": "charge.failed"}).data) == 1
    stage.clock.advance(2 * HOUR)
    assert listed({"type": "charge.failed"}).data == []


def test_created_is_in_whole_seconds_and_ties_are_common(stage: Stage) -> None:
    stage.failing_renewal()
    failed = stage.events("charge.failed", "invoice.payment_failed", "invoice.updated")[-3:]
    assert len({event["created"] for event in failed}) == 1
