"""One process: `python -m jobs.process relay`, or the name of the queue that it serves."""

from __future__ import annotations

import logging
import random
import signal
import sys
import threading

import redis
from rq.serializers import JSONSerializer

from jobs import queues, runtime, tasks, upkeep
from jobs.relay import Relay
from jobs.telemetry import configure_logging
from jobs.worker_class import SafeWorker
from settings import Settings


def run(name: str, settings: Settings) -> int:
    """Serve until a polite signal. Returns 0 then, and 2 for a name that does not exist."""
    configure_logging(settings.log_level)
    if not settings.database_url or not settings.redis_url:
        sys.stderr.write("DATABASE_URL and REDIS_URL are needed\n")
        return 2
    here = runtime.Runtime(
        settings, database_url=settings.database_url, redis_url=settings.redis_url
    )
    runtime.install(here)
    if name == "relay":
        return _relay(here, settings)
    if name not in queues.queue_names(runtime.SYSTEMS):
        sys.stderr.write(f"there is no queue {name!r}\n")
        return 2
    return _worker(here, name, settings)


def _relay(here: runtime.Runtime, settings: Settings) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    upkeep.plan(here)
    relay = Relay(
        store=here.store,
        # Few retries: a relay that waits for Redis would also stop looking at the store.
        connection=redis.Redis.from_url(here.redis_url, socket_connect_timeout=2, socket_timeout=5),
        clock=here.clock,
        resend_seconds=settings.resend_seconds,
        bulk_sizes=runtime.bulk_sizes(settings),
    )
    relay.run(database_url=here.database_url, every_seconds=settings.relay_seconds, stop=stop)
    return 0


def _worker(here: runtime.Runtime, name: str, settings: Settings) -> int:
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    worker = SafeWorker(
        [queues.queue(name, here.redis)],
        connection=here.redis,
        serializer=JSONSerializer,
        worker_ttl=30,
        maintenance_interval=15,
        job_monitoring_interval=5,
        default_result_ttl=0,
    )
    worker.allowed = tasks.ALLOWED
    # A little chance, so that all workers do not leave at the same moment.
    most = int(settings.worker_max_jobs * random.uniform(0.9, 1.1))
    worker.work(max_jobs=most, with_scheduler=False, logging_level="WARNING")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else "", Settings()))
