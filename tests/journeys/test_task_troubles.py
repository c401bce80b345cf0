"""The CRM is away, refuses, or does not know the account: the task comes all the same, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.effects import EffectKind
from simulators.faults import Fault, Harm
from tests.journeys.hands import kept, line, polled, text
from tests.world import World


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


def test_a_crm_that_is_away_when_it_fails_gets_the_task_when_it_is_back(world: World) -> None:
    customer, account = world.vip()
    world.settle()
    world.org.use_up_quota()
    world.hours(4)
    assert world.tasks() == []
    assert world.open_case(customer).invoices

    world.org.set_quota(1_000_000)
    world.runtime.redis.flushdb()  # what was counted of the old day
    world.hours(1)

    task = world.task(account)
    assert task["OwnerId"] == world.people["csm"]
    assert task["WhatId"] == account
    assert task["Priority"] == "High"
    assert len(world.tasks()) == 1
    assert stuck(world) == []


def test_a_task_that_the_org_refuses_is_parked_with_its_words_and_comes_on_replay(
    world: World,
) -> None:
    words = "Tasks of this team need a region"
    world.org.add_rule("Task", lambda new, _: words)
    customer, account = world.vip()
    world.hours(4)

    assert world.tasks() == []
    assert any(words in alert for alert in world.alerts())
    parked = stuck(world)
    assert parked

    world.org.clear_rules()
    replay(world, parked[0])

    assert world.task(account)["OwnerId"] == world.people["csm"]
    polled(world)
    world.hours(13)
    assert len([one for one in world.tasks() if "-e" not in one["Dunning_Key__c"]]) == 1
    assert len(kept(world, customer)) >= 1


def test_a_refused_update_does_not_cost_the_person_their_task(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    first = text(world, account)
    world.org.add_rule("Task", lambda new, old: "frozen at the end of the quarter" if old else None)

    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()

    assert text(world, account) == first
    assert any("frozen at the end of the quarter" in alert for alert in world.alerts())
    world.org.clear_rules()
    replay(world, stuck(world)[0])
    assert line(world, account, "Now").startswith("Now: Noted: in resolution until")
    assert world.open_case(customer).word is not None


def test_a_note_typed_while_an_update_waited_is_not_lost(world: World) -> None:
    _, account = world.vip()
    world.hours(4)
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    world.org.faults.arm(
        Fault(harm=Harm.STATUS, method="POST", path=".*composite.*", status=403, body=limit)
    )
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    assert line(world, account, "Now").startswith("Now: Unpaid")

    csm = world.org.human(world.people["csm"])
    csm.update(
        "Task",
        world.task(account)["Id"],
        {"Description": f"called Dana, she asks for a copy\n{text(world, account)}"},
    )
    world.runtime.redis.flushdb()  # the pause that the limit asked for is over
    world.hours(1)

    assert line(world, account, "Now").startswith("Now: Noted: in resolution until")
    assert "called Dana, she asks for a copy" in text(world, account)


@pytest.mark.req("R42", partly="the fallback; the chain stands beside it")
def test_an_account_that_the_crm_does_not_know_goes_to_the_fallback_and_says_so(
    world: World,
) -> None:
    customer = world.stripe.add_customer(
        "Nobody Inc", "ap@nobody.example", card="declines:lost_card"
    )
    world.stripe.add_subscription(
        customer, amount=900_000, started_months_ago=12, next_renewal_in=timedelta(hours=2)
    )
    world.hours(4)

    task = world.tasks()[0]
    assert len(world.tasks()) == 1
    assert (task["OwnerId"], task["WhatId"]) == (world.people["fallback"], None)
    assert task["Subject"].startswith("Payment hiccup: Nobody Inc, $9,000")
    assert task["Description"].startswith(
        "Now: Nothing from Salesforce: no CRM account carries this customer id."
    )

    account = world.org.add_account(
        "Nobody Inc",
        owner=world.people["owner"],
        Stripe_Customer_Id__c=customer,
        CSM__c=world.people["csm"],
    )
    world.hours(13)

    assert [one["Id"] for one in world.tasks(account) if "-e" not in one["Dunning_Key__c"]] == [
        task["Id"]
    ]
    assert world.task(account)["OwnerId"] == world.people["csm"]


@pytest.mark.req("R42")
def test_work_never_goes_to_somebody_who_has_left(world: World) -> None:
    customer, account = world.vip()
    world.org.deactivate(world.people["csm"])
    world.hours(4)
    assert world.task(account)["OwnerId"] == world.people["owner"]

    world.org.deactivate(world.people["owner"])
    polled(world)
    world.hours(4)
    assert world.task(account)["OwnerId"] == world.people["manager"]
    assert "Felix Nordstrom is away; Ines Okafor has it." in text(world, account)

    world.days(3)
    inactive = {world.people["csm"], world.people["owner"]}
    given = {one.body.get("owner_id") for one in kept(world, customer)}
    assert not inactive & {one["OwnerId"] for one in world.tasks(account)}
    assert world.people["csm"] not in given
    assert any("everybody in the chain has had it" in alert for alert in world.alerts())


@pytest.mark.req("R41")
def test_three_days_without_a_worker_end_with_every_step_in_order(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)

    world.advance(timedelta(days=3, hours=6), settle=False)
    world.settle()

    hops = world.open_case(customer).hops
    assert [one.person_name for one in hops] == ["Felix Nordstrom", "Ines Okafor", "Billing Ops"]
    assert [one.at for one in hops] == sorted(one.at for one in hops)
    assert [one["OwnerId"] for one in world.tasks(account)] == [
        world.people[who] for who in ("csm", "owner", "manager", "fallback")
    ]
    assert world.robotic(customer) == []
