"""Silence through lost answers, outages and long absences: nothing doubled, nothing parked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.kit.retry import Retry
from domain.effects import EffectKind
from domain.holds import Quiet, SuppressionState
from domain.rows import EffectState, StoredEffect
from simulators.faults import Fault, Harm
from tests.journeys.quiet_scenes import (
    charges,
    failed_high,
    failed_vip,
    glide,
    held_high,
    is_quiet_at_stripe,
    open_invoice,
    settings_of,
    subscription_of,
)
from tests.world import World, build

OBJECT = "/v1/(invoices|subscriptions)/[^/]+"
OUTAGE = Fault(harm=Harm.STATUS, status=503, times=None)


@pytest.fixture
def world(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in which the short retries do not sleep."""
    defaults = {**(Retry.__init__.__kwdefaults__ or {}), "sleep": lambda seconds: None}
    monkeypatch.setattr(Retry.__init__, "__kwdefaults__", defaults)
    made = build(database_url, redis_url)
    yield made
    made.close()


def unanswered(path: str, *, times: int = 3) -> Fault:
    """Stripe acts and the answer is lost, through all the tries of one call."""
    return Fault(harm=Harm.RESET_AFTER, method="POST", path=path, times=times)


def effects(world: World, customer: str, kind: EffectKind) -> list[StoredEffect]:
    with world.runtime.store.begin() as tx:
        found = tx.effects.of_account(world.account(customer))
    return [one for one in found if one.kind is kind]


# ---------------------------------------------------------------- lost answers


def test_a_quieting_whose_answer_was_lost_is_known_as_ours_and_given_back(world: World) -> None:
    customer, account = failed_high(world)
    before = settings_of(world, customer)
    world.stripe.faults.arm(unanswered(OBJECT, times=6))
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    world.advance(timedelta(minutes=5))
    assert is_quiet_at_stripe(world, customer)
    assert {row.state for row in world.ledger(customer).values()} == {SuppressionState.QUIET}

    world.csm(account, Dunning_Status__c=None)
    world.settle()

    assert settings_of(world, customer) == before


def test_a_giving_back_whose_answer_was_lost_ends_as_before_the_hold(world: World) -> None:
    customer, account = failed_high(world)
    before = settings_of(world, customer)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    world.stripe.faults.arm(unanswered(OBJECT, times=6))

    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.advance(timedelta(minutes=5))

    assert settings_of(world, customer) == before
    states = {row.state for row in world.ledger(customer).values()}
    assert states == {SuppressionState.RESTORED}


@pytest.mark.parametrize("card", ["good", "declines:insufficient_funds"])
def test_a_try_whose_answer_was_lost_is_made_once(world: World, card: str) -> None:
    customer, _ = world.vip(card=card)
    world.hours(2.5)
    world.stripe.faults.arm(unanswered("/v1/invoices/[^/]+/pay"))

    world.days(1)

    assert len(charges(world, customer)) == 1
    assert world.robotic(customer) == []


@pytest.mark.parametrize("harm", [Harm.STATUS, Harm.RESET_BEFORE, Harm.STATUS_AFTER])
def test_a_try_that_stripe_refuses_for_a_while_is_made_once(world: World, harm: Harm) -> None:
    customer, _ = world.vip(card="good")
    world.hours(2.5)
    pay = "/v1/invoices/[^/]+/(pay|finalize)"
    world.stripe.faults.arm(Fault(harm=harm, method="POST", path=pay, status=503, times=10))

    world.days(1)

    assert len(charges(world, customer, paid=True)) == 1
    assert world.stripe.invoices(customer, "open") == []


def test_a_late_write_that_lands_after_the_release_is_given_back_too(world: World) -> None:
    customer, account = failed_high(world)
    before = settings_of(world, customer)
    invoice = open_invoice(world, customer)
    held = unanswered(f"/v1/invoices/{invoice}", times=3)
    world.stripe.faults.arm(held)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.advance(timedelta(minutes=2))
    assert settings_of(world, customer) == before

    world.stripe.dashboard_update_invoice(
        invoice, auto_advance=False, metadata={"kidglove_hold": "kidglove"}
    )
    world.settle()

    assert settings_of(world, customer) == before


# ---------------------------------------------------------------- release and hold cross


def test_a_release_while_the_quieting_is_still_under_way_leaves_nothing_behind(
    world: World,
) -> None:
    customer, account = failed_high(world)
    before = settings_of(world, customer)
    world.stripe.faults.arm(Fault(harm=Harm.STATUS, method="POST", status=503, times=3))
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    assert not is_quiet_at_stripe(world, customer)

    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.stripe.faults.clear()
    world.advance(timedelta(minutes=5))

    assert settings_of(world, customer) == before
    assert {row.is_ours for row in world.ledger(customer).values()} == {False}


