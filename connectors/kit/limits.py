"""How fast, how many at once and how many a day one credential may call, shared by every worker.

One round trip asks for everything: the pause that a vendor told us, the day's budget, and a place
in a GCRA bucket. Times are the Redis server's own. The state may vanish with Redis: harmless.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry as Once

from connectors.kit.bucket import LocalBucket
from domain.errors import RateLimited

log = structlog.get_logger(__name__)

LONGEST_WAIT = 1.0
"""Seconds a worker may sleep for its turn; beyond, the store waits and the worker works."""
AWAY = 5.0
"""Seconds to leave an unreachable Redis alone: each try may cost a socket timeout."""

ASK_AGAIN = timedelta(seconds=5)
"""Between two ordinary calls that find out whether a used-up day has ended: some answers, like
those to a search, tell no count, and the next call may be one that does."""

TAKE = """
local paused = redis.call('PTTL', KEYS[1])
if paused > 0 then return {1, paused * 1000} end
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local today = math.floor(t[1] / 86400)
local limit = tonumber(ARGV[4])
local is_asking = false
if limit >= 0 then
  local d = redis.call('HMGET', KEYS[3], 'day', 'used', 'limit', 'told', 'asked')
  local used = 0
  if tonumber(d[1]) == today then used = tonumber(d[2]) or 0 end
  if d[3] then limit = tonumber(d[3]) end
  if used >= limit * tonumber(ARGV[5]) then
    local holds = (tonumber(d[4]) or 0) + tonumber(ARGV[7]) - now
    if holds > 0 then return {3, holds} end
    is_asking = ARGV[6] == '0'
    local turn = (tonumber(d[5]) or 0) + tonumber(ARGV[8]) - now
    if is_asking and turn > 0 then return {3, turn} end
  end
  redis.call('HSET', KEYS[3], 'day', today, 'used', used)
end
local step = 1000000 / tonumber(ARGV[1])
local tat = tonumber(redis.call('GET', KEYS[2]) or now)
if tat < now then tat = now end
local new = tat + step
local wait = new - tonumber(ARGV[2]) * step - now
if wait > tonumber(ARGV[3]) then return {2, math.ceil(wait)} end
redis.call('SET', KEYS[2], string.format('%.0f', new), 'PX', math.ceil((new - now) / 1000) + 1000)
if limit >= 0 then
  redis.call('HINCRBY', KEYS[3], 'used', 1)
  if is_asking then redis.call('HSET', KEYS[3], 'asked', string.format('%.0f', now)) end
  redis.call('EXPIRE', KEYS[3], 172800)
