"""Small instruments of the checks: a limiter that counts, a reader of changes, both at once."""

from __future__ import annotations

import math
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from connectors.kit.bucket import LocalBucket
from connectors.kit.limits import Limits, Unlimited
from domain.errors import KidgloveError, RateLimited
from domain.ids import Ref
from domain.ports import Hint
from simulators.clock import SimClock
from tests.conformance.stage import Stage

T = TypeVar("T")


class Counting(Unlimited):
    """A limiter that counts what passes, closes after `most`, and remembers the pauses."""

    def __init__(self, most: int | None = None) -> None:
        self.passed = 0
        self.pauses: list[timedelta] = []
        self._most = most
        self._lock = threading.Lock()

    def acquire(self, urgent: bool = False) -> None:
        """Count one, or refuse it."""
        with self._lock:
            if self._most is not None and self.passed >= self._most:
                raise RateLimited("the rate is used up", after=timedelta(minutes=1))
            self.passed += 1

    @contextmanager
    def slot(self, urgent: bool = False) -> Iterator[None]:
        """Count one, or refuse it."""
        self.acquire(urgent)
        yield

    def pause(self, after: timedelta) -> None:
        """Remember it."""
        self.pauses.append(after)


class Virtual(Counting):
    """The stated limits on the simulated clock, which moves where a worker would wait."""

    def __init__(self, limits: Limits, clock: SimClock) -> None:
        super().__init__()
        self._clock = clock
        self._bucket = LocalBucket(limits.rate, limits.burst, monotonic=clock.seconds)

    def beside(self, limits: Limits) -> Virtual:
        """A second limit on the same clock, whose pauses count as this one's."""
        other = Virtual(limits, self._clock)
        other.pauses = self.pauses
        return other

    def acquire(self, urgent: bool = False) -> None:
        """Wait for one's turn."""
        super().acquire(urgent)
        self._clock.advance(timedelta(seconds=self._bucket.take(longest=math.inf)))


class Poller:
    """Polls to the end each time and keeps what is new by event id, as the inbox does."""

    def __init__(self, vendor: Stage) -> None:
        self._vendor = vendor
        self._connector = vendor.connector()
        self.cursor: str | None = None
        self.seen: set[str] = set()
        self.digests: dict[str, str | None] = {}

    def page(self, *, skew: timedelta = timedelta()) -> tuple[list[Hint], bool]:
        """The new hints of one page, and whether it was the last."""
        page = self._connector.changes(self.cursor, now=self._vendor.clock.now() + skew)
        self.cursor = page.cursor
        fresh = [hint for hint in page.hints if hint.event_id not in self.seen]
        self.seen |= {hint.event_id for hint in fresh}
        return fresh, page.is_last

    def poll(self, *, skew: timedelta = timedelta()) -> list[Hint]:
        """The new hints up to the present."""
        found: list[Hint] = []
        is_last = False
        while not is_last:
            fresh, is_last = self.page(skew=skew)
            found += fresh
        return found

    def news(self, keys: Sequence[str]) -> list[Hint]:
        """Those of a poll that are no echo of a write under `keys` and say something new."""
        found = [
            hint
            for hint in self.poll()
            if hint.echo_of not in keys
            and (hint.digest is None or self.digests.get(_subject(hint)) != hint.digest)
        ]
        self.digests |= {_subject(hint): hint.digest for hint in found}
        return found


def refs(hints: Sequence[Hint]) -> set[Ref]:
    """What the hints say to look at."""
    return {hint.ref for hint in hints}


def together(connectors: Sequence[Any], work: Callable[[Any], T]) -> list[T | KidgloveError]:
    """The answers of several workers that begin in the same moment."""
    barrier = threading.Barrier(len(connectors))

    def run(connector: Any) -> T | KidgloveError:
        barrier.wait()
        return answer(lambda: work(connector))

    with ThreadPoolExecutor(len(connectors)) as pool:
        return list(pool.map(run, connectors))


def answer(call: Callable[[], T]) -> T | KidgloveError:
    """What a call answers, or the expected failure that it raises."""
    try:
        return call()
    except KidgloveError as error:
        return error


def everything_said(error: BaseException) -> str:
    """All that an error and its causes would put into a log."""
    remedy = error.remedy if isinstance(error, KidgloveError) else ""
    return "\n".join([repr(error), remedy, *traceback.format_exception(error)])


def _subject(hint: Hint) -> str:
    """Whose digest it is: the record, or the object that the digest itself begins with."""
    return hint.record or (hint.digest or "").rpartition(":")[0] or str(hint.ref)
