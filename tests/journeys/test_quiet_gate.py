"""Right before the personal mail silence is read back once more, and the unknown refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simulators.faults import Fault, Harm
from tests.journeys.quiet_scenes import (
    failed_high,
    failed_vip,
    held_high,
    is_quiet_at_stripe,
    open_invoice,
    put_policy,
    story,
    subscription_of,
)
from tests.world import World


def is_clear(world: World, customer: str) -> tuple[bool, str]:
    """The answer of the gate, and its reasons in one line."""
    clearance = world.runtime.gate.clear_to_send(world.account(customer))
    return clearance.may_send, "; ".join(clearance.reasons)


@pytest.mark.req("R71")
def test_a_quiet_account_is_cleared(world: World) -> None:
    customer, _ = failed_vip(world)

    assert is_clear(world, customer) == (True, "")


@pytest.mark.req("R71")
def test_collection_switched_back_on_behind_our_back_refuses_restores_and_alerts_once(
    world: World,
) -> None:
    customer, _ = failed_vip(world)
    invoice = open_invoice(world, customer)
    world.stripe.postman.dial.loss = 1.0
    world.stripe.dashboard_update_invoice(invoice, auto_advance=True)

    assert is_clear(world, customer) == (False, f"invoice:{invoice} is not quiet")
    world.settle()

    assert is_quiet_at_stripe(world, customer)
    assert is_clear(world, customer) == (True, "")
    assert sum("was switched back on" in text for text in world.alerts()) == 1
    assert story(world, customer, "send.refused") == [f"invoice:{invoice} is not quiet"]


@pytest.mark.req("R71")
def test_asking_ten_times_alerts_once(world: World) -> None:
    customer, _ = failed_vip(world)
    world.stripe.postman.dial.loss = 1.0
    world.stripe.dashboard_update_invoice(open_invoice(world, customer), auto_advance=True)

    for _ in range(10):
        assert is_clear(world, customer)[0] is False
    world.settle()

    assert sum("was switched back on" in text for text in world.alerts()) == 1


@pytest.mark.req("R71")
def test_a_pause_that_was_lifted_refuses_too(world: World) -> None:
    customer, _ = failed_vip(world)
    subscription = subscription_of(world, customer)
    world.stripe.dashboard_update_subscription(subscription, pause_collection=None)

    assert is_clear(world, customer) == (False, f"subscription:{subscription} is not quiet")


@pytest.mark.req("R71")
def test_a_drift_that_the_policy_leaves_to_people_still_refuses(world: World) -> None:
    put_policy(world, ("on_drift: restore", "on_drift: ask"))
    customer, _ = failed_vip(world)
    invoice = open_invoice(world, customer)
    world.stripe.dashboard_update_invoice(invoice, auto_advance=True)
    world.settle()

    assert is_clear(world, customer) == (False, f"invoice:{invoice} is not quiet")


@pytest.mark.req("R71")
def test_a_new_subscription_that_we_have_never_seen_refuses(world: World) -> None:
    customer, _ = failed_vip(world)
    world.stripe.postman.dial.loss = 1.0
    new = world.stripe.add_subscription(customer, amount=90_000)

    assert is_clear(world, customer) == (False, f"subscription:{new} is not quiet")
    world.settle()

    assert is_clear(world, customer) == (True, "")


@pytest.mark.req("R71")
def test_an_account_that_is_not_held_is_refused(world: World) -> None:
    customer, _ = failed_high(world)

    may_send, because = is_clear(world, customer)

    assert not may_send
    assert "the account is not held" in because


@pytest.mark.req("R71")
@pytest.mark.parametrize("status", [429, 500, 401])
def test_a_payment_system_that_cannot_be_read_refuses_with_the_reason(
    world: World, status: int
) -> None:
    customer, _ = failed_vip(world)
    world.stripe.faults.arm(Fault(harm=Harm.STATUS, method="GET", status=status, times=None))

    may_send, because = is_clear(world, customer)

    assert not may_send
    assert f"customer {customer} could not be read" in because


@pytest.mark.req("R71")
def test_a_hold_that_has_ended_refuses_from_then_on(world: World) -> None:
    customer, account = held_high(world)
    assert is_clear(world, customer)[0] is True

    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.advance(timedelta(minutes=1))

    assert is_clear(world, customer)[0] is False
