"""A stage for the Stripe connector: scripted answers below `requests`, and short bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from connectors.kit.limits import Limiter
from connectors.kit.retry import Retry
from connectors.stripe import client as client_module
from connectors.stripe.connector import StripeConnector
from domain.facts import PaymentPicture

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
Json = dict[str, Any]


def seconds(day: str) -> int:
    """Unix seconds of an ISO day or moment, in UTC."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


@dataclass
class Answer:
    """One scripted answer."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Sent:
    """One request as it went out."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    timeout: Any


class ScriptedStripe(HTTPAdapter):
    """Answers each call ("GET /v1/invoices") from its script; the last answer repeats."""

    def __init__(self) -> None:
        super().__init__()
        self.script: dict[str, list[Answer | Exception]] = {}
        self.sent: list[Sent] = []

    def on(self, call: str, *answers: Answer | Exception | Json) -> None:
        """Script `call`; a plain object is a 200 with that body."""
        self.script[call] = [Answer(one) if isinstance(one, dict) else one for one in answers]

    def sent_to(self, call: str) -> list[Sent]:
        """What was sent to `call`, in order."""
        return [one for one in self.sent if f"{one.method} {one.path}" == call]

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        parts = urlsplit(request.url or "")
        body = request.body or b""
        text = body.decode() if isinstance(body, bytes) else str(body)
        self.sent.append(
            Sent(
                method=request.method or "",
                path=parts.path,
                params=dict(parse_qsl(parts.query or text, keep_blank_values=True)),
                headers=dict(request.headers),
                timeout=options.get("timeout"),
            )
        )
        call = f"{request.method} {parts.path}"
        answers = self.script.get(call)
        if not answers:
            raise AssertionError(f"nothing is scripted for {call}")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.request = request
        content = answer.body
        response._content = content if isinstance(content, bytes) else json.dumps(content).encode()
        return response


def connect(
    scripted: ScriptedStripe,
    monkeypatch: pytest.MonkeyPatch,
    *,
    limiter: Limiter | None = None,
    **settings: Any,
) -> StripeConnector:
    """A connector whose session talks to the script; retries do not sleep."""

    def scripted_session(**_: Any) -> requests.Session:
        session = requests.Session()
        session.mount("https://", scripted)
        session.mount("http://", scripted)
        return session

    monkeypatch.setattr(client_module, "new_session", scripted_session)
    return StripeConnector(
        settings.pop("api_key", "sk_test_1"),
        clock=settings.pop("clock", lambda: NOW),
        limiter=limiter,
        retry=Retry(sleep=lambda _: None),
        **settings,
    )


def refusal(
    status: int, code: str | None = None, type: str = "invalid_request_error", **more: Any
) -> Answer:
    """An error answer."""
    headers = more.pop("headers", {})
    error = {"type": type, "message": "no", **({"code": code} if code else {}), **more}
    return Answer({"error": error}, status=status, headers=headers)


def listed(*rows: Json, has_more: bool = False) -> Json:
    """A page of a list."""
    return {"object": "list", "data": list(rows), "has_more": has_more, "url": "/v1/x"}


def customer(**over: Any) -> Json:
    """A customer with a card."""
    return {
        "id": "cus_1",
        "object": "customer",
        "name": "Example Ltd",
        "email": "ap@example.com",
        "address": {"country": "US"},
        "currency": "usd",
        "invoice_settings": {"default_payment_method": method()},
        "metadata": {"tier": "vip"},
        "livemode": False,
    } | over


def method(**over: Any) -> Json:
    """A card on file."""
    return {
        "id": "pm_1",
        "object": "payment_method",
        "type": "card",
        "created": seconds("2026-01-01"),
        "card": {
            "brand": "visa",
            "last4": "0341",
            "exp_month": 12,
            "exp_year": 2027,
            "country": "US",
        },
    } | over


def price(**over: Any) -> Json:
    """500.00 USD a month."""
    return {
        "id": "price_1",
        "object": "price",
        "currency": "usd",
        "unit_amount": 50000,
        "unit_amount_decimal": "50000",
        "billing_scheme": "per_unit",
        "tiers_mode": None,
        "transform_quantity": None,
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
        "nickname": None,
        "lookup_key": None,
        "product": "prod_1",
    } | over


