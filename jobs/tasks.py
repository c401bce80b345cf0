"""The functions that workers may run: plain JSON arguments in, everything else from the runtime."""

from __future__ import annotations

from collections.abc import Sequence

import jobs.runtime as runtime
from domain.ids import AccountId

ALLOWED = frozenset(f"jobs.tasks.{name}" for name in ("take_in", "evaluate", "deliver", "upkeep"))
"""What a worker runs. A name in Redis that is not here is refused: JSON is not a sandbox."""


def take_in() -> None:
    """Turn what is in the inbox into dirty lanes, batch by batch, until it is empty."""
    intake = runtime.current().intake
    while intake.take_in().looked_at:
        pass


def evaluate(accounts: Sequence[int]) -> None:
    """Read and judge these accounts."""
    here = runtime.current()
    here.follow()
    here.evaluate.run([AccountId(id) for id in accounts])


def deliver(system: str, accounts: Sequence[int]) -> None:
    """Carry out what waits for these accounts in one system."""
    here = runtime.current()
    here.follow()
    here.deliver[system].run([AccountId(id) for id in accounts])


def upkeep(name: str) -> None:
    """Run one schedule: a poll, a sweep or a reconcile."""
    runtime.current().upkeep(name)
