"""Both simulated vendors and the real process tree, for benchmarks that need the whole house."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from pydantic import SecretStr

from domain.ids import Ref
from domain.rows import EVALUATE, Mark, Urgency
from jobs.supervisor import Supervisor, worker_commands
from ops.embedded import Engines
from settings import HubspotSettings, SalesforceSettings, Settings
from simulators.clock import SimClock
from simulators.hubspot import HubspotSim
from simulators.salesforce import SalesforceSim
from simulators.stripe import StripeSim
from store.unit_of_work import UnitOfWork

HUBSPOT_URL = "https://hooks.kidglove.example/webhooks/hubspot"
"""The public address, which HubSpot signs; a proxy leads from it to the edge."""


@dataclass
class Stage:
    """One installation on stage. The simulated time flows like real time between the jumps.

    `csm` and `portal_csm` are the CSM's id in the org and in the HubSpot account.
    """

    clock: SimClock
    stripe: StripeSim
    org: SalesforceSim
    portal: HubspotSim
    database_url: str
    edge_url: str
    supervisor: Supervisor
    csm: str
    portal_csm: str

    def vip(self, number: int) -> tuple[str, str]:
        """A VIP whose next renewal will fail; customer and CRM account."""
        name = f"Account {number}"
        customer = self.failing(name)
        account = self.org.add_account(
            name, owner=self.csm, CSM__c=self.csm, Stripe_Customer_Id__c=customer
        )
        return customer, account

    def failing(self, name: str, *, renews_in: timedelta = timedelta(minutes=1)) -> str:
        """A customer of great worth whose next renewal will fail, in Stripe alone."""
        mail = f"{name.lower().replace(' ', '.')}@example.com"
        customer = self.stripe.add_customer(name, mail, card="declines:insufficient_funds")
        self.stripe.add_subscription(
            customer, amount=900_000, started_months_ago=6, next_renewal_in=renews_in
        )
        return customer

    def fail(self) -> None:
        """Let what renews in a minute fail while the webhooks are held back, then let them go."""
        self.stripe.postman.dial.held = True
        self.clock.set_rate(0)
        self.clock.advance(timedelta(hours=1, minutes=2))
        self.clock.set_rate(1)
        self.stripe.postman.dial.held = False

    def learn(self, customers: Sequence[str], *, patience: float) -> None:
        """Bring these customers in as a first fill does: read whole, linked, and in step."""
        store = UnitOfWork(self.database_url)
        for start in range(0, len(customers), 500):
            with store.begin() as tx:
                now = datetime.now(UTC)
                some = [
                    tx.links.open_account(Ref("stripe", "customer", customer), now=now)
                    for customer in customers[start : start + 500]
                ]
                marks = dict.fromkeys(some, Mark(Urgency.BULK, "backfill:bench"))
                tx.lanes.mark_all_dirty(marks, EVALUATE)
        store.close()
        self.wait_idle(patience)

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
def staged(
    servers: Engines,
    place: Path,
    *,
    workers: bool,
    crm: str = "salesforce",
    settings: Mapping[str, str] | None = None,
) -> Iterator[Stage]:
    """The vendors, the edge and, if wanted, the relay and the workers as real processes.

    Both CRMs are simulated, `crm` says which is connected. `settings` are more variables.
    """
    clock_file = place / "clock.json"
    clock = SimClock(datetime.now(UTC), rate=1, publish_to=clock_file)
    with StripeSim(clock) as stripe, SalesforceSim(clock) as org, HubspotSim(clock) as portal:
        port = _free_port()
        edge_url = f"http://127.0.0.1:{port}"
        _, secret = stripe.add_webhook_endpoint(f"{edge_url}/webhooks/stripe")
        portal.set_up()
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
            **(_of_salesforce(org) if crm == "salesforce" else _of_hubspot(portal)),
            **(settings or {}),
        }
        commands: dict[str, list[str]] = {"edge": [sys.executable, "-m", "ops.edge"]}
        if workers:
            chosen = (
                Settings(
                    _env_file=None,
                    salesforce=SalesforceSettings(instance_url="https://bench.my.salesforce.com"),
                )
                if crm == "salesforce"
                else Settings(
                    _env_file=None, hubspot=HubspotSettings(token=SecretStr(portal.service_key))
                )
            )
            commands |= worker_commands(chosen)
        supervisor = Supervisor(commands, environment)
        supervisor.start()
        stage = Stage(
            clock=clock,
            stripe=stripe,
            org=org,
            portal=portal,
            database_url=servers.database_url,
            edge_url=edge_url,
            supervisor=supervisor,
            csm=org.add_user("Morgan Vale"),
            portal_csm=portal.add_owner("Morgan Vale"),
        )
        try:
            _wait(port)
            yield stage
        finally:
            supervisor.stop()


def _of_salesforce(org: SalesforceSim) -> dict[str, str]:
    credentials = org.credentials()
    return {
        "KIDGLOVE_SALESFORCE__INSTANCE_URL": "https://bench.my.salesforce.com",
        "KIDGLOVE_SALESFORCE__API_BASE": org.url,
        "KIDGLOVE_SALESFORCE__CLIENT_ID": credentials["consumer_key"],
        "KIDGLOVE_SALESFORCE__CLIENT_SECRET": credentials["consumer_secret"],
        "KIDGLOVE_SALESFORCE__ORGANIZATION_ID": credentials["organization_id"],
    }


def _of_hubspot(portal: HubspotSim) -> dict[str, str]:
    credentials = portal.credentials()
    return {
        "KIDGLOVE_HUBSPOT__TOKEN": portal.service_key,
        "KIDGLOVE_HUBSPOT__API_BASE": portal.url,
        "KIDGLOVE_HUBSPOT__PORTAL_ID": str(portal.portal_id),
        "KIDGLOVE_HUBSPOT__APP_SECRETS": f'["{credentials["client_secret"]}"]',
        "KIDGLOVE_HUBSPOT__WEBHOOK_URL": HUBSPOT_URL,
    }


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
