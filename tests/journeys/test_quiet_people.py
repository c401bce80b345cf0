"""What people do in Stripe during a hold: never overwritten, never forgotten, always told."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests

from domain.case import Outcome
from domain.holds import Quiet, SuppressionState
from tests.journeys.quiet_scenes import (
    charges,
    failed_high,
    failed_vip,
    glide,
    held_high,
    is_quiet_at_stripe,
    open_invoice,
    put_policy,
    settings_of,
    story,
    subscription_of,
)
from tests.world import World


def outcome_of(world: World, customer: str) -> Outcome | None:
    case = world.case(customer)
    assert case is not None
    return case.outcome


# ---------------------------------------------------------------- set before the hold


@pytest.mark.parametrize("behavior", ["keep_as_draft", "void", "mark_uncollectible"])
def test_a_pause_that_a_person_had_set_is_never_written_to(world: World, behavior: str) -> None:
    customer, account = failed_high(world)
    subscription = subscription_of(world, customer)
    world.stripe.dashboard_update_subscription(
        subscription, pause_collection={"behavior": behavior}
    )
    before = world.stripe.get(subscription)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    assert is_quiet_at_stripe(world, customer)

    world.csm(account, Dunning_Status__c=None)
    world.settle()

    assert world.stripe.get(subscription) == before
    row = world.ledger(customer)[f"subscription:{subscription}"]
    assert row.state is SuppressionState.FOREIGN


def test_an_invoice_that_a_person_had_parked_is_never_written_to(world: World) -> None:
    customer, account = failed_high(world)
    invoice = open_invoice(world, customer)
    world.stripe.dashboard_update_invoice(invoice, auto_advance=False)
    before = world.stripe.get(invoice)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()

    world.csm(account, Dunning_Status__c=None)
    world.settle()

    assert world.stripe.get(invoice) == before


# ---------------------------------------------------------------- drift


@pytest.mark.req("R73")
def test_what_is_switched_back_on_is_quiet_again_with_a_word_in_the_audit(world: World) -> None:
    customer, _ = held_high(world)
    invoice, subscription = open_invoice(world, customer), subscription_of(world, customer)
    tries = len(charges(world, customer))

    world.stripe.dashboard_update_invoice(invoice, auto_advance=True)
    world.stripe.dashboard_update_subscription(subscription, pause_collection=None)
    world.settle()

    assert is_quiet_at_stripe(world, customer)
    assert len(charges(world, customer)) == tries
    said = story(world, customer, "decision")
    assert any(f"invoice:{invoice} was switched back on" in line for line in said)
    assert any(f"subscription:{subscription} was switched back on" in line for line in said)
    assert sum("It is made quiet again" in text for text in world.alerts()) == 2


@pytest.mark.req("R73")
def test_a_drift_that_no_webhook_told_is_found_within_its_period(world: World) -> None:
    customer, _ = held_high(world)
    world.stripe.postman.dial.loss = 1.0
    world.stripe.dashboard_update_invoice(open_invoice(world, customer), auto_advance=True)

    world.hours(12)

    assert is_quiet_at_stripe(world, customer)


@pytest.mark.req("R73")
def test_a_policy_that_asks_tells_and_leaves_it(world: World) -> None:
    put_policy(world, ("on_drift: restore", "on_drift: ask"))
    customer, account = held_high(world)
    invoice = open_invoice(world, customer)

    world.stripe.dashboard_update_invoice(invoice, auto_advance=True)
    world.settle()

    assert world.stripe.get(invoice)["auto_advance"] is True
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.NOT_QUIET
    assert world.org.get(account)["Dunning_Quiet_State__c"] == "Not quiet"
    assert sum("It is left as it is" in text for text in world.alerts()) == 1


def test_after_a_drift_that_was_left_stripe_is_as_if_we_had_never_been_there(
    world: World,
) -> None:
    put_policy(world, ("on_drift: restore", "on_drift: ask"))
    customer, account = failed_high(world)
    before = settings_of(world, customer)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    world.stripe.dashboard_update_invoice(open_invoice(world, customer), auto_advance=True)
    world.stripe.dashboard_update_subscription(
        subscription_of(world, customer), pause_collection=None
    )
    world.settle()

    world.csm(account, Dunning_Status__c=None)
    world.settle()

    assert settings_of(world, customer) == before


def test_a_pause_that_a_person_put_in_the_place_of_ours_outlives_the_hold(world: World) -> None:
    customer, account = held_high(world)
    subscription = subscription_of(world, customer)
    world.stripe.dashboard_update_subscription(subscription, pause_collection={"behavior": "void"})
    world.settle()

    world.csm(account, Dunning_Status__c=None)
    world.settle()

    left = world.stripe.get(subscription)
    assert (left["pause_collection"]["behavior"], left["metadata"]) == ("void", {})


# ---------------------------------------------------------------- endings during a hold


@pytest.mark.req("R12", partly="endings other than payment")
def test_a_voided_invoice_ends_the_case_and_only_the_pause_is_given_back(world: World) -> None:
    customer, account = held_high(world)
    invoice = open_invoice(world, customer)

    world.stripe.void(invoice)
    world.settle()

    assert outcome_of(world, customer) is Outcome.VOIDED
    assert world.task(account)["IsClosed"]
    assert world.ledger(customer)[f"invoice:{invoice}"].state is SuppressionState.MOOT
    assert world.stripe.get(subscription_of(world, customer))["pause_collection"] is None


def test_an_invoice_that_was_written_off_ends_the_case_as_lost(world: World) -> None:
    customer, account = held_high(world)

    world.stripe.mark_uncollectible(open_invoice(world, customer))
    world.settle()

    assert outcome_of(world, customer) is Outcome.LOST
    assert world.task(account)["IsClosed"]


def test_a_subscription_cancelled_during_a_hold_is_not_dunned_after_it(world: World) -> None:
    customer, account = held_high(world)
    invoice = open_invoice(world, customer)
    tries, mails = len(charges(world, customer)), len(world.robotic(customer))
    world.stripe.dashboard_cancel_subscription(subscription_of(world, customer))
    world.settle()

    world.csm(account, Dunning_Status__c=None)
    glide(world, days=20)

    left = world.stripe.get(invoice)
    assert (left["status"], left["auto_advance"], left["metadata"]) == ("open", False, {})
    assert (len(charges(world, customer)), len(world.robotic(customer))) == (tries, mails)


def test_nobody_is_charged_for_a_renewal_whose_subscription_was_just_cancelled(
    world: World,
) -> None:
    customer, _ = world.vip(card="good")
    world.hours(2.5)
    (draft,) = world.stripe.invoices(customer, "draft")
    assert draft["auto_advance"] is False

    world.stripe.dashboard_cancel_subscription(subscription_of(world, customer))
    world.days(3)

    assert charges(world, customer) == []
    left = world.stripe.get(draft["id"])
    assert (left["auto_advance"], left["metadata"]) == (False, {})


def test_a_customer_that_vanished_changes_nothing_and_is_told_once(world: World) -> None:
    customer, account = failed_vip(world)
    ledger = world.ledger(customer)

    requests.delete(
        f"{world.stripe.url}/v1/customers/{customer}",
        auth=(world.stripe.api_key, ""),
        timeout=10,
    ).raise_for_status()
    world.hours(3)

    assert world.ledger(customer) == ledger
    assert world.open_case(customer).is_open
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.UNKNOWN
    assert sum("No such customer" in text or customer in text for text in world.alerts()) == 1
    assert not world.task(account)["IsClosed"]


def test_one_of_two_invoices_paid_keeps_the_other_quiet(world: World) -> None:
    customer, _ = failed_vip(world)
    first = open_invoice(world, customer)
    world.stripe.add_subscription(customer, amount=50_000, next_renewal_in=timedelta(hours=1))
    world.hours(3)
    (second,) = {one["id"] for one in world.stripe.invoices(customer, "draft")}
    assert world.stripe.get(second)["auto_advance"] is False

    world.stripe.customer_pays(first, card="good")
    world.hours(3)

    case = world.case(customer)
    assert case is not None
    assert case.number == 2
    assert case.invoices == (second,)
    assert is_quiet_at_stripe(world, customer)
    assert world.robotic(customer) == []


def test_an_account_that_stops_being_a_vip_keeps_its_silence_until_the_case_ends(
    world: World,
) -> None:
    customer, account = failed_vip(world)
    put_policy(world, ("value: 5000", "value: 50000"))
    world.csm(account, CSM__c=None)

    world.days(2)

    assert is_quiet_at_stripe(world, customer)
    assert world.robotic(customer) == []


def test_somebody_who_says_never_vip_gets_the_automatic_path_back(world: World) -> None:
    customer, account = failed_vip(world)
    before = {"auto_advance": True, "metadata": {}}

    world.csm(account, VIP_Override__c="Never VIP")
    world.settle()

    left = world.stripe.get(open_invoice(world, customer))
    assert {name: left[name] for name in before} == before
