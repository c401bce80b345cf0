"""A job that cannot or may not be run is thrown away; the worker goes on with the next one."""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import redis
from rq import Queue
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from connectors.kit.redaction import redact_event
from jobs import queues
from jobs.worker_class import SafeWorker
from simulators.wire import LoopbackServer
from tests.jobs import cheap
from tests.jobs.stage import QUEUE, enqueue, half_taken, run_dry, waiting, worker_on

# Workers use SIGALRM for their own time limit, and so does the default method of pytest-timeout.
pytestmark = pytest.mark.timeout(60, method="thread")

CHEAP: list[object] = ["tests.jobs.cheap.note", None, ["poison"], {}]


def put(connection: redis.Redis, fields: Mapping[str, str | bytes], *, id: str = "poison") -> None:
    """Put a job on the queue as anybody could who can write to Redis."""
    for name, value in fields.items():
        connection.hset(f"rq:job:{id}", name, value)
    connection.rpush(f"rq:queue:{QUEUE}", id)
    connection.sadd("rq:queues", f"rq:queue:{QUEUE}")


def packed(job: object) -> bytes:
    """The data of a job, as RQ keeps it."""
    return zlib.compress(json.dumps(job).encode())


def calling(job: object, **more: str | bytes) -> dict[str, str | bytes]:
    """A job that is as it should be, but for what is given."""
    return {
        "data": packed(job),
        "status": "queued",
        "origin": QUEUE,
        "created_at": "2026-11-20T11:00:00.000000Z",
        "enqueued_at": "2026-11-20T11:00:00.000000Z",
        "timeout": "170",
        **more,
    }


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (cheap.note, ("pickle was run",))


