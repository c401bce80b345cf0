"""A whole installation as processes, beside both simulated vendors in this one.

Edge, relay and workers run under the product's own supervisor against a PostgreSQL and a Valkey
that can be killed. Simulated time stands still while they work: a story has the same moments in it
as when it is told inline, however long the processes take.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import requests
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from jobs.runtime import Runtime
from jobs.supervisor import Supervisor, worker_commands
from settings import SalesforceSettings, Settings, StripeSettings
from simulators.clock import SimClock
from simulators.salesforce import SalesforceSim
from simulators.stripe import StripeSim
from simulators.wire import LoopbackServer
from store.migrate import upgrade
from tests.crashes.engines import KeptEngines
from tests.crashes.story import expire_leases
from tests.world import ORG_SECRET, START, InlineRelay, World

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0
"""Real seconds for everything that is due at one simulated moment, with restarts on the way."""
STALE = 3.0
"""Real seconds without progress after which leases are expired, as minutes of waiting would."""
PAUSE = 0.7
"""Real seconds from one blow to the next: enough for some of the work to go on in between."""
AT_ONCE = (timedelta(0),) * 10_000
"""Vendors that post again at once: the later minute of a real retry would show in every text."""
WATCHED = (
    "Dunning_Status__c",
    "Dunning_Hold_Until__c",
    "Dunning_Promise_Date__c",
    "VIP_Override__c",
)


@dataclass
class Installation(World):
    """A world whose engine is a process tree. `settle` waits for it instead of playing it."""

    servers: KeptEngines = field(kw_only=True)
    supervisor: Supervisor = field(kw_only=True)
    watcher: threading.Thread = field(kw_only=True)
    port: int = field(kw_only=True)
    blows: list[Callable[[], None]] = field(default_factory=list)
    """What happens while there is work to do, each a little after the one before."""

    def settle(self, rounds: int = 60) -> None:
        """Deliver hooks and wait until nothing is left to do at this moment."""
        deadline = time.monotonic() + PATIENCE
        next_blow = 0.0
        progress, seen = time.monotonic(), -1
        calm = 0
        while calm < 2:
            assert time.monotonic() < deadline, f"it does not come to rest: {self._books()}"
            self.clock.run_due()
            posted = self.stripe.postman.flush() + self.org.postman.flush()
            work = self._work()
            if work != seen:
                progress, seen = time.monotonic(), work
            if work > 0 and self.blows and time.monotonic() > next_blow:
                self.blows.pop(0)()
                next_blow = time.monotonic() + PAUSE
            if time.monotonic() - progress > STALE:
                self._expire()
                progress = time.monotonic()
            calm = calm + 1 if not posted and work == 0 else 0
            time.sleep(0.05)

    def kill(self, name: str) -> None:
        """`kill -9` of one of our processes; the supervisor starts another."""
        pid = self.supervisor.pids().get(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def kill_valkey(self) -> None:
        """`kill -9` of the queue server, which comes back after a while."""
        self.servers.valkey.kill()
        time.sleep(0.5)
        self.servers.valkey.start()

    def kill_postgres(self) -> None:
        """`kill -9` of the database server, which comes back after a while."""
        self.servers.postgres.kill()
        time.sleep(0.5)
        self.servers.postgres.start()

    def names(self) -> Sequence[str]:
        """Every process of ours."""
        return list(self.supervisor.commands)

    def close(self) -> None:
        """End every process and every server."""
        self.supervisor.ask_to_stop()
        self.watcher.join(20)
        self.supervisor.stop()
        self.stripe.stop()
        self.org.stop()
        self.runtime.close()

    def _work(self) -> int:
        """How much is left to do at this moment; -1 if the database does not answer."""
        try:
            with self.runtime.store.begin() as tx:
                found = tx.connection.execute(
                    sa.text(
                        """
                        SELECT (SELECT count(*) FROM inbox WHERE state = 'new')
                          + (SELECT count(*) FROM timers WHERE due <= :now)
                          + (SELECT coalesce(sum(dirty_seq - done_seq), 0) FROM lanes
                             WHERE dirty_seq > done_seq
                               AND (not_before IS NULL OR not_before <= :now))
                          + (SELECT count(*) FROM lanes WHERE lease_until > clock_timestamp())
                        """
                    ),
                    {"now": self.clock.now()},
                )
                return int(found.scalar_one())
        except SQLAlchemyError:
            return -1

    def _expire(self) -> None:
        try:
            expire_leases(self.runtime.store)
        except SQLAlchemyError:
            return

    def _books(self) -> str:
        with self.runtime.store.begin() as tx:
            lanes = tx.connection.execute(sa.text("SELECT * FROM lanes")).all()
            return f"{tx.inbox.counts()} {tx.effects.counts()} {lanes}"


def install(directory: Path, servers: KeptEngines) -> Installation:
    """Start everything; returns when the edge answers. The cast is that of `tests.world`."""
    upgrade(servers.database_url)
    clock_file = directory / "clock.json"
    clock = SimClock(START, publish_to=clock_file)
    stripe, org = StripeSim(clock).start(), SalesforceSim(clock).start()
    stripe.postman._retry_after = org.postman._retry_after = AT_ONCE
    people = {"manager": org.add_user("Ines Okafor", title="Head of CS")}
    people["owner"] = org.add_user("Felix Nordstrom", manager=people["manager"])
    people["csm"] = org.add_user("Morgan Vale", manager=people["manager"])
    people["fallback"] = org.add_user("Billing Ops")
    port = _free_port()
    _, secret = stripe.add_webhook_endpoint(f"http://127.0.0.1:{port}/webhooks/stripe")
    org.watch(f"http://127.0.0.1:{port}/webhooks/salesforce/outbound/{ORG_SECRET}", fields=WATCHED)
    credentials = org.credentials()
    settings = Settings(
        _env_file=None,
        stripe=StripeSettings(api_key=SecretStr(stripe.api_key), api_base=stripe.url),
        salesforce=SalesforceSettings(
            instance_url="https://kidglove.my.salesforce.com",
            api_base=org.url,
            client_id=credentials["consumer_key"],
            client_secret=SecretStr(credentials["consumer_secret"]),
            organization_id=credentials["organization_id"],
            fallback_owner=people["fallback"],
        ),
    )
    commands = {"edge": [sys.executable, "-m", "ops.edge"], **worker_commands(settings)}
    environment = {
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "KIDGLOVE_PORT": str(port),
        "KIDGLOVE_CLOCK_FILE": str(clock_file),
        "KIDGLOVE_RELAY_SECONDS": "0.2",
        "KIDGLOVE_RESEND_SECONDS": "1",
        "KIDGLOVE_POLL_CRM_SECONDS": "31536000",
        "KIDGLOVE_POLL_EVENTS_SECONDS": "31536000",
        "KIDGLOVE_RECONCILE_SECONDS": "31536000",
        "KIDGLOVE_LOG_LEVEL": "CRITICAL",
        "KIDGLOVE_STRIPE__API_KEY": stripe.api_key,
        "KIDGLOVE_STRIPE__API_BASE": stripe.url,
        "KIDGLOVE_STRIPE__CALLS_PER_SECOND": "10000",
        "KIDGLOVE_STRIPE__WEBHOOK_SECRETS": json.dumps([secret]),
        "KIDGLOVE_SALESFORCE__INSTANCE_URL": "https://kidglove.my.salesforce.com",
        "KIDGLOVE_SALESFORCE__API_BASE": org.url,
        "KIDGLOVE_SALESFORCE__CLIENT_ID": credentials["consumer_key"],
        "KIDGLOVE_SALESFORCE__CLIENT_SECRET": credentials["consumer_secret"],
        "KIDGLOVE_SALESFORCE__ORGANIZATION_ID": credentials["organization_id"],
        "KIDGLOVE_SALESFORCE__FALLBACK_OWNER": people["fallback"],
        "KIDGLOVE_SALESFORCE__WEBHOOK_SECRETS": json.dumps([ORG_SECRET]),
    }
    supervisor = Supervisor(commands, environment)
    supervisor.start()
    watcher = threading.Thread(target=supervisor.watch, kwargs={"every": 0.05})
    watcher.start()
    made = Installation(
        clock=clock,
        stripe=stripe,
        org=org,
        runtime=Runtime(
            settings,
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            clock=clock,
        ),
        edge=cast(LoopbackServer, None),
        relay=cast(InlineRelay, None),
        people=people,
        servers=servers,
        supervisor=supervisor,
        watcher=watcher,
        port=port,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
    except BaseException:
        made.close()
        raise
    return made


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=2).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