def test_a_new_hold_does_not_wait_behind_a_release_that_stripe_refuses(world: World) -> None:
    customer, account = held_high(world)
    writes = Fault(harm=Harm.STATUS, method="POST", path=OBJECT, status=503, times=None)
    world.stripe.faults.arm(writes)
    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.advance(timedelta(minutes=20))
    world.stripe.faults.clear()
    invoice = open_invoice(world, customer)
    world.stripe.dashboard_update_invoice(invoice, auto_advance=True)

    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()

    assert is_quiet_at_stripe(world, customer)


@pytest.mark.req("R12")
def test_release_hold_and_release_again_end_as_before_the_first_hold(world: World) -> None:
    customer, account = failed_high(world)
    before = settings_of(world, customer)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    writes = Fault(harm=Harm.STATUS, method="POST", path=OBJECT, status=503, times=None)
    world.stripe.faults.arm(writes)
    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    world.stripe.faults.clear()
    world.advance(timedelta(minutes=5))
    assert is_quiet_at_stripe(world, customer)

    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.advance(timedelta(minutes=5))

    assert settings_of(world, customer) == before


# ---------------------------------------------------------------- given up, and tried again


def test_an_outage_of_a_day_is_outlived_by_the_release(world: World) -> None:
    customer, account = failed_high(world)
    before = settings_of(world, customer)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    writes = Fault(harm=Harm.STATUS, method="POST", path=OBJECT, status=503, times=None)
    world.stripe.faults.arm(writes)
    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.days(1)
    assert settings_of(world, customer) != before

    world.stripe.faults.clear()
    world.days(1)

    assert settings_of(world, customer) == before


def test_a_quieting_that_was_given_up_is_told_and_tried_again_at_the_next_check(
    world: World,
) -> None:
    customer, account = failed_high(world)
    refused = Fault(
        harm=Harm.STATUS,
        method="POST",
        path="/v1/invoices/[^/]+",
        status=403,
        body={"error": {"type": "invalid_request_error", "message": "no permission"}},
        times=None,
    )
    world.stripe.faults.arm(refused)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    (given_up,) = effects(world, customer, EffectKind.QUIET_INVOICE)
    assert given_up.state in (EffectState.PARKED, EffectState.DEAD)
    assert any("quiet_invoice" in text for text in world.alerts())
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.NOT_QUIET

    world.stripe.faults.clear()
    world.hours(13)

    assert is_quiet_at_stripe(world, customer)


# ---------------------------------------------------------------- what cannot be read


def test_an_unreadable_stripe_keeps_the_hold_and_loses_its_certificate(world: World) -> None:
    customer, account = held_high(world)
    ledger = world.ledger(customer)
    world.stripe.faults.arm(OUTAGE)
    world.csm(account, Dunning_Status__c=None)

    world.advance(timedelta(minutes=10))

    assert world.ledger(customer) == ledger
    assert is_quiet_at_stripe(world, customer)
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.UNKNOWN

    world.stripe.faults.clear()
    world.advance(timedelta(minutes=2))
    assert not is_quiet_at_stripe(world, customer)


def test_an_outage_of_stripe_is_no_storm_of_calls(world: World) -> None:
    _, account = held_high(world)
    writes = Fault(harm=Harm.STATUS, method="POST", path=OBJECT, status=503, times=3)
    world.stripe.faults.arm(writes)
    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.stripe.faults.arm(OUTAGE)
    world.advance(timedelta(minutes=4))
    world.stripe.forget_requests()

    world.advance(timedelta(minutes=10))

    # Three tries of one read, at most every fifteen seconds.
    assert len(world.stripe.requests) <= 3 * 4 * 10


# ---------------------------------------------------------------- long absences


def test_an_interception_is_handed_back_after_we_were_down_and_nothing_stays_parked(
    world: World,
) -> None:
    customer, _ = world.vip(card="good")
    world.hours(2.5)
    (draft,) = world.stripe.invoices(customer, "draft")
    assert draft["auto_advance"] is False

    world.advance(timedelta(days=3), settle=False)
    world.days(1)

    assert [one["paid"] for one in charges(world, customer)] == [True]
    assert world.stripe.invoices(customer, "open") == world.stripe.invoices(customer, "draft") == []


def test_the_safety_end_is_pushed_on_before_it_is_reached(world: World) -> None:
    customer, account = failed_vip(world)
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2027-02-10")
    subscription = subscription_of(world, customer)
    first = world.stripe.get(subscription)["pause_collection"]["resumes_at"]

    glide(world, days=48)

    later = world.stripe.get(subscription)["pause_collection"]["resumes_at"]
    assert later > first
    assert later > int(world.clock.now().timestamp())
    assert not any("switched back on" in text for text in world.alerts())


def test_after_six_weeks_of_absence_the_hold_is_put_back_as_soon_as_we_are_up(
    world: World,
) -> None:
    customer, _ = failed_vip(world)
    world.advance(timedelta(days=40), settle=False)
    assert not is_quiet_at_stripe(world, customer)

    world.settle()

    assert is_quiet_at_stripe(world, customer)
    assert world.robotic(customer) == []