POISON: Mapping[str, Mapping[str, str | bytes]] = {
    "a function that is not allowed": calling(["os.getpid", None, [], {}]),
    "a function of ours that is no job": calling(["jobs.tasks.runtime.current", None, [], {}]),
    "a function that does not exist": calling(["tests.jobs.cheap.nothing", None, [], {}]),
    "a function name that is a list": calling([["tests.jobs.cheap.note"], None, [], {}]),
    "a function name that is an object": calling([{"a": 1}, None, [], {}]),
    "no function name": calling([None, None, [], {}]),
    "a method of a value": calling(["upper", "text", [], {}]),
    "too few parts": calling(["tests.jobs.cheap.note", None]),
    "a number for a job": calling(7),
    "pickled data": {**calling(CHEAP), "data": pickle.dumps(_Bomb())},
    "bytes that are nothing": {**calling(CHEAP), "data": b"\x80\xff\x00 nothing"},
    "text that is no JSON": {**calling(CHEAP), "data": b"{]"},
    "a creation date that is none": calling(CHEAP, created_at="yesterday"),
    "a status that does not exist": calling(CHEAP, status="dancing"),
    "a time limit that is none": calling(CHEAP, timeout="soon"),
    "retries that are no number": calling(CHEAP, retries_left="many"),
    "a callback on success": calling(CHEAP, success_callback_name="os.getpid"),
    "a callback on failure": calling(CHEAP, failure_callback_name="os.getpid"),
    "a callback on stop": calling(CHEAP, stopped_callback_name="os.getpid"),
    "bytes in the callback's name": calling(CHEAP, success_callback_name=b"\xff\xfe"),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_the_job_behind_a_poisoned_one_is_done_by_the_same_worker(
    poison: Mapping[str, str | bytes],
    queue: Queue,
    connection: redis.Redis,
    noted: list[object],
) -> None:
    put(connection, poison)
    enqueue(queue, "note", "behind")

    run_dry(connection)

    assert noted == ["behind"]
    assert waiting(connection) == []
    assert half_taken(connection) == []
    assert not connection.exists("rq:job:poison")
    assert StartedJobRegistry(queue=queue).get_job_ids(cleanup=False) == []


@pytest.mark.parametrize("nothing", [{}, {"status": "queued", "origin": QUEUE}])
def test_an_id_without_a_job_is_passed_over_and_the_next_maintenance_drops_it(
    nothing: Mapping[str, str | bytes],
    queue: Queue,
    connection: redis.Redis,
    noted: list[object],
) -> None:
    put(connection, nothing)
    enqueue(queue, "note", "behind")

    run_dry(connection)
    run_dry(connection)

    assert noted == ["behind"]
    assert half_taken(connection) == []


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_a_worker_starts_although_its_predecessor_died_with_a_poisoned_job_in_hand(
    poison: Mapping[str, str | bytes],
    queue: Queue,
    connection: redis.Redis,
    noted: list[object],
) -> None:
    put(connection, poison)
    connection.lmove(f"rq:queue:{QUEUE}", f"rq:queue:{QUEUE}:intermediate")
    enqueue(queue, "note", "behind")

    run_dry(connection)

    assert noted == ["behind"]


def test_maintenance_that_cannot_be_done_stops_no_worker_and_keeps_no_lock(
    queue: Queue, connection: redis.Redis, noted: list[object]
) -> None:
    put(connection, calling(CHEAP, created_at="yesterday"))
    connection.lpop(f"rq:queue:{QUEUE}")
    connection.zadd(f"rq:wip:{QUEUE}", {"poison:begun": 1})
    enqueue(queue, "note", "behind")

    run_dry(connection)

    assert noted == ["behind"]
    assert not connection.exists(queue.registry_cleaning_key)


def test_a_job_that_raises_is_kept_as_failed_and_the_next_one_is_done(
    queue: Queue, connection: redis.Redis, noted: list[object]
) -> None:
    enqueue(queue, "fail", "first")
    enqueue(queue, "note", "behind")

    run_dry(connection)

    assert noted == ["first", "behind"]
    assert half_taken(connection) == []
    (failed,) = FailedJobRegistry(queue=queue).get_job_ids()
    assert 0 < connection.ttl(f"rq:job:{failed}") <= queues.FAILURE_TTL


def test_a_job_with_arguments_that_do_not_fit_is_kept_as_failed(
    queue: Queue, connection: redis.Redis, noted: list[object]
) -> None:
    enqueue(queue, "note", "one", "too many")
    enqueue(queue, "note", "behind")

    run_dry(connection)

    assert noted == ["behind"]
    assert FailedJobRegistry(queue=queue).count == 1


def test_a_job_that_asks_for_a_web_call_makes_none(
    queue: Queue, connection: redis.Redis, noted: list[object]
) -> None:
    called: list[object] = []

    async def listen(scope: object, receive: object, send: object) -> None:
        called.append(scope)

    with LoopbackServer(listen) as server:
        wish = [Webhook(server.url, status).to_dict() for status in ("finished", "failed")]
        put(connection, calling(CHEAP, webhooks=json.dumps(wish)))
        enqueue(queue, "note", "behind")
        run_dry(connection)

    assert called == []
    assert noted == ["behind"]


def test_arguments_that_are_no_json_are_refused_before_they_reach_the_queue(
    queue: Queue, connection: redis.Redis
) -> None:
    with pytest.raises(TypeError):
        enqueue(queue, "note", Path("file"))

    assert waiting(connection) == []


def test_jobs_travel_as_json_and_nothing_else(queue: Queue, connection: redis.Redis) -> None:
    enqueue(queue, "note", "plain")

    (job,) = waiting(connection)
    data = connection.hget(b"rq:job:" + job, "data")

    assert isinstance(data, bytes)
    assert json.loads(zlib.decompress(data)) == ["tests.jobs.cheap.note", None, ["plain"], {}]


def test_a_worker_with_two_queues_or_none_is_refused(connection: redis.Redis) -> None:
    two = [queues.queue("intake", connection), queues.queue("evaluate", connection)]

    with pytest.raises(ValueError, match="exactly one queue"):
        SafeWorker(two, connection=connection, serializer=JSONSerializer)
    with pytest.raises(ValueError, match="exactly one queue"):
        SafeWorker([], connection=connection, serializer=JSONSerializer)


def test_a_worker_that_was_given_no_list_runs_nothing(
    queue: Queue, connection: redis.Redis, noted: list[object]
) -> None:
    enqueue(queue, "note", "anything")
    worker = worker_on(connection)
    worker.allowed = SafeWorker.allowed

    worker.work(burst=True, logging_level="CRITICAL")

    assert noted == []
    assert waiting(connection) == []


def test_what_is_said_of_a_refused_job_passes_the_redaction() -> None:
    line = {"event": "job.forbidden", "function": "os.system", "queue": QUEUE, "job": "poison"}

    assert redact_event(None, "error", dict(line)) == line
