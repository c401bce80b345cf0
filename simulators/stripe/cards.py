"""How cards behave: good, declining with a chosen code, refusing to attach, asking to confirm."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

NON_RETRYABLE = frozenset(
    "incorrect_number lost_card pickup_card stolen_card revocation_of_authorization "
    "revocation_of_all_authorizations authentication_required highest_risk_level "
    "transaction_not_allowed".split()
)
"""After one of these the schedule runs on, but nothing is sent to the bank until a new card."""

_GENERIC = "Your card was declined."
_FUNDS = "Your card has insufficient funds."
_VELOCITY = (
    "Your card was declined for making repeated attempts too frequently or exceeding its amount "
    "limit."
)
_HARD = ("do_not_try_again", "03")
_SOFT = ("try_again_later", "02")
_FIX = ("confirm_card_data", "01")

# decline code -> (error code, message, network decline code, (advice code, network advice code))
_DECLINES: dict[str, tuple[str, str, str, tuple[str, str]]] = {
    "insufficient_funds": ("card_declined", _FUNDS, "51", _SOFT),
    "card_velocity_exceeded": (
        "card_declined",
        _VELOCITY,
        "61",
        _SOFT,
    ),
    "generic_decline": ("card_declined", _GENERIC, "05", _SOFT),
    "do_not_honor": ("card_declined", _GENERIC, "05", _SOFT),
    "lost_card": ("card_declined", _GENERIC, "41", _HARD),
    "stolen_card": ("card_declined", _GENERIC, "43", _HARD),
    "pickup_card": ("card_declined", _GENERIC, "04", _HARD),
    "fraudulent": ("card_declined", _GENERIC, "59", _HARD),
    "transaction_not_allowed": ("card_declined", _GENERIC, "57", _HARD),
    "do_not_try_again": ("card_declined", _GENERIC, "46", _HARD),
    "revocation_of_authorization": ("card_declined", _GENERIC, "R1", _HARD),
    "revocation_of_all_authorizations": ("card_declined", _GENERIC, "R3", _HARD),
    "card_not_supported": ("card_declined", "Your card is not supported.", "57", _HARD),
    "expired_card": ("expired_card", "Your card has expired.", "54", _FIX),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect.", "N7", _FIX),
    "incorrect_number": ("incorrect_number", "Your card number is incorrect.", "14", _FIX),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
        "96",
        _SOFT,
    ),
    "try_again_later": ("card_declined", _GENERIC, "91", _SOFT),
    "issuer_not_available": ("card_declined", _GENERIC, "91", _SOFT),
}

_TEST_METHODS = {
    "pm_card_visa": "good",
    "pm_card_mastercard": "good",
    "pm_card_chargeCustomerFail": "declines:generic_decline",
    "pm_card_threeDSecure2Required": "authenticate",
    "pm_card_authenticationRequired": "authenticate",
    "pm_card_visa_chargeDeclined": "refuses:generic_decline",
    "pm_card_chargeDeclined": "refuses:generic_decline",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "refuses:insufficient_funds",
    "pm_card_visa_chargeDeclinedLostCard": "refuses:lost_card",
    "pm_card_visa_chargeDeclinedStolenCard": "refuses:stolen_card",
    "pm_card_chargeDeclinedExpiredCard": "refuses:expired_card",
    "pm_card_chargeDeclinedIncorrectCvc": "refuses:incorrect_cvc",
    "pm_card_chargeDeclinedProcessingError": "refuses:processing_error",
}


@dataclass(frozen=True, kw_only=True)
class Decline:
    """What the bank, or Stripe's own risk engine, says to a charge."""

    code: str
    decline_code: str | None
    message: str
    network_decline_code: str | None = None
    advice_code: str | None = None
    network_advice_code: str | None = None
    blocked: str | None = None

    @property
    def retryable(self) -> bool:
        """Whether Stripe sends the next automatic retry to the bank at all."""
        return (self.blocked or self.decline_code or self.code) not in NON_RETRYABLE

    def outcome(self) -> dict[str, Any]:
        """`charge.outcome` of the failed charge."""
        return {
            "advice_code": self.advice_code,
            "network_advice_code": self.network_advice_code,
            "network_decline_code": self.network_decline_code,
            "network_status": "not_sent_to_network" if self.blocked else "declined_by_network",
            "reason": self.blocked or self.decline_code or self.code,
            "risk_level": "highest" if self.blocked else "normal",
            "risk_score": 92 if self.blocked else 21,
            "seller_message": "Stripe blocked this payment as too risky."
            if self.blocked
            else "The bank declined this payment.",
            "type": "blocked" if self.blocked else "issuer_declined",
        }

    def error(self) -> dict[str, Any]:
        """The fields of `last_payment_error` and of a 402 envelope."""
        fields: dict[str, Any] = {
            "type": "card_error",
            "code": self.code,
            "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}",
            "message": self.message,
        }
        for name in ("decline_code", "advice_code", "network_advice_code", "network_decline_code"):
            if getattr(self, name) is not None:
                fields[name] = getattr(self, name)
        return fields


