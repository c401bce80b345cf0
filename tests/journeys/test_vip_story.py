"""The story the product exists for, from the failed renewal to the restored settings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.case import CaseState, Outcome
from domain.holds import Quiet, SuppressionState
from domain.rows import Urgency
from simulators.salesforce.troubles import whole
from tests.lanes import due_lanes
from tests.world import World


def _stripe_settings(world: World, customer: str) -> dict[str, object]:
    """What dunning depends on, for every open or draft invoice and every subscription."""
    found: dict[str, object] = {
        invoice["id"]: (invoice["auto_advance"], invoice["metadata"])
        for invoice in world.stripe.invoices(customer)
        if invoice["status"] in ("open", "draft")
    }
    for subscription in world.stripe.state()["objects"]["subscription"].values():
        if subscription["customer"] == customer:
            found[subscription["id"]] = (
                subscription["pause_collection"],
                subscription["metadata"],
            )
    return found


def test_a_vip_failure_is_quiet_and_becomes_one_task(world: World) -> None:
    customer, account = world.vip()
    world.settle()

    world.hours(4)

    case = world.open_case(customer)
    assert case.state is CaseState.WITH_PERSON
    assert world.task(account)["OwnerId"] == world.people["csm"]
    assert world.task(account)["Subject"].startswith("Payment hiccup: Aurelius Partners, $14,200")
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.QUIET
    assert world.robotic(customer) == []


@pytest.mark.req("R11")
@pytest.mark.req("R70")
@pytest.mark.req("R74")
def test_in_resolution_keeps_stripe_quiet_for_sixty_days(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2027-01-25")
    world.settle()
    attempts = len(world.stripe.state()["objects"]["charge"])

    world.days(60)

    assert world.robotic(customer) == []
    assert len(world.stripe.state()["objects"]["charge"]) == attempts
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.QUIET
    assert certificate.invoices == 2
    assert world.open_case(customer).state is CaseState.IN_RESOLUTION


@pytest.mark.req("R12")
@pytest.mark.req("R68")
def test_when_the_money_arrives_the_task_closes_and_stripe_is_as_before(world: World) -> None:
    customer, account = world.vip()
    before = _stripe_settings(world, customer)
    world.hours(4)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    invoice = world.open_case(customer).invoices[0]

    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(invoice)
    world.settle()

    case = world.case(customer)
    assert case is not None
    assert case.outcome is Outcome.PAID
    task = world.task(account)
    assert task["IsClosed"]
    assert task["Subject"].startswith("Paid")
    assert _stripe_settings(world, customer) == before
    states = {row.state for row in world.ledger(customer).values()}
    assert states == {SuppressionState.MOOT, SuppressionState.RESTORED}


def test_a_second_renewal_after_the_story_is_collected_by_stripe_as_ever(world: World) -> None:
    customer, _ = world.vip()
    world.hours(4)
    invoice = world.open_case(customer).invoices[0]
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(invoice)
    world.settle()

    world.advance(timedelta(days=31))

    newest = max(world.stripe.invoices(customer), key=lambda one: one["created"])
    assert newest["status"] == "paid"
    assert world.robotic(customer) == []


def test_money_that_comes_before_the_task_could_be_sent_leaves_no_task(world: World) -> None:
    customer, account = world.vip()
    world.org.faults.arm(whole("request_limit", path=".*/composite", times=None))
    world.hours(4)
    invoice = world.open_case(customer).invoices[0]
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(invoice)
    world.settle()

    world.org.faults.clear()
    world.hours(2)

    assert world.tasks(account, open_only=True) == []


def test_a_hint_about_a_vip_goes_before_all_others(world: World) -> None:
    customer, _ = world.vip()
    small = world.stripe.add_customer("Small", "s@example.com")
    world.stripe.add_subscription(small, amount=4900)
    world.hours(1)

    for one in (customer, small):
        world.stripe.customer_updates_card(one)
    world.stripe.postman.flush()
    world.runtime.intake.take_in()

    with world.runtime.store.begin() as tx:
        due = due_lanes(tx, world.clock.now())
    assert {lane.account: lane.urgency for lane in due} == {
        world.account(customer): Urgency.VIP,
        world.account(small): Urgency.NORMAL,
    }
