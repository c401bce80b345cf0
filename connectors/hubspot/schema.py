"""The properties that Kidglove brings to a portal, as HubSpot wants them described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.hubspot import ids
from connectors.hubspot.names import DUE_DAY

GROUP = "kidglove"
GROUP_LABEL = "Kidglove: payments and dunning"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One property to have. `options` are value and label, the value being what is written."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    kind: str = ids.COMPANIES
    options: tuple[tuple[str, str], ...] = ()
    is_unique: bool = False
    is_owner: bool = False
    description: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """What a create call says."""
        said: dict[str, Any] = {
            "groupName": GROUP,
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
        }
        if self.options:
            said["options"] = [
                {"value": value, "label": label, "displayOrder": place, "hidden": False}
                for place, (value, label) in enumerate(self.options)
            ]
        if self.is_unique:
            said["hasUniqueValue"] = True
        if self.is_owner:
            said["referencedObjectType"] = "OWNER"
            said["externalOptions"] = True
        return said


def _choice(name: str, label: str, description: str, **options: str) -> Wanted:
    return Wanted(
        name=name,
        label=label,
        type="enumeration",
        field_type="select",
        options=tuple(options.items()),
        description=description,
    )


def _of(name: str, label: str, kind: str, description: str) -> Wanted:
    of_type, field = _FIELDS[kind]
    return Wanted(name=name, label=label, type=of_type, field_type=field, description=description)


def _person(name: str, label: str, description: str) -> Wanted:
    return Wanted(
        name=name,
        label=label,
        type="enumeration",
        field_type="select",
        is_owner=True,
        description=description,
    )


_FIELDS: Mapping[str, tuple[str, str]] = {
    "text": ("string", "text"),
    "long": ("string", "textarea"),
    "number": ("number", "number"),
    "day": ("date", "date"),
    "moment": ("datetime", "date"),
}
_OURS = "Written by Kidglove; whatever is typed here is replaced."
_THEIRS = "Written by people; Kidglove only reads it."

WANTED: tuple[Wanted, ...] = (
    Wanted(
        name="stripe_customer_id",
        label="Stripe customer id",
        is_unique=True,
        description="Which Stripe customer this company is. One company for each customer.",
    ),
    _choice(
        "billing_resolution_status",
        "Billing resolution",
        f"In resolution: Stripe sends nothing while we talk. {_THEIRS}",
        in_resolution="In resolution",
        released="Released",
    ),
    _of("billing_resolution_until", "Billing resolution until", "day", _THEIRS),
    _of("billing_resolution_reason", "Billing resolution reason", "long", _THEIRS),
    _of("billing_promise_date", "Payment promised for", "day", _THEIRS),
    _choice(
        "kidglove_vip_override",
        "VIP override",
        f"Beats every number. {_THEIRS}",
        always_personal="Always personal",
        never_vip="Never VIP",
    ),
    _person("kidglove_csm", "Customer success manager", "Who gets the task first."),
    _person("kidglove_escalation_owner", "Escalation owner", "Who gets it when it is late."),
    _choice(
        "kidglove_payment_status",
        "Payment status",
        _OURS,
        current="Current",
        failed="Payment failed",
        past_due="Past due",
        paid="Paid",
        lost="Lost",
        unknown="Unknown",
    ),
    _of("kidglove_amount_due", "Amount past due", "number", _OURS),
    _of("kidglove_currency", "Past due currency", "text", _OURS),
    _of("kidglove_failing_since", "Past due since", "day", _OURS),
    _of("kidglove_last_failure_at", "Last payment failure", "moment", _OURS),
    _of("kidglove_last_failure", "Why it failed", "text", _OURS),
    _of("kidglove_next_attempt_at", "Next payment attempt", "moment", _OURS),
    _of("kidglove_mrr", "Stripe MRR", "number", _OURS),
    _of("kidglove_arr", "Stripe ARR", "number", _OURS),
    _of("kidglove_cancel_on", "Subscription ends on", "day", _OURS),
    _of("kidglove_card_expires", "Card expires on", "day", _OURS),
    _of("kidglove_customer_url", "Stripe customer page", "text", _OURS),
    _choice(
        "kidglove_quiet_state",
        "Dunning quiet",
        _OURS,
        quiet="Quiet",
        not_quiet="Not quiet",
        unknown="Unknown",
        off="Off",
    ),
    _of("kidglove_quiet_checked_at", "Dunning quiet, last checked", "moment", _OURS),
    _of("kidglove_quiet_until", "Dunning quiet until", "moment", _OURS),
    _of("kidglove_case_state", "Payment case", "text", _OURS),
    _of("kidglove_case_key", "Payment case key", "text", _OURS),
    _of("kidglove_hold_answer", "Answer to the resolution", "text", _OURS),
    _of("kidglove_sync_problem", "What stops Kidglove", "long", _OURS),
    _of("kidglove_health_score", "Health score", "number", _THEIRS),
    _of("kidglove_health_score_at", "Health score as of", "day", _THEIRS),
    _of("kidglove_cs_tier", "CS tier", "text", _THEIRS),
    _of("kidglove_expansion_arr", "Expansion ARR", "number", _THEIRS),
    _of("kidglove_renewal_call", "Renewal call", "day", _THEIRS),
    _of("kidglove_contract_type", "Contract type", "text", _THEIRS),
    _of("kidglove_contract_end", "Contract end", "day", _THEIRS),
    Wanted(
        name="kidglove_key",
        label="Kidglove key",
        kind=ids.TASKS,
        is_unique=True,
        description=f"By which a task is found again. {_OURS}",
    ),
    Wanted(
        name=DUE_DAY,
        label="Kidglove due day",
        kind=ids.TASKS,
        description=f"The day that a due time stands for. {_OURS}",
    ),
    Wanted(
        name="kidglove_outcome",
        label="Payment outcome",
        kind=ids.TASKS,
        type="enumeration",
        field_type="select",
        options=(
            ("reached_will_pay", "Reached - will pay"),
            ("card_updated", "Card updated"),
            ("needs_time", "Needs time"),
            ("no_answer", "No answer"),
            ("wrong_contact", "Wrong contact"),
            ("not_needed", "Not needed"),
        ),
        description=f"How it went. {_THEIRS}",
    ),
)
"""Everything that mappings/hubspot.yaml names and HubSpot does not have by itself, and the day of a
task, which no mapping names."""
