"""Everything that a demo needs, started in one temporary directory on free loopback ports."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from connectors.stripe.versions import API_VERSION
from ops.demo.crms import Crm, Hubspot, Member, Salesforce
from ops.demo.vendors import Stripe, World
from ops.embedded import running
from ops.embedded.server import prefixed
from store.unit_of_work import UnitOfWork

START_PATIENCE_S = 90.0
"""How long either process may take to say that it is ready, on a slow machine."""
END_PATIENCE_S = 60.0
LOOK_S = 0.05


class NotReady(RuntimeError):
    """A process of the demo did not start; the message ends with its own last words."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The running whole: the vendors, our own store, and where everything listens."""

    directory: Path
    world: World
    stripe: Stripe
    crms: tuple[Crm, ...]
    """The connected ones; the first gets the tasks."""
    store: UnitOfWork
    redis_url: str
    edge: str
    console: str | None
    accounts: Mapping[str, Member]
    environment: Mapping[str, str]
    pids: Mapping[str, int]


class Says(Protocol):
    """Hears what is being started."""

    def __call__(self, text: str, where: str = "") -> None: ...


@contextmanager
def stage(*, start: datetime, crms: Sequence[str], say: Says) -> Iterator[Stage]:
    """Start both processes and what they need; end them and remove the directory afterwards.

    The processes end with this one, however it ends. `NotReady` if one does not come up.
    """
    directory = Path(tempfile.mkdtemp(prefix="kidglove-demo-"))
    with ExitStack() as over:
        over.callback(shutil.rmtree, directory, ignore_errors=True)
        say("a temporary directory", str(directory))
        clock_file = directory / "clock.json"
        vendors = over.enter_context(
            _process(
                "simulators",
                [
                    *_module("simulators.serve", "--seed-world"),
                    *("--stripe", "0", "--salesforce", "0", "--hubspot", "0", "--control", "0"),
                    *("--rate", "0"),
                    *("--start", start.isoformat(), "--clock-file", str(clock_file)),
                ],
                directory,
                _clean_environment(),
            )
        )
        found = vendors.first_line()
        stripe = Stripe(found["stripe"]["url"])
        say("a simulated Stripe account", stripe.url)
        connected = tuple(_crm(name, found) for name in crms)
        for crm in connected:
            say(f"a simulated {crm.title} account", crm.url)
        environment = _environment(found, stripe, connected, directory, clock_file)
        product = over.enter_context(
            _process("kidglove", _module("ops.cli", "up", "--json"), directory, environment)
        )
        running_now = product.first_line()
        data = directory / "data"
        database, queue = running(data / "postgres"), running(data / "valkey")
        if database is None or queue is None:
            raise NotReady(f"the embedded servers of {data} are not there")
        say("PostgreSQL", database.url)
        say("Valkey", queue.url)
        say("the webhook edge", running_now["edge"])
        if running_now["console"]:
            say("the console", running_now["console"])
        names = [name for name in running_now["pids"] if name not in ("edge", "console")]
        say(f"the relay and {len(names) - 1} workers", ", ".join(names))
        store = UnitOfWork(database.url, pool_size=1)
        over.callback(store.close)
        yield Stage(
            directory=directory,
            world=World(found["control"]),
            stripe=stripe,
            crms=connected,
            store=store,
            redis_url=queue.url,
            edge=running_now["edge"],
            console=running_now["console"],
            accounts={
                name: Member(**member) for name, member in found["world"]["accounts"].items()
            },
            environment=environment,
            pids={"simulators": vendors.pid, "kidglove": product.pid, **running_now["pids"]},
        )


class _Process:
    """A child that says one line of JSON when it is ready; whatever else it says is its log."""

    def __init__(
        self, name: str, command: list[str], directory: Path, environment: Mapping[str, str]
    ) -> None:
        self._name = name
        self._log = directory / f"{name}.log"
        self._said = directory / f"{name}.out"
        with self._log.open("ab") as log, self._said.open("ab") as said:
            self._child = subprocess.Popen(
                prefixed(command, die_signal=signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=log,
                cwd=directory,
                env=dict(environment),
                start_new_session=True,
            )
        self.pid = self._child.pid

    def first_line(self) -> dict[str, Any]:
        """What it reports when it is ready. `NotReady` with its last words if it does not."""
        deadline = time.monotonic() + START_PATIENCE_S
        while time.monotonic() < deadline:
            line, end, _ = self._said.read_text().partition("\n")
            if end:
                found: dict[str, Any] = json.loads(line)
                return found
            if self._child.poll() is not None:
                break
            time.sleep(LOOK_S)
        last = "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
        raise NotReady(f"{self._name} did not start. The end of its log:\n{last}")

    def end(self) -> None:
        """Ask it to end, wait for it, and insist if it does not."""
        if self._child.poll() is None:
            self._child.terminate()
        try:
            self._child.wait(END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


@contextmanager
def _process(
    name: str, command: list[str], directory: Path, environment: Mapping[str, str]
) -> Iterator[_Process]:
    child = _Process(name, command, directory, environment)
    try:
        yield child
    finally:
        child.end()


def _module(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]


def _clean_environment() -> dict[str, str]:
    """The environment without any setting of a real installation."""
    root = str(Path(__file__).resolve().parents[2])
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KIDGLOVE_") and name not in ("DATABASE_URL", "REDIS_URL")
    }
    known = os.environ.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": f"{root}{os.pathsep}{known}" if known else root}


def _crm(name: str, found: Mapping[str, Any]) -> Crm:
    login = found[name]
    if name == Hubspot.system:
        return Hubspot(login["url"], people=found["world"]["owners"], login=login)
    return Salesforce(login["url"], people=found["world"]["people"], login=login)


def _environment(
    found: Mapping[str, Any],
    stripe: Stripe,
    crms: Sequence[Crm],
    directory: Path,
    clock_file: Path,
) -> dict[str, str]:
    """The settings of the demo's installation: what an admin would put into `.env`."""
    port = _free_port()
    edge = f"http://127.0.0.1:{port}"
    _, signing_secret = stripe.do(
        "add_webhook_endpoint", url=f"{edge}/webhooks/stripe", api_version=API_VERSION
    )
    ours = {
        "DATA_DIR": str(directory / "data"),
        "PORT": str(port),
        "CONSOLE_PORT": str(_free_port()),
        "CONSOLE_TOKEN": secrets.token_hex(16),
        "CLOCK_FILE": str(clock_file),
        "RELAY_SECONDS": "0.2",
        "LOG_LEVEL": "WARNING",
        "STRIPE__API_KEY": found["stripe"]["api_key"],
        "STRIPE__API_BASE": stripe.url,
        "STRIPE__WEBHOOK_SECRETS": json.dumps([signing_secret]),
        "STRIPE__WEBHOOK_URL": f"{edge}/webhooks/stripe",
    }
    for crm in crms:
        ours |= crm.connect(edge)
    settings = {f"KIDGLOVE_{name}": value for name, value in ours.items()}
    lines = "".join(f"{name}='{value}'\n" for name, value in settings.items())
    # For commands that a person runs in this directory while everything is up.
    (directory / ".env").write_text(lines, encoding="utf-8")
    return {**_clean_environment(), **settings}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
