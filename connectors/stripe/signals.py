"""What a stored event hints at: which customer to look at again, and what it says of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from connectors.stripe.events import CHARGE, CUSTOMER, EVENTS, INVOICE, PAYMENT_METHOD, SUBSCRIPTION
from connectors.stripe.marks import MARK
from domain.ids import Ref
from domain.ports import Hint

log = structlog.get_logger(__name__)

INVOICE_FIELDS = (
    "status auto_advance attempted attempt_count next_payment_attempt amount_due amount_paid "
    "amount_remaining amount_paid_off_stripe total currency number due_date collection_method "
    "billing_reason default_payment_method status_transitions"
).split()
SUBSCRIPTION_FIELDS = (
    "status pause_collection cancel_at cancel_at_period_end canceled_at ended_at discounts "
    "default_payment_method cancellation_details collection_method"
).split()
CUSTOMER_FIELDS = (
    "name email phone address currency metadata invoice_settings default_source deleted"
).split()
METHOD_FIELDS = "type customer".split()
CARD_FIELDS = "brand last4 exp_month exp_year country".split()


def hints(body: bytes) -> Sequence[Hint]:
    """See `SendsSignals.hints`. None for types we do not know and for events without a customer.

    Bodies of older API versions are fine: only the customer is needed, and it has not moved.
    ValueError if the body is no event.
    """
    try:
        event = json.loads(body)
    except RecursionError as error:
        raise ValueError("the event is nested too deeply") from error
    if not isinstance(event, dict):
        raise ValueError("the event is no JSON object")
    topic, event_id = event.get("type"), event.get("id")
    if not isinstance(topic, str) or not isinstance(event_id, str):
        raise ValueError("the event has no type or no id")
    if topic not in EVENTS:
        return ()
    details = event.get("data")
    subject = details.get("object") if isinstance(details, dict) else None
    if not isinstance(details, dict) or not isinstance(subject, dict):
        raise ValueError(f"the event {event_id} carries no object")
    customer = _customer(topic, subject, details.get("previous_attributes"))
    if customer is None:
        # VENDOR: customers of the v2 Accounts kind come as customer_account (changelog/clover).
        because = "customer_account" if subject.get("customer_account") else "no customer"
        log.info("stripe.no_hint", topic=topic, event_id=event_id, because=because)
        return ()
    return (
        Hint(
            ref=Ref("stripe", "customer", customer),
            topic=topic,
            event_id=event_id,
            at=_moment(event.get("created")),
            digest=_digest(topic, subject),
            echo_of=_cause(event.get("request")),
        ),
    )


def _cause(request: Any) -> str | None:
    """The idempotency key of the request that made the event; Stripe's own doing has none."""
    key = request.get("idempotency_key") if isinstance(request, dict) else None
    return key if isinstance(key, str) and key else None


def _customer(topic: str, subject: Mapping[str, Any], previous: Any) -> str | None:
    if topic in CUSTOMER:
        return _id(subject.get("id"))
    found = _id(subject.get("customer"))
    if found is None and isinstance(previous, dict):
        # VENDOR: a detached payment method has lost its customer; the event says whose it was.
        found = _id(previous.get("customer"))
    return found


def _digest(topic: str, subject: Mapping[str, Any]) -> str:
    """The object's id and a fingerprint of what matters in it, whatever event brought it.

    Nothing new is said if it equals the latest fingerprint of the same id; comparing with older
    ones would drop a change back.
    """
    relevant: list[Any] = [subject.get("object"), subject.get("id")]
    if topic in INVOICE:
        relevant += [subject.get(name) for name in INVOICE_FIELDS]
        relevant.append(_mark(subject))
    elif topic in SUBSCRIPTION:
        relevant += [subject.get(name) for name in SUBSCRIPTION_FIELDS]
        relevant += [_mark(subject), _items(subject)]
    elif topic in CUSTOMER:
        relevant += [subject.get(name) for name in CUSTOMER_FIELDS]
        relevant.append(topic == "customer.deleted")
    elif topic in PAYMENT_METHOD:
        card = subject.get("card")
        relevant += [subject.get(name) for name in METHOD_FIELDS]
        relevant += [card.get(name) for name in CARD_FIELDS] if isinstance(card, dict) else []
    elif topic in CHARGE:
        relevant.append(subject.get("status"))
    text = json.dumps(relevant, sort_keys=True, separators=(",", ":"), default=str)
    return f"{subject.get('id')}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _mark(subject: Mapping[str, Any]) -> Any:
    metadata = subject.get("metadata")
    return metadata.get(MARK) if isinstance(metadata, dict) else None


def _items(subject: Mapping[str, Any]) -> list[Any]:
    items = subject.get("items")
    rows = items.get("data") if isinstance(items, dict) else None
    if not isinstance(rows, list):
        return []
    return [
        [one.get("id"), _id(one.get("price")), one.get("quantity"), one.get("current_period_end")]
        for one in rows
        if isinstance(one, dict)
    ]


def _id(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and value else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    return None
