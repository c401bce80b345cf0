"""One process per queue plus the relay, each started again whenever it ends, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from jobs import queues
from jobs.runtime import served
from settings import Settings

log = structlog.get_logger()
GRACE_SECONDS = 45.0
"""How long a worker may take for its last job before it is killed; the store repairs the rest."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""A process that dies at once is started again after a growing pause, so that it burns no CPU."""
HEALTHY_SECONDS = 20.0
"""After so long a process counts as healthy and its pause starts anew."""


@dataclass
class Child:
    """One supervised process."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE
    again_at: float = 0.0
    starts: int = 0


@dataclass
class Supervisor:
    """Runs commands until `stop`, restarting on any exit code: RQ exits with 0 on errors too.

    They are stopped in the order given: what takes work in first, what finishes work last.
    """

    commands: Mapping[str, Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._children = [Child(name, list(command)) for name, command in self.commands.items()]
        self._stop = threading.Event()

    def start(self) -> None:
        """Start everything once."""
        for child in self._children:
            self._spawn(child)

    def watch(self, *, every: float = 0.2) -> None:
        """Keep everything running until `stop` is called."""
        while not self._stop.wait(every):
            self.look()

    def look(self) -> None:
        """Restart what has ended and whose pause is over."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                if child.process is None and now >= child.again_at:
                    self._spawn(child)
                continue
            lived = now - child.started_at
            child.pause = (
                FIRST_PAUSE if lived > HEALTHY_SECONDS else min(child.pause * 2, LONGEST_PAUSE)
            )
            log.warning("process.ended", name=child.name, code=child.process.returncode)
            child.process = None
            child.again_at = now + child.pause

    def pids(self) -> dict[str, int]:
        """The process ids of what runs now."""
        return {
            child.name: child.process.pid
            for child in self._children
            if child.process is not None and child.process.poll() is None
        }

    def ask_to_stop(self) -> None:
        """Make `watch` return; safe in a signal handler."""
        self._stop.set()

    def stop(self) -> None:
        """End everything in order: a polite signal, then a grace time, then the end."""
        self._stop.set()
        for child in self._children:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self._children:
            if child.process is None:
                continue
            try:
                child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def _spawn(self, child: Child) -> None:
        child.process = subprocess.Popen(
            child.command,
            env={**os.environ, **self.environment},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        child.started_at = time.monotonic()
        child.starts += 1


def worker_commands(settings: Settings, only: Sequence[str] = ()) -> dict[str, list[str]]:
    """The command of the relay and of the worker of each queue that these settings need; with
    `only` of the workers of those queues alone.

    Whoever judges also judges the urgent accounts: a list of names from before they had a queue
    of their own stays right.
    """
    base = [sys.executable, "-m", "jobs.process"]
    names = queues.queue_names(served(settings))
    if only:
        wanted = {*only, queues.URGENT} if queues.EVALUATE in only else set(only)
        return {f"worker-{name}": [*base, name] for name in names if name in wanted}
    return {"relay": [*base, "relay"], **{f"worker-{name}": [*base, name] for name in names}}


def run_workers(settings: Settings, arguments: Sequence[str]) -> int:
    """The workers and the relay alone, until SIGTERM or SIGINT. Needs DATABASE_URL and REDIS_URL.

    With names of queues as arguments only those workers run.
    """
    if not settings.database_url or not settings.redis_url:
        sys.stderr.write(
            "worker.py needs DATABASE_URL and REDIS_URL; `kidglove up` brings its own servers.\n"
        )
        return 2
    known = queues.queue_names(served(settings))
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        sys.stderr.write(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}\n")
        return 2
    supervisor = Supervisor(worker_commands(settings, arguments))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.ask_to_stop())
    supervisor.start()
    supervisor.watch()
    supervisor.stop()
    return 0
