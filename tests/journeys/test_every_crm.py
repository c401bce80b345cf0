"""The whole story, told once and played on every CRM: nothing in it depends on the vendor."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from domain.case import CaseState
from domain.holds import Quiet
from mappings.mapping_file import default_mapping_text
from sync.configs import mapping_name
from tests.journeys.quiet_scenes import (
    charges,
    is_quiet_at_stripe,
    open_invoice,
    settings_of,
)
from tests.sides import SeenFields, Side, living
from tests.world import World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def look(world: World) -> None:
    """Ask each CRM what has changed, as happens every minute."""
    world.settle()
    for side in world.sides:
        world.runtime.upkeep(f"poll:{side.system}")
        world.runtime.upkeep(f"sweep:{side.system}")
    world.settle()


def vip(world: World, crm: Side) -> tuple[str, str]:
    """A VIP whose renewal has failed: customer and account."""
    customer = world.customer()
    account = crm.add_account("Aurelius Partners", customer=customer)
    world.hours(4)
    return customer, account


def high(world: World, crm: Side) -> tuple[str, str]:
    """An account with a task beside Stripe's own dunning, and no hold."""
    customer = world.customer("Northgate Capital", amount=60_000)
    account = crm.add_account("Northgate Capital", customer=customer)
    _no_csm(world, crm, account)
    world.hours(4)
    return customer, account


def _no_csm(world: World, crm: Side, account: str) -> None:
    if crm.system == "salesforce":
        world.csm(account, CSM__c=None)
    elif world.portal is not None:
        world.portal.human(crm.people["csm"]).set_company(account, kidglove_csm="")


@pytest.mark.req("R9")
@pytest.mark.req("R1")
def test_a_failure_becomes_one_task_of_the_csm_and_a_silent_stripe(world: World, crm: Side) -> None:
    customer, account = vip(world, crm)

    (task,) = crm.tasks(account)
    assert task.owner == "Morgan Vale"
    assert not task.is_done
    assert task.is_high
    assert "14,200" in task.subject
    assert task.due >= date(2026, 11, 20)
    assert is_quiet_at_stripe(world, customer)
    assert world.robotic(customer) == []
    assert crm.fields(account) == SeenFields(status="failed", quiet="quiet", amount=14_200.0)


@pytest.mark.req("R9")
def test_every_later_failure_edits_the_same_task(world: World, crm: Side) -> None:
    customer, account = high(world, crm)

    world.days(8)

    assert len([one for one in crm.tasks(account) if "-e" not in one.key]) == 1
    assert len(charges(world, customer, paid=False)) > 1


@pytest.mark.req("R10")
def test_the_task_carries_the_context(world: World, crm: Side) -> None:
    _, account = vip(world, crm)

    body = crm.tasks(account)[0].body

    for part in ("Aurelius Partners", "14,200", "62", "insufficient", "Morgan Vale"):
        assert part.lower() in body.lower(), part
    assert "None" not in body
    assert "{" not in body


@pytest.mark.req("R7")
@pytest.mark.req("R11")
@pytest.mark.req("R14")
def test_in_resolution_makes_stripe_quiet_for_sixty_days(world: World, crm: Side) -> None:
    customer, account = high(world, crm)
    assert not is_quiet_at_stripe(world, customer)
    mails = len(world.robotic(customer))

    crm.say(account, "held", until=date(2027, 1, 25))
    world.settle()

    assert is_quiet_at_stripe(world, customer)
    found = world.certificate(customer)
    assert found is not None
    assert found.state is Quiet.QUIET
    tries = len(charges(world, customer))
    for _ in range(12):
        world.days(5)
        assert is_quiet_at_stripe(world, customer)
    assert len(world.robotic(customer)) == mails
    assert len(charges(world, customer)) == tries


@pytest.mark.req("R12")
def test_a_released_account_is_exactly_as_it_was(world: World, crm: Side) -> None:
    customer, account = high(world, crm)
    before = settings_of(world, customer)
    crm.say(account, "held")
    world.settle()
    assert settings_of(world, customer) != before

    crm.say(account, None)
    world.settle()

    assert settings_of(world, customer) == before


@pytest.mark.req("R13")
def test_a_word_without_a_date_ends_by_itself_and_somebody_is_told(world: World, crm: Side) -> None:
    customer, account = high(world, crm)
    crm.say(account, "held")
    world.settle()

    world.days(20)

    assert world.open_case(customer).word is None
    assert not living(crm, account).is_done
    assert world.open_case(customer).state is CaseState.WITH_PERSON


