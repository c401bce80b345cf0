"""From due rows to jobs: one leader, woken by notices and every second regardless."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

import psycopg
import redis
import structlog

from domain.rows import EVALUATE as EVALUATE_LANE
from domain.rows import Mark, Standing, Urgency
from jobs import queues
from store.lanes import CHANNEL, DueLane
from store.unit_of_work import UnitOfWork
from sync.clock import Clock

log = structlog.get_logger()
LEADER = "relay"
LEADER_SECONDS = 10.0
"""How long a dead relay's post stays empty; shorter would let a slow tick lose it."""
BATCH = 20
"""Accounts per job of ordinary work: fewer cost more jobs and calls, more let it wait longer."""
BULK_BATCH = 100
"""Accounts that one job of bulk work judges: as many as a CRM reads in one call. Nobody waits."""
GATHER_SECONDS = 300.0
"""How long bulk writes wait for more of their kind while judging goes on, so that a call of the
vendor is full; longer would keep a CRM behind for nothing."""
BACKLOG = 5
"""Jobs that may wait in a queue before ordinary work is held back in the store, where an urgent
account overtakes it; fewer would let a quick worker run dry between two ticks."""
TIMERS = 500
"""Timers that one tick takes at most, so that nothing urgent is behind a long tick."""
URGENT_BACKLOG = 100
"""The same for urgent work: what waits longer than the relay has patience is sent a second time,
and without an end a crowd of them would fill the queue with copies."""


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
        bulk_sizes: Mapping[str, int],
        owner: str | None = None,
    ) -> None:
        """`bulk_sizes` is how many accounts of bulk work one job takes, by each kind of lane that
        somebody serves: those of a system that is connected no more wait in the store."""
        self._bulk_sizes = bulk_sizes
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
            timers = tx.cases.take_due_timers(now, TIMERS)
            standings = tx.known.standings({account for account, _ in timers})
            tx.lanes.mark_all_dirty(
                {
                    account: Mark(_urgency(standings[account]), f"timer:{kind}")
                    for account, kind in timers
                },
                EVALUATE_LANE,
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
        waiting = self._waiting_schedules() if names else frozenset()
        for place, name in enumerate(names):
            try:
                if name in waiting:
                    # A system that hangs must not queue up before the polls of the others.
                    continue
                if name == queues.SURVEY and self._backlog(queues.BULK) >= BACKLOG:
                    # It would only queue up behind itself; it is due again as soon as there is
                    # room.
                    with self._store.begin() as tx:
                        tx.system.give_schedules_back([name], now)
                    continue
                self._send(queues.of_schedule(name), "jobs.tasks.upkeep", name)
            except redis.RedisError:
                with self._store.begin() as tx:
                    tx.system.give_schedules_back(names[place:], now)
                raise

    def _waiting_schedules(self) -> frozenset[str]:
        """The schedules of which a job still waits."""
        try:
            jobs = queues.queue(queues.UPKEEP, self._redis).get_jobs()
        except redis.RedisError:
            return frozenset()
        return frozenset(str(argument) for job in jobs for argument in job.args)

    def _send_lanes(self, now: datetime) -> tuple[int, int]:
        """Of each kind as much as its queue has room for, the urgent of all kinds first."""
        jobs = lanes = 0
        for urgency, most, size in (
            (Urgency.VIP, URGENT_BACKLOG, 1),
            (Urgency.NORMAL, BACKLOG, BATCH),
        ):
            for kind in self._bulk_sizes:
                queue = _queue(kind, urgency)
                room = most - self._backlog(queue)
                if room <= 0:
                    continue
                with self._store.begin() as tx:
                    due = tx.lanes.due(
                        now, kind, urgency, resend_seconds=self._resend, limit=room * size
                    )
                for batch in _slices(due, size):
                    self._send_batch(queue, batch)
                    jobs += 1
                    lanes += len(batch)
        bulk = self._bulk(now)
        for batch in bulk:
            self._send_batch(queues.BULK, batch)
        return jobs + len(bulk), lanes + sum(map(len, bulk))

    def _bulk(self, now: datetime) -> list[Sequence[DueLane]]:
        """As many batches as there is room for: of each kind in turn, so that no kind which is
        slow keeps the others out, and what writes before what judges more."""
        room = BACKLOG - self._backlog(queues.BULK)
        if room <= 0:
            return []
        kinds = sorted(self._bulk_sizes, key=lambda kind: kind == EVALUATE_LANE)
        with self._store.begin() as tx:
            # A survey that is under way will mark more.
            gathers = tx.lanes.has_bulk(now, EVALUATE_LANE) or bool(tx.system.cursor(queues.SURVEY))
            due = {
                kind: tx.lanes.due(
                    now,
                    kind,
                    Urgency.BULK,
                    resend_seconds=self._resend,
                    limit=self._bulk_sizes[kind] * room,
                )
                for kind in kinds
            }
        turns = zip_longest(
            *(self._whole(due[kind], gathers=gathers and kind != EVALUATE_LANE) for kind in kinds)
        )
        return [batch for turn in turns for batch in turn if batch is not None][:room]

    def _whole(self, due: Sequence[DueLane], *, gathers: bool) -> list[Sequence[DueLane]]:
        """The batches of one kind; while it gathers, those that are full or have waited long."""
        size = self._bulk_sizes[due[0].kind] if due else 1
        return [
            batch
            for batch in _slices(due, size)
            if len(batch) == size or not gathers or batch[0].waited_seconds >= GATHER_SECONDS
        ]

    def _send_batch(self, queue: str, batch: Sequence[DueLane]) -> None:
        accounts = [int(lane.account) for lane in batch]
        if batch[0].kind == EVALUATE_LANE:
            self._send(queue, "jobs.tasks.evaluate", accounts)
        else:
            self._send(queue, "jobs.tasks.deliver", batch[0].kind, accounts)
        with self._store.begin() as tx:
            tx.lanes.mark_sent(batch)

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
                        while self.tick().timers >= TIMERS:
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


def _queue(kind: str, urgency: Urgency) -> str:
    if kind != EVALUATE_LANE:
        return kind
    return queues.URGENT if urgency is Urgency.VIP else queues.EVALUATE


def _urgency(standing: Standing) -> Urgency:
    """A timer of an account that people handle is as urgent as news of it."""
    is_vip = standing.wants_quiet or standing.intercepts
    return Urgency.VIP if is_vip else Urgency.NORMAL


def _slices(lanes: Sequence[DueLane], size: int) -> list[Sequence[DueLane]]:
    return [lanes[start : start + size] for start in range(0, len(lanes), size)]
