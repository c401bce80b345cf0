"""Moving the simulated time from one due thing to the next, and waiting until all is at rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import redis
import sqlalchemy as sa

from domain.case import TimerKind
from ops.demo.stage import Stage
from ops.health import Pulse, pulse
from store.lanes import CHANNEL

LOOK_S = 0.03
"""Pause between two looks: shorter would only take the processor from those who work."""
TOGETHER = timedelta(seconds=10)
"""What falls due within so long is one stop: a mail leaves seconds after its failure."""
PATIENCE_S = 60.0
"""How long a step may take before the demo calls itself stuck."""
NEXT_TIMER = sa.text("SELECT min(due) FROM timers WHERE kind <> :check")


class Stuck(RuntimeError):
    """The world does not come to rest; the message says what still waits."""


class Tempo:
    """The one hand on the clock."""

    def __init__(self, stage: Stage, *, after_each: Callable[[datetime], None]) -> None:
        self._stage = stage
        self._redis = redis.Redis.from_url(stage.redis_url)
        self._after_each = after_each
        self.now = stage.world.read().now
        self.steps = 0

    def settle(self) -> None:
        """Wait until no webhook travels, nothing waits in the store and no job is under way."""
        deadline = time.monotonic() + PATIENCE_S
        self._wake()
        before: tuple[int, int] | None = None
        while True:
            vendors = self._stage.world.read()
            ours = self._pulse(vendors.now)
            if vendors.idle and ours.is_quiet:
                now = (vendors.requests, ours.steps)
                # Twice the same: whatever was between two places at the first look is not at both.
                if before == now:
                    break
                before = now
            else:
                before = None
            if time.monotonic() > deadline:
                raise Stuck(f"at {vendors.now:%a %d %b %H:%M} this still waits: {ours}, {vendors}")
            time.sleep(LOOK_S)
        self._after_each(vendors.now)

    def go_to(self, moment: datetime, *, stride: timedelta = timedelta(days=1)) -> None:
        """Move on to `moment`, stopping at everything that is due, and every `stride` besides.

        The hourly look at a held account is left to the stride: it finds the same each time.
        """
        while self.now < moment:
            due = [stop for stop in self._stops() if stop > self.now]
            stop = min([moment, self.now + stride, *(one + TOGETHER for one in due)])
            self.now = self._stage.world.advance_to(stop).now
            self.steps += 1
            self.settle()

    def go_on(self, *, stride: timedelta = timedelta(days=1), **span: float) -> None:
        """Move on by a span of days, hours or minutes."""
        self.go_to(self.now + timedelta(**span), stride=stride)

    def _stops(self) -> list[datetime]:
        with self._stage.store.begin() as tx:
            timer = tx.connection.execute(
                NEXT_TIMER, {"check": TimerKind.QUIET_CHECK.value}
            ).scalar()
            wake = tx.lanes.next_wake()
        found = [self._stage.world.read().next_due, timer, wake]
        return [stop for stop in found if stop is not None]

    def _pulse(self, now: datetime) -> Pulse:
        with self._stage.store.begin() as tx:
            return pulse(tx, self._redis, now)

    def _wake(self) -> None:
        """Virtual time wakes nobody; the relay would find out a moment later anyway."""
        with self._stage.store.begin() as tx:
            tx.connection.execute(sa.text(f"NOTIFY {CHANNEL}"))
