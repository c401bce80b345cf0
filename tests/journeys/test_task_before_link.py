"""A task that was made before anybody knew the account comes to hang on it, and stays the one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.journeys.test_link_suggestions import decide, suggest
from tests.sides import Side, living
from tests.world import World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def everything(world: World, crm: Side) -> list[dict[str, Any]]:
    """Every task of ours in the CRM, whatever it hangs on."""
    if crm.system == "salesforce":
        return [row for row in world.org.rows("Task") if row.get("Dunning_Key__c")]
    assert world.portal is not None
    return [row for row in world.portal.rows("tasks") if row.get("kidglove_key")]


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [str(row.get("Id") or row["hs_object_id"]) for row in rows]


def look(world: World, customer: str) -> None:
    """Look at the account again, whatever nobody told us."""
    with world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(world.account(customer), "evaluate", cause="reconcile:sweep")
    world.settle()


@pytest.mark.req("R9")
def test_the_task_of_a_customer_whom_no_record_names_hangs_on_the_record_that_comes_later(
    world: World, crm: Side
) -> None:
    customer = world.customer("Aurelius Partners")
    world.hours(4)
    (task,) = everything(world, crm)

    account = crm.add_account("Aurelius Partners", customer=customer)
    look(world, customer)

    assert ids(everything(world, crm)) == ids([task])
    kept = living(crm, account)
    assert (kept.id, kept.owner, kept.is_done) == (ids([task])[0], "Morgan Vale", False)


@pytest.mark.req("R9")
def test_an_outcome_on_that_task_moves_its_day(world: World, crm: Side) -> None:
    customer = world.customer("Aurelius Partners")
    world.hours(4)
    account = crm.add_account("Aurelius Partners", customer=customer)
    look(world, customer)

    before = living(crm, account)
    crm.complete(before, "will_pay")
    look(world, customer)

    after = living(crm, account)
    assert (before.due, after.id, after.due) == (date(2026, 11, 20), before.id, date(2026, 11, 24))


@pytest.mark.req("R9")
@pytest.mark.req("R21")
def test_a_confirmed_suggestion_takes_the_task_that_was_there(world: World, crm: Side) -> None:
    account = crm.add_account("Aurelius Partners", customer=None)
    world.customer("Aurelius Partners")
    world.hours(4)
    (task,) = everything(world, crm)
    suggest(world, crm)

    decide(world, crm, account, confirm=True)

    assert ids(everything(world, crm)) == ids([task])
    assert living(crm, account).id == ids([task])[0]