AUTHENTICATE = Decline(
    code="authentication_required",
    decline_code="authentication_required",
    message="Your card was declined. This transaction requires authentication.",
    network_decline_code="1A",
    advice_code=None,
)


@dataclass(frozen=True)
class CardSpec:
    """A card spec in words: `good`, `declines:<code>`, `authenticate`, `refuses:<code>`.

    `declines` takes `;advice=...;network=...;network_advice=...` to override its table row;
    `blocked:<reason>` is refused by Stripe Radar and never reaches the bank.
    """

    text: str

    @property
    def kind(self) -> str:
        return self.text.split(":", 1)[0]

    def decline(self) -> Decline | None:
        """What a charge of this card meets; None when it goes through."""
        kind, _, rest = self.text.partition(":")
        code, *extras = rest.split(";")
        if kind == "good":
            return None
        if kind == "authenticate":
            return AUTHENTICATE
        if kind == "blocked":
            return Decline(
                code="card_declined",
                decline_code="fraudulent",
                message=_GENERIC,
                blocked=code or "highest_risk_level",
            )
        row = _DECLINES.get(code, ("card_declined", _GENERIC, "05", _SOFT))
        more = dict(extra.split("=", 1) for extra in extras)
        return Decline(
            code=row[0],
            decline_code=code if row[0] == "card_declined" else None,
            message=row[1],
            network_decline_code=more.get("network", row[2]) or None,
            advice_code=more.get("advice", row[3][0]) or None,
            network_advice_code=more.get("network_advice", row[3][1]) or None,
        )


def parse_card(text: str) -> CardSpec:
    """The spec named by `text`, which may be one of Stripe's test payment methods."""
    text = _TEST_METHODS.get(text, text)
    if text.split(":", 1)[0] not in {"good", "declines", "authenticate", "refuses", "blocked"}:
        raise ValueError(
            f"unknown card {text!r}: use good, declines:<code>, authenticate, refuses:<code>, "
            "blocked:<reason> or a pm_card_... test method"
        )
    return CardSpec(text)


def is_test_method(id: str) -> bool:
    """Whether `id` is one of Stripe's ready-made test payment methods."""
    return id in _TEST_METHODS


def card_fields(spec: CardSpec, serial: str, *, country: str, year: int) -> dict[str, Any]:
    """The `card` hash of a payment method; an expired card shows a date in the past."""
    digest = hashlib.sha256(serial.encode()).hexdigest()
    expired = spec.text.endswith("expired_card")
    last4 = {"good": "4242", "authenticate": "3184"}.get(spec.kind, "0341")
    return {
        "brand": "visa",
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": country,
        "display_brand": "visa",
        "exp_month": 6 if expired else 12,
        "exp_year": year - 1 if expired else year + 3,
        "fingerprint": digest[:16],
        "funding": "credit",
        "generated_from": None,
        "last4": last4,
        "networks": {"available": ["visa"], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
