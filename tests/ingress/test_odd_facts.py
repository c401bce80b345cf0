"""What is proven and readable and still makes no sense: a defined answer, and never a guess."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests

from domain.case import CaseState
from domain.holds import Quiet
from domain.rows import LinkState
from tests.ingress.letters import event, signed
from tests.world import World, build


@pytest.fixture
def careless_org(world: World) -> World:
    """An org in which two accounts may carry the same customer id."""
    change_field(world, "Stripe_Customer_Id__c", unique=False)
    return world


def change_field(world: World, name: str, **changes: Any) -> None:
    """An admin of the org changes how a field of the account behaves."""
    field = world.org.schema()["Account"].fields[name]
    world.org._org.replace_field("Account", replace(field, **changes))


def claimed_twice(world: World) -> tuple[str, list[str]]:
    """A VIP whose customer id stands on two accounts of the CRM, after its renewal failed."""
    customer, account = world.vip()
    other = world.org.add_account(
        "Aurelius Holding", owner=world.people["owner"], Stripe_Customer_Id__c=customer
    )
    world.hours(4)
    return customer, [account, other]


def rows(world: World, ids: list[str]) -> list[dict[str, Any]]:
    return [world.org.get(id) for id in ids]


# ------------------------------------------------------------ two accounts, one customer


@pytest.mark.req("R21", partly="two claimants; changed names and addresses are in tests/journeys")
def test_two_accounts_that_claim_one_customer_are_both_left_alone_and_somebody_is_asked(
    careless_org: World,
) -> None:
    world = careless_org
    customer, claimants = claimed_twice(world)
    before = rows(world, claimants)
    world.hours(24)

    with world.runtime.store.begin() as tx:
        links = [one for one in tx.links.of(world.account(customer)) if one.system == "salesforce"]
    assert {(one.external_id, one.state) for one in links} == {
        (id, LinkState.QUARANTINED) for id in claimants
    }
    assert [one["WhatId"] for one in world.tasks()] == [None]
    assert world.tasks()[0]["OwnerId"] == world.people["fallback"]
    assert rows(world, claimants) == before
    assert len([one for one in world.alerts() if "claim the same customer" in one]) == 1


def test_a_customer_that_two_accounts_claim_is_quiet_all_the_same(careless_org: World) -> None:
    world = careless_org
    customer, _ = claimed_twice(world)

    world.days(30)

    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.QUIET
    assert world.robotic(customer) == []


def test_the_word_of_one_of_two_claimants_neither_holds_nor_releases(careless_org: World) -> None:
    world = careless_org
    customer, claimants = claimed_twice(world)
    before = world.open_case(customer)

    world.csm(claimants[1], Dunning_Status__c="In Resolution")
    world.hours(1)

    after = world.open_case(customer)
    assert (after.state, after.word) == (before.state, None)


# ------------------------------------------------------------ words and currencies


def test_a_word_that_nobody_mapped_holds_and_is_asked_about_once(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    change_field(world, "Dunning_Status__c", restricted=False)

    world.csm(account, Dunning_Status__c="Gone Fishing")
    world.hours(1)
    world.csm(account, Health_Score__c=61)
    world.hours(1)

    case = world.open_case(customer)
    assert case.word is not None
    assert (case.word.raw, case.word.is_understood) == ("Gone Fishing", False)
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.QUIET
    assert len([one for one in world.alerts() if "Gone Fishing" in one]) == 1


def test_a_currency_that_no_rate_is_known_for_counts_as_above_every_line(world: World) -> None:
    customer = world.stripe.add_customer(
        "Isle Trading", "ap@isle.example", card="declines:lost_card"
    )
    world.stripe.add_subscription(
        customer,
        amount=100,
        currency="fjd",
        started_months_ago=24,
        next_renewal_in=timedelta(hours=2),
    )
    account = world.org.add_account(
        "Isle Trading", owner=world.people["owner"], Stripe_Customer_Id__c=customer
    )
    world.hours(4)

    case = world.open_case(customer)
    assert case.state is CaseState.WITH_PERSON
    assert any("FJD" in reason for reason in case.tier_reasons)
    assert len(world.tasks(account)) == 1


# ------------------------------------------------------------ customers that do not exist


def test_an_event_of_a_customer_that_stripe_does_not_know_changes_nothing_and_is_told_once(
    database_url: str, redis_url: str
) -> None:
    world = build(database_url, redis_url, hooks=False)
    for number in range(3):
        body = event("invoice.payment_failed", id=f"evt_{number}", customer="cus_of_nobody")
        answer = requests.post(
            f"{world.edge.url}/webhooks/stripe",
            data=body,
            headers=signed(body, world.clock.now(), secrets=["whsec_not_registered"]),
            timeout=20,
        )
        assert answer.status_code == 200
        world.settle()

    told = [one for one in world.alerts() if "cus_of_nobody" in one]
    written = (world.stripe.writes(), world.org.writes())
    case = world.case("cus_of_nobody")
    world.close()
    assert case is None
    assert written == ([], [])
    assert len(told) == 1
