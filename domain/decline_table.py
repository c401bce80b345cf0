"""Every reason for which a payment did not go through, in words of our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Fixer(StrEnum):
    """Who can put it right."""

    BANK = "bank"
    """The bank that issued the card; time or a phone call by the cardholder does it."""
    CUSTOMER = "customer"
    """Whoever looks after billing at the customer: a new card or corrected details."""
    CARDHOLDER = "cardholder"
    """The person named on the card: the bank speaks with nobody else."""
    US = "us"
    """We: a setting, a rule or an amount on our side."""
    NOBODY_YET = "nobody_yet"
    """Nobody has to do anything; it usually goes through later."""


class DeclineClass(StrEnum):
    """What kind of obstacle it is."""

    FUNDS = "funds"
    BANK_NO_REASON = "bank_no_reason"
    TECHNICAL = "technical"
    CARD_DATA = "card_data"
    AUTHENTICATION = "authentication"
    CARD_GONE = "card_gone"
    CARD_UNFIT = "card_unfit"
    RISK = "risk"
    TEST = "test"
    UNKNOWN = "unknown"


class Retry(StrEnum):
    """What trying again could achieve."""

    SOFT = "soft"
    """It may go through later with the same card."""
    HARD = "hard"
    """Never again with this card: networks charge for it, and the bank will not change its mind."""
    NEEDS_NEW_CARD = "needs_new_card"
    """Pointless until the card on file is replaced or corrected, then at once."""
    NEEDS_CUSTOMER = "needs_customer"
    """Pointless while the customer is absent: the bank wants to hear from them."""


class Cause(StrEnum):
    """An everyday cause behind a decline; shown only where the account's data supports it."""

    LIMIT_MOVED = "limit_moved"
    MONEY_ARRIVES_LATER = "money_arrives_later"
    CARD_REISSUED = "card_reissued"
    CONTACT_LEFT = "contact_left"
    BANK_IS_CAREFUL = "bank_is_careful"
    MISTYPED = "mistyped"
    OUTAGE = "outage"
    OUR_RULE = "our_rule"


@dataclass(frozen=True)
class Row:
    """One line of the table. `customer` is all the customer may read, `own_retries` our cap."""

    kind: DeclineClass
    retry: Retry
    fixer: Fixer
    headline: str
    plain: str
    customer: str
    causes: tuple[Cause, ...] = ()
    own_retries: int = 0


DECLINED = "The card on file was declined by the bank."
"""All a customer reads about lost, stolen, blocked or suspicious cards, and about plain refusals:
the words are the same on purpose, so that they give nothing away."""

_LATER = (Cause.LIMIT_MOVED, Cause.MONEY_ARRIVES_LATER)
_CAREFUL = (Cause.BANK_IS_CAREFUL, Cause.LIMIT_MOVED)
_OLD_CARD = (Cause.CARD_REISSUED, Cause.CONTACT_LEFT)
_GONE = (Cause.CARD_REISSUED, Cause.CONTACT_LEFT)


def _funds(plain: str) -> Row:
    return Row(
        DeclineClass.FUNDS,
        Retry.SOFT,
        Fixer.CUSTOMER,
        "card limit reached",
        plain,
        "The bank could not approve the amount on the card on file right now.",
        _LATER,
        own_retries=4,
    )


def _refused(plain: str, *, retry: Retry = Retry.SOFT, fixer: Fixer = Fixer.CARDHOLDER) -> Row:
    return Row(
        DeclineClass.BANK_NO_REASON,
        retry,
        fixer,
        "card declined",
        plain,
        DECLINED,
        _CAREFUL,
        own_retries=2 if retry is Retry.SOFT else 0,
    )


def _hiccup(plain: str, *, fixer: Fixer = Fixer.NOBODY_YET, own_retries: int = 3) -> Row:
    return Row(
        DeclineClass.TECHNICAL,
        Retry.SOFT,
        fixer,
        "technical hiccup",
        plain,
        "The payment did not go through because of a technical hiccup between the banks.",
        (Cause.OUTAGE,),
        own_retries=own_retries,
    )


def _details(
    plain: str,
    customer: str,
    headline: str = "card details out of date",
    *,
    causes: tuple[Cause, ...] = (Cause.MISTYPED, *_OLD_CARD),
) -> Row:
    return Row(
        DeclineClass.CARD_DATA,
        Retry.NEEDS_NEW_CARD,
        Fixer.CUSTOMER,
        headline,
        plain,
        customer,
        causes,
    )


def _confirm(plain: str, *, fixer: Fixer = Fixer.CARDHOLDER) -> Row:
    return Row(
        DeclineClass.AUTHENTICATION,
        Retry.NEEDS_CUSTOMER,
        fixer,
        "bank asks for confirmation",
        plain,
        "The bank asks that this payment is confirmed personally.",
        (Cause.BANK_IS_CAREFUL, Cause.CONTACT_LEFT),
    )


def _gone(plain: str, *, customer: str = DECLINED, headline: str = "new card needed") -> Row:
    return Row(DeclineClass.CARD_GONE, Retry.HARD, Fixer.CUSTOMER, headline, plain, customer, _GONE)


