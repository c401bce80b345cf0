"""What is under way and what is missing: the store, the queue, the relay, the workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import redis
import sqlalchemy as sa
from rq import Worker

from domain.ports import Health
from domain.wording import count as said
from jobs import queues
from jobs.relay import LEADER
from jobs.runtime import SYSTEMS
from ops.invariants import RULES, broken
from ops.lines import Line

if TYPE_CHECKING:
    from store.unit_of_work import Transaction

WAITING = sa.text(
    """
    SELECT
      (SELECT count(*) FROM inbox WHERE state = 'new') AS inbox,
      (SELECT count(*) FROM lanes WHERE dirty_seq > done_seq
         AND (not_before IS NULL OR not_before <= :now)) AS lanes,
      (SELECT count(*) FROM lanes WHERE lease_until > clock_timestamp()) AS leased,
      (SELECT count(*) FROM timers WHERE due <= :now) AS timers,
      (SELECT count(*) FROM schedules WHERE next_at <= :now) AS schedules,
      (SELECT coalesce(max(id), 0) FROM inbox) + (SELECT coalesce(sum(dirty_seq + fence), 0)
         FROM lanes) AS steps
    """
)


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What waits or runs at this moment. `steps` grows whenever anything has happened."""

    inbox: int
    lanes: int
    leased: int
    timers: int
    schedules: int
    steps: int
    jobs: dict[str, int] = field(default_factory=dict)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits and nothing runs."""
        waiting = (self.inbox, self.lanes, self.leased, self.timers, self.schedules)
        return not any(waiting) and not any(self.jobs.values())


def pulse(tx: Transaction, connection: redis.Redis, now: datetime) -> Pulse:
    """Feel it once."""
    row = tx.connection.execute(WAITING, {"now": now}).one()
    return Pulse(
        inbox=row.inbox,
        lanes=row.lanes,
        leased=row.leased,
        timers=row.timers,
        schedules=row.schedules,
        steps=int(row.steps),
        jobs=jobs_under_way(connection),
    )


def jobs_under_way(connection: redis.Redis) -> dict[str, int]:
    """How many jobs wait or run on each queue, in one round trip."""
    names = queues.queue_names(SYSTEMS)
    asked = connection.pipeline(transaction=False)
    for name in names:
        one = queues.queue(name, connection)
        asked.llen(one.key)
        asked.llen(one.intermediate_queue_key)
        asked.zcard(f"rq:wip:{name}")
    found = asked.execute()
    return {name: sum(found[3 * place : 3 * place + 3]) for place, name in enumerate(names)}


def is_working(connection: redis.Redis) -> bool:
    """Whether somebody serves the queue of bulk work."""
    return Worker.count(queue=queues.queue(queues.BULK, connection)) > 0


# ---------------------------------------------------------------- findings of the doctor

OLD = 600
"""Seconds that an account may wait before somebody should know."""
LEADING = sa.text("SELECT owner FROM leases WHERE name = :name AND until > clock_timestamp()")
OLDEST = sa.text(
    "SELECT kind, count(*) AS waiting, "
    "extract(epoch FROM clock_timestamp() - min(dirty_at)) AS seconds FROM lanes "
    "WHERE dirty_seq > done_seq AND not_before IS NULL GROUP BY kind"
)


def of_relay(tx: Transaction) -> Iterator[Line]:
    """Whether somebody turns due work into jobs."""
    owner = tx.connection.execute(LEADING, {"name": LEADER}).scalar()
    if owner is None:
        yield Line(
            id="here/relay",
            health=Health.WRONG,
            detail="no relay leads, so nothing becomes a job",
            remedy="Start `kidglove up`, or `python worker.py`.",
        )
    else:
        yield Line(id="here/relay", health=Health.OK, detail=f"led by {owner}")


def of_workers(connection: redis.Redis, systems: tuple[str, ...]) -> Iterator[Line]:
    """Whether every queue has somebody who serves it, and whether jobs pile up."""
    for name in queues.queue_names(systems):
        one = queues.queue(name, connection)
        serving, failed = Worker.count(queue=one), one.failed_job_registry.count
        detail = f"{said(serving, 'worker')}, {said(one.count, 'job')} waiting, {failed} failed"
        if not serving:
            yield Line(
                id=f"here/worker-{name}",
                health=Health.WRONG,
                detail=detail,
                remedy="Start `kidglove up`, or `python worker.py`.",
            )
        else:
            yield Line(id=f"here/worker-{name}", health=Health.OK, detail=detail)


def of_work(tx: Transaction, now: datetime) -> Iterator[Line]:
    """Whether accounts wait too long, and whether anything was not understood or carried out."""
    for row in tx.connection.execute(OLDEST):
        if row.seconds is not None and row.seconds > OLD:
            yield Line(
                id=f"here/waiting-{row.kind}",
                health=Health.WRONG,
                detail=f"{said(row.waiting, 'account')} waiting, the oldest for "
                f"{int(row.seconds // 60)} min",
                remedy="Look at the relay and the workers above.",
            )
    stuck = len(tx.effects.stuck())
    unread = tx.inbox.counts().get("quarantined", 0)
    yield Line(
        id="here/dead",
        health=Health.WRONG if stuck else Health.OK,
        detail=f"{said(stuck, 'effect')} parked or dead",
        remedy="`kidglove dead list` shows them by cause." if stuck else "",
    )
    yield Line(
        id="here/inbox",
        health=Health.UNKNOWN if unread else Health.OK,
        detail=f"{said(unread, 'message')} not understood",
        remedy="They are kept with the reason; report them with the vendor's version."
        if unread
        else "",
    )


def of_promises(tx: Transaction, now: datetime) -> Iterator[Line]:
    """Whether what must always be true is true."""
    wrong = broken(tx, now)
    if not wrong:
        yield Line(id="here/invariants", health=Health.OK, detail=f"all {len(RULES)} hold")
    for one in wrong:
        yield Line(
            id=f"here/invariant-{one.rule.name}",
            health=Health.WRONG,
            detail=f"not true for {one.count}: {one.rule.says} ({', '.join(one.examples)})",
            remedy=one.rule.remedy,
        )