def test_a_word_that_nobody_translated_holds_and_is_asked_about(world: World, crm: Side) -> None:
    customer, account = high(world, crm)
    text = re.sub(r"released: \[.*\]", "released: []", default_mapping_text(crm.system))
    with world.runtime.store.begin() as tx:
        name = mapping_name(crm.system)
        tx.system.add_config(name, text, author="admin", note="test", now=world.clock.now())

    crm.say(account, "released")
    world.settle()

    assert is_quiet_at_stripe(world, customer)
    assert any("'released'" in text.lower() for text in world.alerts())


@pytest.mark.req("R6")
@pytest.mark.req("R7")
def test_the_money_closes_the_task_and_gives_everything_back(world: World, crm: Side) -> None:
    customer, account = vip(world, crm)
    crm.say(account, "held")
    world.settle()

    world.stripe.customer_pays(open_invoice(world, customer), card="good")
    world.hours(1)

    assert [one.is_done for one in crm.tasks(account)] == [True]
    assert world.case(customer) is not None
    assert not world.case(customer).is_open  # type: ignore[union-attr]
    assert crm.fields(account) == SeenFields(status="paid", quiet="off", amount=None)
    assert list(settings_of(world, customer).values()) == [(None, {})]


@pytest.mark.req("R40")
def test_a_task_that_nobody_touches_goes_up_the_chain(world: World, crm: Side) -> None:
    _, account = vip(world, crm)

    world.days(3)

    owners = [one.owner for one in crm.tasks(account)]
    assert owners[0] == "Morgan Vale"
    assert "Felix Nordstrom" in owners


def test_somebody_who_talks_with_the_customer_stops_the_chain(world: World, crm: Side) -> None:
    _, account = vip(world, crm)
    world.hours(2)

    crm.talk(account)
    world.hours(3)

    assert len(crm.tasks(account)) == 1, "untouched, it would have gone up two hours ago"


@pytest.mark.req("R42")
def test_who_has_left_is_passed_over(world: World, crm: Side) -> None:
    crm.leave("csm")

    _, account = vip(world, crm)

    assert [one.owner for one in crm.tasks(account)] == ["Felix Nordstrom"]


@pytest.mark.req("R14")
def test_a_completed_task_comes_back_while_money_is_open(world: World, crm: Side) -> None:
    _, account = vip(world, crm)

    crm.complete(living(crm, account), "no_answer")
    look(world)
    world.days(2)

    assert not living(crm, account).is_done


@pytest.mark.req("R14")
def test_a_snoozed_task_keeps_the_day_that_a_person_gave_it(world: World, crm: Side) -> None:
    _, account = vip(world, crm)
    day = date(2026, 11, 30)

    crm.snooze(living(crm, account), day)
    look(world)
    world.days(2)

    assert living(crm, account).due == day
    assert len(crm.tasks(account)) == 1


@pytest.mark.req("R14")
def test_a_promise_waits_for_its_day(world: World, crm: Side) -> None:
    customer, account = high(world, crm)

    crm.promise(account, date(2026, 12, 1))
    world.settle()

    assert world.open_case(customer).state is CaseState.PROMISED
    assert is_quiet_at_stripe(world, customer)


def test_what_people_write_under_the_task_stays(world: World, crm: Side) -> None:
    customer, account = vip(world, crm)

    crm.note(living(crm, account), "Dana is on leave until Monday")
    look(world)
    crm.say(account, "held")
    look(world)
    world.hours(1)

    assert "Dana is on leave until Monday" in living(crm, account).body
    assert world.open_case(customer).state is CaseState.IN_RESOLUTION


@pytest.mark.req("R19")
def test_our_own_writes_are_not_answered_with_another(world: World, crm: Side) -> None:
    _, account = vip(world, crm)
    look(world)
    writes = crm.writes()

    for _ in range(5):
        look(world)
        world.advance(timedelta(minutes=2))

    assert crm.writes() == writes
    assert len(crm.tasks(account)) == 1


@pytest.mark.req("R23")
def test_a_word_that_no_message_told_is_found(world: World, crm: Side) -> None:
    customer, account = high(world, crm)
    for postman in (world.org.postman, world.portal.postman if world.portal else None):
        if postman is not None:
            postman.dial = type(postman.dial)(loss=1.0)

    crm.say(account, "held")
    look(world)

    assert is_quiet_at_stripe(world, customer)


def test_an_account_that_was_deleted_halfway_loses_nobody(world: World, crm: Side) -> None:
    customer, account = vip(world, crm)

    crm.delete(account)
    world.days(1)

    assert is_quiet_at_stripe(world, customer)
    assert world.open_case(customer).is_open
