"""The doctor sees what is wrong with a Stripe account, says the remedy, and touches nothing."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.stripe.connector import StripeConnector
from connectors.stripe.dashboard import DASHBOARD_ONLY
from connectors.stripe.doctor import NOBODY, READS
from connectors.stripe.events import EVENTS
from connectors.stripe.manifest import limits_for
from connectors.stripe.versions import API_VERSION
from domain.ports import Finding, Health
from tests.connectors.stripe_stage import (
    NOW,
    Answer,
    Json,
    ScriptedStripe,
    connect,
    customer,
    listed,
    refusal,
)

URL = "https://kidglove.example.com/stripe"
WRITES = (
    f"POST /v1/invoices/{NOBODY}",
    f"POST /v1/subscriptions/{NOBODY}",
    "POST /v1/billing_portal/sessions",
)


def endpoint(**over: Any) -> Json:
    return {
        "id": "we_1",
        "url": URL,
        "status": "enabled",
        "api_version": API_VERSION,
        "enabled_events": list(EVENTS),
    } | over


PORTAL = {
    "id": "bpc_1",
    "active": True,
    "is_default": True,
    "features": {"payment_method_update": {"enabled": True}},
}


@pytest.fixture
def scripted() -> ScriptedStripe:
    """A healthy account."""
    one = ScriptedStripe()
    for path, _ in READS:
        one.on(f"GET /v1/{path}", listed())
    one.on(
        "GET /v1/customers",
        Answer(listed(customer()), headers={"Date": format_datetime(NOW, usegmt=True)}),
    )
    for call in WRITES:
        one.on(call, refusal(404, "resource_missing"))
    one.on("GET /v1/webhook_endpoints", listed(endpoint()))
    one.on("GET /v1/billing_portal/configurations", listed(PORTAL))
    return one


@pytest.fixture
def connector(scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch) -> StripeConnector:
    return connect(scripted, monkeypatch, webhook_url=URL)


def wrong(connector: StripeConnector) -> list[Finding]:
    return [one for one in connector.examine() if one.health is Health.WRONG]


def test_a_healthy_account_has_nothing_wrong(connector: StripeConnector) -> None:
    assert wrong(connector) == []


def test_what_only_a_person_can_see_is_asked_for_with_its_page(connector: StripeConnector) -> None:
    asked = [one for one in connector.examine() if one.health is Health.UNKNOWN]
    assert asked == list(DASHBOARD_ONLY)
    assert all("Dashboard >" in one.remedy for one in asked)


@pytest.mark.parametrize("word", ["intercept", "react"])
def test_the_cost_of_each_way_to_hold_is_told(word: str) -> None:
    assert any(word in one.detail for one in DASHBOARD_ONLY)


def test_nothing_that_exists_is_written_to(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    connector.examine()
    posts = [f"{one.method} {one.path}" for one in scripted.sent if one.method == "POST"]
    assert posts == list(WRITES)
    assert scripted.sent_to(WRITES[2])[0].params == {"customer": NOBODY}


def test_a_refused_key_is_said_once_and_nothing_else_is_tried(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on("GET /v1/customers", refusal(401))
    assert [one.check for one in wrong(connector)] == ["key"]
    assert len(scripted.sent) == 1


@pytest.mark.parametrize(("path", "scope"), READS[1:])
def test_a_missing_permission_is_named(
    connector: StripeConnector, scripted: ScriptedStripe, path: str, scope: str
) -> None:
    scripted.on(f"GET /v1/{path}", refusal(403, message=f"The key lacks '{scope}'."))
    found = wrong(connector)
    assert [one.check for one in found] == [f"read {path}"]
    assert scope in found[0].remedy


def test_a_key_that_may_not_write_is_found_out_without_writing(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITES[0], refusal(403, message="The key lacks 'rak_invoice_write'."))
    found = wrong(connector)
    assert [one.check for one in found] == ["quiet invoices"]
    assert "rak_invoice_write" in found[0].remedy


def test_a_live_key_beside_test_data_is_wrong(
    scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = connect(scripted, monkeypatch, webhook_url=URL, api_key="sk_live_1")
    assert "key" in [one.check for one in wrong(live)]


def test_clocks_that_differ_are_found(
    scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = connect(scripted, monkeypatch, webhook_url=URL, clock=lambda: NOW + timedelta(minutes=4))
    found = wrong(late)
    assert [one.check for one in found] == ["clock"]
    assert "240 s" in found[0].detail


@pytest.mark.parametrize(
    ("odd", "word"),
    [
        ({"api_version": "2025-02-24.acacia"}, "2025-02-24.acacia"),
        ({"api_version": None}, "account default"),
        ({"enabled_events": list(EVENTS[1:])}, EVENTS[0]),
        ({"status": "disabled"}, "disabled"),
    ],
)
def test_an_endpoint_that_does_not_fit_is_told_apart(
    connector: StripeConnector, scripted: ScriptedStripe, odd: Json, word: str
) -> None:
    scripted.on("GET /v1/webhook_endpoints", listed(endpoint(**odd)))
    found = wrong(connector)
    assert len(found) == 1
    assert word in found[0].detail


def test_an_endpoint_for_everything_has_all_events(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on("GET /v1/webhook_endpoints", listed(endpoint(enabled_events=["*"])))
    assert wrong(connector) == []


def test_a_missing_endpoint_is_wrong(connector: StripeConnector, scripted: ScriptedStripe) -> None:
    scripted.on("GET /v1/webhook_endpoints", listed(endpoint(url="https://elsewhere.example")))
    assert [one.check for one in wrong(connector)] == ["webhook endpoint"]


def test_without_a_public_address_the_endpoint_is_unknown(
    scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = connect(scripted, monkeypatch).examine()
    line = next(one for one in found if one.check == "webhook endpoint")
    assert line.health is Health.UNKNOWN


@pytest.mark.parametrize(
    "portal",
    [
        None,
        PORTAL | {"active": False},
        PORTAL | {"features": {"payment_method_update": {"enabled": False}}},
    ],
)
def test_a_portal_on_which_no_card_can_be_changed_is_wrong(
    connector: StripeConnector, scripted: ScriptedStripe, portal: Json | None
) -> None:
    rows = [portal] if portal else []
    scripted.on("GET /v1/billing_portal/configurations", listed(*rows))
    assert [one.check for one in wrong(connector)] == ["customer portal"]


def test_an_illness_of_stripe_is_a_finding_and_no_crash(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    for call in scripted.script:
        scripted.on(call, refusal(503, type="api_error"))
    assert wrong(connector)


@pytest.mark.parametrize(("key", "allowed"), [("rk_test_1", 25), ("sk_live_1", 100)])
def test_a_second_never_holds_more_calls_than_the_account_allows(key: str, allowed: int) -> None:
    limits = limits_for(key)
    assert limits.rate + limits.burst <= allowed
