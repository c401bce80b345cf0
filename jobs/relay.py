"""From due rows to jobs: one leader, woken by notices and every second regardless."""

from __future__ import annotations

import os
import socket
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
import redis
import structlog

from domain.rows import EVALUATE as EVALUATE_LANE
from domain.rows import Urgency
from jobs import queues
from store.lanes import CHANNEL, DueLane
from store.unit_of_work import UnitOfWork
from sync.clock import Clock

log = structlog.get_logger()
LEADER = "relay"
LEADER_SECONDS = 10.0
"""How long a dead relay's post stays empty; shorter would let a slow tick lose it."""
BATCH = 20
"""Accounts per job of ordinary work: fewer cost more jobs, more make an urgent one wait longer."""
BULK_BATCH = 100
"""Accounts per job of bulk work: as many as a CRM reads or writes in one call. Nobody waits."""
BACKLOG = 5
"""Jobs that may wait in a queue before ordinary work is held back in the store, where an urgent
account overtakes it; fewer would let a quick worker run dry between two ticks."""
LIMIT = 500
"""Lanes that one tick sends at most, so that an urgent one is never behind a long tick."""


@dataclass(frozen=True)
class Tick:
    """What one tick sent."""

    timers: int = 0
    schedules: int = 0
    jobs: int = 0
    lanes: int = 0


class Relay:
    """Sends due work to the queues. Whatever Redis loses is sent again after `resend_seconds`."""

    def __init__(
        self,
        *,
        store: UnitOfWork,
        connection: redis.Redis,
        clock: Clock,
        resend_seconds: float,
        owner: str | None = None,
    ) -> None:
        self._store = store
        self._redis = connection
        self._clock = clock
        self._resend = resend_seconds
        self._owner = owner or f"{socket.gethostname()}:{os.getpid()}"

    def tick(self) -> Tick:
        """Send everything that is due, the most urgent first; nothing if another relay leads."""
        now = self._clock.now()
        with self._store.begin() as tx:
            if not tx.system.lead(LEADER, owner=self._owner, seconds=LEADER_SECONDS):
                return Tick()
            timers = tx.cases.take_due_timers(now, LIMIT)
            for account, kind in timers:
                tx.lanes.mark_dirty(
                    account, EVALUATE_LANE, urgency=Urgency.VIP, cause=f"timer:{kind}"
                )
            schedules = tx.system.take_due_schedules(now)
            has_new = tx.inbox.has_new()
        self._send_schedules(schedules, now)
        jobs = len(schedules)
        if has_new and not queues.queue(queues.INTAKE, self._redis).count:
            self._send(queues.INTAKE, "jobs.tasks.take_in")
            jobs += 1
        sent, lanes = self._send_lanes(now)
        return Tick(len(timers), len(schedules), jobs + sent, lanes)

    def _send_schedules(self, names: Sequence[str], now: datetime) -> None:
        """A schedule has no row that says whether it ran: what cannot be sent is due again."""
        for place, name in enumerate(names):
            try:
                self._send(queues.UPKEEP, "jobs.tasks.upkeep", name)
            except redis.RedisError:
                with self._store.begin() as tx:
                    tx.system.give_schedules_back(names[place:], now)
                raise

    def _send_lanes(self, now: datetime) -> tuple[int, int]:
        with self._store.begin() as tx:
            due = tx.lanes.due(now, resend_seconds=self._resend, limit=LIMIT)
        jobs = lanes = 0
        waiting: dict[str, int] = {}
        for batch in _batches(due):
            accounts = [int(lane.account) for lane in batch]
            kind = batch[0].kind
            queue = _queue(batch[0])
            if batch[0].urgency is not Urgency.VIP:
                # A queue is served in order: what waits in it is waited for by the urgent, too.
                if waiting.setdefault(queue, self._backlog(queue)) >= BACKLOG:
                    continue
                waiting[queue] += 1
            if kind == EVALUATE_LANE:
                self._send(queue, "jobs.tasks.evaluate", accounts)
            else:
                self._send(queue, "jobs.tasks.deliver", kind, accounts)
            with self._store.begin() as tx:
                tx.lanes.mark_sent(batch)
            jobs += 1
            lanes += len(batch)
        return jobs, lanes

    def _backlog(self, queue: str) -> int:
        """How many jobs wait in a queue."""
        return queues.queue(queue, self._redis).count

    def _send(self, queue: str, function: str, *arguments: object) -> None:
        queues.enqueue(queues.queue(queue, self._redis), function, *arguments)

    def run(self, *, database_url: str, every_seconds: float, stop: threading.Event) -> None:
        """Tick until told to stop. A lost database or Redis is waited for, never given up on."""
        while not stop.is_set():
            try:
                with psycopg.connect(
                    database_url.replace("+psycopg", ""), autocommit=True
                ) as listener:
                    listener.execute(f"LISTEN {CHANNEL}".encode())
                    while not stop.is_set():
                        while self.tick().lanes >= LIMIT:
                            continue
                        for _ in listener.notifies(timeout=every_seconds, stop_after=1):
                            break
            except (psycopg.Error, redis.RedisError, OSError) as problem:
                log.warning("relay.waiting", error=type(problem).__name__)
                stop.wait(every_seconds)
            except Exception as problem:  # noqa: BLE001 # reason: SQLAlchemy wraps the driver's errors; the relay must outlive them all
                log.error("relay.failed", error=type(problem).__name__)
                stop.wait(every_seconds)
        self._step_down()

    def _step_down(self) -> None:
        try:
            with self._store.begin() as tx:
                tx.system.step_down(LEADER, owner=self._owner)
        except Exception as problem:  # noqa: BLE001 # reason: at the end the lease simply runs out
            log.warning("relay.step_down_failed", error=type(problem).__name__)


def _queue(lane: DueLane) -> str:
    if lane.urgency is Urgency.BULK:
        return queues.BULK
    return queues.EVALUATE if lane.kind == EVALUATE_LANE else lane.kind


def _batches(due: list[DueLane]) -> list[list[DueLane]]:
    """Urgent lanes alone and first; the others together by kind, in their order."""
    urgent = [[lane] for lane in due if lane.urgency is Urgency.VIP]
    rest: dict[tuple[str, bool], list[DueLane]] = defaultdict(list)
    for lane in due:
        if lane.urgency is not Urgency.VIP:
            rest[lane.kind, lane.urgency is Urgency.BULK].append(lane)
    together = [
        lanes[start : start + size]
        for (_, is_bulk), lanes in rest.items()
        for size in (BULK_BATCH if is_bulk else BATCH,)
        for start in range(0, len(lanes), size)
    ]
    return [*urgent, *together]
