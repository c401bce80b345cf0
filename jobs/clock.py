"""Real time, or the virtual time that the simulated vendors publish."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return datetime.now(UTC)


class FileClock:
    """Virtual time from a small JSON file: `virtual + (real time - real) * rate`.

    Used by the demo and by crash tests, in which several processes share one simulated time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """The simulated moment, aware UTC. OSError if nobody publishes a time."""
        reading = json.loads(self._path.read_text())
        seconds = reading["virtual"] + (time.time() - reading["real"]) * reading["rate"]
        return datetime.fromtimestamp(seconds, UTC)
