"""A worker process over the lanes: `python -m tests.jobs.lanes_worker REDIS DATABASE [GATE]`.

With a gate directory each job writes `began` there and ends when `go` exists, so that a test can
do something to the servers in the middle of a job.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import redis

from domain.ids import AccountId
from jobs import runtime, tasks
from tests.jobs.lanes_work import LanesWork
from tests.jobs.stage import worker_on

PATIENCE = 60.0


class GatedWork(LanesWork):
    """Work that ends when it is told to."""

    def __init__(self, database_url: str, gate: Path) -> None:
        super().__init__(database_url)
        self._gate = gate

    def work(self, account: AccountId) -> None:
        """Wait at the gate."""
        (self._gate / "began").touch()
        deadline = time.monotonic() + PATIENCE
        while not (self._gate / "go").exists() and time.monotonic() < deadline:
            time.sleep(0.02)


def main(arguments: Sequence[str]) -> int:
    """Serve until a polite signal."""
    redis_url, database_url, *gate = arguments
    work = GatedWork(database_url, Path(gate[0])) if gate else LanesWork(database_url)
    runtime.install(work.as_runtime())
    worker = worker_on(redis.Redis.from_url(redis_url))
    worker.allowed = tasks.ALLOWED
    worker.work(logging_level="CRITICAL")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
