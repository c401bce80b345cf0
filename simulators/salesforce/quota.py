"""The daily call allowance, over a rolling day of the org's clock."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from simulators.salesforce.errors import Refusal
from simulators.salesforce.org import Org

_DAY = timedelta(days=1)


class Quota:
    """Counts calls. `most` is the allowance; `total` never goes down."""

    def __init__(self, org: Org) -> None:
        self.most = 15_000
        self.total = 0
        self._org = org
        self._calls: deque[datetime] = deque()

    def spend(self) -> None:
        """Count one call; 403 REQUEST_LIMIT_EXCEEDED when the day's allowance is gone."""
        if self.used() >= self.most:
            raise total_exceeded()
        self._calls.append(self._org.clock.now())
        self.total += 1

    def use_up(self, left: int = 0) -> None:
        """Pretend that others in the org spent all but `left` calls just now."""
        now = self._org.clock.now()
        self._calls.extend([now] * max(0, self.most - left - self.used()))

    def used(self) -> int:
        """Calls in the last 24 hours."""
        now = self._org.clock.now()
        while self._calls and now - self._calls[0] >= _DAY:
            self._calls.popleft()
        return len(self._calls)

    def header(self) -> str:
        """The value of `Sforce-Limit-Info`."""
        return f"api-usage={self.used()}/{self.most}"

    def limits(self) -> dict[str, dict[str, int]]:
        """The body of the limits resource."""
        return {
            "DailyApiRequests": {"Max": self.most, "Remaining": max(0, self.most - self.used())},
            "DailyBulkApiBatches": {"Max": 15000, "Remaining": 15000},
            "DailyDeliveredPlatformEvents": {"Max": 10000, "Remaining": 10000},
            "DataStorageMB": {"Max": 5, "Remaining": 5},
            "HourlyPublishedPlatformEvents": {"Max": 50000, "Remaining": 50000},
        }


def total_exceeded() -> Refusal:
    """The daily text."""
    return Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def concurrency_exceeded() -> Refusal:
    """The text of too many long calls at once."""
    return Refusal(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.")
