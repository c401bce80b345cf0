"""Why a charge failed, in the order of authority that Stripe and the networks set."""

from __future__ import annotations

from datetime import datetime

from connectors.stripe.wire import Charge, Outcome, PaymentError, PaymentIntent
from domain.facts import Decline

NOTHING_SENT_AFTER = frozenset(
    "incorrect_number lost_card pickup_card stolen_card revocation_of_authorization "
    "revocation_of_all_authorizations authentication_required highest_risk_level "
    "transaction_not_allowed".split()
)
"""VENDOR: after these the counter goes on, but the bank is not asked again (smart-retries)."""
MASTERCARD = {
    "01": "confirm_card_data",
    "02": "try_again_later",
    "03": "do_not_try_again",
    "21": "do_not_try_again",
    "24": "try_again_later",
    "25": "try_again_later",
    "26": "try_again_later",
    "27": "try_again_later",
    "28": "try_again_later",
    "29": "try_again_later",
    "30": "try_again_later",
}
"""Merchant advice codes in Stripe's own words for advice; the others give none."""
NO_METHOD = "no_payment_method"
"""Our word for a try that reached no bank because nothing to charge was on file."""


def charge_decline(charge: Charge) -> Decline:
    """The reason of a failed charge: Radar's if it blocked, else the bank's."""
    outcome = charge.outcome or Outcome()
    return Decline(
        code=outcome.reason or charge.failure_code or "unknown",
        advice=outcome.advice_code or MASTERCARD.get(outcome.network_advice_code or ""),
        network_code=outcome.network_decline_code,
        reason=outcome.type,
        at=charge.created,
    )


def intent_decline(intent: PaymentIntent, *, at: datetime | None) -> Decline:
    """The reason that a payment intent keeps: of its charge, or of a try that made no charge.

    `at` is when the try was made if no charge says it.
    """
    charge = intent.latest_charge if isinstance(intent.latest_charge, Charge) else None
    last = intent.last_payment_error or PaymentError()
    if charge is not None and charge.status == "failed":
        found = charge_decline(charge)
        is_blocked = found.reason == "blocked"
        code = found.code if is_blocked else last.decline_code or found.code
        return Decline(
            code=code,
            advice=last.advice_code or found.advice,
            network_code=last.network_decline_code or found.network_code,
            reason=found.reason,
            at=found.at,
        )
    waits = "authentication_required" if intent.status == "requires_action" else NO_METHOD
    return Decline(
        code=last.decline_code or last.code or waits,
        advice=last.advice_code or MASTERCARD.get(last.network_advice_code or ""),
        network_code=last.network_decline_code,
        at=at,
    )
