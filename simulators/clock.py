"""One shared, controllable clock for every simulated vendor."""

from __future__ import annotations

import heapq
import itertools
import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path


class SimClock:
    """Virtual time that moves only when told, and runs what falls due on the way in time order.

    `rate` 0 means frozen; 1 means it flows like real time from where it stands. Scheduled
    callbacks run inside `advance`/`run_due` on the caller's thread, each with `now()` equal to
    its own due time, so that a sixty-day jump plays every retry and every mail in order. One
    thread plays at a time; while a callback runs, other threads may read and schedule: a vendor
    that locks its own world around both would otherwise wait for itself.

    With `publish_to`, the clock's reading is written to a small JSON file after each change
    (`{"virtual": seconds, "real": seconds, "rate": number}`): other processes compute the same
    time as `virtual + (time.time() - real) * rate`.
    """

    def __init__(
        self, start: datetime | None = None, *, rate: float = 0.0, publish_to: Path | None = None
    ) -> None:
        self._lock = threading.RLock()
        self._turn = threading.RLock()
        self._virtual = (start or datetime.now(UTC)).timestamp()
        self._real = time.time()
        self._rate = rate
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._publish_to = publish_to
        self._publish()

    def now(self) -> datetime:
        """The simulated moment, aware UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def seconds(self) -> float:
        """The simulated moment as Unix seconds."""
        with self._lock:
            return self._virtual + (time.time() - self._real) * self._rate

    @property
    def rate(self) -> float:
        """How fast the clock flows; 0 means frozen."""
        with self._lock:
            return self._rate

    def at(self, moment: datetime, callback: Callable[[], None]) -> None:
        """Run `callback` once when the clock reaches `moment` (at the next step if it has)."""
        with self._lock:
            heapq.heappush(self._queue, (moment.timestamp(), next(self._numbers), callback))

    def after(self, delay: timedelta, callback: Callable[[], None]) -> None:
        """Run `callback` once, `delay` from now."""
        self.at(self.now() + delay, callback)

    def advance(self, by: timedelta) -> None:
        """Move forward by `by`, running everything that falls due, in time order."""
        if by < timedelta(0):
            raise ValueError(f"the clock stands at {self.now()}, it does not go back")
        with self._turn:
            self._play_to(self.seconds() + by.total_seconds())

    def advance_to(self, moment: datetime) -> None:
        """Move forward to `moment`; a moment in the past is refused with ValueError."""
        target = moment.timestamp()
        with self._turn:
            if target < self.seconds() - 1e-6:
                raise ValueError(f"the clock stands at {self.now()}, it does not go back")
            self._play_to(target)

    def run_due(self) -> None:
        """Run what is due by now, without moving a frozen clock."""
        with self._turn:
            self._run_until(self.seconds())

    def set_rate(self, rate: float) -> None:
        """Let time flow at `rate` times real time from here; 0 freezes it."""
        with self._lock:
            self._set(self.seconds())
            self._rate = rate
            self._publish()

    def next_due(self) -> datetime | None:
        """When the next scheduled callback falls due, or None."""
        with self._lock:
            return datetime.fromtimestamp(self._queue[0][0], UTC) if self._queue else None

    def _play_to(self, target: float) -> None:
        self._run_until(target)
        with self._lock:
            self._set(max(target, self.seconds()))

    def _run_until(self, target: float) -> None:
        while True:
            with self._lock:
                if not self._queue or self._queue[0][0] > target:
                    return
                due, _, callback = heapq.heappop(self._queue)
                if due > self.seconds():
                    self._set(due)
            callback()

    def _set(self, virtual: float) -> None:
        self._virtual = virtual
        self._real = time.time()
        self._publish()

    def _publish(self) -> None:
        if self._publish_to is None:
            return
        text = json.dumps({"virtual": self._virtual, "real": self._real, "rate": self._rate})
        spare = self._publish_to.with_suffix(f".{os.getpid()}.new")
        spare.write_text(text)
        spare.replace(self._publish_to)
