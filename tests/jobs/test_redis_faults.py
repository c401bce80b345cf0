"""Redis may lose everything, be killed, or be away at the worst moment: the lanes know what is due.

With a Valkey of its own that is really killed, and worker processes under a real supervisor.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from domain.ids import AccountId
from domain.rows import EVALUATE
from jobs.relay import Relay
from jobs.supervisor import Supervisor
from ops.embedded import AlreadyRunning, engines
from store.unit_of_work import UnitOfWork
from tests.crashes.engines import KeptEngines
from tests.jobs import lanes_work
from tests.jobs.lanes_work import FrozenClock
from tests.jobs.stage import waiting

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0

pytestmark = pytest.mark.timeout(110)


@dataclass
class Site:
    """A relay on a thread and a supervised worker, over a Valkey that can be killed."""

    servers: KeptEngines
    store: UnitOfWork
    database_url: str
    resources: ExitStack = field(default_factory=ExitStack)

    @property
    def connection(self) -> redis.Redis:
        """A client of the server of this moment."""
        return redis.Redis.from_url(self.servers.redis_url)

    def run_worker(self, *gate: Path) -> Supervisor:
        """A worker that is started again however it ends."""
        command = [sys.executable, "-m", "tests.jobs.lanes_worker", self.servers.redis_url]
        command += [self.database_url, *map(str, gate)]
        supervisor = Supervisor({"worker": command}, {"PYTHONPATH": str(ROOT)})
        self.resources.callback(supervisor.stop)
        supervisor.start()
        thread = threading.Thread(target=supervisor.watch, kwargs={"every": 0.05})
        self.resources.callback(thread.join, 20)
        self.resources.callback(supervisor.ask_to_stop)
        thread.start()
        return supervisor

    def run_relay(self) -> None:
        """A relay that sends again after half a second."""
        stop = threading.Event()
        relay = Relay(
            store=self.store,
            connection=self.connection,
            clock=FrozenClock(),
            resend_seconds=0.5,
            bulk_sizes={EVALUATE: 100},
        )
        thread = threading.Thread(
            target=relay.run,
            kwargs={"database_url": self.database_url, "every_seconds": 0.1, "stop": stop},
        )
        self.resources.callback(thread.join, 20)
        self.resources.callback(stop.set)
        thread.start()

    def ran(self) -> Mapping[int, int]:
        """How often each account was worked on to the end."""
        found: dict[int, int] = {}
        for account, _ in lanes_work.rows(self.store, "ran"):
            found[account] = found.get(account, 0) + 1
        return found


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    store = UnitOfWork(database_url)
    with KeptEngines(tmp_path, with_postgres=False) as servers:
        made = Site(servers, store, database_url)
        with made.resources:
            yield made
    store.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to rest"
        time.sleep(0.05)


@contextmanager
def in_the_middle_of_a_job(site: Site, gate: Path) -> Iterator[None]:
    """The job has begun; it ends after the block."""
    until((gate / "began").exists)
    yield
    (gate / "go").touch()


def once_each(accounts: list[AccountId]) -> Mapping[int, int]:
    return dict.fromkeys(accounts, 1)


def test_a_flush_between_sending_and_running_loses_nothing(site: Site) -> None:
    accounts = lanes_work.prepare(site.store, 40)
    site.run_relay()
    until(lambda: bool(waiting(site.connection)))
    site.connection.flushall()

    site.run_worker()
    until(lambda: lanes_work.is_at_rest(site.store))

    assert site.ran() == once_each(accounts)


def test_a_flush_in_the_middle_of_a_job_loses_and_doubles_nothing(
    site: Site, tmp_path: Path
) -> None:
    accounts = lanes_work.prepare(site.store, 1)
    site.run_relay()
    site.run_worker(tmp_path)
    with in_the_middle_of_a_job(site, tmp_path):
        site.connection.flushall()

    until(lambda: lanes_work.is_at_rest(site.store))

    assert site.ran() == once_each(accounts)


def test_redis_that_is_away_while_a_job_ends_neither_loses_nor_doubles_it(
    site: Site, tmp_path: Path
) -> None:
    accounts = lanes_work.prepare(site.store, 3)
    site.run_relay()
    site.run_worker(tmp_path)
    with in_the_middle_of_a_job(site, tmp_path):
        site.servers.valkey.kill()
    until(lambda: len(site.ran()) == 3)

    site.servers.valkey.start()
    lanes_work.mark_dirty(site.store, accounts[:1])
    until(lambda: lanes_work.is_at_rest(site.store))

    assert site.ran() == {accounts[0]: 2, accounts[1]: 1, accounts[2]: 1}


def test_redis_killed_again_and_again_under_load_loses_and_doubles_nothing(site: Site) -> None:
    accounts = lanes_work.prepare(site.store, 300)
    site.run_relay()
    site.run_worker()
    for share in (0.1, 0.4, 0.7):
        until(lambda share=share: len(site.ran()) > share * len(accounts))  # type: ignore[misc]
        site.servers.valkey.kill()
        site.servers.valkey.start()
    until(lambda: lanes_work.is_at_rest(site.store))

    assert site.ran() == once_each(accounts)


def test_two_products_on_one_directory_are_refused_before_anything_is_shared(
    tmp_path: Path,
) -> None:
    here: dict[str, Any] = {
        "database_url": "postgresql://elsewhere/db",
        "redis_url": None,
        "data_dir": tmp_path,
    }

    with engines(**here), pytest.raises(AlreadyRunning, match="Valkey already runs"):
        engines(**here)


def test_a_directory_of_a_killed_server_is_free_again(site: Site) -> None:
    site.connection.set("kept", "yes")
    site.servers.valkey.kill()

    site.servers.valkey.start()

    assert site.connection.get("kept") == b"yes"
