"""A burst of HubSpot's messages is stored once each and becomes few jobs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.ids import Ref
from simulators.hooks import DeliveryDial
from tests.lanes import due_lanes
from tests.world import World, build

COMPANIES = 100


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    made = build(database_url, redis_url, crms=["hubspot"])
    yield made
    made.close()


def known_companies(world: World) -> list[str]:
    """Companies that we know already, each with a customer that owes nothing."""
    (crm,) = world.sides
    found: list[str] = []
    for number in range(COMPANIES):
        customer = world.stripe.add_customer(f"C{number}", f"c{number}@example.com", card="good")
        company = crm.add_account(f"C{number}", customer=customer)
        with world.runtime.store.begin() as tx:
            account = tx.links.open_account(
                Ref("stripe", "customer", customer), now=world.clock.now()
            )
            tx.links.link(account, Ref("hubspot", "account", company), now=world.clock.now())
        found.append(company)
    world.settle()
    return found


@pytest.mark.req("R26", partly="the order of messages; the benchmark makes thousands")
def test_an_event_of_a_payment_does_not_wait_for_every_company_that_changed(world: World) -> None:
    companies = known_companies(world)
    assert world.portal is not None
    (crm,) = world.sides
    for company in companies:
        crm.say(company, "released")
    world.portal.postman.flush()
    customer = world.stripe.add_customer("Late", "late@example.com", card="good")
    world.stripe.postman.flush()

    world.runtime.intake.take_in(limit=10)

    with world.runtime.store.begin() as tx:
        account = tx.links.account_of(Ref("stripe", "customer", customer))
        due = due_lanes(tx, world.clock.now())
        waiting, left = tx.inbox.waiting(), tx.inbox.counts()["new"]
    assert account in {lane.account for lane in due}
    assert (waiting, left) == (["hubspot"], COMPANIES - 10)


@pytest.mark.req("R3")
def test_a_hundred_messages_that_come_twice_are_a_hundred_rows_and_few_jobs(world: World) -> None:
    companies = known_companies(world)
    assert world.portal is not None
    (crm,) = world.sides
    with world.runtime.store.begin() as tx:
        before = sum(tx.inbox.counts().values())
    world.relay.sent.clear()
    world.portal.postman.dial = DeliveryDial(copies=2, shuffle=True)

    for company in companies:
        crm.say(company, "released")
    world.settle()

    with world.runtime.store.begin() as tx:
        after = tx.inbox.counts()
    assert sum(after.values()) - before == COMPANIES
    assert after.get("new", 0) == after.get("quarantined", 0) == 0
    assert 0 < len(world.relay.sent) <= COMPANIES
    assert {queue for queue, _ in world.relay.sent} == {"intake", "bulk"}, "no failure waits behind"
