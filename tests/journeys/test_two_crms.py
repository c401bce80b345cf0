"""An account that is in two CRMs: one task, words heard in both, fields kept in both."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.rows import EVALUATE
from simulators.faults import Fault, Harm
from tests.journeys.quiet_scenes import is_quiet_at_stripe, open_invoice, settings_of
from tests.journeys.test_every_crm import look
from tests.journeys.test_links import look as look_at
from tests.journeys.two_scenes import Two
from tests.sides import SeenFields, living


@pytest.mark.req("R16")
def test_the_task_is_in_the_primary_crm_alone_and_the_fields_are_in_both(two: Two) -> None:
    _, account, company = two.customer()

    two.world.hours(4)

    assert [one.owner for one in two.salesforce.tasks(account)] == ["Morgan Vale"]
    assert two.hubspot.tasks(company) == []
    seen = SeenFields(status="failed", quiet="quiet", amount=14_200.0)
    assert two.salesforce.fields(account) == seen
    assert two.hubspot.fields(company) == seen


@pytest.mark.req("R16")
def test_the_policy_says_which_crm_has_the_task(two: Two) -> None:
    two.policy(primary="hubspot")
    _, account, company = two.customer()

    two.world.hours(4)

    assert two.salesforce.tasks(account) == []
    assert [one.owner for one in two.hubspot.tasks(company)] == ["Morgan Vale"]


@pytest.mark.req("R16")
def test_the_other_crm_gets_nothing_if_the_policy_says_so(two: Two) -> None:
    two.policy(elsewhere="nothing")
    _, account, company = two.customer()

    two.world.hours(4)

    assert len(two.salesforce.tasks(account)) == 1
    assert two.hubspot.fields(company) == SeenFields(status=None, quiet=None, amount=None)
    assert two.hubspot.writes() == 0


def test_what_waits_for_the_other_crm_is_taken_back_when_the_policy_says_nothing(two: Two) -> None:
    customer, account, company = two.customer()
    two.world.hours(4)
    before = two.hubspot.fields(company)
    with two.world.runtime.store.begin() as tx:
        tx.system.open_circuit("hubspot", reason="401", now=two.world.clock.now())
    two.world.stripe.customer_pays(open_invoice(two.world, customer), card="good")
    two.world.advance(timedelta(minutes=1))

    two.policy(elsewhere="nothing")
    look(two.world)
    with two.world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(two.world.account(customer), EVALUATE, cause="person:reconcile")
    two.world.advance(timedelta(minutes=12))

    assert two.salesforce.fields(account).status == "paid"
    assert two.hubspot.fields(company) == before


@pytest.mark.req("R16")
def test_an_open_task_stays_where_it_is_when_the_policy_changes(two: Two) -> None:
    _, account, company = two.customer()
    two.world.hours(4)

    two.policy(primary="hubspot")
    two.world.days(2)

    assert living(two.salesforce, account).owner == "Morgan Vale"
    assert two.hubspot.tasks(company) == []


@pytest.mark.req("R16")
@pytest.mark.parametrize(
    ("primary", "key"), [("salesforce", True), ("hubspot", True), ("hubspot", False)]
)
def test_a_task_that_another_integration_mirrors_is_neither_adopted_nor_doubled(
    two: Two, primary: str, key: bool
) -> None:
    two.policy(primary=primary)
    customer, account, company = two.customer()
    two.world.hours(4)
    places = {"salesforce": (two.salesforce, account), "hubspot": (two.hubspot, company)}
    (ours, record), (other, twin) = sorted(
        places.values(), key=lambda one: one[0].system != primary
    )
    task = living(ours, record)

    copy = other.copied(task, twin, key=key)
    mirrored = other.task_row(copy)
    look(two.world)
    ours.say(record, "held")
    look(two.world)
    two.world.days(3)
    look(two.world)

    assert living(ours, record).id == task.id
    assert "in resolution until" in living(ours, record).subject, "ours goes on"
    assert other.task_row(copy) == mirrored, "the copy is the other integration's"
    assert two.tasks_beside(other) == [copy]

    two.world.stripe.customer_pays(open_invoice(two.world, customer), card="good")
    two.world.hours(13)
    look(two.world)

    assert living(ours, record).is_done
    assert other.task_row(copy) == mirrored
    assert two.tasks_beside(other) == [copy]


@pytest.mark.req("R16")
@pytest.mark.parametrize("primary", ["salesforce", "hubspot"])
def test_a_copy_that_is_completed_or_deleted_says_nothing_about_ours(
    two: Two, primary: str
) -> None:
    two.policy(primary=primary)
    customer, account, company = two.customer()
    two.world.hours(4)
    places = {"salesforce": (two.salesforce, account), "hubspot": (two.hubspot, company)}
    (ours, record), (other, twin) = sorted(
        places.values(), key=lambda one: one[0].system != primary
    )
    task = living(ours, record)
    other.copied(task, twin, key=True)
    look(two.world)

    other.complete(living(other, twin), "will_pay")
    look(two.world)
    other.remove(living(other, twin))
    look(two.world)
    two.world.hours(13)

    assert living(ours, record).id == task.id
    assert not living(ours, record).is_done
    assert two.world.open_case(customer).last_outcome is None
    assert two.tasks_beside(other) == []


@pytest.mark.parametrize("place", ["salesforce", "hubspot"])
def test_a_word_is_heard_in_whichever_crm_it_is_said(two: Two, place: str) -> None:
    customer, account, company = two.customer(amount=60_000)
    two.world.csm(account, CSM__c=None)
    two.world.hours(4)
    before = settings_of(two.world, customer)
    side, record = {
        "salesforce": (two.salesforce, account),
        "hubspot": (two.hubspot, company),
    }[place]

    side.say(record, "held")
    look(two.world)

    assert is_quiet_at_stripe(two.world, customer)
    word = two.world.open_case(customer).word
    assert word is not None
    assert word.system == place
    side.say(record, None)
    look(two.world)
    assert settings_of(two.world, customer) == before


@pytest.mark.parametrize("primary", ["salesforce", "hubspot"])
def test_a_word_elsewhere_is_heard_while_the_home_is_down(two: Two, primary: str) -> None:
    two.policy(primary=primary)
    customer, account, company = two.customer(amount=60_000)
    two.salesforce.set(account, csm=None)
    two.hubspot.set(company, csm=None)
    two.world.hours(4)
    assert not is_quiet_at_stripe(two.world, customer)
    places = [(two.hubspot, company), (two.salesforce, account)]
    (home, _), (other, twin) = sorted(places, key=lambda one: one[0].system != primary)

    home.faults.arm(Fault(harm=Harm.STATUS, status=503, times=None))
    other.say(twin, "held")
    look_at(two.world, customer)
    two.world.hours(1)

    word = two.world.open_case(customer).word
    assert word is not None
    assert word.system == other.system
    assert is_quiet_at_stripe(two.world, customer)


def test_a_word_in_the_other_crm_costs_nothing_while_nothing_changes(two: Two) -> None:
    customer, account, company = two.customer(amount=60_000)
    two.world.csm(account, CSM__c=None)
    two.world.hours(4)
    two.hubspot.say(company, "held")
    look(two.world)
    two.world.advance(timedelta(minutes=5))
    look(two.world)
    count = len(two.world.stripe.requests)

    for _ in range(5):
        look(two.world)
    assert len(two.world.stripe.requests) == count
    assert is_quiet_at_stripe(two.world, customer)


def test_an_account_in_one_of_them_gets_its_task_there(two: Two) -> None:
    customer = two.world.customer()
    company = two.hubspot.add_account("Aurelius Partners", customer=customer)

    two.world.hours(4)

    assert [one.owner for one in two.hubspot.tasks(company)] == ["Morgan Vale"]
    assert two.world.org.rows("Task") == []


def test_the_money_is_told_in_both(two: Two) -> None:
    customer, account, company = two.customer()
    two.world.hours(4)

    two.world.stripe.customer_pays(open_invoice(two.world, customer), card="good")
    two.world.hours(1)

    paid = SeenFields(status="paid", quiet="off", amount=None)
    assert two.salesforce.fields(account) == paid
    assert two.hubspot.fields(company) == paid
    assert living(two.salesforce, account).is_done


def test_a_word_in_a_crm_that_cannot_be_read_is_kept_although_the_other_is_silent(
    two: Two,
) -> None:
    customer, account, company = two.customer(amount=60_000)
    two.salesforce.set(account, csm=None)
    two.world.hours(4)
    two.hubspot.say(company, "held")
    look(two.world)
    assert is_quiet_at_stripe(two.world, customer)

    two.hubspot.faults.arm(Fault(harm=Harm.VENDOR, body={"name": "unavailable"}, times=None))
    two.world.stripe.customer_updates_card(customer)
    two.world.advance(timedelta(minutes=5))

    assert two.world.open_case(customer).word is not None
    assert is_quiet_at_stripe(two.world, customer)

    two.hubspot.faults.clear()
    two.hubspot.say(company, None)
    look(two.world)
    assert two.world.open_case(customer).word is None
    assert not is_quiet_at_stripe(two.world, customer)


def hubspot_is_down(two: Two) -> None:
    two.hubspot.faults.arm(Fault(harm=Harm.VENDOR, body={"name": "unavailable"}, times=None))


@pytest.fixture
def held_in_hubspot(two: Two) -> str:
    """A customer whom Salesforce is silent about, and who is in resolution by HubSpot's word."""
    customer, account, company = two.customer(amount=60_000)
    two.salesforce.set(account, csm=None)
    two.world.hours(4)
    two.hubspot.say(company, "held")
    look(two.world)
    assert is_quiet_at_stripe(two.world, customer)
    return customer


