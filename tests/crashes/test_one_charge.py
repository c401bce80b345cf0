"""A process dies between a try at a payment and the line that says so: there is one charge."""

from __future__ import annotations

import pytest

from sync.checkpoints import Checkpoint
from tests.crashes.story import Teller


def charges(teller: Teller, customer: str) -> list[str]:
    """The ids of the customer's charges, the newest last."""
    objects = teller.world.stripe.state()["objects"].get("charge", {})
    return [id for id, one in objects.items() if one["customer"] == customer]


@pytest.mark.req("R118")
@pytest.mark.parametrize("checkpoint", [Checkpoint.EFFECT_SENT, Checkpoint.EFFECT_FINISHED])
@pytest.mark.parametrize("card", ["good", "declines:insufficient_funds"])
def test_a_try_whose_process_died_before_it_was_written_down_is_one_charge(
    card: str, checkpoint: Checkpoint, teller: Teller
) -> None:
    customer, _ = teller.world.vip(card=card)
    before = charges(teller, customer)
    teller.die_at(checkpoint, lambda _: not teller.deaths and charges(teller, customer) != before)

    teller.until(hours=30)

    assert teller.deaths == [checkpoint]
    assert len(charges(teller, customer)) == len(before) + 1


@pytest.mark.req("R118")
def test_a_try_that_dies_again_and_again_is_one_charge(teller: Teller) -> None:
    customer, _ = teller.world.vip(card="good")
    before = charges(teller, customer)
    teller.die_at(Checkpoint.EFFECT_SENT, lambda visit: visit % 2 == 1)

    teller.until(hours=30)

    assert len(charges(teller, customer)) == len(before) + 1
