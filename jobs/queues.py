"""The queues: one per kind of work, so that one slow vendor starves nobody."""

from __future__ import annotations

import redis
from rq import Queue
from rq.serializers import JSONSerializer

INTAKE = "intake"
"""Stored messages become dirty lanes."""
URGENT = "urgent"
"""Accounts that people handle are read and judged, each alone: no crowd is in front of them."""
EVALUATE = "evaluate"
"""All other accounts are read and judged."""
BULK = "bulk"
"""Work on many accounts that nobody waits for (backfill, sweeps, a new mapping): read, judged and
written here, so that it never stands in front of a case."""
UPKEEP = "upkeep"
"""Polls and sweeps of what is held."""
SURVEY = "survey"
"""The schedule of the look at everybody."""
JOB_TIMEOUT = 170
"""Seconds; a backstop behind the clients' own time-outs, shorter than a lane's lease."""
SURVEY_TIMEOUT = 1_800
"""Seconds for a survey's job, which begins with lists that may be long; it holds no lane."""
FAILURE_TTL = 7 * 86_400
"""A week of failed jobs is enough to look at; the library's year would fill Redis."""


def queue_names(systems: tuple[str, ...]) -> tuple[str, ...]:
    """Every queue of an installation; each worker process serves exactly one of them."""
    return (INTAKE, URGENT, EVALUATE, BULK, UPKEEP, *systems)


def of_schedule(name: str) -> str:
    """The queue on which a schedule runs: a look at everybody is nothing that a poll waits for."""
    return BULK if name == SURVEY else UPKEEP


def queue(name: str, connection: redis.Redis) -> Queue:
    """One queue. Arguments travel as JSON: nobody who can write to Redis gets code run by them."""
    return Queue(name, connection=connection, serializer=JSONSerializer)


def enqueue(on: Queue, function: str, *arguments: object) -> None:
    """Put a job on a queue. It runs at most once; whatever is lost the relay sends again."""
    on.enqueue(
        function,
        *arguments,
        job_timeout=SURVEY_TIMEOUT if arguments == (SURVEY,) else JOB_TIMEOUT,
        result_ttl=0,
        failure_ttl=FAILURE_TTL,
    )