def test_a_word_that_ran_out_is_not_new_after_an_outage(two: Two, held_in_hubspot: str) -> None:
    customer = held_in_hubspot
    two.world.days(20)
    ran_out = two.world.open_case(customer)
    assert ran_out.word is None
    assert ran_out.spent_word is not None

    hubspot_is_down(two)
    two.world.stripe.customer_updates_card(customer)
    two.world.advance(timedelta(minutes=5))
    two.hubspot.faults.clear()
    two.world.stripe.customer_updates_card(customer)
    look(two.world)
    two.world.advance(timedelta(minutes=5))

    now = two.world.open_case(customer)
    assert (now.word, now.spent_word) == (None, ran_out.spent_word)
    assert not is_quiet_at_stripe(two.world, customer)


def test_a_word_left_standing_after_the_money_came_opens_no_case_after_an_outage(
    two: Two, held_in_hubspot: str
) -> None:
    customer = held_in_hubspot
    two.world.stripe.customer_pays(open_invoice(two.world, customer), card="good")
    two.world.hours(2)
    paid = two.world.case(customer)
    assert paid is not None
    assert not paid.is_open

    hubspot_is_down(two)
    with two.world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(paid.account, EVALUATE, cause="salesforce:changed")
    two.world.advance(timedelta(minutes=5))
    two.hubspot.faults.clear()
    two.world.stripe.customer_updates_card(customer)
    look(two.world)
    two.world.hours(2)

    assert two.world.case(customer) == paid
