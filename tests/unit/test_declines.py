"""What each decline means, and what may be said about it to whom."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decline_table import DECLINED
from domain.declines import DeclineClass, Explanation, Fixer, Retry, explain, known_codes

CODES: dict[DeclineClass, str] = {
    DeclineClass.FUNDS: "insufficient_funds withdrawal_count_limit_exceeded card_velocity_exceeded",
    DeclineClass.BANK_NO_REASON: """
        generic_decline do_not_honor no_action_taken call_issuer transaction_not_allowed
        not_permitted service_not_allowed security_violation do_not_try_again card_declined""",
    DeclineClass.TECHNICAL: """
        processing_error issuer_not_available try_again_later reenter_transaction approve_with_id
        duplicate_transaction""",
    DeclineClass.CARD_DATA: """
        expired_card incorrect_number invalid_number incorrect_cvc invalid_cvc invalid_expiry_month
        invalid_expiry_year incorrect_zip incorrect_address new_account_information_available""",
    DeclineClass.AUTHENTICATION: """
        authentication_required authentication_not_handled mobile_device_authentication_required
        offline_pin_required online_or_offline_pin_required incorrect_pin invalid_pin
        pin_try_exceeded""",
    DeclineClass.CARD_GONE: """
        lost_card stolen_card pickup_card restricted_card invalid_account stop_payment_order
        revocation_of_authorization revocation_of_all_authorizations""",
    DeclineClass.CARD_UNFIT: "card_not_supported currency_not_supported invalid_amount",
    DeclineClass.RISK: """
        fraudulent merchant_blacklist highest_risk_level rule low_probability_of_authorization
        elevated_risk_level""",
    DeclineClass.TEST: "testmode_decline",
}
"""The 50 published decline codes, the generic one, and the reasons of a blocked charge."""
LISTED = [(code, kind) for kind, codes in CODES.items() for code in codes.split()]
NEVER_SENT = """
    incorrect_number lost_card pickup_card stolen_card revocation_of_authorization
    revocation_of_all_authorizations authentication_required highest_risk_level
    transaction_not_allowed""".split()
"""What Stripe itself never sends again until there is a new payment method."""
SECRETS = re.compile(r"lost|stolen|fraud|risk|block|suspicio|withdrawn|permission|rule", re.I)
"""Nothing of this may reach a customer."""
UNKIND = re.compile(
    r"overdue|past due|urgent|final notice|warning|action required|immediately|suspend|terminate|"
    r"delinquent|debt|failed to pay|last chance|!",
    re.I,
)
ADVICE = [None, "do_not_try_again", "try_again_later", "confirm_card_data", "something_new"]
MISTAKEN = re.compile(r"error", re.I)


def sentences(one: Explanation) -> tuple[str, str, str]:
    return (one.plain, one.may_tell_customer, one.headline)


@pytest.mark.req("R90")
@pytest.mark.parametrize(("code", "kind"), LISTED)
def test_every_published_code_has_a_plain_sentence(code: str, kind: DeclineClass) -> None:
    one = explain(code)
    assert one.kind is kind
    assert one.code == code
    assert one.plain.endswith(".")
    assert one.may_tell_customer.endswith(".")


@pytest.mark.req("R90")
@pytest.mark.parametrize("advice", ADVICE)
@pytest.mark.parametrize("code", [*sorted(known_codes()), "brand_new_code"])
def test_no_sentence_shows_a_raw_code_or_blames_anybody(code: str, advice: str | None) -> None:
    for text in sentences(explain(code, advice)):
        assert "_" not in text
        assert not MISTAKEN.search(text)
        assert not UNKIND.search(text)


def test_there_are_fifty_published_codes_in_this_test() -> None:
    ours = "card_declined highest_risk_level rule low_probability_of_authorization"
    extra = {*ours.split(), "elevated_risk_level"}
    assert len({code for code, _ in LISTED} - extra) == 50


@pytest.mark.parametrize("advice", ADVICE)
@pytest.mark.parametrize("code", sorted(known_codes()))
def test_the_customer_never_reads_lost_stolen_or_fraud(code: str, advice: str | None) -> None:
    one = explain(code, advice)
    assert not SECRETS.search(one.may_tell_customer)
    assert not SECRETS.search(one.headline)


@pytest.mark.parametrize(
    "code",
    """lost_card stolen_card pickup_card restricted_card fraudulent rule merchant_blacklist
    highest_risk_level security_violation""".split(),
)
def test_a_secret_reason_reads_exactly_like_a_plain_refusal(code: str) -> None:
    assert explain(code).may_tell_customer == DECLINED == explain("do_not_honor").may_tell_customer


@pytest.mark.parametrize("advice", ADVICE)
@pytest.mark.parametrize("code", NEVER_SENT)
def test_what_stripe_never_sends_again_we_never_try(code: str, advice: str | None) -> None:
    one = explain(code, advice)
    assert one.retry is not Retry.SOFT
    assert one.own_retries == 0


@pytest.mark.parametrize(
    ("code", "retry"),
    [
        ("insufficient_funds", Retry.SOFT),
        ("do_not_honor", Retry.SOFT),
        ("processing_error", Retry.SOFT),
        ("expired_card", Retry.NEEDS_NEW_CARD),
        ("authentication_required", Retry.NEEDS_CUSTOMER),
        ("stolen_card", Retry.HARD),
        ("card_not_supported", Retry.HARD),
        ("fraudulent", Retry.HARD),
        ("do_not_try_again", Retry.HARD),
        ("transaction_not_allowed", Retry.HARD),
    ],
)
def test_what_trying_again_could_achieve(code: str, retry: Retry) -> None:
    assert explain(code).retry is retry


@pytest.mark.parametrize("code", sorted(known_codes()))
def test_only_soft_declines_are_tried_again_by_us_and_few_times(code: str) -> None:
    one = explain(code)
    assert (one.own_retries > 0) == (one.retry is Retry.SOFT)
    assert one.own_retries <= 4


@pytest.mark.parametrize(
    ("code", "fixer"),
    [
        ("insufficient_funds", Fixer.CUSTOMER),
        ("call_issuer", Fixer.CARDHOLDER),
        ("processing_error", Fixer.NOBODY_YET),
        ("issuer_not_available", Fixer.BANK),
        ("expired_card", Fixer.CUSTOMER),
        ("authentication_required", Fixer.CARDHOLDER),
        ("rule", Fixer.US),
        ("duplicate_transaction", Fixer.US),
    ],
)
def test_who_can_put_it_right(code: str, fixer: Fixer) -> None:
    assert explain(code).fixer is fixer


def test_the_advice_to_stop_wins_over_a_soft_code() -> None:
    one = explain("do_not_honor", "do_not_try_again")
    assert one.retry is Retry.HARD
    assert one.own_retries == 0
    assert one.plain.endswith("The bank asks that this card is not tried again.")


def test_the_advice_to_check_the_card_wins_over_a_refusal_without_a_reason() -> None:
    one = explain("generic_decline", "confirm_card_data")
    assert one.kind is DeclineClass.CARD_DATA
    assert one.retry is Retry.NEEDS_NEW_CARD
    assert one.may_tell_customer == explain("incorrect_cvc").may_tell_customer


@pytest.mark.parametrize("code", ["stolen_card", "expired_card", "authentication_required"])
def test_the_permission_to_try_later_lifts_no_prohibition(code: str) -> None:
    assert explain(code, "try_again_later") == explain(code)


def test_an_unknown_code_is_soft_with_a_low_cap_and_says_that_it_is_unknown() -> None:
    one = explain("quantum_decline")
    assert one.kind is DeclineClass.UNKNOWN
    assert one.retry is Retry.SOFT
    assert one.own_retries == 1
    assert "do not know" in one.plain


def test_an_unknown_code_with_leave_to_try_later_may_be_tried_twice() -> None:
    assert explain("quantum_decline", "try_again_later").own_retries == 2


def test_a_failure_without_a_code_says_so() -> None:
    assert "no reason came with it" in explain(None).plain
    assert explain(None).kind is DeclineClass.UNKNOWN


@given(code=st.text(max_size=30) | st.none(), advice=st.text(max_size=30) | st.none())
def test_no_code_and_no_advice_is_ever_too_odd(code: str | None, advice: str | None) -> None:
    one = explain(code, advice)
    assert all(sentences(one))
    assert one.code == code
