"""Calls for each changed record and each handled case, and what a sweep of many accounts costs."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from bench.crms import CRMS, NO_CLOCKWORK, Crm
from bench.places import servers
from bench.stage import Stage, staged
from domain.ids import Ref
from domain.rows import EVALUATE, Urgency
from jobs import queues
from ops.embedded import Engines
from store.unit_of_work import UnitOfWork

ACCOUNTS = 2_000
CHANGED = 10
"""One account in so many is changed."""
CASES = 5
STRIPE_PER_SECOND = 100
"""Calls that Stripe allows a live account in a second."""
PATIENCE = 6 * 3600.0


def run(accounts: int = ACCOUNTS) -> dict[str, Any]:
    """For each CRM: learn the accounts, change some and sweep all, sweep again, fail some VIPs."""
    return {
        "bench": "crm_calls",
        "accounts": accounts,
        "changed": len(range(0, accounts, CHANGED)),
        **{system: _one(system, accounts) for system in CRMS},
    }


def _one(system: str, accounts: int) -> dict[str, Any]:
    more = NO_CLOCKWORK | {"KIDGLOVE_HUBSPOT__CALLS_PER_WINDOW": "1000000"}
    with (
        servers() as both,
        tempfile.TemporaryDirectory() as place,
        staged(both, Path(place), workers=True, crm=system, settings=more) as stage,
    ):
        crm = CRMS[system](stage)
        crm.lift_limits()
        # What changes is found by the sweep; only the failures at the end are told by webhooks.
        stage.stripe.postman.dial.loss = 1.0
        customers = _accounts(stage, crm, accounts)
        _learn(stage, both, customers)
        start = _memory(stage, system)
        changed = customers[::CHANGED]
        for customer in changed:
            stage.stripe.add_subscription(customer, amount=10_000, started_months_ago=1)
        first = _sweep(stage, both, crm)
        middle = _memory(stage, system)
        again = _sweep(stage, both, crm)
        end = _memory(stage, system)
        stage.stripe.postman.dial.loss = 0.0
        per_case = _cases(stage, crm)
    calls = first["reads"] + first["writes"]
    floor = math.ceil(len(changed) / crm.records_per_write)
    return {
        "changed": first,
        "writes_per_changed_record": round(first["writes"] / len(changed), 5),
        "floor_of_writes": floor,
        "ratio": round(first["writes"] / floor, 2),
        "reads_per_account": round(first["reads"] / accounts, 4),
        "nothing_changed": again,
        "accounts_per_second_per_worker": round(accounts / again["seconds"], 1),
        "vendor_least": {
            "stripe_seconds": round(first["stripe"] / STRIPE_PER_SECOND, 1),
            system: crm.least(calls),
            "ours_seconds": first["seconds"],
        },
        "resident_mb": {"start": start, "middle": middle, "end": end},
        "calls_per_case": per_case,
    }


def _accounts(stage: Stage, crm: Crm, accounts: int) -> list[str]:
    customers: list[str] = []
    for number in range(accounts):
        customer = stage.stripe.add_customer(f"Account {number}", f"a{number}@example.com")
        stage.stripe.add_subscription(customer, amount=90_000, started_months_ago=3)
        crm.add(f"Account {number}", customer)
        customers.append(customer)
    return customers


def _learn(stage: Stage, both: Engines, customers: Sequence[str]) -> None:
    """Link every account and bring it in step, as a backfill does."""
    store = UnitOfWork(both.database_url)
    with store.begin() as tx:
        for customer in customers:
            account = tx.links.open_account(
                Ref("stripe", "customer", customer), now=datetime.now(UTC)
            )
            tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency.BULK, cause="reconcile:sweep")
    store.close()
    stage.wait_idle(PATIENCE)


def _sweep(stage: Stage, both: Engines, crm: Crm) -> dict[str, Any]:
    """The product's own look at everything: seconds, and the calls that it made."""
    stage.stripe.forget_requests()
    crm.forget()
    with redis.Redis.from_url(both.redis_url) as connection:
        upkeep = queues.queue(queues.UPKEEP, connection)
        started = time.perf_counter()
        queues.enqueue(upkeep, "jobs.tasks.upkeep", "sweep:open")
        while not stage.stripe.requests:
            time.sleep(0.02)
    stage.wait_idle(PATIENCE)
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "stripe": len(stage.stripe.requests),
        "reads": crm.reads(),
        "writes": crm.writes(),
        "stripe_writes": len(stage.stripe.writes()),
    }


def _cases(stage: Stage, crm: Crm) -> dict[str, float]:
    """Calls for one failed renewal of a VIP, from its event to the task and the certificate."""
    accounts = {}
    for number in range(CASES):
        customer = stage.failing(f"VIP {number}")
        accounts[customer] = crm.add(f"VIP {number}", customer)
    stage.stripe.postman.flush()
    stage.wait_idle()
    stage.stripe.forget_requests()
    crm.forget()
    stage.fail()
    stage.stripe.postman.flush()
    deadline = time.monotonic() + 60
    while not all(map(crm.has_task, accounts.values())):
        if time.monotonic() > deadline:
            raise RuntimeError("a failure got no task within a minute")
        time.sleep(0.05)
    stage.wait_idle()
    return {
        "stripe": round(len(stage.stripe.requests) / CASES, 2),
        "crm_reads": round(crm.reads() / CASES, 2),
        "crm_writes": round(crm.writes() / CASES, 2),
    }


def _memory(stage: Stage, system: str) -> dict[str, float]:
    """Resident MB of the worker processes that judge, write, and do the bulk of both."""
    pids = stage.supervisor.pids()
    return {name: _resident(pids[f"worker-{name}"]) for name in ("evaluate", "bulk", system)}


def _resident(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as statm:
        return round(int(statm.read().split()[1]) * 4096 / 1_048_576, 1)
