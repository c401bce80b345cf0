"""The properties that `kidglove hubspot setup` creates, for an account where that has been done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

GROUP = {"name": "kidglove", "label": "Kidglove: payments and dunning", "displayOrder": -1}
_SHAPES = {
    "text": ("string", "text"),
    "long": ("string", "textarea"),
    "number": ("number", "number"),
    "day": ("date", "date"),
    "moment": ("datetime", "date"),
    "pick": ("enumeration", "select"),
    "owner": ("enumeration", "select"),
}
_COMPANY = (
    ("billing_resolution_until", "Billing resolution until", "day"),
    ("billing_resolution_reason", "Billing resolution reason", "long"),
    ("billing_promise_date", "Payment promised for", "day"),
    ("kidglove_csm", "Customer success manager", "owner"),
    ("kidglove_escalation_owner", "Escalation owner", "owner"),
    ("kidglove_amount_due", "Amount past due", "number"),
    ("kidglove_currency", "Past due currency", "text"),
    ("kidglove_failing_since", "Past due since", "day"),
    ("kidglove_last_failure_at", "Last payment failure", "moment"),
    ("kidglove_last_failure", "Why it failed", "text"),
    ("kidglove_next_attempt_at", "Next payment attempt", "moment"),
    ("kidglove_mrr", "Stripe MRR", "number"),
    ("kidglove_arr", "Stripe ARR", "number"),
    ("kidglove_cancel_on", "Subscription ends on", "day"),
    ("kidglove_card_expires", "Card expires on", "day"),
    ("kidglove_customer_url", "Stripe customer page", "text"),
    ("kidglove_quiet_checked_at", "Dunning quiet, last checked", "moment"),
    ("kidglove_quiet_until", "Dunning quiet until", "moment"),
    ("kidglove_case_state", "Payment case", "text"),
    ("kidglove_case_key", "Payment case key", "text"),
    ("kidglove_hold_answer", "Answer to the resolution", "text"),
    ("kidglove_sync_problem", "What stops Kidglove", "long"),
    ("kidglove_health_score", "Health score", "number"),
    ("kidglove_health_score_at", "Health score as of", "day"),
    ("kidglove_cs_tier", "CS tier", "text"),
    ("kidglove_expansion_arr", "Expansion ARR", "number"),
    ("kidglove_renewal_call", "Renewal call", "day"),
    ("kidglove_contract_type", "Contract type", "text"),
    ("kidglove_contract_end", "Contract end", "day"),
)
_PICKS = (
    (
        "companies",
        "billing_resolution_status",
        "Billing resolution",
        {"in_resolution": "In resolution", "released": "Released"},
    ),
    (
        "companies",
        "kidglove_vip_override",
        "VIP override",
        {"always_personal": "Always personal", "never_vip": "Never VIP"},
    ),
    (
        "companies",
        "kidglove_payment_status",
        "Payment status",
        {
            "current": "Current",
            "failed": "Payment failed",
            "past_due": "Past due",
            "paid": "Paid",
            "lost": "Lost",
            "unknown": "Unknown",
        },
    ),
    (
        "companies",
        "kidglove_quiet_state",
        "Dunning quiet",
        {"quiet": "Quiet", "not_quiet": "Not quiet", "unknown": "Unknown", "off": "Off"},
    ),
    (
        "tasks",
        "kidglove_outcome",
        "Payment outcome",
        {
            "reached_will_pay": "Reached - will pay",
            "card_updated": "Card updated",
            "needs_time": "Needs time",
            "no_answer": "No answer",
            "wrong_contact": "Wrong contact",
            "not_needed": "Not needed",
        },
    ),
)
_UNIQUE = (
    ("companies", "stripe_customer_id", "Stripe customer id"),
    ("tasks", "kidglove_key", "Kidglove key"),
)
_TASK_TEXTS = (("kidglove_due", "Kidglove due day"),)


def custom_properties(type_name: str) -> Iterator[dict[str, Any]]:
    """The definitions for companies or tasks, in wire form."""
    for kind, name, label in _UNIQUE:
        if kind == type_name:
            yield {**_made(name, label, "text"), "hasUniqueValue": True}
    for kind, name, label, options in _PICKS:
        if kind == type_name:
            shown = [{"value": value, "label": text} for value, text in options.items()]
            yield {**_made(name, label, "pick"), "options": shown}
    for name, label in _TASK_TEXTS if type_name == "tasks" else ():
        yield _made(name, label, "text")
    for name, label, shape in _COMPANY if type_name == "companies" else ():
        owned = {"referencedObjectType": "OWNER", "externalOptions": True}
        yield {**_made(name, label, shape), **(owned if shape == "owner" else {})}


def _made(name: str, label: str, shape: str) -> dict[str, Any]:
    type_, field = _SHAPES[shape]
    group = GROUP["name"]
    return {"name": name, "label": label, "type": type_, "fieldType": field, "groupName": group}
