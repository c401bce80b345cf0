"""Jobs that cost nothing, for tests that are about how jobs are run."""

from __future__ import annotations

import os
import signal
import time

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


def be_stubborn(value: object) -> None:
    """Never end, and catch every error on the way."""
    while True:
        try:
            time.sleep(30)
        except Exception:  # noqa: BLE001 # reason: this is what the SDKs do
            noted.append(value)


ALLOWED = frozenset(
    f"tests.jobs.cheap.{one.__name__}" for one in (note, fail, stop_me, be_stubborn)
)
"""What the workers of these tests may run."""
