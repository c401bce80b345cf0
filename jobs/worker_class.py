"""An RQ worker that is safe to stop, serves one queue and runs only what it may."""

from __future__ import annotations

from typing import Any

import structlog
from rq import SimpleWorker
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.queue import Queue

log = structlog.get_logger()


class SafeWorker(SimpleWorker):
    """A worker whose graceful stop never loses a job.

    The stock worker raises out of its signal handler, also in the moment in which it holds the
    only copy of a job; here the handler only sets a flag, and the queue is polled each second.
    Polling also lets maintenance run on time, which the stock worker's long wait prevents.
    """

    POLL_SECONDS = 1
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
            return super().dequeue_job_and_maintain_ttl(None, max_idle_time)
        while not self._stop_requested:
            got = super().dequeue_job_and_maintain_ttl(self.POLL_SECONDS, self.POLL_SECONDS)
            if got is not None:
                return got
        return None

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """Run an allowed job; a forbidden or unreadable one is thrown away with a word in the log."""
        try:
            function = job.func_name
        except DeserializationError:
            function = None
        if function not in self.allowed:
            log.error("job.forbidden", function=function, queue=queue.name, job=job.id)
            queue.connection.lrem(queue.intermediate_queue_key, 0, job.id)
            queue.connection.delete(job.key)
            return False
        return super().perform_job(job, queue)
