"""What every delivery does with a lane: ask for a judgement, give it back, or tell of a failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from domain.errors import Bug
from domain.rows import EVALUATE, LeasedLane
from sync.clock import Clock
from sync.durable import Store

log = structlog.get_logger()
LEASE_SECONDS = 180.0
"""Longer than the slowest honest series of writes for one account."""
SOON = timedelta(seconds=15)
"""How long an effect waits for its account to be judged anew; each wait asks for a judgement, and
while the account cannot be read those must not become a storm."""
NOT_NOW = timedelta(minutes=10)
"""How long a lane rests whose effects are not carried out by their mode. Shorter asks for the same
lanes again and again during a week of watching; longer delays them once we act."""
AFTER_A_FAULT = timedelta(minutes=5)
"""How long a lane rests after a failure that nobody foresaw."""


@dataclass
class Tally:
    """What one run did."""

    done: int = 0
    put_off: int = 0
    withdrawn: int = 0


class LaneWork:
    """The lanes of one system, in one transaction each."""

    def __init__(self, *, system: str, store: Store, clock: Clock) -> None:
        self._system = system
        self._store = store
        self._clock = clock

    def overtaken(self, lane: LeasedLane) -> None:
        """Somebody else has the lane, or a transaction of it gave way to another one: whoever
        comes next looks before it acts. A lane that is ours still is free at once."""
        log.warning("delivery.overtaken", account=lane.account, system=self._system)
        self.release(lane, self._clock.now())

    def poisoned(self, lane: LeasedLane, problem: Exception) -> None:
        """Delivering to this account failed in a way nobody foresaw: say so, and try later."""
        now = self._clock.now()
        log.error("delivery.failed", account=lane.account, error=type(problem).__name__)
        with self._store.begin() as tx:
            tx.audit.raise_alert(
                f"delivery-failed:{self._system}:{lane.account}:{type(problem).__name__}",
                f"What is due in {self._system} for account {lane.account} cannot be carried out "
                f"({type(problem).__name__}). It is tried again every few minutes.",
                rule="delivery.failed",
                now=now,
                account=lane.account,
            )
        self.release(lane, now + AFTER_A_FAULT)

    def ask_judgement(self, lane: LeasedLane, cause: str) -> None:
        """As urgent as the delivery: what was quieted for a VIP is certified at once, and ten
        thousand notes on customers that are well are looked at with the bulk."""
        with self._store.begin() as tx:
            tx.lanes.mark_dirty(lane.account, EVALUATE, urgency=lane.urgency, cause=cause)

    def release(self, lane: LeasedLane, later: datetime | None) -> None:
        """Give the lane back: done, or to be taken again at a time."""
        with self._store.begin() as tx:
            tx.lanes.release(lane, is_done=later is None, not_before=later)


def earlier(one: datetime | None, other: datetime | None) -> datetime:
    """The earlier of two times, of which one may be unknown."""
    times = [moment for moment in (one, other) if moment is not None]
    if not times:
        raise Bug("an effect was put off without a time")
    return min(times)
