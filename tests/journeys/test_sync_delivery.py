"""Hooks that come five times, in any order, late or never: the end is the same every time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from connectors.kit.retry import Retry
from domain.case import CaseState, Outcome
from domain.rows import EffectState, StoredEffect
from mappings.mapping_file import default_mapping_text
from ops.embedded import Engines
from simulators.faults import Fault, Harm
from simulators.hooks import DeliveryDial
from simulators.salesforce.troubles import whole
from store.unit_of_work import Deadlocked
from sync.confirm import Confirm
from tests.journeys.hands import vip
from tests.journeys.quiet_scenes import (
    charges,
    failed_high,
    failed_high_in,
    failed_vip,
    is_quiet_at_stripe,
    open_invoice,
)
from tests.sides import Side, living
from tests.world import World, build

MakeWorld = Callable[..., World]
ON_EACH_CRM = pytest.mark.parametrize("world", ["salesforce", "hubspot"], indirect=True)
_numbers = itertools.count(1)


@pytest.fixture
def make_world(
    servers: Engines, admin: psycopg.Connection, template_database: str, redis_url: str
) -> Iterator[MakeWorld]:
    """Makes worlds beside each other, each with a database of its own."""
    made: list[World] = []
    names: list[str] = []

    def make(seed: int = 0, crm: str = "salesforce", **dial: object) -> World:
        name = f"{template_database}_beside_{next(_numbers)}"
        text = f'CREATE DATABASE "{name}" TEMPLATE "{template_database}" STRATEGY file_copy'
        admin.execute(text.encode())
        names.append(name)
        url = make_url(servers.database_url).set(database=name)
        database = url.render_as_string(hide_password=False)
        world = build(database, redis_url, seed=seed, crms=[crm])
        for post in (world.stripe.postman, world.sides[0].postman):
            post.dial = DeliveryDial(**dial)  # type: ignore[arg-type]
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()
    for name in names:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """A world in which the short retries do not sleep, with Salesforce or the CRM asked for."""
    defaults = {**(Retry.__init__.__kwdefaults__ or {}), "sleep": lambda seconds: None}
    monkeypatch.setattr(Retry.__init__, "__kwdefaults__", defaults)
    made = build(database_url, redis_url, crms=[getattr(request, "param", "salesforce")])
    yield made
    made.close()


def episode(world: World, *, look: Callable[[World], None] | None = None) -> tuple[str, str]:
    """A VIP from the failed renewal over "in resolution" to the payment.

    With `look` we also look for ourselves, every twenty minutes and whenever something happened.
    """
    (crm,) = world.sides
    customer, account = vip(world)

    def hours(number: float) -> None:
        for step in range(int(number * 3) + 1):
            if step:
                world.advance(timedelta(minutes=20))
            world.settle()
            if look is not None:
                look(world)
                world.settle()

    hours(4)
    crm.say(account, "held")
    hours(1)
    world.stripe.customer_updates_card(customer)
    hours(1)
    world.stripe.customer_pays(open_invoice(world, customer))
    hours(1)
    return customer, account


def end_of(world: World) -> tuple[Any, Any]:
    """Both simulated systems as far as they are an outcome, not bookkeeping."""
    return world.stripe.state(volatile=False), world.sides[0].state()


def reconcile(world: World) -> None:
    """Everything that runs by the clock, once."""
    for name in world.runtime.schedules():
        world.runtime.upkeep(name)


# ---------------------------------------------------------------- more than once


@pytest.mark.req("R17", partly="one worker; the storms run several")
@pytest.mark.parametrize(("seed", "crm"), [(1, "salesforce"), (2, "salesforce"), (1, "hubspot")])
def test_every_hook_five_times_in_random_order_ends_the_same_with_as_many_writes(
    make_world: MakeWorld, seed: int, crm: str
) -> None:
    once, often = make_world(seed, crm), make_world(seed, crm, copies=5, shuffle=True)

    for world in (once, often):
        episode(world)

    assert end_of(often) == end_of(once)
    assert len(often.stripe.writes()) == len(once.stripe.writes())
    assert often.sides[0].writes() == once.sides[0].writes()
    assert len(often.stripe.postman.delivered) >= 5 * len(once.stripe.postman.delivered)


def test_a_hook_that_comes_again_after_days_changes_nothing(world: World) -> None:
    failed_vip(world)
    world.days(2)
    writes = len(world.stripe.writes()), len(world.org.writes())
    events = list(world.stripe.state()["objects"]["event"])
    (endpoint,) = world.stripe.state()["objects"]["webhook_endpoint"]

    for event in events[-20:]:
        world.stripe.resend(event, endpoint)
    world.settle()

    assert (len(world.stripe.writes()), len(world.org.writes())) == writes


# ---------------------------------------------------------------- in any order


@pytest.mark.req("R18", partly="six seeds of an order; every order is proven for the decision")
@pytest.mark.parametrize(
    ("world", "seed"),
    [*(("salesforce", seed) for seed in range(6)), ("hubspot", 0), ("hubspot", 1)],
    indirect=["world"],
)
def test_failed_updated_and_paid_of_one_second_in_any_order_are_never_open_after_paid(
    world: World, seed: int, crm: Side
) -> None:
    world.stripe.postman._random.seed(seed)
    customer, account = failed_high_in(world, crm)
    invoice = open_invoice(world, customer)
    world.stripe.postman.dial.held = True
    world.stripe.dashboard_update_invoice(invoice, metadata={"po": "1"})
    world.stripe.customer_pays(invoice)
    world.stripe.dashboard_update_invoice(invoice, metadata={"po": "2"})
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(invoice)
    world.stripe.dashboard_update_invoice(invoice, metadata={"po": "3"})
    world.stripe.postman.dial = DeliveryDial(shuffle=True, delay_seconds=90)

    for _ in range(10):
        world.advance(timedelta(seconds=10))
        if crm.fields(account).status == "paid":
            break
    paid_from = world.clock.now()
    world.advance(timedelta(minutes=2))

    assert (world.clock.now() - paid_from) >= timedelta(minutes=2)
    case = world.case(customer)
    assert case is not None
    assert (case.state, case.outcome, case.number) == (CaseState.CLOSED, Outcome.PAID, 1)
    assert living(crm, account).is_done
    assert crm.fields(account).status == "paid"


# ---------------------------------------------------------------- never


@pytest.mark.req("R23")
@pytest.mark.parametrize(
    ("loss", "crm"), [(0.1, "salesforce"), (1.0, "salesforce"), (1.0, "hubspot")]
)
def test_lost_hooks_are_found_by_the_polls_and_the_end_is_the_same(
    make_world: MakeWorld, loss: float, crm: str
) -> None:
    whole, lossy = make_world(3, crm), make_world(3, crm, loss=loss)

    episode(whole)
    episode(lossy, look=reconcile)

    assert lossy.stripe.postman.dropped
    assert end_of(lossy) == end_of(whole)


@pytest.mark.req("R23")
@ON_EACH_CRM
def test_a_word_whose_message_was_lost_is_found_by_the_sweep(world: World, crm: Side) -> None:
    customer, account = failed_high_in(world, crm)
    crm.postman.dial.loss = 1.0

    crm.say(account, "held")
    world.settle()
    assert not is_quiet_at_stripe(world, customer)
    found = world.runtime.upkeep(f"sweep:{crm.system}")
    world.settle()
    assert (found.seen, found.marked) == (1, 1)
    assert is_quiet_at_stripe(world, customer)

    crm.say(account, None)
    world.runtime.upkeep(f"sweep:{crm.system}")
    world.settle()
    assert not is_quiet_at_stripe(world, customer)


@pytest.mark.req("R23")
@ON_EACH_CRM
def test_the_sweep_finds_an_account_on_hold_that_no_event_ever_named(
    world: World, crm: Side
) -> None:
    world.stripe.postman.dial.loss = crm.postman.dial.loss = 1.0
    customer = world.customer("Quiet Waters", amount=60_000)
    account = crm.add_account("Quiet Waters", customer=customer, csm=None)
    crm.say(account, "held")

    world.runtime.upkeep(f"sweep:{crm.system}")
    world.settle()

    assert is_quiet_at_stripe(world, customer)


def test_a_word_that_has_run_out_and_still_stands_costs_no_call_every_minute(
    world: World,
) -> None:
    customer, account = failed_high(world)
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-11-21")
    world.days(3)
    assert not is_quiet_at_stripe(world, customer)

    assert world.runtime.upkeep("sweep:salesforce").marked == 0

    world.org.postman.dial.loss = 1.0
    world.csm(account, Dunning_Status__c=None)
    world.settle()
    world.runtime.upkeep("poll:salesforce")
    world.settle()
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-12-21")
    world.runtime.upkeep("sweep:salesforce")
    world.settle()
    assert is_quiet_at_stripe(world, customer)


def test_an_unknown_word_is_no_hold_that_has_gone(world: World) -> None:
    text = default_mapping_text("salesforce").replace("released: [Released]", "released: []")
    with world.runtime.store.begin() as tx:
        name = "mapping:salesforce"
        tx.system.add_config(name, text, author="admin", note="a test", now=world.clock.now())
    customer, account = failed_high(world)
    world.csm(account, Dunning_Status__c="Released")
    world.settle()
    assert is_quiet_at_stripe(world, customer)

    assert world.runtime.upkeep("sweep:salesforce").marked == 0


# ---------------------------------------------------------------- limits


@pytest.mark.req("R26", partly="a small burst; the benchmark makes thousands")
def test_a_burst_beyond_stripes_limit_reaches_nobody_as_an_error(world: World) -> None:
    pairs = [world.vip(f"Customer {number}", number=None) for number in range(2)]
    world.hours(2.5)
    world.stripe.limits.per_account = 20

    world.hours(1)

    assert 429 in {call.status for call in world.stripe.requests}
    assert all(len(world.tasks(account, open_only=True)) == 1 for _, account in pairs)
    assert [world.robotic(customer) for customer, _ in pairs] == [[]] * 2
    assert world.alerts() == []
    with world.runtime.store.begin() as tx:
        assert tx.effects.stuck() == []


@pytest.mark.req("R26", partly="one account; the benchmark makes thousands")
def test_a_used_up_day_of_crm_calls_delays_the_task_and_never_the_silence(world: World) -> None:
    customer, account = world.vip()
    world.hours(2.5)
    world.org.faults.arm(whole("request_limit", times=None))

    world.hours(16)
    assert is_quiet_at_stripe(world, customer)
    assert world.tasks() == []
    world.org.faults.clear()
    # The pause that all workers share runs by real time, which stands still in this world.
    world.runtime.redis.flushdb()
    world.hours(1)

    assert world.task(account)["OwnerId"] == world.people["csm"]
    with world.runtime.store.begin() as tx:
        assert tx.effects.stuck() == []


# ---------------------------------------------------------------- the CRM's own troubles


def test_writes_whose_receipts_were_all_lost_once_to_a_deadlock_are_looked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Confirm.written
    lost: list[str] = []

    def loses_each_once(self: Confirm, effect: StoredEffect, *given: Any, **named: Any) -> None:
        if effect.key not in lost:
            lost.append(effect.key)
            raise Deadlocked("two transactions waited for each other")
        written(self, effect, *given, **named)

    monkeypatch.setattr(Confirm, "written", loses_each_once)
    customer, account = world.vip()
    world.hours(4.5)

    with world.runtime.store.begin() as tx:
        effects = {one.key: one.state for one in tx.effects.of_account(world.account(customer))}
        assert tx.lanes.dirty_count() == {}
    assert len(lost) > 1
    assert {effects[key] for key in lost} == {EffectState.DONE}
    assert len(world.tasks(account)) == 1


def test_a_closing_that_meets_a_lock_is_not_forgotten_when_the_account_is_judged_again(
    world: World,
) -> None:
    customer, account = failed_vip(world)
    task = world.task(account)
    world.org.hold_lock(task["Id"])
    world.stripe.customer_pays(open_invoice(world, customer), card="good")
    world.hours(0.5)
    world.stripe.customer_updates_card(customer)
    world.hours(0.5)
    assert not world.task(account)["IsClosed"]

    world.org.release_lock(task["Id"])
    world.advance(timedelta(minutes=30))

    assert world.task(account)["IsClosed"]


def test_a_task_that_could_not_be_made_yet_is_not_made_for_money_that_came(world: World) -> None:
    customer, account = world.vip()
    world.hours(2.5)
    refusal = Fault(harm=Harm.STATUS, method="POST", path=".*composite.*", status=503, times=None)
    world.org.faults.arm(refusal)
    world.hours(1)
    world.stripe.customer_pays(open_invoice(world, customer), card="good")
    world.hours(0.5)

    world.org.faults.clear()
    world.advance(timedelta(hours=3))

    assert world.tasks(account, open_only=True) == []
    assert len(charges(world, customer, paid=True)) == 1
