"""Many companies changed in HubSpot at once, and a VIP who fails in the middle of it."""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.crms import CRMS, NO_CLOCKWORK, Crm
from bench.places import servers
from bench.stage import HUBSPOT_URL, Stage, staged
from domain.rows import EVALUATE
from store.unit_of_work import UnitOfWork

COMPANIES = 1_000
FAILURES = 5
APART = 5.0
"""Seconds between two failures: the first ones fall right behind the burst."""
MOST_SECONDS = 2.0
"""The delay that a VIP may have from the burst, in real time."""
PATIENCE = 3600.0


def run(companies: int = COMPANIES) -> dict[str, Any]:
    """The same failures twice, on an idle system and in the burst, under the smallest limits."""
    with (
        servers() as both,
        tempfile.TemporaryDirectory() as place,
        staged(both, Path(place), workers=True, crm="hubspot", settings=NO_CLOCKWORK) as stage,
    ):
        crm = CRMS["hubspot"](stage)
        stage.portal.set_limits(burst=100)
        stage.portal.watch(
            f"{stage.edge_url}/webhooks/hubspot",
            ("company.propertyChange:billing_promise_date",),
            signed_url=HUBSPOT_URL,
        )
        known = _known(stage, crm, companies)
        idle = _failures(stage, crm, "Idle")
        stage.portal.forget_requests()
        started = time.perf_counter()
        busy = _failures(stage, crm, "Busy", burst=known)
        left = _left(stage)
        stage.wait_idle(PATIENCE)
        in_burst = time.perf_counter() - started
        limits = stage.portal.limits
        calls = len(stage.portal.requests)
        window = limits.window(stage.portal.app_id)
    alone, beside = statistics.median(idle), statistics.median(busy)
    return {
        "bench": "crm_burst",
        "companies": companies,
        "refused": limits.refused,
        "fullest_window": window.peak,
        "window": window.most,
        "companies_left_after_the_last_vip": left,
        "burst_seconds": round(in_burst, 1),
        "vendor_least_seconds": round(calls / window.most * window.seconds, 1),
        "calls_per_company": round(calls / companies, 3),
        "vip_alone_s": [round(one, 2) for one in idle],
        "vip_in_burst_s": [round(one, 2) for one in busy],
        "delay_s": round(beside - alone, 2),
        "aim_delay_s": MOST_SECONDS,
        "ratio": round(beside / alone, 2),
    }


def _known(stage: Stage, crm: Crm, companies: int) -> list[str]:
    """Companies of healthy VIPs, judged before. Their own news from Stripe is left out."""
    stage.stripe.postman.dial.loss = 1.0
    customers: list[str] = []
    known: list[str] = []
    for number in range(companies):
        customer = stage.stripe.add_customer(f"Account {number}", f"a{number}@example.com")
        stage.stripe.add_subscription(customer, amount=90_000, started_months_ago=3)
        customers.append(customer)
        known.append(crm.add(f"Account {number}", customer))
    stage.learn(customers, patience=PATIENCE)
    stage.stripe.postman.dial.loss = 0.0
    return known


def _failures(stage: Stage, crm: Crm, name: str, *, burst: list[str] | None = None) -> list[float]:
    """Seconds from each failure's webhook to the task in the CRM."""
    wait = [timedelta(minutes=1, seconds=APART * place) for place in range(1, FAILURES + 1)]
    accounts: dict[str, str] = {}
    for place, renews_in in enumerate(wait):
        customer = stage.failing(f"{name} {place}", renews_in=renews_in)
        accounts[customer] = crm.add(f"{name} {place}", customer)
    stage.stripe.postman.flush()
    stage.wait_idle(120)
    # The renewal makes a draft, which is finalised and fails an hour later: stop right before.
    stage.clock.set_rate(0)
    stage.clock.advance(timedelta(minutes=60, seconds=45))
    stage.clock.set_rate(1)
    stage.stripe.postman.flush()
    stage.wait_idle(120)
    stage.clock.set_rate(0)
    for company in burst or ():
        stage.portal.human(stage.portal_csm).set_company(
            company, billing_promise_date=date(2027, 1, 31)
        )
    stage.clock.set_rate(1)
    stage.portal.postman.flush()
    return [_one(stage, crm, customer, company) for customer, company in accounts.items()]


def _one(stage: Stage, crm: Crm, customer: str, account: str) -> float:
    """Let time flow until this failure happens, then wait for its task."""
    deadline = time.perf_counter() + 120
    while not stage.stripe.invoices(customer, "open"):
        _check(deadline, customer)
        stage.clock.run_due()
        time.sleep(0.01)
    started = time.perf_counter()
    stage.stripe.postman.flush()
    while not crm.has_task(account):
        _check(deadline, customer)
        time.sleep(0.01)
    return time.perf_counter() - started


def _left(stage: Stage) -> int:
    """Accounts that are still to be judged: more than none if the failures came in the burst."""
    store = UnitOfWork(stage.database_url)
    with store.begin() as tx:
        sql = "SELECT count(*) FROM lanes WHERE kind = :kind AND dirty_seq > done_seq"
        found = tx.connection.execute(sa.text(sql), {"kind": EVALUATE}).scalar_one()
        waiting = tx.connection.execute(
            sa.text("SELECT count(*) FROM inbox WHERE state = 'new'")
        ).scalar_one()
    store.close()
    return int(found) + int(waiting)


def _check(deadline: float, customer: str) -> None:
    if time.perf_counter() > deadline:
        raise RuntimeError(f"no task for {customer} within two minutes")
