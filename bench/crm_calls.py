"""Calls for each changed record and each handled case, and what a sweep of many accounts costs."""

from __future__ import annotations

import json
import math
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.crms import CRMS, NO_CLOCKWORK, Crm
from bench.places import servers
from bench.stage import Stage, staged
from jobs.queues import SURVEY
from mappings.mapping_file import default_mapping_text, load_mapping
from ops.embedded import Engines
from store.unit_of_work import UnitOfWork
from sync.configs import mapping_name
from sync.survey import ENDED

ACCOUNTS = 2_000
CHANGED = 10
"""One account in so many is changed."""
CASES = 5
READS_OF_ONE = 2
"""Calls that read one customer whole."""
STRIPE_PER_SECOND = 100
"""Calls that Stripe allows a live account in a second."""
PATIENCE = 6 * 3600.0


def run(accounts: int = ACCOUNTS, crm: str | None = None) -> dict[str, Any]:
    """For each CRM: learn the accounts; change some in Stripe and survey all, and survey again;
    change some in the CRM and poll; fail some VIPs."""
    return {
        "bench": "crm_calls",
        "accounts": accounts,
        "changed": len(range(0, accounts, CHANGED)),
        **{system: _one(system, accounts) for system in CRMS if crm in (None, system)},
    }


def _one(system: str, accounts: int) -> dict[str, Any]:
    more = NO_CLOCKWORK | {
        "KIDGLOVE_HUBSPOT__CALLS_PER_WINDOW": "1000000",
        # The crowd has an owner and no CSM: under this policy it is ordinary.
        "KIDGLOVE_POLICY_PRESET": "default",
    }
    with servers() as both, tempfile.TemporaryDirectory() as place, ExitStack() as open_ones:
        _map_both_ways(both, system)
        stage = open_ones.enter_context(
            staged(both, Path(place), workers=True, crm=system, settings=more)
        )
        crm = CRMS[system](stage)
        crm.lift_limits()
        # What changes is found by surveys and polls; only the failures are told by webhooks.
        stage.stripe.postman.dial.loss = 1.0
        known = _accounts(stage, crm, accounts)
        started = time.perf_counter()
        stage.learn([customer for customer, _ in known], patience=PATIENCE)
        learned = time.perf_counter() - started
        _run(stage, both, crm, SURVEY)
        _run(stage, both, crm, f"poll:{system}")
        memory = {"start": _memory(stage, system)}
        changed = known[::CHANGED]
        for customer, _ in changed:
            stage.stripe.add_subscription(customer, amount=10_000, started_months_ago=1)
        in_stripe = _run(stage, both, crm, SURVEY)
        memory["middle"] = _memory(stage, system)
        again = _run(stage, both, crm, SURVEY)
        for _, account in changed:
            crm.edit(account)
        in_crm = _run(stage, both, crm, f"poll:{system}")
        memory["end"] = _memory(stage, system)
        stage.stripe.postman.dial.loss = 0.0
        per_case = _cases(stage, crm)
    floor = math.ceil(len(changed) / crm.records_per_write)
    least = accounts / 100 + len(changed) * READS_OF_ONE
    return {
        "changed_in_stripe": in_stripe,
        "crm_writes": {
            "floor": floor,
            "ratio": round(in_stripe["writes"] / floor, 2),
            "per_changed_record": round(in_stripe["writes"] / len(changed), 5),
        },
        "stripe_reads": {
            "floor": round(least),
            "ratio": round(in_stripe["stripe"] / least, 2),
            "per_account": round(in_stripe["stripe"] / accounts, 4),
        },
        "nothing_changed": again,
        "changed_in_crm": in_crm,
        "stripe_writes": {
            "floor": len(changed),
            "ratio": round(in_crm["stripe_writes"] / len(changed), 2),
        },
        "accounts_per_second_per_worker": {
            "read_whole_and_written_first": round(accounts / learned, 1),
            "surveyed": round(accounts / again["seconds"], 1),
            "changed": round(len(changed) / in_stripe["seconds"], 1),
        },
        "least_seconds": {
            "stripe": round(in_stripe["stripe"] / STRIPE_PER_SECOND, 1),
            system: crm.least(in_stripe["reads"] + in_stripe["writes"]),
            "ours": in_stripe["seconds"],
        },
        "resident_mb": memory,
        "calls_per_case": per_case,
    }


def _map_both_ways(both: Engines, system: str) -> None:
    """The shipped mapping with one row more, which brings the health score to Stripe."""
    text = default_mapping_text(system)
    field = load_mapping(text, name=system).context.health
    row = f"  - {{ours: account.health, flow: <-, theirs: {field}, wins: crm}}\n"
    store = UnitOfWork(both.database_url)
    with store.begin() as tx:
        tx.system.add_config(
            mapping_name(system),
            text.replace("\nrows:\n", f"\nrows:\n{row}", 1),
            author="bench",
            note="both ways",
            now=datetime.now(UTC),
        )
    store.close()


def _accounts(stage: Stage, crm: Crm, accounts: int) -> list[tuple[str, str]]:
    """Customers with their CRM accounts; none of them renews while this runs."""
    known: list[tuple[str, str]] = []
    for number in range(accounts):
        customer = stage.stripe.add_customer(f"Account {number}", f"a{number}@example.com")
        stage.stripe.add_subscription(
            customer, amount=90_000, started_months_ago=1, next_renewal_in=timedelta(days=20)
        )
        known.append((customer, crm.add(f"Account {number}", customer, is_vip=False)))
    return known


def _run(stage: Stage, both: Engines, crm: Crm, schedule: str) -> dict[str, Any]:
    """One of the product's own schedules, and all that follows: seconds, and the calls made."""
    stage.stripe.forget_requests()
    crm.forget()
    store = UnitOfWork(both.database_url)
    started = time.perf_counter()
    is_last = False
    while not is_last:
        now = stage.clock.now()
        with store.begin() as tx:
            tx.connection.exec_driver_sql("DELETE FROM schedules")
            # A survey is due although one has just ended.
            tx.system.set_cursor(ENDED, "", now=now)
            tx.system.schedule(schedule, every=timedelta(days=10), now=now - timedelta(days=11))
        while not _has_ended(store, schedule, since=now):
            time.sleep(0.05)
        with store.begin() as tx:
            is_last = schedule == SURVEY or _is_at_the_end(tx.system.cursor(schedule))
    stage.wait_idle(PATIENCE)
    store.close()
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "stripe": len(stage.stripe.requests) - len(stage.stripe.writes()),
        "stripe_writes": len(stage.stripe.writes()),
        "reads": crm.reads(),
        "writes": crm.writes(),
    }


def _is_at_the_end(cursor: str | None) -> bool:
    """Whether a poll has listed everything: it reads so many pages at most and keeps its place."""
    marks = json.loads(cursor or "{}").values()
    return not any(mark["after"] for mark in marks if isinstance(mark, dict))


def _has_ended(store: UnitOfWork, schedule: str, *, since: datetime) -> bool:
    """Whether its last page was read: a poll keeps its cursor, a survey empties its own."""
    with store.begin() as tx:
        kept = tx.connection.execute(
            sa.text("SELECT value FROM cursors WHERE name = :name AND at > :since"),
            {"name": schedule, "since": since},
        ).scalar()
        late = tx.connection.execute(
            sa.text("SELECT max(at) < clock_timestamp() - interval '2 seconds' FROM cursors")
        ).scalar()
    return kept == "" if schedule == SURVEY else kept is not None and bool(late)


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
