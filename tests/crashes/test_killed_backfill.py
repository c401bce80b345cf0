"""A first fill that is killed half-way ends, when it is run again, as if nothing had happened."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.runtime import PAYMENTS_SYSTEM
from sync.backfill import Backfill
from tests.ops.desk import Desk
from tests.world import World, build

ROOT = Path(__file__).resolve().parents[2]
CUSTOMERS = 150
"""More than one page of the list, and more than one batch."""
HALF = sa.text("SELECT count(*) FROM written WHERE field = 'Stripe_MRR__c'")


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """Both vendors and the engine; nobody tells of what happens there."""
    made = build(database_url, redis_url, hooks=False)
    yield made
    made.close()


def filled(world: World) -> int:
    with world.runtime.store.begin() as tx:
        return int(tx.connection.execute(HALF).scalar_one())


@pytest.mark.timeout(600)
@pytest.mark.req("R24", partly="with 150 customers and one CRM instead of a thousand and three")
def test_a_fill_that_is_killed_half_way_ends_the_same(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(CUSTOMERS):
        customer = world.stripe.add_customer(f"Customer {number}", f"ap{number}@c.example")
        world.stripe.add_subscription(customer, amount=100 * (number + 1), started_months_ago=4)
        world.org.add_account(
            f"Customer {number}", owner=world.people["owner"], Stripe_Customer_Id__c=customer
        )
    failing, account = world.vip()
    world.clock.advance_to(world.clock.now().replace(hour=15))
    Desk(world, tmp_path, monkeypatch).type("settings")
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.crashes.filling"], cwd=ROOT, env=dict(os.environ)
    )
    try:
        deadline = time.monotonic() + 400
        while filled(world) < CUSTOMERS // 5:
            assert child.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        child.kill()
        child.wait()
    assert filled(world) < CUSTOMERS
    expire_leases(world)

    found = Backfill(
        store=world.runtime.store,
        clock=world.clock,
        payments_system=PAYMENTS_SYSTEM,
        lists=world.runtime.stripe,
    ).run()
    world.settle()

    revenue = {str(row["Name"]): row["Stripe_MRR__c"] for row in world.org.rows("Account")}
    expected = {f"Customer {number}": number + 1 for number in range(CUSTOMERS)}
    assert {name: revenue[name] for name in expected} == expected
    assert (found.seen, found.new) == (CUSTOMERS + 1, 0)
    assert len(world.tasks(account)) == len(world.tasks()) == int(world.case(failing) is not None)


def expire_leases(world: World) -> None:
    """What the killed process held is free again after its lease; nobody waits for that here."""
    with world.runtime.store.begin() as tx:
        tx.connection.execute(sa.text("UPDATE lanes SET lease_until = NULL, sent_seq = 0"))
        tx.connection.execute(sa.text("DELETE FROM leases"))
