"""Jobs that cost nothing, for tests that are about how jobs are run."""

from __future__ import annotations

import os
import signal

noted: list[object] = []
"""What ran in this process."""


def note(value: object) -> None:
    """Remember that this ran."""
    noted.append(value)


def fail(value: object) -> None:
    """Remember that this ran, then raise."""
    noted.append(value)
    raise ValueError(f"{value} cannot be done")


def stop_me(value: object) -> None:
    """Ask this process to stop, as a deployment does, then finish."""
    os.kill(os.getpid(), signal.SIGTERM)
    noted.append(value)


ALLOWED = frozenset(f"tests.jobs.cheap.{one.__name__}" for one in (note, fail, stop_me))
"""What the workers of these tests may run."""
