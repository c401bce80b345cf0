"""Why the bank said no, and who tried: the order of authority, and an honest count."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.stripe import wire
from connectors.stripe.attempts import attempts
from connectors.stripe.declines import NOTHING_SENT_AFTER, charge_decline, intent_decline
from domain.declines import known_codes
from domain.facts import AttemptBy
from tests.connectors.stripe_stage import Json, charge

AUTO, HAND, UNKNOWN = AttemptBy.AUTOMATIC, AttemptBy.MANUAL, AttemptBy.UNKNOWN
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def outcome(**over: object) -> Json:
    return {"type": "issuer_declined", "reason": "do_not_honor"} | over


def a_charge(**over: object) -> wire.Charge:
    return wire.parse(wire.Charge, charge(**over))


def intent(**over: object) -> wire.PaymentIntent:
    return wire.parse(
        wire.PaymentIntent, {"id": "pi_1", "status": "requires_payment_method"} | over
    )


# ---------------------------------------------------------------- reasons


def test_the_issuers_own_advice_comes_with_the_code() -> None:
    found = charge_decline(a_charge(outcome=outcome(advice_code="do_not_try_again")))
    assert (found.code, found.advice) == ("do_not_honor", "do_not_try_again")


def test_radars_block_is_the_reason_when_it_blocked() -> None:
    blocked = outcome(type="blocked", reason="highest_risk_level")
    found = charge_decline(a_charge(outcome=blocked, failure_code="card_declined"))
    assert (found.code, found.reason) == ("highest_risk_level", "blocked")


def test_without_a_reason_the_failure_code_has_to_do() -> None:
    found = charge_decline(a_charge(outcome=None, failure_code="expired_card"))
    assert found.code == "expired_card"


def test_without_anything_it_is_honestly_unknown() -> None:
    assert charge_decline(a_charge(outcome=None, failure_code=None)).code == "unknown"


@pytest.mark.parametrize(
    ("network", "advice"),
    [("01", "confirm_card_data"), ("03", "do_not_try_again"), ("21", "do_not_try_again"),
     ("02", "try_again_later"), ("30", "try_again_later"), ("04", None), ("99", None)],
)  # fmt: skip
def test_a_networks_advice_stands_in_for_a_missing_one(network: str, advice: str | None) -> None:
    found = charge_decline(a_charge(outcome=outcome(network_advice_code=network)))
    assert found.advice == advice


def test_the_issuers_advice_goes_before_the_networks() -> None:
    both = outcome(advice_code="try_again_later", network_advice_code="03")
    assert charge_decline(a_charge(outcome=both)).advice == "try_again_later"


def test_a_payments_decline_code_goes_before_its_charges() -> None:
    last = {"code": "card_declined", "decline_code": "lost_card", "advice_code": "do_not_try_again"}
    found = intent_decline(intent(last_payment_error=last, latest_charge=charge()), at=None)
    assert (found.code, found.advice, found.at) == ("lost_card", "do_not_try_again", AT)


def test_radars_block_goes_before_a_payments_decline_code() -> None:
    blocked = charge(outcome=outcome(type="blocked", reason="rule"))
    last = {"code": "card_declined", "decline_code": "generic_decline"}
    found = intent_decline(intent(last_payment_error=last, latest_charge=blocked), at=None)
    assert found.code == "rule"


def test_a_charge_that_succeeded_is_no_reason() -> None:
    last = {"code": "authentication_required"}
    paid = charge(status="succeeded")
    found = intent_decline(intent(last_payment_error=last, latest_charge=paid), at=AT)
    assert (found.code, found.at) == ("authentication_required", AT)


def test_every_reason_that_stops_stripe_has_a_sentence_for_people() -> None:
    assert known_codes() >= NOTHING_SENT_AFTER


# ---------------------------------------------------------------- tries


def tried(*codes: str | None, counted: int, is_marked: bool = False) -> list[AttemptBy]:
    """Who made each try; None for a charge that went through."""
    charges = [
        a_charge(
            id=f"ch_{number}",
            created=1000 * number,
            status="failed" if code else "succeeded",
            outcome=outcome(reason=code) if code else None,
        )
        for number, code in enumerate(codes, start=1)
    ]
    return [one.by for one in attempts(charges, counted=counted, is_marked=is_marked)]


SOFT = "insufficient_funds"


@pytest.mark.req("R44")
def test_as_many_charges_as_stripe_counted_are_all_its_own() -> None:
    assert tried(SOFT, SOFT, SOFT, counted=3) == [AUTO, AUTO, AUTO]


@pytest.mark.req("R44")
def test_charges_beyond_the_count_were_made_by_hand() -> None:
    assert tried(SOFT, SOFT, SOFT, counted=1) == [AUTO, HAND, HAND]


def test_the_number_of_tries_by_hand_is_exact_among_others() -> None:
    assert tried(SOFT, SOFT, SOFT, SOFT, counted=3).count(HAND) == 1


def test_the_first_try_on_an_invoice_of_ours_may_have_been_ours() -> None:
    assert tried(SOFT, counted=1, is_marked=True) == [UNKNOWN]


def test_after_a_hard_reason_the_counter_proves_nothing() -> None:
    assert tried("stolen_card", SOFT, counted=4) == [AUTO, UNKNOWN]


def test_a_success_by_hand_is_by_hand() -> None:
    assert tried(SOFT, None, counted=1) == [AUTO, HAND]


def test_a_charge_still_under_way_is_no_attempt() -> None:
    assert attempts([a_charge(status="pending")], counted=1, is_marked=False) == ()


def test_tries_come_oldest_first_whatever_order_they_arrive_in() -> None:
    two = [a_charge(id="ch_2", created=2000), a_charge(id="ch_1", created=1000)]
    moments = [one.at for one in attempts(two, counted=2, is_marked=False)]
    assert moments == sorted(moments)
