"""Every webhook five times, in random order, three workers: the end of the story is the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from domain.rows import EVALUATE
from jobs.runtime import Runtime
from ops.embedded import Engines
from tests.conftest import _database, _flushed, _numbered
from tests.journeys.hands import vip
from tests.lanes import due_lanes
from tests.world import World, build

Change = Callable[[World], None]


@pytest.fixture
def new_world(
    servers: Engines, admin: psycopg.Connection, template_database: str
) -> Callable[[], Any]:
    """Makes a world on a database of its own; two worlds of one test can be compared."""

    @contextmanager
    def made(**options: Any) -> Iterator[World]:
        databases = _database(servers, admin, template=template_database)
        url = next(databases)
        world = build(url, _flushed(_numbered(servers.redis_url, 14)), **options)
        try:
            yield world
        finally:
            world.close()
            next(databases, None)

    return made


def _story(world: World, before_each: Change = lambda _: None) -> tuple[str, str]:
    """A VIP fails, is put in resolution, and pays; a small account fails beside it."""
    (crm,) = world.sides
    customer, account = vip(world)
    small = world.stripe.add_customer(
        "Brightwater Studio", "b@example.com", card="declines:do_not_honor"
    )
    world.stripe.add_subscription(
        small, amount=4900, started_months_ago=3, next_renewal_in=timedelta(hours=2)
    )
    crm.add_account("Brightwater Studio", customer=small, csm=None)
    before_each(world)
    world.settle()
    for _ in range(10):
        world.clock.advance(timedelta(minutes=30))
        before_each(world)
        world.settle()
    crm.say(account, "held", until=date(2026, 12, 4))
    before_each(world)
    world.settle()
    world.days(2)
    invoice = world.open_case(customer).invoices[0]
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(invoice)
    before_each(world)
    world.settle()
    world.hours(30)
    return customer, account


def _end(world: World, customer: str) -> dict[str, Any]:
    """What counts at the end: money, settings, mails, tasks, fields, case and ledger."""
    objects = world.stripe.state(volatile=False)["objects"]
    case = world.case(customer)
    assert case is not None
    return {
        "invoices": {
            name: (one["status"], one["auto_advance"], one["amount_paid"], one["metadata"])
            for name, one in objects["invoice"].items()
        },
        "subscriptions": {
            name: (one["status"], one["pause_collection"], one["metadata"])
            for name, one in objects["subscription"].items()
        },
        "charges": len(objects["charge"]),
        "robotic": [mail.customer for mail in world.stripe.mailer.robotic()],
        "crm": world.sides[0].state(),
        "case": (case.key, case.state, case.outcome),
        "ledger": {name: row.state for name, row in world.ledger(customer).items()},
    }


def _writes(world: World) -> tuple[list[tuple[str, str]], int]:
    """What was written to Stripe, and how often to the CRM."""
    written = sorted((seen.method, seen.path) for seen in world.stripe.writes())
    return written, world.sides[0].writes()


@pytest.mark.req("R17")
@pytest.mark.req("R18")
@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
def test_five_of_each_in_random_order_through_three_workers_end_as_one_of_each(
    new_world: Callable[..., Any], crm: str
) -> None:
    with new_world(crms=[crm]) as calm:
        customer, _ = _story(calm)
        expected, written = _end(calm, customer), _writes(calm)
    with new_world(crms=[crm]) as wild:
        for postman in (wild.stripe.postman, wild.sides[0].postman):
            postman.dial.copies = 5
            postman.dial.shuffle = True
        customer, _ = _story(wild, before_each=_three_at_once)

        assert _end(wild, customer) == expected
        assert _writes(wild) == written


def _three_at_once(world: World) -> None:
    """Three workers, each with connections of its own, take whatever is due at the same time."""
    world.clock.run_due()
    world.stripe.postman.flush()
    world.sides[0].postman.flush()
    workers = [
        Runtime(
            world.runtime.settings,
            database_url=world.runtime.database_url,
            redis_url=world.runtime.redis_url,
            clock=world.clock,
        )
        for _ in range(3)
    ]
    barrier = threading.Barrier(len(workers))
    with ThreadPoolExecutor(len(workers)) as pool:
        for done in [pool.submit(_work, worker, barrier) for worker in workers]:
            done.result()
    for worker in workers:
        worker.close()


def _work(worker: Runtime, barrier: threading.Barrier) -> None:
    barrier.wait()
    for _ in range(4):
        worker.intake.take_in()
        with worker.store.begin() as tx:
            due = due_lanes(
                tx, worker.clock.now(), kinds=(*worker.deliver, EVALUATE), resend_seconds=0
            )
        for lane in due:
            if lane.kind == EVALUATE:
                worker.evaluate.run([lane.account])
            else:
                worker.deliver[lane.kind].run([lane.account])
