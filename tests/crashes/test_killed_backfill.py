"""A first fill that is killed half-way ends, when it is run again, as if nothing had happened."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.runtime import PAYMENTS_SYSTEM
from mappings.mapping import FieldRow
from mappings.mapping_file import default_mapping_text, load_mapping
from sync.backfill import Backfill
from tests.ops.desk import Desk
from tests.world import World, build

ROOT = Path(__file__).resolve().parents[2]
CUSTOMERS = 1_000
PLAIN = {"payment.status": "current", "quiet.state": "off"}
"""What both CRMs say of every healthy customer, in our words; other rows are empty."""
NUMBERED = {"payment.mrr": 1, "payment.arr": 12}
"""What differs: so many times the customer's number."""
UNEVEN = ("payment.card_expires", "payment.customer_url")
"""What Stripe makes up: held against nothing here."""
HALF = sa.text("SELECT count(*) FROM written WHERE field = 'Stripe_MRR__c'")


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """All three systems and the engine; nobody tells of what happens there."""
    made = build(database_url, redis_url, crms=("salesforce", "hubspot"), hooks=False)
    yield made
    made.close()


def filled(world: World) -> int:
    with world.runtime.store.begin() as tx:
        return int(tx.connection.execute(HALF).scalar_one())


@pytest.mark.timeout(600)
@pytest.mark.req("R24")
def test_a_fill_that_is_killed_half_way_ends_the_same(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = {number: customer(world, number) for number in range(1, CUSTOMERS + 1)}
    failing = world.customer("Aurelius Partners")
    vip = {side.system: side.add_account("Aurelius", customer=failing) for side in world.sides}
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
    world.settle(rounds=200)

    assert (found.seen, found.new) == (CUSTOMERS + 1, 0)
    for side in world.sides:
        mapped = rows(side.system)
        assert {
            number: shown(world, side.system, ids[side.system], mapped)
            for number, ids in accounts.items()
        } == {number: expected(number, mapped) for number in accounts}
    assert world.case(failing) is not None
    assert [len(side.tasks(vip[side.system])) for side in world.sides] == [1, 0]


def customer(world: World, number: int) -> dict[str, str]:
    """A healthy customer with an account in each CRM; their ids by system."""
    name = f"Customer {number}"
    id = world.stripe.add_customer(name, f"ap{number}@c.example")
    world.stripe.add_subscription(
        id, amount=100 * number, started_months_ago=1, next_renewal_in=timedelta(days=9)
    )
    return {side.system: side.add_account(name, customer=id) for side in world.sides}


def rows(system: str) -> dict[str, FieldRow]:
    """The rows of the shipped mapping that write into this CRM, by what they write."""
    mapping = load_mapping(default_mapping_text(system), name=system)
    return {row.ours: row for row in mapping.rows if row.ours and row.ours not in UNEVEN}


def shown(world: World, system: str, id: str, mapped: Mapping[str, FieldRow]) -> dict[str, object]:
    """Every mapped value of an account, as it stands in the CRM."""
    assert world.portal is not None
    found = world.org.get(id) if system == "salesforce" else world.portal.get("companies", id)
    values = {ours: found.get(row.theirs) for ours, row in mapped.items()}
    return {
        ours: float(str(value)) if ours in NUMBERED and value else value or None
        for ours, value in values.items()
    }


def expected(number: int, mapped: Mapping[str, FieldRow]) -> dict[str, object]:
    return {
        ours: float(number * NUMBERED[ours])
        if ours in NUMBERED
        else row.values.get(PLAIN[ours])
        if ours in PLAIN
        else None
        for ours, row in mapped.items()
    }


def expire_leases(world: World) -> None:
    """What the killed process held is free again after its lease; nobody waits for that here."""
    with world.runtime.store.begin() as tx:
        tx.connection.execute(sa.text("UPDATE lanes SET lease_until = NULL, sent_seq = 0"))
        tx.connection.execute(sa.text("DELETE FROM leases"))
