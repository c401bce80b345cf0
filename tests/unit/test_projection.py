"""What the CRM is told of a case, a card and a cancellation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.case import Case, CaseState, Outcome
from domain.facts import AccountFacts, Card, PaymentPicture, Subscription, SubscriptionStatus
from domain.holds import HeldByPromise, HeldByWord, Quiet, QuietCertificate
from domain.ids import AccountId, Ref
from domain.leaf import Known, Missing
from domain.money import Money
from domain.policy import ExchangeRate, Policy, Tier
from domain.projection import our_values
from tests.unit.desk import failed, usd

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
PICTURE = PaymentPicture(customer=Ref("payments", "customer", "cus_1"), read_at=NOW)
POLICY = Policy(name="plain", version=1, tiers=(Tier(name="rest"),))
RATED = replace(
    POLICY,
    rates={
        "jpy": ExchangeRate(rate=Decimal("0.0065"), as_of="2026-11-01"),
        "eur": ExchangeRate(rate=Decimal("1.1"), as_of="2026-11-01"),
    },
)
CASE = Case(
    account=AccountId(1),
    number=1,
    key="case-1",
    state=CaseState.WITH_PERSON,
    opened_at=NOW,
    tier="vip",
)
WORD = HeldByWord(
    raw="In Resolution", by=None, since=NOW, until=NOW + timedelta(days=14), fingerprint="f"
)


def told(case: Case | None = None, *, policy: Policy = POLICY, **parts: Any) -> dict[str, object]:
    """Our values, by name, of an account with this picture and case."""
    facts = AccountFacts(
        payments=Known(replace(PICTURE, **parts), "payments"), crm=Missing("not needed")
    )
    found = our_values(facts, case, QuietCertificate(state=Quiet.OFF), NOW, policy=policy)
    return {name: leaf.value for name, leaf in found.items() if isinstance(leaf, Known)}


@pytest.mark.parametrize(
    ("case", "state", "key"),
    [
        (None, None, None),
        (CASE, "With a person", "case-1"),
        (replace(CASE, state=CaseState.WATCHING), "Watching", "case-1"),
        (replace(CASE, state=CaseState.CLOSED, outcome=Outcome.PAID), "Closed, paid", "case-1"),
    ],
)
def test_the_crm_is_told_where_the_case_stands(
    case: Case | None, state: str | None, key: str | None
) -> None:
    found = told(case)
    assert (found["case.state"], found["case.key"]) == (state, key)


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        (CASE, None),
        (
            replace(CASE, word=WORD),
            "Quiet until Fri 4 Dec 2026: In Resolution, seen on Fri 20 Nov 2026",
        ),
        (
            replace(CASE, word=replace(WORD, raw="Hmm", is_understood=False)),
            "Quiet until Fri 4 Dec 2026: nobody told us what 'Hmm' means",
        ),
        (
            replace(CASE, promise=HeldByPromise(promised=date(2026, 11, 30), since=NOW, until=NOW)),
            "Quiet until the morning after Mon 30 Nov 2026, as promised",
        ),
        (replace(CASE, word=WORD, state=CaseState.CLOSED), None),
    ],
)
def test_a_word_in_the_resolution_field_is_answered(case: Case, answer: str | None) -> None:
    assert told(case)["hold.answer"] == answer


@pytest.mark.parametrize(
    ("month", "year", "day"),
    [(2, 2028, date(2028, 2, 29)), (12, 2026, date(2026, 12, 31)), (0, 2026, None)],
)
def test_a_card_is_good_to_the_last_day_of_its_month(
    month: int, year: int, day: date | None
) -> None:
    card = Card(brand="visa", last4="4242", exp_month=month, exp_year=year)
    assert told(card=card)["payment.card_expires"] == day


def test_the_first_subscription_that_ends_is_told_and_one_that_has_ended_is_not() -> None:
    def ending(status: SubscriptionStatus, days: int | None) -> Subscription:
        at = NOW + timedelta(days=days) if days else None
        return Subscription(id=f"sub_{days}", status=status, mrr=usd("10"), cancel_at=at)

    active, over = SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELED
    found = told(
        subscriptions=(ending(active, None), ending(active, 9), ending(active, 5), ending(over, 1))
    )

    assert found["payment.cancel_on"] == date(2026, 11, 25)
    assert told()["payment.cancel_on"] is None


def owing(*amounts: tuple[int, str], policy: Policy) -> tuple[object, object]:
    """What the CRM is told of a customer who owes these minor units: the sum and its currency."""
    invoices = tuple(
        failed(NOW, id=f"in_{number}", remaining=Money(minor, currency), attempted=True)
        for number, (minor, currency) in enumerate(amounts)
    )
    found = told(policy=policy, invoices=invoices)
    return found["payment.amount_due"], found["payment.currency"]


@pytest.mark.parametrize(
    ("amounts", "policy", "said"),
    [
        ([(500_000, "usd"), (100_000, "jpy")], RATED, (500_000, "usd")),
        ([(500_000, "usd"), (900_000, "jpy")], RATED, (900_000, "jpy")),
        ([(500_000, "usd"), (100_000, "jpy")], POLICY, (100_000, "jpy")),
        ([(1, "usd"), (2, "usd"), (100_000, "jpy")], POLICY, (3, "usd")),
        ([(1, "usd"), (100_000, "jpy"), (100_000, "mad")], RATED, (100_000, "jpy")),
    ],
    ids=["rated", "rated and larger", "no rate, a tie", "no rate, most", "one without a rate"],
)
def test_of_several_currencies_the_one_that_matters_most_is_told(
    amounts: list[tuple[int, str]], policy: Policy, said: tuple[int, str]
) -> None:
    for order in (amounts, amounts[::-1]):
        assert owing(*order, policy=policy) == (Money(*said), said[1])
