"""Long looks at live systems, made beside the pages: begun, watched, and found again."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

import structlog

from domain.errors import Bug, KidgloveError, Transient
from jobs.runtime import Runtime

log = structlog.get_logger()
T = TypeVar("T")
PATIENCE_S = 4.0
"""How long a page waits for a work to end before it shows the progress instead."""
KEPT = 100
"""Works that can be found again; older ones are forgotten, what they did is not."""
Progress = Callable[[int], None]
Do = Callable[[Runtime, Progress], str]
"""Does the work and returns the address of the page that shows what came of it."""


@dataclass
class Work:
    """One long look. `seen` counts accounts so far; `back` is the page that it was begun on."""

    what: str
    back: str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    seen: int = 0
    future: Future[str] = field(default_factory=Future)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.future.done()

    @property
    def is_waiting(self) -> bool:
        """Whether another work has to end first."""
        return not self.future.running() and not self.future.done()

    def wait(self, seconds: float) -> None:
        """Until it is over, or so long."""
        try:
            self.future.exception(timeout=seconds)
        except NotYet:
            return

    @property
    def problem(self) -> KidgloveError | None:
        """Why it failed, or None."""
        found = self.future.exception(timeout=0)
        if found is None or isinstance(found, KidgloveError):
            return found
        return Bug("the look failed by a mistake of ours; the log of the console says why")

    @property
    def address(self) -> str:
        """The page that shows what came of it."""
        return self.future.result(timeout=0)


class Works:
    """One at a time, in the order in which they were begun.

    Connectors are for one caller: the works have a runtime of their own, short looks another.
    """

    def __init__(self, runtime: Runtime, *, patience: float = PATIENCE_S) -> None:
        self.patience = patience
        self._runtime = runtime
        self._works: dict[str, Work] = {}
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="console-work")
        self._long: _Kept | None = None
        self._short: _Kept | None = None
        self._lock = Lock()

    def begin(self, what: str, do: Do, *, back: str) -> Work:
        """Begin a work, or put it behind the one that runs."""
        work = Work(what=what, back=back)
        for old in list(self._works)[: max(0, len(self._works) - KEPT)]:
            self._works.pop(old, None)
        self._works[work.id] = work
        work.future = self._pool.submit(self._carry_out, work, do)
        return work

    def get(self, id: str) -> Work | None:
        """A work by its id; None for one that is forgotten."""
        return self._works.get(id)

    @contextmanager
    def look(self) -> Iterator[Runtime]:
        """The live systems for a look of a few calls. `Transient` while somebody else has them."""
        if not self._lock.acquire(timeout=self.patience * 4):
            raise Transient(
                "somebody else is looking at the live systems", remedy="Try again in a moment."
            )
        try:
            self._short = self._as_of_now(self._short)
            yield self._short.runtime
        finally:
            self._lock.release()

    def close(self) -> None:
        """Begin nothing any more, and close what was opened."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for one in (self._long, self._short):
            if one is not None:
                one.runtime.close()

    def _as_of_now(self, kept: _Kept | None) -> _Kept:
        """The kept runtime, or another one: connectors are built by the mapping in force, and the
        console lives for days."""
        with self._runtime.store.begin() as tx:
            label = self._runtime.configs.current(tx, self._runtime.clock.now()).label
        if kept is not None and kept.label == label:
            return kept
        if kept is not None:
            kept.runtime.close()
        return _Kept(twin(self._runtime), label)

    def _carry_out(self, work: Work, do: Do) -> str:
        def progress(seen: int) -> None:
            work.seen = seen

        try:
            self._long = self._as_of_now(self._long)
            return do(self._long.runtime, progress)
        except KidgloveError:
            raise
        except Exception as problem:
            log.error("console.work_failed", what=work.what, error=type(problem).__name__)
            raise


@dataclass(frozen=True)
class _Kept:
    """A runtime, and the versions in force when it was made."""

    runtime: Runtime
    label: str


def twin(runtime: Runtime) -> Runtime:
    """Another runtime over the same servers, settings and time."""
    return Runtime(
        runtime.settings,
        database_url=runtime.database_url,
        redis_url=runtime.redis_url,
        clock=runtime.clock,
    )
