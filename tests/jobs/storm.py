"""Workers that are stopped again and again under load: `python -m tests.jobs.storm URL ...`.

A process of its own, because it forks: each worker is a fork of one interpreter that has
everything loaded, so that forty stops take seconds. One JSON line at the end tells what happened.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter

import redis

from jobs import runtime, tasks
from jobs.worker_class import SafeWorker
from tests.jobs.lanes_work import LanesWork
from tests.jobs.stage import worker_of

PATIENCE = 20.0
"""Seconds for one worker to end; longer means that it hangs."""


def main(arguments: list[str]) -> int:
    """Run the storm and say how the workers ended; null for one that had to be killed."""
    asked = _parser().parse_args(arguments)
    chance = random.Random(asked.seed)
    ending: list[int] = []
    for _ in range(asked.stops):
        is_ready, tells = os.pipe()
        pid = os.fork()
        if pid == 0:
            _work(asked.redis, asked.database, tells)
        os.read(is_ready, 1)
        os.close(is_ready)
        os.close(tells)
        time.sleep(chance.uniform(0, asked.longest))
        os.kill(pid, signal.SIGKILL if asked.kill else signal.SIGTERM)
        # The successor starts while this one ends, as in a deployment.
        ending.append(pid)
    codes = Counter(_ended(pid) for pid in ending)
    sys.stdout.write(json.dumps({"codes": {str(code): codes[code] for code in codes}}) + "\n")
    return 0


class TellingWorker(SafeWorker):
    """A worker that says when a signal no longer ends it at once."""

    tells: int

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        os.write(self.tells, b".")


def _work(redis_url: str, database_url: str, tells: int) -> None:
    """A worker of its own until it is told to stop; never returns."""
    code = 1
    try:
        work = LanesWork(database_url)
        runtime.install(work.as_runtime())
        worker = worker_of(TellingWorker, redis.Redis.from_url(redis_url))
        worker.tells = tells
        worker.allowed = tasks.ALLOWED
        worker.work(logging_level="CRITICAL")
        code = 0
    finally:
        # Not sys.exit: what the parent opened is the parent's to close.
        os._exit(code)


def _ended(pid: int) -> int | None:
    """The exit code of a worker, or None if it had to be killed in the end."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("redis")
    parser.add_argument("database")
    parser.add_argument("--stops", type=int, required=True)
    parser.add_argument("--kill", action="store_true", help="kill -9 instead of a polite signal")
    parser.add_argument("--longest", type=float, default=0.2, help="longest life in seconds")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
