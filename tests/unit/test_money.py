"""Currencies: every one that the payment system bills in, with the decimals of its own amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.money import KNOWN, THREE_DECIMAL, ZERO_DECIMAL, Money


@pytest.mark.parametrize(
    "currency", ["mad", "pkr", "kzt", "bdt", "lkr", "gel", "ugx", "clp", "kwd"]
)
def test_an_amount_in_any_currency_of_the_payment_system_is_known(currency: str) -> None:
    assert Money(100_000, currency).is_known_currency


@pytest.mark.parametrize(
    ("minor", "currency", "major", "text"),
    [
        (60_000, "mad", "600", "MAD 600"),
        (500, "ugx", "5", "UGX 5"),
        (500, "isk", "5", "ISK 5"),
        (500, "mga", "500", "MGA 500"),
        (500, "jpy", "500", "¥500"),
        (5_120, "kwd", "5.12", "KWD 5.120"),
        (1_045, "huf", "10.45", "HUF 10.45"),
    ],
)
def test_an_amount_has_the_decimals_that_the_payment_system_gives_it(
    minor: int, currency: str, major: str, text: str
) -> None:
    amount = Money(minor, currency)
    assert (amount.major, amount.text()) == (Decimal(major), text)
    assert Money.of(Decimal(major), currency) == amount


def test_each_currency_has_one_number_of_decimals() -> None:
    assert not ZERO_DECIMAL & THREE_DECIMAL
    assert {len(one) for one in KNOWN} == {3}
    assert "xyz" not in KNOWN
