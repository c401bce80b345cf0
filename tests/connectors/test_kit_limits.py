"""Limits that every worker shares, on a real server; and what happens when it is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis
from structlog.testing import capture_logs

from connectors.kit.bucket import LocalBucket
from connectors.kit.limits import (
    ASK_AGAIN,
    Limiter,
    Limits,
    SharedLimiter,
    Unlimited,
    fingerprint,
)
from domain.errors import RateLimited

Make = Callable[..., SharedLimiter]


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as one:
        yield one


@pytest.fixture
def make(client: redis.Redis, naps: list[float]) -> Make:
    def made(credential: str = "sk_test_1", **limits: object) -> SharedLimiter:
        asked = {"rate": 1, "burst": 3, "reserve": 0.0} | limits
        return SharedLimiter(
            client,
            Limits(**asked),  # type: ignore[arg-type]
            vendor="stripe",
            credential=credential,
            sleep=naps.append,
        )

    return made


def take(limiter: Limiter, times: int, *, urgent: bool = False) -> int:
    """How many of `times` calls were let through."""
    passed = 0
    for _ in range(times):
        try:
            limiter.acquire(urgent)
            passed += 1
        except RateLimited:
            pass
    return passed


def test_a_burst_passes_at_once(make: Make, naps: list[float]) -> None:
    assert take(make(), 3) == 3
    assert naps == []


def test_a_wait_up_to_a_second_is_slept(make: Make, naps: list[float]) -> None:
    limiter = make(rate=2)
    take(limiter, 3)
    limiter.acquire()
    assert 0.3 < naps[0] <= 0.5


def test_a_longer_wait_goes_back_to_the_store_and_takes_no_place(make: Make) -> None:
    limiter = make(rate=0.5, burst=1)
    limiter.acquire()
    waits = []
    for _ in range(3):
        with pytest.raises(RateLimited) as caught:
            limiter.acquire()
        waits.append(caught.value.after or timedelta())
    assert all(timedelta(seconds=1) < wait <= timedelta(seconds=2) for wait in waits)


def test_two_workers_with_one_credential_share_one_limit(make: Make) -> None:
    assert take(make(rate=0.1), 2) + take(make(rate=0.1), 2) == 3


def test_another_credential_has_its_own_limit(make: Make) -> None:
    take(make(rate=0.1), 3)
    assert take(make("sk_test_2", rate=0.1), 3) == 3


def test_many_threads_never_pass_more_than_the_burst(make: Make) -> None:
    limiter = make(rate=0.01, burst=20)
    passed: list[int] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        passed.append(take(limiter, 10))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 20


def test_the_reserve_is_kept_for_urgent_work(make: Make) -> None:
    limiter = make(rate=0.01, burst=10, reserve=0.2)
    assert take(limiter, 20) == 8
    assert take(limiter, 20, urgent=True) == 2


def test_the_day_ends_earlier_for_bulk_work(make: Make) -> None:
    limiter = make(rate=1000, burst=1000, daily=10, reserve=0.2)
    limiter.report(used=0)
    assert take(limiter, 20) == 8
    assert take(limiter, 20, urgent=True) == 2


@pytest.mark.parametrize("urgent", [True, False])
def test_a_used_up_day_is_asked_about_again_within_the_quarter_hour(
    make: Make, urgent: bool
) -> None:
    limiter = make(rate=1000, burst=1000, daily=100)
    limiter.report(used=100)
    with pytest.raises(RateLimited, match="day") as caught:
        limiter.acquire(urgent)
    assert caught.value.after is not None
    assert timedelta(minutes=14) < caught.value.after <= timedelta(minutes=15)


def test_an_old_count_of_the_day_lets_one_ordinary_call_find_out(make: Make) -> None:
    limiter = make(rate=1000, burst=1000, daily=100, recheck=timedelta(milliseconds=50))
    limiter.report(used=100)
    time.sleep(0.1)
    assert take(limiter, 20) == 1
    with pytest.raises(RateLimited, match="day") as caught:
        limiter.acquire()
    assert caught.value.after is not None
    assert timedelta(0) < caught.value.after <= ASK_AGAIN


def test_an_old_count_of_the_day_holds_nothing_urgent(make: Make) -> None:
    limiter = make(rate=1000, burst=1000, daily=100, recheck=timedelta(milliseconds=50))
    limiter.report(used=100)
    time.sleep(0.1)
    take(limiter, 1)
    assert take(limiter, 20, urgent=True) == 20


def test_a_count_that_no_answer_ever_told_holds_nothing_urgent(make: Make) -> None:
    limiter = make(rate=1000, burst=1000, daily=10)
    assert take(limiter, 20, urgent=True) == 20


def test_the_answer_after_the_vendors_own_midnight_opens_the_day_again(make: Make) -> None:
    limiter = make(rate=1000, burst=1000, daily=100, recheck=timedelta(milliseconds=50))
    limiter.report(used=100)
    time.sleep(0.1)
    take(limiter, 1)
    limiter.report(used=1)
    assert take(limiter, 20) == 20


def test_the_answer_that_the_day_is_still_used_up_holds_everybody_again(make: Make) -> None:
    limiter = make(rate=1000, burst=1000, daily=100, recheck=timedelta(seconds=1))
    limiter.report(used=100)
    time.sleep(1.1)
    take(limiter, 1)
    limiter.report(used=100)
    assert take(limiter, 20, urgent=True) == 0


def test_the_vendors_own_count_corrects_ours(make: Make) -> None:
    limiter = make(rate=1000, burst=1000, daily=100)
    limiter.report(used=98)
    assert take(limiter, 10) == 2


def test_the_vendors_own_limit_replaces_ours(make: Make) -> None:
    limiter = make(rate=1000, burst=1000, daily=5)
    limiter.report(used=0, limit=8)
    assert take(limiter, 20) == 8


def test_a_pause_seen_by_one_worker_holds_all(make: Make) -> None:
    make().pause(timedelta(seconds=30))
    with pytest.raises(RateLimited, match="pause"):
        make().acquire(urgent=True)


def test_a_short_pause_does_not_shorten_a_long_one(make: Make) -> None:
    limiter = make()
    limiter.pause(timedelta(seconds=30))
    limiter.pause(timedelta(milliseconds=1))
    with pytest.raises(RateLimited) as caught:
        limiter.acquire()
    assert caught.value.after is not None
    assert caught.value.after > timedelta(seconds=20)


def test_no_more_calls_at_once_than_there_are_places(make: Make) -> None:
    limiter = make(concurrency=1, burst=100)
    with (
        limiter.slot(),
        pytest.raises(RateLimited, match="places"),
        make(concurrency=1, burst=100).slot(),
    ):
        pass


def test_a_place_comes_back_after_an_error(make: Make) -> None:
    limiter = make(concurrency=1, burst=100)
    with pytest.raises(ZeroDivisionError), limiter.slot():
        raise ZeroDivisionError
    with limiter.slot():
        pass


def test_a_killed_workers_place_comes_back_with_its_lease(make: Make) -> None:
    limiter = make(concurrency=1, burst=100, lease=timedelta(milliseconds=50))
    killed = limiter.slot()
    killed.__enter__()
    threading.Event().wait(0.1)
    with limiter.slot():
        pass


def test_one_place_is_kept_for_urgent_work(make: Make) -> None:
    limiter = make(concurrency=2, burst=100, reserve=0.2)
    with limiter.slot():
        with pytest.raises(RateLimited), limiter.slot():
            pass
        with limiter.slot(urgent=True):
            pass


def test_the_keys_give_no_secret_away(make: Make, client: redis.Redis) -> None:
    limiter = make("sk_live_topsecret", concurrency=2, daily=5)
    with limiter.slot():
        keys = [str(key) for key in client.scan_iter()]
    assert keys
    assert not any("topsecret" in key for key in keys)


def test_the_fingerprint_tells_credentials_apart() -> None:
    assert fingerprint("a") != fingerprint("b")


# ---------------------------------------------------------------- without Redis


@pytest.fixture
def alone(naps: list[float]) -> SharedLimiter:
    """A limiter whose Redis is not there."""
    return SharedLimiter(
        redis.Redis.from_url("redis://127.0.0.1:1/0"),
        Limits(rate=8, burst=8, concurrency=1),
        vendor="stripe",
        credential="sk_test_1",
        sleep=naps.append,
    )


def test_money_work_goes_on_without_redis(alone: SharedLimiter) -> None:
    with alone.slot(urgent=True):
        pass


def test_a_lost_redis_costs_a_moment_and_not_seconds(alone: SharedLimiter) -> None:
    began = time.monotonic()
    take(alone, 1)
    assert time.monotonic() - began < 1.5


def test_alone_a_process_takes_only_its_share(alone: SharedLimiter) -> None:
    assert take(alone, 10) < 10


def test_a_lost_redis_is_said_once(alone: SharedLimiter) -> None:
    with capture_logs() as lines:
        take(alone, 3)
        alone.pause(timedelta(seconds=1))
        alone.report(used=1)
    assert [line["event"] for line in lines] == ["limits.alone"]


def test_a_pause_holds_alone_too(alone: SharedLimiter) -> None:
    alone.pause(timedelta(seconds=30))
    with pytest.raises(RateLimited):
        alone.acquire()


def test_a_local_bucket_refills_with_time() -> None:
    now = [0.0]
    bucket = LocalBucket(1, 2, monotonic=lambda: now[0])
    assert [bucket.take(longest=0) for _ in range(3)] == [0, 0, 1]
    now[0] = 1.0
    assert bucket.take(longest=0) == 0


def test_unlimited_lets_everything_pass() -> None:
    free = Unlimited()
    free.pause(timedelta(days=1))
    free.report(used=1)
    with free.slot():
        free.acquire()