def item(**over: Any) -> Json:
    """Five seats."""
    return {
        "id": "si_1",
        "object": "subscription_item",
        "quantity": 5,
        "price": price(),
        "current_period_end": seconds("2026-12-20"),
        "discounts": [],
    } | over


def subscription(*items: Json, **over: Any) -> Json:
    """A past-due subscription of 2,500.00 USD a month."""
    return {
        "id": "sub_1",
        "object": "subscription",
        "status": "past_due",
        "currency": "usd",
        "customer": customer(),
        "items": listed(*(items or (item(),))),
        "discounts": [],
        "pause_collection": None,
        "start_date": seconds("2025-01-20"),
        "created": seconds("2025-01-20"),
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "ended_at": None,
        "cancellation_details": {"reason": None},
        "default_payment_method": None,
        "metadata": {},
    } | over


def line(**over: Any) -> Json:
    """One month of the subscription."""
    return {
        "id": "il_1",
        "object": "line_item",
        "amount": 250000,
        "currency": "usd",
        "description": "5 \u00d7 Team plan (at $500.00 / month)",
        "period": {"start": seconds("2026-11-20"), "end": seconds("2026-12-20")},
        "discount_amounts": [],
        "taxes": [],
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {"subscription": "sub_1", "proration": False},
        },
    } | over


def invoice(**over: Any) -> Json:
    """A renewal that failed at its first try, this morning."""
    number = over.get("id", "in_1").removeprefix("in_")
    return {
        "id": "in_1",
        "object": "invoice",
        "customer": "cus_1",
        "number": f"A1B2-{number}",
        "status": "open",
        "currency": "usd",
        "total": 250000,
        "amount_due": 250000,
        "amount_paid": 0,
        "amount_remaining": 250000,
        "amount_paid_off_stripe": 0,
        "created": seconds("2026-11-21T08:00"),
        "collection_method": "charge_automatically",
        "auto_advance": True,
        "attempted": True,
        "attempt_count": 1,
        "next_payment_attempt": seconds("2026-11-24T09:00"),
        "due_date": None,
        "billing_reason": "subscription_cycle",
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": "sub_1", "metadata": {}},
        },
        "status_transitions": {
            "finalized_at": seconds("2026-11-21T09:00"),
            "paid_at": None,
            "voided_at": None,
            "marked_uncollectible_at": None,
        },
        "default_payment_method": None,
        "lines": listed(line()),
        "payments": listed(payment(f"pi_{number}")),
        "pre_payment_credit_notes_amount": 0,
        "post_payment_credit_notes_amount": 0,
        "metadata": {},
    } | over


def paid_invoice(id: str, day: str, *, paid: str | None = None, **over: Any) -> Json:
    """An invoice finalized on `day` and paid then, or when `paid` says."""
    return invoice(
        **{
            "id": id,
            "status": "paid",
            "amount_remaining": 0,
            "amount_paid": 250000,
            "auto_advance": False,
            "next_payment_attempt": None,
            "created": seconds(day),
            "status_transitions": {
                "finalized_at": seconds(day),
                "paid_at": seconds(paid or day),
                "voided_at": None,
                "marked_uncollectible_at": None,
            },
        }
        | over
    )


def payment(intent: str) -> Json:
    """The link from an invoice to its payment."""
    return {
        "id": f"inpay_{intent}",
        "object": "invoice_payment",
        "is_default": True,
        "status": "open",
        "created": seconds("2026-11-21T09:00"),
        "payment": {"type": "payment_intent", "payment_intent": intent},
    }


def charge(**over: Any) -> Json:
    """A charge that the bank declined for want of money."""
    return {
        "id": "ch_1",
        "object": "charge",
        "created": seconds("2026-11-21T09:00"),
        "status": "failed",
        "failure_code": "card_declined",
        "outcome": {
            "type": "issuer_declined",
            "reason": "insufficient_funds",
            "network_status": "declined_by_network",
            "advice_code": "try_again_later",
            "network_advice_code": "02",
            "network_decline_code": "51",
        },
        "payment_intent": "pi_1",
        "payment_method": "pm_1",
        "payment_method_details": {"type": "card", "card": method()["card"]},
    } | over


SUBSCRIPTIONS, INVOICES = "GET /v1/subscriptions", "GET /v1/invoices"
CHARGES, PAYMENTS = "GET /v1/charges", "GET /v1/invoice_payments"
CUSTOMER = "GET /v1/customers/cus_1"


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


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
