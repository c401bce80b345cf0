"""A few calls at once, for vendors that answer for one record a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def in_parallel(
    function: Callable[[Item], Answer], items: Sequence[Item], *, at_once: int
) -> list[Answer]:
    """`function` of every item, in their order, `at_once` of them at a time.

    What it raises for the first item that fails is raised, and no further item is begun; what was
    begun goes on to its end unheard. Each call sees the caller's context, an open transaction too.
    """
    if len(items) < 2:
        return [function(one) for one in items]
    pool = ThreadPoolExecutor(max_workers=min(at_once, len(items)))
    try:
        waiting = [pool.submit(copy_context().run, function, one) for one in items]
        return [one.result() for one in waiting]
    finally:
        # Not waited for: a job whose time is up must end now.
        pool.shutdown(wait=False, cancel_futures=True)
