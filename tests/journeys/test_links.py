"""Accounts are found by stable ids; what leads nowhere is set aside with its reason."""

from __future__ import annotations

import pytest

from domain.ids import Ref
from domain.rows import LinkState
from tests.journeys.quiet_scenes import failed_high
from tests.world import World

CRM = "salesforce"


def links(world: World, customer: str) -> dict[str, tuple[str, str | None]]:
    """The state and the reason of each CRM link of a customer's account, by record."""
    with world.runtime.store.begin() as tx:
        found = tx.links.of(world.account(customer))
    return {one.external_id: (one.state.value, one.reason) for one in found if one.system == CRM}


def look(world: World, customer: str) -> None:
    """Look at the account again, whatever nobody told us."""
    with world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(world.account(customer), "evaluate", cause="reconcile:sweep")
    world.settle()


@pytest.mark.req("R21")
def test_a_merged_account_is_followed_and_the_old_link_says_why_it_ended(world: World) -> None:
    customer, account = failed_high(world)
    survivor = world.org.add_account("Northgate Group", owner=world.people["owner"])

    world.org.merge_accounts(survivor, account, {"Stripe_Customer_Id__c": customer})
    look(world, customer)

    assert links(world, customer) == {
        account: ("quarantined", f"it was merged into {survivor}"),
        survivor: ("confirmed", None),
    }
    assert world.org.get(survivor)["Payment_Status__c"] == "Payment failed"


@pytest.mark.req("R21")
def test_a_deleted_account_is_set_aside_and_found_anew_by_the_customers_id(world: World) -> None:
    customer, account = failed_high(world)
    world.org.human(world.people["owner"]).delete("Account", account)
    look(world, customer)
    assert links(world, customer) == {account: ("quarantined", "the CRM account was deleted")}

    again = world.org.add_account(
        "Northgate Capital", owner=world.people["owner"], Stripe_Customer_Id__c=customer
    )
    look(world, customer)

    assert links(world, customer)[again] == ("confirmed", None)
    assert world.org.get(again)["Payment_Status__c"] == "Payment failed"


@pytest.mark.req("R21")
def test_a_record_that_a_person_has_rejected_is_never_written_to(world: World) -> None:
    customer, account = failed_high(world)
    with world.runtime.store.begin() as tx:
        tx.links.reject(Ref(CRM, "account", account), now=world.clock.now())
    before = world.org.get(account)

    world.csm(account, Payment_Status__c="Current")
    look(world, customer)

    assert world.org.get(account)["Payment_Status__c"] == "Current"
    assert before["Payment_Status__c"] == "Payment failed"
    assert links(world, customer) == {account: (LinkState.REJECTED.value, None)}
