"""Healthy customers in step with their CRM, of whom nobody tells, and somebody who surveys them."""

from __future__ import annotations

from datetime import timedelta

import requests

from domain.ids import AccountId
from domain.rows import Urgency
from jobs.runtime import PAYMENTS_SYSTEM
from sync.backfill import Backfill
from tests.lanes import due_lanes
from tests.world import World


def known(world: World, count: int = 4) -> list[tuple[str, str]]:
    """Healthy customers with their CRM accounts, all brought in step."""
    side = world.sides[0]
    pairs = [(customer(world, number), "") for number in range(count)]
    pairs = [
        (id, side.add_account(f"Customer {n}", customer=id)) for n, (id, _) in enumerate(pairs)
    ]
    Backfill(
        store=world.runtime.store,
        clock=world.clock,
        payments_system=PAYMENTS_SYSTEM,
        lists=world.runtime.stripe,
    ).run()
    world.settle()
    return pairs


def customer(world: World, number: int = 99, *, card: str = "good") -> str:
    id = world.stripe.add_customer(f"Customer {number}", f"ap{number}@c.example", card=card)
    world.stripe.add_subscription(
        id, amount=1_000 * (number + 1), started_months_ago=4, next_renewal_in=timedelta(days=20)
    )
    return id


def survey(world: World) -> set[AccountId]:
    """Survey everybody; the accounts that are to be looked at."""
    found = world.runtime.survey.run()
    assert found.is_done
    marked = waiting(world)
    assert len(marked) == found.marked
    return set(marked)


def waiting(world: World) -> dict[AccountId, Urgency]:
    with world.runtime.store.begin() as tx:
        return {lane.account: lane.urgency for lane in due_lanes(tx, world.clock.now())}


def delete(world: World, customer: str) -> None:
    """Somebody deletes the customer in the Dashboard."""
    requests.delete(
        f"{world.stripe.url}/v1/customers/{customer}",
        headers={"Authorization": f"Bearer {world.stripe.api_key}"},
        timeout=10,
    ).raise_for_status()


def revenue(world: World, account: str) -> float:
    if world.sides[0].system == "salesforce":
        return float(world.org.get(account)["Stripe_MRR__c"])
    assert world.portal is not None
    return float(world.portal.get("companies", account)["kidglove_mrr"])


def overwrite_revenue(world: World, account: str, amount: int) -> None:
    people = world.sides[0].people
    if world.sides[0].system == "salesforce":
        world.org.human(people["csm"]).update("Account", account, {"Stripe_MRR__c": amount})
    else:
        assert world.portal is not None
        world.portal.human(people["csm"]).set_company(account, kidglove_mrr=amount)
