"""What must always be true, and the numbers that must be zero: broken on purpose, and seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from domain.facts import PaymentPicture
from mappings.policy_file import preset
from ops.invariants import RULES, broken
from ops.numbers import numbers, silent_invoices
from store.codec import PAYMENTS
from tests.world import World, build

BREAKS = {
    "held_has_a_timer": "DELETE FROM timers",
    "held_has_a_person": """UPDATE cases SET body = body || '{"assignee_id": null}'""",
    "quiet_ends": "UPDATE accounts SET wants_quiet = false",
    "every_write_is_explained": "DELETE FROM written",
    "snapshot_before_quiet": """UPDATE suppressions SET body = body || '{"before": {}}'""",
    "timers_fire": "UPDATE timers SET due = due - interval '10 days'",
    "lanes_move": "UPDATE lanes SET dirty_seq = done_seq + 1, dirty_at = now() - interval '1 hour'",
}


@pytest.fixture
def held(database_url: str, redis_url: str) -> Iterator[tuple[World, str]]:
    """A world whose one VIP is in resolution, and the customer's id."""
    world = build(database_url, redis_url)
    customer, account = world.vip()
    world.hours(4)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    yield world, customer
    world.close()


def _broken(world: World) -> set[str]:
    with world.runtime.store.begin() as tx:
        return {one.rule.name for one in broken(tx, world.clock.now())}


def _broken_by(world: World, statement: str) -> set[str]:
    """What is broken after a statement that is taken back again."""
    found: set[str] = set()
    with suppress(_Enough), world.runtime.store.begin() as tx:
        tx.connection.execute(sa.text(statement))
        found = {one.rule.name for one in broken(tx, world.clock.now())}
        raise _Enough
    return found


class _Enough(Exception):
    """Ends a transaction without keeping anything."""


def test_every_rule_has_a_way_to_be_broken() -> None:
    assert {rule.name for rule in RULES} == set(BREAKS)


def test_nothing_is_broken_while_a_person_is_at_work(held: tuple[World, str]) -> None:
    assert _broken(held[0]) == set()


def test_what_breaks_a_rule_is_found(held: tuple[World, str]) -> None:
    world, _ = held

    found = {name: name in _broken_by(world, statement) for name, statement in BREAKS.items()}

    assert found == dict.fromkeys(BREAKS, True)


@pytest.mark.req("R39", partly="that both are counted")
def test_an_automatic_try_behind_a_hold_is_counted(held: tuple[World, str]) -> None:
    world, customer = held
    invoice = world.open_case(customer).invoices[0]
    world.clock.advance(timedelta(minutes=5))
    world.stripe.behaviour.on_resume = "charge_soon"
    world.stripe.dashboard_update_invoice(invoice, auto_advance=True)
    world.clock.advance(timedelta(minutes=5))
    world.settle()

    with world.runtime.store.begin() as tx:
        found = numbers(tx, preset("default"), world.clock.now())

    assert found.robotic == 1
    assert found.drifts == 1
    assert found.silent == 0


def test_a_failing_invoice_without_a_case_is_silent(held: tuple[World, str]) -> None:
    world, customer = held
    with world.runtime.store.begin() as tx:
        picture: PaymentPicture = PAYMENTS.load(
            tx.system.picture(world.account(customer), "payments")
        )
        case = tx.cases.latest(world.account(customer))

    assert silent_invoices(None, picture, preset("default"), world.clock.now()) == 1
    assert silent_invoices(case, picture, preset("default"), world.clock.now()) == 0
