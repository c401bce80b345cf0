"""An account in two CRMs, one of which does not answer, has lost it, or has it twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.case import CaseState
from simulators.faults import Fault, Harm
from tests.journeys.quiet_scenes import is_quiet_at_stripe, open_invoice
from tests.journeys.test_every_crm import look
from tests.journeys.test_links import links
from tests.journeys.test_links import look as look_at
from tests.journeys.two_scenes import Two


@pytest.mark.parametrize("primary", ["hubspot", "salesforce"])
def test_while_the_primary_is_down_no_task_is_opened_in_the_other(two: Two, primary: str) -> None:
    two.policy(primary=primary)
    customer, _, _ = two.customer(renews_in=timedelta(minutes=1))
    home, other = sorted((two.hubspot, two.salesforce), key=lambda one: one.system != primary)
    home.faults.arm(Fault(harm=Harm.STATUS, status=503, times=None))
    two.world.advance(timedelta(minutes=70))
    look_at(two.world, customer)
    assert two.world.open_case(customer).state is CaseState.WITH_PERSON
    assert other.every_task() == []

    home.faults.clear()
    two.world.hours(1)

    assert len(home.every_task()) == 1
    assert other.every_task() == []


def test_a_crm_that_was_down_at_the_first_sight_is_kept_in_step_later(two: Two) -> None:
    _, account, company = two.customer(renews_in=timedelta(minutes=1))
    two.hubspot.faults.arm(Fault(harm=Harm.STATUS, status=503, times=None))
    two.world.advance(timedelta(minutes=70))

    two.hubspot.faults.clear()
    two.world.days(2)

    assert two.salesforce.fields(account).status == "failed"
    assert two.hubspot.fields(company).status == "failed"


@pytest.mark.parametrize("primary", ["hubspot", "salesforce"])
def test_a_word_in_the_other_crm_is_heard_after_the_home_record_was_deleted(
    two: Two, primary: str
) -> None:
    two.policy(primary=primary)
    customer, account, company = two.customer(amount=60_000)
    two.salesforce.set(account, csm=None)
    two.hubspot.set(company, csm=None)
    two.world.hours(4)
    places = [(two.hubspot, company), (two.salesforce, account)]
    (home, record), (other, twin) = sorted(places, key=lambda one: one[0].system != primary)

    home.delete(record)
    look(two.world)
    other.say(twin, "held")
    look(two.world)
    two.world.hours(26)
    look(two.world)

    assert is_quiet_at_stripe(two.world, customer)


def test_a_home_record_that_was_made_anew_is_linked_anew(two: Two) -> None:
    two.policy(primary="hubspot")
    customer, _, company = two.customer()
    two.world.hours(4)

    two.hubspot.delete(company)
    look(two.world)
    again = two.hubspot.add_account("Aurelius Partners", customer=customer)
    two.world.days(2)
    look(two.world)

    assert links(two.world, two.hubspot, customer).get(again) == ("confirmed", None)


def test_a_task_is_done_when_the_money_came_after_its_company_was_deleted(two: Two) -> None:
    two.policy(primary="hubspot")
    customer, _, company = two.customer()
    two.world.hours(4)

    two.hubspot.delete(company)
    look(two.world)
    two.world.stripe.customer_pays(open_invoice(two.world, customer), card="good")
    two.world.hours(30)
    look(two.world)

    assert [one.is_done for one in two.hubspot.every_task()] == [True]


def test_two_claimants_in_the_other_crm_are_set_aside_and_told(two: Two) -> None:
    two.hubspot.allow_twins()
    customer, account, company = two.customer()
    twin = two.hubspot.add_account("Aurelius Partners (old)", customer=customer)

    two.world.hours(4)

    reason = "several CRM accounts claim the customer"
    assert links(two.world, two.hubspot, customer) == {
        company: ("quarantined", reason),
        twin: ("quarantined", reason),
    }
    assert any(f"({company}, {twin}) claim the same" in text for text in two.world.alerts())
    assert two.salesforce.fields(account).status == "failed"

    two.hubspot.set(twin, customer=None)
    look_at(two.world, customer)

    assert links(two.world, two.hubspot, customer)[company] == ("confirmed", None)
    assert two.hubspot.fields(company).status == "failed"
