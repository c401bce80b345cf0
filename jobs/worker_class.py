"""An RQ worker that is safe to stop, serves one queue and runs only what it may."""

from __future__ import annotations

from typing import Any

import redis
import structlog
from rq import SimpleWorker
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.queue import Queue
from rq.timeouts import UnixSignalDeathPenalty
from rq.utils import now

log = structlog.get_logger()
EXTRAS = ("success_callback_name", "failure_callback_name", "stopped_callback_name", "webhooks")
"""What a job of ours never has: each names code or an address that RQ would call for whoever wrote
the job into Redis."""


class OutOfTime(BaseException):
    """A job's time is up. No `Exception`: SDKs catch those, and the job would simply go on."""


class TimeLimit(UnixSignalDeathPenalty):
    """RQ's own limit, which nothing between the job and the worker can swallow."""

    def __init__(self, timeout: int, *_: object, **__: object) -> None:
        super().__init__(timeout, OutOfTime)  # type: ignore[no-untyped-call]

    def cancel_death_penalty(self) -> None:
        """The job is done; an alarm that rings in this very moment changes nothing."""
        try:
            super().cancel_death_penalty()  # type: ignore[no-untyped-call]
        except OutOfTime:
            super().cancel_death_penalty()  # type: ignore[no-untyped-call]


class SafeWorker(SimpleWorker):
    """A worker whose graceful stop never loses a job, and which no job can stop.

    The stock worker raises out of its signal handler, also in the moment in which it holds the
    only copy of a job; here the handler only sets a flag, and the queue is polled each second.
    Polling also lets maintenance run on time, which the stock worker's long wait prevents.

    The stock worker ends when it meets a job that it cannot read, and each successor ends in the
    maintenance of its start; here such a job is thrown away with a word in the log.
    """

    POLL_SECONDS = 1
    death_penalty_class = TimeLimit
    allowed: frozenset[str] = frozenset()

    def __init__(self, queues: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(queues, list | tuple) and len(queues) != 1:
            # With several queues a job that is popped while the worker dies is in no list at all.
            raise ValueError("a worker serves exactly one queue")
        super().__init__(queues, *args, **kwargs)

    def _shutdown(self) -> None:
        self._stop_requested = True
        if self.scheduler:
            self.stop_scheduler()  # type: ignore[no-untyped-call]

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """The next job, polling each second; None when a stop was asked for."""
        if timeout is None:
            return self._next_readable(None, max_idle_time)
        while not self._stop_requested:
            got = self._next_readable(self.POLL_SECONDS, self.POLL_SECONDS)
            if got is not None:
                return got
        return None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run an allowed job; anything else is thrown away with a word in the log."""
        refusal = self._refusal(job)
        if refusal is None:
            super().execute_job(job, queue)
            return
        log.error("job.forbidden", reason=refusal, queue=queue.name, job=job.id)
        _throw_away(queue, job.id)

    def run_maintenance_tasks(self) -> None:
        """RQ's own, which a job that cannot be read does not stop."""
        for queue in self.queues:
            _throw_unreadable_away(queue)
        try:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        except redis.RedisError:
            raise
        except Exception as problem:  # noqa: BLE001 # reason: cleaning up is no reason to end
            log.error("maintenance.failed", error=type(problem).__name__)
            self.last_cleaned_at = now()  # type: ignore[assignment]
            for queue in self.queues:
                queue.release_maintenance_lock()  # type: ignore[no-untyped-call]

    def _next_readable(
        self, timeout: int | None, max_idle_time: int | None
    ) -> tuple[Job, Queue] | None:
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except redis.RedisError:
                raise
            except Exception as problem:
                # RQ hangs the id of a job that it could not load on whatever was raised.
                unreadable = getattr(problem, "job_id", None)
                if unreadable is None:
                    raise
                log.error("job.unreadable", error=type(problem).__name__, job=unreadable)
                _throw_away(self.queues[0], unreadable)

    def _refusal(self, job: Job) -> str | None:
        try:
            function: object = job.func_name
        except DeserializationError:
            return "it cannot be read"
        if not isinstance(function, str) or function not in self.allowed:
            return f"it names {function!r:.100}"
        told = job.to_dict(include_meta=False, include_result=False)
        extra = next((name for name in EXTRAS if told.get(name)), None)
        return f"it has a {extra}" if extra else None


def _throw_unreadable_away(queue: Queue) -> None:
    """Drop what a worker popped and could not load before it died."""
    for job in queue.intermediate_queue.get_job_ids():
        try:
            Job.fetch(job, connection=queue.connection, serializer=queue.serializer)
        except redis.RedisError:
            raise
        except Exception as problem:  # noqa: BLE001 # reason: any error of reading means unreadable
            log.error("job.unreadable", error=type(problem).__name__, job=job)
            _throw_away(queue, job)


def _throw_away(queue: Queue, job: str) -> None:
    queue.connection.lrem(queue.intermediate_queue_key, 0, job)
    queue.connection.delete(Job.key_for(job))
