"""The 402 that a failed payment answers."""

from __future__ import annotations

from simulators.stripe.cards import Decline
from simulators.stripe.collect import NO_METHOD
from simulators.stripe.errors import ApiError, refused
from simulators.stripe.world import Obj, World, clone


def card_error(world: World, invoice: Obj, decline: Decline) -> ApiError:
    """What `/pay` answers to a decline: the charge and the whole payment intent are in it."""
    if decline is NO_METHOD:
        return refused(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set "
            "either a customer, subscription or invoice level default payment method."
        )
    intent = world.intent_of(invoice)
    extra = decline.error()
    message = str(extra.pop("message"))
    del extra["type"]
    if decline.code == "authentication_required":
        message = (
            "This invoice requires additional user action to complete payment: the customer has "
            "to authenticate."
        )
        extra = {"code": "invoice_payment_intent_requires_action"}
    if intent is not None:
        extra["charge"] = intent["latest_charge"]
        extra["payment_intent"] = clone(intent)
        extra["payment_method"] = clone((intent["last_payment_error"] or {}).get("payment_method"))
    return ApiError(402, message, type="card_error", stored=True, extra=extra)
