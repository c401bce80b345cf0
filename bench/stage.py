"""Both simulated vendors and the real process tree, for benchmarks that need the whole house."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from jobs.supervisor import Supervisor, worker_commands
from ops.embedded import Engines
from settings import SalesforceSettings, Settings
from simulators.clock import SimClock
from simulators.salesforce import SalesforceSim
from simulators.stripe import StripeSim


@dataclass
class Stage:
    """One installation on stage. The simulated time flows like real time between the jumps."""

    clock: SimClock
    stripe: StripeSim
    org: SalesforceSim
    database_url: str
    csm: str

    def vip(self, number: int) -> tuple[str, str]:
        """A VIP whose next renewal will fail; customer and CRM account."""
        name = f"Account {number}"
        customer = self.stripe.add_customer(
            name, f"ap{number}@example.com", card="declines:insufficient_funds"
        )
        self.stripe.add_subscription(
            customer, amount=900_000, started_months_ago=6, next_renewal_in=timedelta(minutes=1)
        )
        account = self.org.add_account(
            name, owner=self.csm, CSM__c=self.csm, Stripe_Customer_Id__c=customer
        )
        return customer, account

    def fail(self, customer: str) -> None:
        """Let the renewal fail while its webhooks are held back, then forget the calls made."""
        self.stripe.postman.dial.held = True
        self.clock.set_rate(0)
        self.clock.advance(timedelta(hours=1, minutes=2))
        self.clock.set_rate(1)
        self.stripe.postman.dial.held = False

    def wait_idle(self, seconds: float = 30) -> None:
        """Until no lane is dirty and nothing waits in the inbox, twice in a row."""
        deadline = time.monotonic() + seconds
        calm = 0
        with psycopg.connect(self.database_url.replace("+psycopg", ""), autocommit=True) as look:
            while calm < 3:
                row = look.execute(
                    "SELECT (SELECT count(*) FROM lanes WHERE dirty_seq > done_seq "
                    "AND not_before IS NULL) + (SELECT count(*) FROM inbox WHERE state = 'new')"
                ).fetchone()
                calm = calm + 1 if row is not None and row[0] == 0 else 0
                if time.monotonic() > deadline:
                    raise RuntimeError("the system does not come to rest")
                time.sleep(0.05)


@contextmanager
def staged(servers: Engines, place: Path, *, workers: bool) -> Iterator[Stage]:
    """The vendors, the edge and, if wanted, the relay and the workers as real processes."""
    clock_file = place / "clock.json"
    clock = SimClock(datetime.now(UTC), rate=1, publish_to=clock_file)
    with StripeSim(clock) as stripe, SalesforceSim(clock) as org:
        port = _free_port()
        _, secret = stripe.add_webhook_endpoint(f"http://127.0.0.1:{port}/webhooks/stripe")
        credentials = org.credentials()
        environment = {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "KIDGLOVE_CLOCK_FILE": str(clock_file),
            "KIDGLOVE_PORT": str(port),
            "KIDGLOVE_LOG_LEVEL": "ERROR",
            "KIDGLOVE_POLICY_PRESET": "relationship-first",
            "KIDGLOVE_STRIPE__API_KEY": stripe.api_key,
            "KIDGLOVE_STRIPE__API_BASE": stripe.url,
            # The vendor's allowance is not what is measured here.
            "KIDGLOVE_STRIPE__CALLS_PER_SECOND": "10000",
            "KIDGLOVE_STRIPE__WEBHOOK_SECRETS": f'["{secret}"]',
            "KIDGLOVE_SALESFORCE__INSTANCE_URL": "https://bench.my.salesforce.com",
            "KIDGLOVE_SALESFORCE__API_BASE": org.url,
            "KIDGLOVE_SALESFORCE__CLIENT_ID": credentials["consumer_key"],
            "KIDGLOVE_SALESFORCE__CLIENT_SECRET": credentials["consumer_secret"],
            "KIDGLOVE_SALESFORCE__ORGANIZATION_ID": credentials["organization_id"],
        }
        commands: dict[str, list[str]] = {"edge": [sys.executable, "-m", "ops.edge"]}
        if workers:
            org_only = SalesforceSettings(instance_url="https://bench.my.salesforce.com")
            commands |= worker_commands(Settings(_env_file=None, salesforce=org_only))
        supervisor = Supervisor(commands, environment)
        supervisor.start()
        stage = Stage(clock, stripe, org, servers.database_url, org.add_user("Morgan Vale"))
        try:
            _wait(port)
            yield stage
        finally:
            supervisor.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the edge does not answer on port {port}")
