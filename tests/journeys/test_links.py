"""Accounts are found by stable ids; what leads nowhere is set aside with its reason."""

from __future__ import annotations

import pytest

from domain.ids import Ref
from domain.rows import LinkState
from tests.journeys.quiet_scenes import failed_high_in
from tests.sides import Side
from tests.world import World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def links(world: World, crm: Side, customer: str) -> dict[str, tuple[str, str | None]]:
    """The state and the reason of each CRM link of a customer's account, by record."""
    with world.runtime.store.begin() as tx:
        found = tx.links.of(world.account(customer))
    return {
        one.external_id: (one.state.value, one.reason) for one in found if one.system == crm.system
    }


def look(world: World, customer: str) -> None:
    """Look at the account again, whatever nobody told us."""
    with world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(world.account(customer), "evaluate", cause="reconcile:sweep")
    world.settle()


@pytest.mark.req("R21")
def test_a_merged_account_is_followed_and_the_old_link_says_why_it_ended(
    world: World, crm: Side
) -> None:
    customer, account = failed_high_in(world, crm)
    other = crm.add_account("Northgate Group", customer=None)

    survivor = crm.merge(other, account)
    look(world, customer)

    assert links(world, crm, customer) == {
        account: ("quarantined", f"it was merged into {survivor}"),
        survivor: ("confirmed", None),
    }
    assert crm.fields(survivor).status == "failed"


@pytest.mark.req("R21")
def test_a_deleted_account_is_set_aside_and_found_anew_by_the_customers_id(
    world: World, crm: Side
) -> None:
    customer, account = failed_high_in(world, crm)
    crm.delete(account)
    look(world, customer)
    assert links(world, crm, customer) == {account: ("quarantined", "the CRM account was deleted")}

    again = crm.add_account("Northgate Capital", customer=customer)
    look(world, customer)

    assert links(world, crm, customer)[again] == ("confirmed", None)
    assert crm.fields(again).status == "failed"


@pytest.mark.req("R21")
def test_a_record_that_a_person_has_rejected_is_never_written_to(world: World, crm: Side) -> None:
    customer, account = failed_high_in(world, crm)
    with world.runtime.store.begin() as tx:
        tx.links.reject(Ref(crm.system, "account", account), now=world.clock.now())
    assert crm.fields(account).status == "failed"

    crm.overwrite_status(account, "current")
    look(world, customer)

    assert crm.fields(account).status == "current"
    assert links(world, crm, customer) == {account: (LinkState.REJECTED.value, None)}