end
if wait < 0 then wait = 0 end
return {0, math.ceil(wait)}
"""
LEASE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[2])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]) + 1000)
return 1
"""
REPORT = """
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000000 + t[2])
redis.call('HSET', KEYS[1], 'day', math.floor(t[1] / 86400), 'used', ARGV[1], 'told', now)
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'limit', ARGV[2]) end
redis.call('EXPIRE', KEYS[1], 172800)
"""
BECAUSE = {
    1: "the vendor asked for a pause",
    2: "the rate is used up",
    3: "the day's share is used up",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one credential may do. A window of the vendor must hold `burst + rate x window`.

    `reserve` is the share of burst, slots and day that only urgent work may use.
    """

    rate: float
    burst: int
    concurrency: int | None = None
    daily: int | None = None
    reserve: float = 0.2
    lease: timedelta = timedelta(seconds=60)
    """A killed worker's slot comes back after this; no single request may take longer."""
    recheck: timedelta = timedelta(minutes=15)
    """How long a day that is used up is believed without a new answer of the vendor: a vendor's
    day ends when its own zone or its rolling window says so, not at midnight UTC. Later, urgent
    work goes on and ordinary work asks with one call at a time."""


class Limiter(Protocol):
    """Lets calls of one credential pass when it is their turn."""

    def acquire(self, urgent: bool = False) -> None:
        """Return when one call may be made. Raises `RateLimited` if that is more than a second."""
        ...

    @contextmanager
    def slot(self, urgent: bool = False) -> Iterator[None]:
        """`acquire`, and hold one of the concurrent places while the block runs."""
        ...

    def pause(self, after: timedelta) -> None:
        """Tell every worker that the vendor said stop for so long."""
        ...

    def report(self, *, used: int, limit: int | None = None) -> None:
        """Correct the day's count from what the vendor's answer says. A count that shows the day
        as used up holds until `Limits.recheck` has passed without another report."""
        ...


class Unlimited:
    """Lets everything pass: for a system that sets no limits, and for tests."""

    def acquire(self, urgent: bool = False) -> None:
        """Return at once."""

    @contextmanager
    def slot(self, urgent: bool = False) -> Iterator[None]:
        """Run the block at once."""
        yield

    def pause(self, after: timedelta) -> None:
        """Nobody waits."""

    def report(self, *, used: int, limit: int | None = None) -> None:
        """Nothing is counted."""


class SharedLimiter:
    """A `Limiter` whose state every worker shares through Redis.

    If Redis cannot be reached, an in-process bucket at a share of the rate takes over and one line
    is logged: a lost Redis never stops money work.
    """

    def __init__(
        self,
        redis: Redis,
        limits: Limits,
        *,
        vendor: str,
        credential: str,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        alone_share: float = 0.25,
    ) -> None:
        """`redis` lends its address only: limits have impatient connections of their own.

        `credential` may be the secret itself: only its fingerprint names the keys. `alone_share`
        is the part of the rate that one process takes without Redis.
        """
        self._limits = limits
        self._redis = impatient(redis)
        self._vendor = vendor
        self._sleep = sleep
        self._monotonic = monotonic
        stem = f"kidglove:limit:{vendor}:{fingerprint(credential)}"
        self._pause_key, self._tat_key = f"{stem}:pause", f"{stem}:rate"
        self._day_key, self._slots_key = f"{stem}:day", f"{stem}:slots"
        self._take = self._redis.register_script(TAKE)
        self._lease = self._redis.register_script(LEASE)
        self._report = self._redis.register_script(REPORT)
        burst = max(1, int(limits.burst * alone_share))
        self._alone = LocalBucket(limits.rate * alone_share, burst, monotonic=monotonic)
        self._away_until = 0.0
        self._is_alone = False

    def acquire(self, urgent: bool = False) -> None:
        """See `Limiter.acquire`."""
        kind, wait = self._ask(urgent)
        if kind:
            raise RateLimited(f"{self._vendor}: {BECAUSE[kind]}", after=timedelta(seconds=wait))
        if wait > 0:
            self._sleep(wait)

    @contextmanager
    def slot(self, urgent: bool = False) -> Iterator[None]:
        """See `Limiter.slot`. A slot that is not free within a second raises `RateLimited`."""
        token = self._slot(urgent)
        try:
            self.acquire(urgent)
            yield
        finally:
            if token is not None:
                self._give_back(token)

    def pause(self, after: timedelta) -> None:
        """See `Limiter.pause`. A shorter pause never shortens a longer one."""
        milliseconds = max(1, math.ceil(after.total_seconds() * 1000))
        self._alone.pause(after.total_seconds())
        if self._is_away():
            return
        try:
            if int(self._redis.pttl(self._pause_key)) < milliseconds:
                self._redis.set(self._pause_key, "1", px=milliseconds)
        except RedisError as error:
            self._went_away(error)

    def report(self, *, used: int, limit: int | None = None) -> None:
        """See `Limiter.report`."""
        if self._is_away():
            return
        try:
            self._report(keys=[self._day_key], args=[used, "" if limit is None else limit])
        except RedisError as error:
            self._went_away(error)

    def _ask(self, urgent: bool, *, has_paused: bool = False) -> tuple[int, float]:
        if self._is_away():
            return self._ask_alone()
        limits = self._limits
        share = 1.0 if urgent else 1.0 - limits.reserve
        burst = limits.burst if urgent else max(1, int(limits.burst * share))
        daily = -1 if limits.daily is None else limits.daily
        try:
            kind, micros = self._take(
                keys=[self._pause_key, self._tat_key, self._day_key],
                args=[
                    limits.rate,
                    burst,
                    int(LONGEST_WAIT * 1_000_000),
                    daily,
                    share,
                    int(urgent),
                    _micros(limits.recheck),
                    _micros(ASK_AGAIN),
                ],
            )
        except RedisError as error:
            self._went_away(error)
            return self._ask_alone()
        self._came_back()
        if kind == 1 and not has_paused and micros <= LONGEST_WAIT * 1_000_000:
            # A pause that ends within the second is slept out, then the question is asked anew.
            self._sleep(micros / 1_000_000)
            return self._ask(urgent, has_paused=True)
        return int(kind), micros / 1_000_000

    def _ask_alone(self) -> tuple[int, float]:
        wait = self._alone.take(longest=LONGEST_WAIT)
        return (2, wait) if wait > LONGEST_WAIT else (0, wait)

    def _slot(self, urgent: bool) -> str | None:
        limits = self._limits
        if limits.concurrency is None or self._is_away():
            return None
        kept = math.ceil(limits.concurrency * limits.reserve) if limits.concurrency > 1 else 0
        places = limits.concurrency if urgent else max(1, limits.concurrency - kept)
        token = secrets.token_hex(8)
        lease = int(limits.lease.total_seconds() * 1000)
        deadline = self._monotonic() + LONGEST_WAIT
        try:
            while not self._lease(keys=[self._slots_key], args=[places, token, lease]):
                if self._monotonic() >= deadline:
                    raise RateLimited(
                        f"{self._vendor}: all {places} places are taken",
                        after=timedelta(seconds=LONGEST_WAIT),
                    )
                self._sleep(0.05)
        except RedisError as error:
            self._went_away(error)
            return None
        return token

    def _give_back(self, token: str) -> None:
        try:
            self._redis.zrem(self._slots_key, token)
        except RedisError as error:
            self._went_away(error)

    def _is_away(self) -> bool:
        return self._monotonic() < self._away_until

    def _went_away(self, error: RedisError) -> None:
        self._away_until = self._monotonic() + AWAY
        if not self._is_alone:
            self._is_alone = True
            log.warning("limits.alone", vendor=self._vendor, error=type(error).__name__)

    def _came_back(self) -> None:
        if self._is_alone:
            self._is_alone = False
            log.info("limits.shared_again", vendor=self._vendor)


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def impatient(redis: Redis, *, timeout: float = 0.5) -> Redis:
    """The same server through connections that give up after `timeout` seconds.

    One retry, at once, because a kept connection may have died. The library's own retries last for
    seconds, which each call to a vendor would wait for.
    """
    pool = redis.connection_pool
    settings = dict(pool.connection_kwargs) | {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Once(NoBackoff(), 1),
    }
    return Redis(connection_pool=ConnectionPool(pool.connection_class, **settings))


def fingerprint(credential: str) -> str:
    """A short name for a credential that gives nothing away."""
    return hashlib.sha256(credential.encode()).hexdigest()[:12]
