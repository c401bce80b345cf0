"""Stripe in facts."""

from __future__ import annotations

from connectors.kit.limits import Limits
from connectors.kit.manifest import Capability, Kind, Manifest, Scope, Trait
from connectors.stripe.versions import API_VERSION

SCOPES = (
    Scope(name="rak_customer_read", needed_for="customers, cards, names"),
    Scope(name="rak_subscription_read", needed_for="subscriptions and MRR"),
    Scope(name="rak_invoice_read", needed_for="invoices and their payments"),
    Scope(name="rak_charge_read", needed_for="attempts and decline reasons"),
    Scope(name="rak_payment_intent_read", needed_for="declines that made no charge"),
    Scope(name="rak_payment_method_read", needed_for="the card on file"),
    # VENDOR: "Prices" is called plan here; rak_price_read is ignored without a word.
    Scope(name="rak_plan_read", needed_for="MRR of tiered prices"),
    Scope(name="rak_coupon_read", needed_for="MRR with discounts"),
    Scope(name="rak_event_read", needed_for="finding events that no webhook brought"),
    Scope(name="rak_webhook_write", needed_for="checking the webhook endpoint"),
    Scope(name="rak_invoice_write", needed_for="quieting and collecting invoices", is_write=True),
    Scope(name="rak_subscription_write", needed_for="quieting subscriptions", is_write=True),
    Scope(
        name="rak_customer_write",
        needed_for="rows of the mapping whose arrow points into Stripe; not needed without one",
        is_write=True,
    ),
    Scope(name="customer portal: write", needed_for="payment links", is_write=True),
)
"""The names of the last one and of the endpoint's read are not documented; the 403 tells them."""

SANDBOX = Limits(rate=20, burst=5, concurrency=10)
"""VENDOR: 25 a second for all of a sandbox, and for each endpoint by default (rate-limits)."""
LIVE = Limits(rate=60, burst=15, concurrency=20)
"""VENDOR: 100 a second live, which others of the account share; a picture's three reads go to three
endpoints, which keeps each under its 25."""


def limits_for(api_key: str) -> Limits:
    """The limits that fit the key's mode."""
    return SANDBOX if "_test_" in api_key else LIVE


MANIFEST = Manifest(
    vendor="stripe",
    title="Stripe",
    kind=Kind.PAYMENTS,
    factory="connectors.stripe.connector:StripeConnector",
    capabilities=frozenset(
        {
            Capability.READS_PAYMENTS,
            Capability.QUIETS,
            Capability.COLLECTS,
            Capability.WRITES_CUSTOMER,
            Capability.MAKES_PAYMENT_LINKS,
            Capability.LISTS_CHANGES,
            Capability.LISTS_CUSTOMERS,
            Capability.SURVEYS_CUSTOMERS,
            Capability.SENDS_SIGNALS,
            Capability.EXAMINES,
        }
    ),
    auth="secret or restricted key (sk_ or rk_) as bearer token",
    hosts=("https://api.stripe.com",),
    api_version=API_VERSION,
    limits=SANDBOX,
    limit_headers={
        "Stripe-Rate-Limited-Reason": "which limit a 429 has met",
        "Retry-After": "not documented by Stripe; honoured if it comes",
    },
    scopes=SCOPES,
    traits=frozenset({Trait.TELLS_WAIT, Trait.SIGNS_BODIES, Trait.STAMPS_MESSAGES}),
    docs={
        "versions": "https://docs.stripe.com/api/versioning",
        "webhooks": "https://docs.stripe.com/webhooks",
        "limits": "https://docs.stripe.com/rate-limits",
        "errors": "https://docs.stripe.com/error-codes",
        "idempotency": "https://docs.stripe.com/api/idempotent_requests",
        "auto_advance": (
            "https://docs.stripe.com/invoicing/integration/automatic-advancement-collection"
        ),
        "pause_collection": "https://docs.stripe.com/billing/subscriptions/pause-payment",
        "retries": "https://docs.stripe.com/billing/revenue-recovery/smart-retries",
        "mails": "https://docs.stripe.com/billing/revenue-recovery/customer-emails",
        "declines": "https://docs.stripe.com/declines/codes",
        "portal": "https://docs.stripe.com/customer-management/portal-deep-links",
        "keys": "https://docs.stripe.com/keys",
    },
)