def _unfit(plain: str, *, fixer: Fixer = Fixer.CUSTOMER) -> Row:
    return Row(
        DeclineClass.CARD_UNFIT,
        Retry.HARD,
        fixer,
        "card does not fit",
        plain,
        "The card on file cannot be used for this kind of payment.",
        _OLD_CARD,
    )


def _risk(plain: str, *, fixer: Fixer = Fixer.US) -> Row:
    return Row(
        DeclineClass.RISK, Retry.HARD, fixer, "card declined", plain, DECLINED, (Cause.OUR_RULE,)
    )


_ASK_BANK = "the cardholder has to ask the bank, or use another card."
_MISTYPED = "One detail of the card on file does not match what the bank has."
_EXPIRED = "The card on file has expired."
_NEW_METHOD = "A new payment method is needed."

# VENDOR: the codes of docs.stripe.com/declines/codes and, after them, the block reasons and the
# few codes that stand in a failed payment instead of a decline code. The sentences are ours.
TABLE: Mapping[str, Row] = {
    # Not enough money, or a limit.
    "insufficient_funds": _funds(
        "The bank says there is not enough money on the card, or its limit is used up right now."
    ),
    "withdrawal_count_limit_exceeded": _funds(
        "The card has reached the number or the sum of payments that its bank allows in a period."
    ),
    "card_velocity_exceeded": _funds(
        "The card was used too often or for too much in a short time, so the bank has paused it."
    ),
    # The bank said no and gave no reason.
    "generic_decline": _refused(f"The bank declined and did not say why; {_ASK_BANK}"),
    "card_declined": _refused(f"The card on file was declined without a reason; {_ASK_BANK}"),
    "do_not_honor": _refused(f"The bank refused this payment and keeps the reason; {_ASK_BANK}"),
    "no_action_taken": _refused(f"The bank did not act on the request; {_ASK_BANK}"),
    "call_issuer": _refused(
        "The bank wants a call from the cardholder before it lets this payment through."
    ),
    "transaction_not_allowed": _refused(
        f"The bank does not allow this payment on this card; {_ASK_BANK}", retry=Retry.HARD
    ),
    "not_permitted": _refused(f"The bank does not permit this payment right now; {_ASK_BANK}"),
    "service_not_allowed": _refused(
        f"The bank does not allow payments of this kind right now; {_ASK_BANK}"
    ),
    "security_violation": _refused(
        f"A security check at the bank stopped the payment; {_ASK_BANK}"
    ),
    "do_not_try_again": _refused(
        "The bank declined for good and asks that this card is not tried again; another card is "
        "needed.",
        retry=Retry.HARD,
        fixer=Fixer.CUSTOMER,
    ),
    # Temporary and technical.
    "processing_error": _hiccup(
        "A technical hiccup between the banks; it usually passes by itself."
    ),
    "issuer_not_available": _hiccup(
        "The bank could not be reached; it usually passes by itself.", fixer=Fixer.BANK
    ),
    "try_again_later": _hiccup("The bank was unable to answer just then and says to try later."),
    "reenter_transaction": _hiccup("The bank lost the request on the way and wants it sent again."),
    "approve_with_id": _hiccup(
        "The bank could not approve on the first try; if a second one fails too, the cardholder "
        "has to call it."
    ),
    "duplicate_transaction": _hiccup(
        "The same amount was charged to this card moments before; look whether that one went "
        "through before anything is tried again.",
        fixer=Fixer.US,
        own_retries=1,
    ),
    # Card details are old or mistyped.
    "expired_card": _details(_EXPIRED, _EXPIRED, "card expired", causes=_OLD_CARD),
    "expired_payment_method": _details(
        "The payment method on file has expired.", _EXPIRED, "card expired", causes=_OLD_CARD
    ),
    "incorrect_number": _details("The card number on file is wrong.", _MISTYPED),
    "invalid_number": _details("The card number on file is not a valid one.", _MISTYPED),
    "incorrect_cvc": _details("The card's security code on file is wrong.", _MISTYPED),
    "invalid_cvc": _details("The card's security code on file is not a valid one.", _MISTYPED),
    "invalid_expiry_month": _details("The expiry month on file is not right.", _MISTYPED),
    "invalid_expiry_year": _details("The expiry year on file is not right.", _MISTYPED),
    "incorrect_zip": _details(
        "The postal code on file is not the one that the bank has for this card.", _MISTYPED
    ),
    "incorrect_postal_code": _details(
        "The postal code on file differs from the one that the bank has for this card.", _MISTYPED
    ),
    "incorrect_address": _details(
        "The billing address on file is not the one that the bank has for this card.", _MISTYPED
    ),
    "new_account_information_available": _details(
        "The bank has issued new details for this card, and ours are the old ones.",
        "The card on file has new details that we do not have yet.",
        causes=_OLD_CARD,
    ),
    # The bank wants the customer to confirm.
    "authentication_required": _confirm(
        "The bank wants the cardholder to confirm this payment personally."
    ),
    "authentication_not_handled": _confirm(
        "The bank asked for a confirmation that could not be shown to the cardholder."
    ),
    "payment_intent_authentication_failure": _confirm(
        "The confirmation that the bank asked for was not completed."
    ),
    "authentication_failure": _confirm("The cardholder's confirmation did not succeed."),
    "mobile_device_authentication_required": _confirm(
        "The bank wants the cardholder to confirm this payment on their phone."
    ),
    "offline_pin_required": _confirm("The bank wants the card's PIN, which only its holder has."),
    "online_or_offline_pin_required": _confirm(
        "The bank wants the card's PIN in some form, which only its holder has."
    ),
    "incorrect_pin": _confirm("The PIN that was entered for this card was wrong."),
    "invalid_pin": _confirm("The PIN that was entered for this card was not accepted."),
    "pin_try_exceeded": _confirm(
        "The PIN was entered wrongly too often, so the bank wants to hear from the cardholder."
    ),
    # The card is gone or payments on it were stopped.
    "lost_card": _gone(f"This card was reported lost and cannot be used again. {_NEW_METHOD}"),
    "stolen_card": _gone(f"This card was reported stolen and cannot be used again. {_NEW_METHOD}"),
    "pickup_card": _gone(f"The bank has withdrawn this card from use. {_NEW_METHOD}"),
    "restricted_card": _gone(f"The bank has blocked this card. {_NEW_METHOD}"),
    "invalid_account": _gone(
        f"The account behind this card no longer takes payments. {_NEW_METHOD}"
    ),
    "stop_payment_order": _gone(
        "The cardholder or their bank told the card to stop this payment. Ask before another "
        "payment method is offered."
    ),
    "revocation_of_authorization": _gone(
        "The cardholder withdrew the permission for this payment at their bank. Ask what is behind "
        "it before another payment method is offered."
    ),
    "revocation_of_all_authorizations": _gone(
        "The cardholder withdrew the permission for all our payments at their bank. Ask what is "
        "behind it before another payment method is offered."
    ),
    "account_closed": _gone(f"The bank account on file is closed. {_NEW_METHOD}"),
    "bank_account_closed": _gone(f"The bank account on file was closed. {_NEW_METHOD}"),
    "no_account": _gone(f"The bank cannot find the account on file. {_NEW_METHOD}"),
    "debit_not_authorized": _gone(
        "The account holder did not permit this debit, or withdrew the permission. Ask what is "
        "behind it before another payment method is offered."
    ),
    # The card does not fit this payment.
    "card_not_supported": _unfit("This card cannot be used for this kind of payment."),
    "currency_not_supported": _unfit("This card cannot be charged in the invoice's currency."),
    "invalid_amount": _unfit(
        "The amount is one that this card does not accept: too small, too large, or not allowed "
        "by its bank.",
        fixer=Fixer.US,
    ),
    # Suspicion of fraud: the bank's, ours, or the payment system's.
    "fraudulent": _risk(
        "The payment was stopped as possible fraud. Look at it together with finance before "
        "anybody writes to the customer.",
    ),
    "merchant_blacklist": _risk(
        "Something in this payment stands on our own block list. Look at the list before anybody "
        "writes to the customer."
    ),
    "highest_risk_level": _risk(
        "Our fraud check rated the payment as too risky and never sent it to the bank. Look at it "
        "with finance; it can be let through."
    ),
    "elevated_risk_level": _risk(
        "Our fraud check wants somebody to look at this payment before it goes on."
    ),
    "rule": _risk(
        "One of our own fraud rules blocked the payment; the bank never saw it. Look at that rule "
        "with finance."
    ),
    "low_probability_of_authorization": _risk(
        "The payment was held back because the bank was very likely to refuse it. Another card is "
        "the way forward.",
        fixer=Fixer.CUSTOMER,
    ),
    "card_decline_rate_limit_exceeded": _risk(
        "This card was refused too often lately, so it is blocked for a while. Another card is the "
        "way forward.",
        fixer=Fixer.CUSTOMER,
    ),
    # Test cards.
    "testmode_decline": Row(
        DeclineClass.TEST,
        Retry.NEEDS_NEW_CARD,
        Fixer.US,
        "test card on file",
        "A card meant for tests is on file, and it cannot pay a real invoice.",
        "The card on file cannot be used for this payment.",
    ),
}

UNKNOWN_ROW = Row(
    DeclineClass.UNKNOWN,
    Retry.SOFT,
    Fixer.NOBODY_YET,
    "payment did not go through",
    "The payment did not go through, and the reason that came with it is one we do not know yet.",
    "The payment with the card on file did not go through.",
    own_retries=1,
)
"""For a code that is not in the table: one try of our own at most, and no invented reason."""

NO_REASON_ROW = Row(
    DeclineClass.UNKNOWN,
    Retry.SOFT,
    Fixer.NOBODY_YET,
    "payment did not go through",
    "The payment did not go through, and no reason came with it.",
    "The payment with the card on file did not go through.",
    own_retries=1,
)
"""For a failure without any code, as when there is no payment method on file."""
