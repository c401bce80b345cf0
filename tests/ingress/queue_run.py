"""The engine through real queues, in this process: a relay, and one worker per queue in turn."""

from __future__ import annotations

import redis
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs import queues, tasks
from jobs.relay import Relay
from jobs.runtime import SYSTEMS, Runtime, bulk_sizes, install
from jobs.worker_class import SafeWorker
from tests.jobs.stage import signals_kept, waiting

NAMES = queues.queue_names(SYSTEMS)
ROUNDS = 60


class QueueRun:
    """Workers that are stopped until `work` is called."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.relay = Relay(
            store=runtime.store,
            connection=runtime.redis,
            clock=runtime.clock,
            resend_seconds=30,
            bulk_sizes=bulk_sizes(runtime.settings),
        )

    def queued(self) -> list[tuple[str, str, list[object]]]:
        """Every job that waits: queue, function, arguments."""
        return [
            (name, str(job.func_name).rpartition(".")[2], list(job.args))
            for name in NAMES
            for job in self._jobs(name)
        ]

    def work(self, *names: str) -> None:
        """Let one worker of each of these queues (of all) do what waits now."""
        install(self.runtime)
        for name in names or NAMES:
            worker = SafeWorker(
                [queues.queue(name, self.runtime.redis)],
                connection=self.runtime.redis,
                serializer=JSONSerializer,
                default_result_ttl=0,
            )
            worker.allowed = tasks.ALLOWED
            with signals_kept():
                worker.work(burst=True, logging_level="CRITICAL")

    def work_all(self) -> None:
        """Send and work until nothing is left to do."""
        for _ in range(ROUNDS):
            self.relay.tick()
            if not self.queued():
                return
            self.work()
        raise AssertionError(f"it does not come to rest: {self.queued()}")

    def _jobs(self, name: str) -> list[Job]:
        connection: redis.Redis = self.runtime.redis
        return [
            Job.fetch(id.decode(), connection=connection, serializer=JSONSerializer)
            for id in waiting(connection, name)
        ]
