"""High value is what an account paid over three full months, not what this month happens to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from domain.facts import PaymentPicture
from domain.money import Money
from tests.journeys.hands import customer
from tests.journeys.test_tiers_of_accounts import is_held
from tests.world import World, build

END_OF_NOVEMBER = datetime(2026, 11, 30, 22, tzinfo=UTC)
"""Two hours before the renewal of December, so that a month of the calendar is a month paid for."""


@pytest.fixture(params=["revops-sop", "default"])
def world(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> Iterator[World]:
    """A world under a preset that draws its line at the average of three months."""
    made = build(database_url, redis_url, policy=request.param, start=END_OF_NOVEMBER)
    yield made
    made.close()


def billed(world: World, months: Sequence[int], *, now: int) -> str:
    """A customer without a CSM who paid so much (in dollars) in the last full months, and whose
    renewal of this month, of another amount, fails."""
    made, _ = customer(world, "Aurelius Partners", mrr=now * 100, months=5)
    past = sorted(world.stripe.invoices(made, "paid"), key=lambda one: int(one["created"]))
    for invoice, dollars in zip(past[-len(months) :], months, strict=True):
        _rewrite(world.stripe.world.get("invoice", invoice["id"]), was=now * 100, now=dollars * 100)
    return made


def _rewrite(record: dict[str, object], *, was: int, now: int) -> None:
    """Another price was in force when this invoice was made."""
    for part in (record, *record["lines"]["data"]):  # type: ignore[index]
        part.update({name: now for name, value in part.items() if value == was})


def revenue(world: World, made: str) -> tuple[Money | None, Money | None]:
    """What Stripe's invoices and subscriptions come to: three full months, and this one."""
    picture = world.runtime.stripe.read_payments([made])[made]
    assert isinstance(picture, PaymentPicture)
    return picture.mrr_t3m, picture.mrr_now


@pytest.mark.req("R29")
def test_an_average_above_the_line_is_held(world: World) -> None:
    made = billed(world, [4_800, 5_100, 5_400], now=9_000)

    world.hours(6)

    assert revenue(world, made) == (Money(510_000, "usd"), Money(900_000, "usd"))
    assert is_held(world, made)
    assert world.robotic(made) == []


@pytest.mark.req("R29")
def test_an_average_at_the_line_is_not_held_however_much_this_month_is(world: World) -> None:
    made = billed(world, [4_900, 4_900, 5_200], now=20_000)

    world.hours(6)

    assert revenue(world, made) == (Money(500_000, "usd"), Money(2_000_000, "usd"))
    assert not is_held(world, made)


@pytest.mark.req("R29")
def test_a_cent_above_the_line_is_held(world: World) -> None:
    made = billed(world, [4_900, 4_900, 5_200], now=20_000)
    newest = max(world.stripe.invoices(made, "paid"), key=lambda one: int(one["created"]))
    _rewrite(world.stripe.world.get("invoice", newest["id"]), was=520_000, now=520_003)

    world.hours(6)

    assert revenue(world, made)[0] == Money(500_001, "usd")
    assert is_held(world, made)
