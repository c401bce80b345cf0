"""Whether everything moves: inbox, lanes, queues, relay, schedules, circuits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
import sqlalchemy as sa

from domain.wording import count, listed
from jobs import queues
from jobs.relay import LEADER
from store.tables import schedules
from store.unit_of_work import Transaction

SLOW_S = 600
"""Seconds after which waiting is a problem and no longer work; a restart takes a minute."""
ANSWER_S = 2.0
"""How long Redis may take: the page says that it does not answer instead of hanging."""
LANES = """
SELECT kind, count(*) AS dirty, count(*) FILTER (WHERE lease_until > clock_timestamp()) AS leased,
  count(*) FILTER (WHERE not_before > :now) AS put_off,
  extract(epoch FROM clock_timestamp() - min(dirty_at) FILTER (
    WHERE (not_before IS NULL OR not_before <= :now)
      AND (lease_until IS NULL OR lease_until < clock_timestamp()))) AS oldest
FROM lanes WHERE dirty_seq > done_seq GROUP BY kind ORDER BY kind
"""
LEADS = """
SELECT owner, until > clock_timestamp() AS leads,
  extract(epoch FROM clock_timestamp() - until) AS gone
FROM leases WHERE name = :name
"""


@dataclass(frozen=True, kw_only=True)
class LaneLine:
    """The lanes of one kind that are not done. `oldest_s` is the longest wait of a free one."""

    kind: str
    dirty: int
    leased: int
    put_off: int
    oldest_s: int | None


@dataclass(frozen=True, kw_only=True)
class QueueLine:
    """One queue: jobs that wait, jobs under way, and workers that are there."""

    name: str
    waiting: int
    running: int
    workers: int


@dataclass(frozen=True, kw_only=True)
class ScheduleLine:
    """What runs by the clock."""

    name: str
    every: timedelta
    last_at: datetime | None
    next_at: datetime


@dataclass(frozen=True, kw_only=True)
class HealthView:
    """The whole page. `queues` is None if Redis does not answer; `problems` are sentences."""

    inbox: Mapping[str, int]
    effects: Mapping[str, int]
    lanes: tuple[LaneLine, ...]
    late_timers: int
    relay: str | None
    schedules: tuple[ScheduleLine, ...]
    circuits: Mapping[str, str]
    queues: tuple[QueueLine, ...] | None
    problems: tuple[str, ...]


def read_health(
    tx: Transaction, lines: tuple[QueueLine, ...] | None, *, now: datetime
) -> HealthView:
    """What the store says now, beside what the queues have said."""
    lanes = tuple(
        LaneLine(
            kind=row.kind,
            dirty=row.dirty,
            leased=row.leased,
            put_off=row.put_off,
            oldest_s=int(row.oldest) if row.oldest is not None else None,
        )
        for row in tx.connection.execute(sa.text(LANES), {"now": now})
    )
    late = tx.connection.execute(
        sa.text("SELECT count(*) FROM timers WHERE due < :late"),
        {"late": now - timedelta(seconds=SLOW_S)},
    ).scalar_one()
    leader = tx.connection.execute(sa.text(LEADS), {"name": LEADER}).first()
    relay = leader.owner if leader is not None and leader.leads else None
    planned = tuple(
        ScheduleLine(
            name=row.name,
            every=timedelta(seconds=row.every_seconds),
            last_at=row.last_at,
            next_at=row.next_at,
        )
        for row in tx.connection.execute(sa.select(schedules).order_by(schedules.c.name))
    )
    circuits = tx.system.open_circuits()
    return HealthView(
        inbox=tx.inbox.counts(),
        effects=tx.effects.counts(),
        lanes=lanes,
        late_timers=late,
        relay=relay,
        schedules=planned,
        circuits=circuits,
        queues=lines,
        problems=tuple(_problems(lanes, late, relay, circuits, lines)),
    )


def read_queues(url: str, systems: tuple[str, ...]) -> tuple[QueueLine, ...] | None:
    """The queues of an installation, or None if Redis does not answer in time."""
    names = queues.queue_names(systems)
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=ANSWER_S, socket_timeout=ANSWER_S
        ) as connection:
            asked = connection.pipeline(transaction=False)
            for name in names:
                one = queues.queue(name, connection)
                asked.llen(one.key)
                asked.llen(one.intermediate_queue_key)
                asked.zcard(f"rq:wip:{name}")
                asked.smembers(f"rq:workers:{name}")
            told = asked.execute()
            return tuple(
                QueueLine(
                    name=name,
                    waiting=told[4 * place],
                    running=told[4 * place + 1] + told[4 * place + 2],
                    workers=_alive(connection, told[4 * place + 3]),
                )
                for place, name in enumerate(names)
            )
    except redis.RedisError:
        return None


def _alive(connection: redis.Redis, workers: set[bytes]) -> int:
    """A worker that was killed stays in the set until another cleans up; its own key runs out."""
    return int(connection.exists(*workers)) if workers else 0


def _problems(
    lanes: tuple[LaneLine, ...],
    late_timers: int,
    relay: str | None,
    circuits: Mapping[str, str],
    lines: tuple[QueueLine, ...] | None,
) -> list[str]:
    found = [
        f"{system} refuses our credential and gets nothing: {reason}"
        for system, reason in circuits.items()
    ]
    if relay is None:
        found.append("No relay leads: nothing is sent to the workers. Is `kidglove up` running?")
    if lines is None:
        found.append("Redis does not answer: nothing is lost, and nothing moves until it does.")
    unserved = [line.name for line in lines or () if line.workers == 0]
    if unserved:
        found.append(f"No worker serves {listed(unserved)}. Is `kidglove up` running?")
    for lane in lanes:
        if lane.oldest_s is not None and lane.oldest_s > SLOW_S:
            found.append(f"{lane.kind}: an account has waited for {lane.oldest_s // 60} minutes.")
    if late_timers:
        verb = "is" if late_timers == 1 else "are"
        found.append(f"{count(late_timers, 'timer')} {verb} more than {SLOW_S // 60} minutes late.")
    return found
