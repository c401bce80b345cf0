"""The CRM is away, refuses, or does not know the account: the task comes all the same, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.case import CaseState
from domain.effects import EffectKind
from tests.journeys.hands import kept, line, polled, text, vip
from tests.sides import Side, living
from tests.world import World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def stuck(world: World) -> list[int]:
    """The ids of the tasks that are parked or dead."""
    with world.runtime.store.begin() as tx:
        return [one.id for one in tx.effects.stuck() if one.kind is EffectKind.KEEP_TASK]


def replay(world: World, id: int) -> None:
    """What `kidglove dead replay` does."""
    with world.runtime.store.begin() as tx:
        effect = tx.effects.by_id(id)
        assert effect is not None
        assert tx.effects.replay(id)
        tx.lanes.mark_dirty(effect.account, effect.system, cause="person:replay")
    world.settle()


def test_a_crm_that_is_away_when_it_fails_gets_the_task_when_it_is_back(
    world: World, crm: Side
) -> None:
    customer, account = vip(world)
    world.settle()
    crm.use_up_calls()
    world.hours(4)
    assert crm.every_task() == []
    assert world.open_case(customer).invoices

    crm.allow_calls()
    world.runtime.redis.flushdb()  # what was counted of the old day
    world.hours(1)

    (task,) = crm.every_task()
    assert living(crm, account) == task
    assert task.owner == "Morgan Vale"
    assert task.is_high
    assert stuck(world) == []


@pytest.mark.req("R22", partly="a refused task; what else fails stands beside it")
def test_a_task_that_the_crm_refuses_is_parked_with_its_words_and_comes_on_replay(
    world: World, crm: Side
) -> None:
    words = "Tasks of this team need a region"
    crm.refuse_tasks(words)
    customer, account = vip(world)
    world.hours(4)

    assert crm.every_task() == []
    assert any(words in alert for alert in world.alerts())
    parked = stuck(world)
    assert parked

    crm.accept_tasks()
    replay(world, parked[0])

    assert living(crm, account).owner == "Morgan Vale"
    polled(world)
    world.hours(13)
    assert len([one for one in crm.every_task() if "-e" not in one.key]) == 1
    assert len(kept(world, customer)) >= 1


def test_a_refused_update_does_not_cost_the_person_their_task(world: World, crm: Side) -> None:
    customer, account = vip(world)
    world.hours(4)
    first = text(crm, account)
    crm.refuse_tasks("frozen at the end of the quarter", only_changes=True)

    crm.say(account, "held")
    world.settle()

    assert text(crm, account) == first
    assert any("frozen at the end of the quarter" in alert for alert in world.alerts())
    crm.accept_tasks()
    replay(world, stuck(world)[0])
    assert line(crm, account, "Now").startswith("Now: Noted: in resolution until")
    assert world.open_case(customer).word is not None


def test_a_note_typed_while_an_update_waited_is_not_lost(world: World, crm: Side) -> None:
    _, account = vip(world)
    world.hours(4)
    crm.refuse_a_write()
    crm.say(account, "held")
    world.settle()
    assert line(crm, account, "Now").startswith("Now: Unpaid")

    crm.note_above(living(crm, account), "called Dana, she asks for a copy")
    world.runtime.redis.flushdb()  # the pause that the limit asked for is over
    world.hours(1)

    assert line(crm, account, "Now").startswith("Now: Noted: in resolution until")
    assert "called Dana, she asks for a copy" in text(crm, account)


@pytest.mark.req("R9")
def test_a_task_whose_answers_were_lost_is_there_once_and_goes_on(world: World, crm: Side) -> None:
    crm.lose_answers(times=2)
    customer, account = vip(world)
    world.hours(4)
    assert crm.faults.armed() == [], "the answers were lost"
    assert [one.owner for one in crm.every_task()] == ["Morgan Vale"]
    first = living(crm, account).id

    crm.say(account, "held")
    world.settle()
    world.hours(1)

    assert [one.id for one in crm.every_task()] == [first]
    assert "in resolution until" in living(crm, account).subject
    assert world.open_case(customer).state is CaseState.IN_RESOLUTION


@pytest.mark.req("R42", partly="the fallback; the chain stands beside it")
def test_an_account_that_the_crm_does_not_know_goes_to_the_fallback_and_says_so(
    world: World, crm: Side
) -> None:
    customer = world.stripe.add_customer(
        "Nobody Inc", "ap@nobody.example", card="declines:lost_card"
    )
    world.stripe.add_subscription(
        customer, amount=900_000, started_months_ago=12, next_renewal_in=timedelta(hours=2)
    )
    world.hours(4)

    (task,) = crm.every_task()
    assert task.owner == "Billing Ops"
    assert task.subject.startswith("Payment hiccup: Nobody Inc, $9,000")
    assert task.text.startswith(
        f"Now: Nothing from {crm.title}: no CRM account carries this customer id."
    )

    account = crm.add_account("Nobody Inc", customer=customer)
    assert crm.tasks(account) == []
    world.hours(13)

    assert living(crm, account).id == task.id
    assert living(crm, account).owner == "Morgan Vale"


@pytest.mark.req("R42")
def test_work_never_goes_to_somebody_who_has_left(world: World, crm: Side) -> None:
    customer, account = vip(world)
    crm.leave("csm")
    world.hours(4)
    assert living(crm, account).owner == "Felix Nordstrom"

    crm.leave("owner")
    polled(world)
    world.hours(4)
    assert living(crm, account).owner == "Ines Okafor"
    assert "Felix Nordstrom is away; Ines Okafor has it." in text(crm, account)

    world.days(3)
    given = {one.body.get("owner_id") for one in kept(world, customer)}
    assert not {"Morgan Vale", "Felix Nordstrom"} & {one.owner for one in crm.tasks(account)}
    assert crm.people["csm"] not in given
    assert any("everybody in the chain has had it" in alert for alert in world.alerts())


@pytest.mark.req("R41")
def test_three_days_without_a_worker_end_with_every_step_in_order(world: World, crm: Side) -> None:
    customer, account = vip(world)
    world.hours(4)

    world.advance(timedelta(days=3, hours=6), settle=False)
    world.settle()

    hops = world.open_case(customer).hops
    assert [one.person_name for one in hops] == ["Felix Nordstrom", "Ines Okafor", "Billing Ops"]
    assert [one.at for one in hops] == sorted(one.at for one in hops)
    assert [one.owner for one in crm.tasks(account)] == [
        "Morgan Vale",
        "Felix Nordstrom",
        "Ines Okafor",
        "Billing Ops",
    ]
    assert world.robotic(customer) == []
