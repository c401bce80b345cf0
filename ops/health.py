"""What is under way and what is missing: the store, the queue, the relay, the workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import redis
import sqlalchemy as sa

from jobs import queues
from jobs.runtime import SYSTEMS

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
