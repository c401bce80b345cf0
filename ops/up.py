"""Everything in one process tree: the servers, the edge, the relay and the workers.

What takes work in ends first, what keeps it ends last: edge, relay, workers, Valkey, PostgreSQL.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from domain.errors import KidgloveError
from jobs.supervisor import Supervisor, worker_commands
from ops.edge import listen
from ops.embedded import EmbeddedError, Engines, engines
from ops.embedded.server import prefixed
from settings import Settings
from store.migrate import upgrade

START_PATIENCE_S = 60.0
"""How long the edge may take to answer: a loaded machine is slow, a broken one never does."""
LOOK_S = 0.1
CONSOLE_HOST = "127.0.0.1"
"""Where the console listens, wherever the edge does: it is for people, not for vendors."""


class CannotStart(KidgloveError):
    """The product cannot start here; the message says why, and what to change."""

    code = "cannot_start"
    next_step = "Correct it, then run `kidglove up` again."


@dataclass(frozen=True, kw_only=True)
class Running:
    """Where everything is, once it is up."""

    edge: str
    database: str
    redis: str
    console: str | None
    pids: Mapping[str, int]


class Product:
    """The process tree of one installation, from `start` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._over = ExitStack()
        self._stop = threading.Event()
        self._stages: list[Supervisor] = []

    def start(self) -> Running:
        """Start everything; return once the edge answers. `CannotStart` leaves nothing behind."""
        settings = self._settings
        _refuse_without_key(settings)
        _refuse_taken_port(settings)
        try:
            with ExitStack() as undo:
                servers = undo.enter_context(_servers(settings))
                upgrade(servers.database_url)
                self._stages = _stages(settings, servers)
                for stage in reversed(self._stages):
                    undo.callback(stage.stop)
                for stage in self._stages:
                    stage.start()
                self._wait_for_edge()
                self._over = undo.pop_all()
        except EmbeddedError as problem:
            raise CannotStart(str(problem)) from problem
        return Running(
            edge=f"http://{settings.host}:{settings.port}",
            database=_shown(servers.database_url, servers.postgres is not None),
            redis=_shown(servers.redis_url, servers.valkey is not None),
            console=_console_url(settings) if _has_console() else None,
            pids={name: pid for stage in self._stages for name, pid in stage.pids().items()},
        )

    def watch(self) -> None:
        """Start again whatever ends, until `ask_to_stop`."""
        while not self._stop.wait(LOOK_S):
            for stage in self._stages:
                stage.look()

    def ask_to_stop(self) -> None:
        """Make `watch` return; safe in a signal handler."""
        self._stop.set()

    def stop(self) -> None:
        """End everything in order; a second call does nothing."""
        self._over.close()

    def _wait_for_edge(self) -> None:
        host, port = self._settings.host, self._settings.port
        deadline = time.monotonic() + START_PATIENCE_S
        while not answers(host, port):
            if self._stop.wait(LOOK_S):
                raise CannotStart("it was stopped while it started")
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"the edge does not answer on {host}:{port}", remedy="Its log says why."
                )
            self._stages[0].look()


def up(settings: Settings, *, say: Callable[[Running], None]) -> int:
    """Run the product until SIGTERM or SIGINT. `CannotStart` if it cannot."""
    product = Product(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: product.ask_to_stop())
    running = product.start()
    try:
        say(running)
        product.watch()
    finally:
        product.stop()
    return 0


def answers(host: str, port: int, path: str = "/healthz") -> bool:
    """Whether something on this port says that it is well."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    line = HTTPConnection(reachable, port, timeout=3)
    try:
        line.request("GET", path)
        return line.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        line.close()


def _refuse_without_key(settings: Settings) -> None:
    if not settings.stripe.api_key.get_secret_value():
        raise CannotStart(
            "no Stripe key is set",
            remedy="Set KIDGLOVE_STRIPE__API_KEY in the environment or in .env. "
            "`kidglove demo` needs no key.",
        )


def _refuse_taken_port(settings: Settings) -> None:
    wanted = [(settings.host, settings.port, "KIDGLOVE_PORT")]
    if _has_console():
        wanted.append((CONSOLE_HOST, settings.console_port, "KIDGLOVE_CONSOLE_PORT"))
    for host, port, variable in wanted:
        try:
            listen(host, port).close()
        except OSError as problem:
            raise CannotStart(
                f"{host}:{port} cannot be opened: {problem.strerror}",
                remedy=f"Stop what listens there, or set {variable} to another port.",
            ) from problem


def _servers(settings: Settings) -> Engines:
    return engines(
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        data_dir=settings.data_dir,
        die_with_parent=True,
    )


def _stages(settings: Settings, servers: Engines) -> list[Supervisor]:
    """What is stopped together, the first stage first. Each child ends with us if we are killed."""
    environment = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
    commands = worker_commands(settings)
    relay = commands.pop("relay")
    front: dict[str, Sequence[str]] = {"edge": [sys.executable, "-m", "ops.edge"]}
    if _has_console():
        front["console"] = [sys.executable, "-m", "console"]
    return [
        Supervisor(
            {name: prefixed(command, die_signal=signal.SIGTERM) for name, command in part.items()},
            environment,
        )
        for part in (front, {"relay": relay}, commands)
    ]


def _has_console() -> bool:
    return importlib.util.find_spec("console.__main__") is not None


def _console_url(settings: Settings) -> str:
    return f"http://{CONSOLE_HOST}:{settings.console_port}"


def _shown(url: str, is_ours: bool) -> str:
    """Where a server is, without a password; ours has none."""
    return url if is_ours else url.partition("://")[0] + "://" + url.rpartition("@")[2]
