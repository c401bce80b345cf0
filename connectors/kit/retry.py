"""The short retry: a few tries within seconds, only where a second try is harmless."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity import stop_before_delay as stop_before

from domain.errors import OutcomeUnknown, RateLimited, Transient

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often, how long, how patiently. Longer waits belong to the store, which survives us."""

    tries: int = 3
    within: timedelta = timedelta(seconds=10)
    """No try starts later than this: a worker that sleeps is a worker that helps nobody."""
    first: timedelta = timedelta(milliseconds=400)
    """Long enough for a lock or a one-second window to pass, doubled each time."""


class Retry:
    """Repeats a call whose failure is worth a second try at once, and raises the last error.

    - `Transient` (certainly did nothing) is repeated, whatever the call was.
    - `OutcomeUnknown` is repeated only if the call is repeatable: it carries a key that the vendor
      honours, so that the second try cannot act twice.
    - `RateLimited` is repeated if the vendor's wait fits into the policy, after that wait.

    Everything else is raised at once.
    """

    def __init__(
        self, policy: RetryPolicy | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._policy = policy or RetryPolicy()
        self._sleep = sleep

    def __call__(self, call: Callable[[], T], *, is_repeatable: bool) -> T:
        """The call's result, or its last error."""
        retrying = Retrying(
            retry=retry_if_exception(lambda error: self._is_worth(error, is_repeatable)),
            stop=stop_after_attempt(self._policy.tries)
            | stop_before(self._policy.within.total_seconds()),
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(call)

    def _is_worth(self, error: BaseException, is_repeatable: bool) -> bool:
        if isinstance(error, RateLimited):
            return error.after is None or error.after < self._policy.within
        if isinstance(error, OutcomeUnknown):
            return is_repeatable
        return isinstance(error, Transient)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        own = self._policy.first.total_seconds() * float(2 ** (state.attempt_number - 1))
        told = (
            error.after.total_seconds() if isinstance(error, RateLimited) and error.after else 0.0
        )
        # Half to full: workers that failed together must not come back together.
        return max(told, own * random.uniform(0.5, 1.0))
