"""A rate limit inside one process, for the minutes in which the shared one cannot be reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class LocalBucket:
    """GCRA in memory: `rate` per second with a burst. Thread-safe, forgets with the process."""

    def __init__(
        self, rate: float, burst: int, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 1.0 / rate
        self._burst = max(1, burst)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._arrival = 0.0

    def take(self, *, longest: float) -> float:
        """Seconds to wait for one's turn. The turn is taken only if that is at most `longest`."""
        with self._lock:
            now = self._monotonic()
            arrival = max(self._arrival, now) + self._interval
            wait = max(0.0, arrival - self._burst * self._interval - now)
            if wait <= longest:
                self._arrival = arrival
            return wait

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long."""
        with self._lock:
            until = self._monotonic() + seconds + self._burst * self._interval
            self._arrival = max(self._arrival, until)
