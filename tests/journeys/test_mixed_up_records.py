"""Two customers, one record: what a person or a merge has mixed up never moves another's hold."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.ids import Ref
from tests.journeys.quiet_scenes import failed_high_in, is_quiet_at_stripe
from tests.journeys.test_every_crm import look as ask_crms
from tests.journeys.test_links import links, look
from tests.sides import Side
from tests.world import World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def failed(world: World, crm: Side, name: str) -> tuple[str, str]:
    """A customer whose payment has failed, and its account."""
    customer = world.customer(name, amount=60_000)
    return customer, crm.add_account(name, customer=customer, csm=None)


@pytest.mark.req("R21")
def test_the_word_on_a_merged_record_is_heard_for_the_customer_that_it_names(
    world: World, crm: Side
) -> None:
    kept, survivor = failed(world, crm, "Alpha")
    other, loser = failed(world, crm, "Beta")
    world.hours(4)

    crm.set(loser, customer=None)
    survivor = crm.merge(survivor, loser)
    crm.set(survivor, customer=kept)
    for one in (kept, other):
        look(world, one)
    crm.say(survivor, "held")
    for one in (kept, other):
        look(world, one)

    assert (is_quiet_at_stripe(world, kept), is_quiet_at_stripe(world, other)) == (True, False)
    assert links(world, crm, kept)[survivor] == ("confirmed", None)
    assert "confirmed" not in {state for state, _ in links(world, crm, other).values()}
    assert any("names another customer" in text for text in world.alerts())


@pytest.mark.req("R21")
def test_a_record_that_names_another_customer_is_set_aside_until_a_person_confirms_it(
    world: World, crm: Side
) -> None:
    customer, account = failed_high_in(world, crm)

    crm.set(account, customer="cus_another")
    look(world, customer)

    state, reason = links(world, crm, customer)[account]
    assert (state, reason) == ("quarantined", "it names another customer (cus_another)")
    assert any("names another customer" in text for text in world.alerts())
    crm.overwrite_status(account, "current")
    look(world, customer)
    assert crm.fields(account).status == "current"

    with world.runtime.store.begin() as tx:
        tx.links.confirm(Ref(crm.system, "account", account), now=world.clock.now())
    look(world, customer)
    look(world, customer)

    assert links(world, crm, customer)[account][0] == "confirmed"
    assert crm.fields(account).status == "failed"


@pytest.mark.req("R21")
def test_of_two_confirmed_records_the_last_one_counts(world: World, crm: Side) -> None:
    customer, account = failed_high_in(world, crm)
    right = crm.add_account("Northgate Holding", customer=None)
    ours = world.account(customer)

    with world.runtime.store.begin() as tx:
        tx.links.suggest(
            ours, Ref(crm.system, "account", right), reason="its name", now=world.clock.now()
        )
        tx.links.confirm(Ref(crm.system, "account", right), now=world.clock.now())
    look(world, customer)

    assert links(world, crm, customer) == {
        account: ("quarantined", f"a person chose {right} instead"),
        right: ("confirmed", "confirmed by a person"),
    }
    assert crm.fields(right).status == "failed"


def test_a_customer_that_a_person_has_refused_opens_no_account(world: World, crm: Side) -> None:
    customer, _ = failed_high_in(world, crm)
    with world.runtime.store.begin() as tx:
        tx.links.reject(Ref("stripe", "customer", customer), now=world.clock.now())
        before = len(tx.known.accounts(after=None, limit=50))

    world.stripe.customer_updates_card(customer)
    world.settle()

    with world.runtime.store.begin() as tx:
        assert len(tx.known.accounts(after=None, limit=50)) == before


@pytest.mark.req("R23", partly="who handles an account")
def test_a_csm_who_is_named_later_is_heard_by_the_poll_alone(world: World, crm: Side) -> None:
    """Who has a CSM is a VIP by the shipped policy: nothing automated may reach them any more."""
    customer, account = failed_high_in(world, crm)
    assert not is_quiet_at_stripe(world, customer)
    crm.keep_messages(kept=True)

    crm.set(account, csm=crm.people["csm"])
    world.advance(timedelta(minutes=3))
    world.runtime.upkeep(f"poll:{crm.system}")
    world.settle()

    assert is_quiet_at_stripe(world, customer)


def test_a_word_on_one_of_two_claimants_settles_no_doubt_and_is_told(
    world: World, crm: Side
) -> None:
    crm.allow_twins()
    customer = world.customer()
    crm.add_account("Aurelius Partners", customer=customer)
    other = crm.add_account("Aurelius Partners (old)", customer=customer)
    world.hours(4)
    before = links(world, crm, customer)
    assert {state for state, _ in before.values()} == {"quarantined"}

    crm.say(other, "held")
    ask_crms(world)
    ask_crms(world)

    assert links(world, crm, customer) == before
    assert crm.tasks(other) == []
    assert crm.fields(other).status is None
    assert len([text for text in world.alerts() if f"{other} says that" in text]) == 1


def test_a_persons_choice_outlives_a_word_on_the_record_that_was_not_chosen(
    world: World, crm: Side
) -> None:
    customer, account = failed_high_in(world, crm)
    right = crm.add_account("Northgate Holding", customer=None)
    ours = world.account(customer)
    with world.runtime.store.begin() as tx:
        ref = Ref(crm.system, "account", right)
        tx.links.suggest(ours, ref, reason="its name", now=world.clock.now())
        tx.links.confirm(ref, now=world.clock.now())
    look(world, customer)
    before = links(world, crm, customer)
    assert before[right] == ("confirmed", "confirmed by a person")

    crm.say(account, "held")
    ask_crms(world)
    ask_crms(world)

    assert links(world, crm, customer) == before


def test_a_rejected_record_with_a_word_costs_nothing(world: World, crm: Side) -> None:
    customer, account = failed_high_in(world, crm)
    with world.runtime.store.begin() as tx:
        tx.links.reject(Ref(crm.system, "account", account), now=world.clock.now())
    look(world, customer)
    crm.say(account, "held")
    ask_crms(world)
    ask_crms(world)
    count = len(world.stripe.requests)

    for _ in range(5):
        ask_crms(world)

    assert len(world.stripe.requests) == count


def test_a_word_on_a_second_record_of_a_linked_customer_makes_no_second_link(
    world: World, crm: Side
) -> None:
    crm.allow_twins()
    customer, account = failed_high_in(world, crm)
    other = crm.add_account("Northgate Capital (old)", customer=customer)

    crm.say(other, "held")
    ask_crms(world)
    ask_crms(world)

    assert links(world, crm, customer) == {
        account: ("confirmed", None),
        other: ("quarantined", f"{account} is linked already"),
    }
    assert any(f"{other} says that" in text for text in world.alerts())


def test_a_word_on_a_record_whose_doubt_is_gone_is_heard(world: World, crm: Side) -> None:
    crm.allow_twins()
    customer, account = failed(world, crm, "Northgate Capital")
    other = crm.add_account("Northgate Capital (old)", customer=customer)
    world.hours(4)
    crm.set(other, customer=None)

    crm.say(account, "held")
    ask_crms(world)

    assert links(world, crm, customer)[account] == ("confirmed", None)
    assert is_quiet_at_stripe(world, customer)
