"""How many accounts per second are looked at when nothing is to be done."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bench.places import servers
from bench.stage import staged
from domain.ids import AccountId, Ref
from domain.rows import EVALUATE, Urgency
from jobs.clock import FileClock
from jobs.runtime import Runtime
from settings import SalesforceSettings, Settings, StripeSettings

ACCOUNTS = 200
BATCH = 20


def run() -> dict[str, Any]:
    """Evaluate healthy accounts once to learn them, then again, in batches as the relay makes
    them."""
    with (
        servers() as both,
        tempfile.TemporaryDirectory() as place,
        staged(both, Path(place), workers=False) as stage,
    ):
        credentials = stage.org.credentials()
        runtime = Runtime(
            Settings(
                _env_file=None,
                stripe=StripeSettings(
                    api_key=SecretStr(stage.stripe.api_key),
                    api_base=stage.stripe.url,
                    calls_per_second=10_000,
                ),
                salesforce=SalesforceSettings(
                    instance_url="https://bench.my.salesforce.com",
                    api_base=stage.org.url,
                    client_id=credentials["consumer_key"],
                    client_secret=SecretStr(credentials["consumer_secret"]),
                    organization_id=credentials["organization_id"],
                ),
            ),
            database_url=both.database_url,
            redis_url=both.redis_url,
            clock=FileClock(Path(place) / "clock.json"),
        )
        accounts = _known(runtime, stage.stripe, stage.csm, stage.org)
        _evaluate(runtime, accounts)
        for start in range(0, len(accounts), BATCH):
            runtime.deliver["salesforce"].run(accounts[start : start + BATCH])
        stage.stripe.forget_requests()
        stage.org.forget_requests()
        started = time.perf_counter()
        effects = _evaluate(runtime, accounts)
        took = time.perf_counter() - started
        calls = len(stage.stripe.requests) + len(stage.org.requests)
        writes = len(stage.stripe.writes()) + len(stage.org.writes())
        runtime.close()
    return {
        "bench": "idle_lanes",
        "accounts": ACCOUNTS,
        "evaluations_per_second": round(ACCOUNTS / took, 1),
        "calls_per_account": round(calls / ACCOUNTS, 3),
        "effects": effects,
        "writes": writes,
    }


def _known(runtime: Runtime, stripe: Any, csm: str, org: Any) -> list[AccountId]:
    found: list[AccountId] = []
    for number in range(ACCOUNTS):
        customer = stripe.add_customer(f"Healthy {number}", f"h{number}@example.com")
        stripe.add_subscription(customer, amount=90_000, started_months_ago=3)
        org.add_account(f"Healthy {number}", owner=csm, Stripe_Customer_Id__c=customer)
        with runtime.store.begin() as tx:
            found.append(
                tx.links.open_account(Ref("stripe", "customer", customer), now=runtime.clock.now())
            )
    return found


def _evaluate(runtime: Runtime, accounts: list[AccountId]) -> int:
    effects = 0
    with runtime.store.begin() as tx:
        for account in accounts:
            tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency.BULK, cause="reconcile:bench")
    for start in range(0, len(accounts), BATCH):
        effects += runtime.evaluate.run(accounts[start : start + BATCH]).effects
    return effects
