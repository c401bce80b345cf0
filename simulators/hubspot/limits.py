"""The limits of an account: calls in ten seconds per app, searches a second, calls a day."""

from __future__ import annotations

import time
from collections import deque

from simulators.hubspot.errors import Refusal
from simulators.hubspot.portal import Portal


class Window:
    """A rolling window. `most` calls fit into `seconds`; `peak` is the fullest it ever was."""

    def __init__(self, portal: Portal, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self.peak = 0
        self.real = True
        """Whether real seconds empty the window too, so that a frozen clock is no dead end."""
        self._portal = portal
        self._calls: deque[tuple[float, float]] = deque()

    def used(self) -> int:
        """Calls in the window now."""
        virtual, real = self._portal.clock.seconds(), time.monotonic()
        while self._calls:
            then, really = self._calls[0]
            passed = max(virtual - then, real - really if self.real else 0.0)
            if passed < self.seconds:
                break
            self._calls.popleft()
        return len(self._calls)

    def take(self) -> bool:
        """Count one call; False, and not counted, when the window is full."""
        used = self.used()
        if used >= self.most:
            return False
        self._calls.append((self._portal.clock.seconds(), time.monotonic()))
        self.peak = max(self.peak, used + 1)
        return True


class Limits:
    """Counts calls and refuses those that are too many.

    `daily` calls fit into a day of the account's zone. `refused` counts the 429s. With
    `retry_after`, a 429 says in that header when to come again; HubSpot does not promise it.
    """

    def __init__(self, portal: Portal) -> None:
        self.daily = 650_000
        self.retry_after = False
        self.refused = 0
        self.total = 0
        self.search = Window(portal, 5, 1.0)
        self._apps: dict[str, Window] = {}
        self._burst = 190
        self._portal = portal
        self._used = 0
        self._day = portal.midnight()

    @property
    def burst(self) -> int:
        """How many calls fit into ten seconds, per app."""
        return self._burst

    @burst.setter
    def burst(self, most: int) -> None:
        self._burst = most
        for window in self._apps.values():
            window.most = most

    def window(self, app_id: str) -> Window:
        """The ten-second window of one app."""
        found = self._apps.get(app_id)
        if found is None:
            found = self._apps[app_id] = Window(self._portal, self._burst, 10.0)
            found.real = self.search.real
        return found

    def only_virtual(self) -> None:
        """Let only the simulated clock empty the windows from now on."""
        self.search.real = False
        for window in self._apps.values():
            window.real = False

    def spend(self, app_id: str, *, search: bool) -> None:
        """Count one call; 429 with the name of the window that is full."""
        if self.used_today() >= self.daily:
            raise self._full("DAILY", "daily", (self._day - self._portal.clock.now()).seconds)
        window = self.search if search else self.window(app_id)
        if not window.take():
            raise (
                self._full("SECONDLY", "secondly", 1)
                if search
                else self._full("TEN_SECONDLY_ROLLING", "ten_secondly_rolling", 10)
            )
        self._used += 1
        self.total += 1

    def used_today(self) -> int:
        """Calls since midnight in the account's zone."""
        if self._portal.clock.now() >= self._day:
            self._used = 0
            self._day = self._portal.midnight()
        return self._used

    def use_up(self, left: int = 0) -> None:
        """Pretend that others in the account made all but `left` of today's calls."""
        self._used = max(self.used_today(), self.daily - left)

    def headers(self, app_id: str, *, kind: str) -> dict[str, str]:
        """What an answer says of the limits; nothing on searches, no daily ones for OAuth."""
        window = self.window(app_id)
        left = max(0, window.most - window.used())
        told = {
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(window.most),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Secondly": str(window.most // 10),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(min(left, window.most // 10)),
        }
        if kind == "service_key":
            told["X-HubSpot-RateLimit-Daily"] = str(self.daily)
            told["X-HubSpot-RateLimit-Daily-Remaining"] = str(
                max(0, self.daily - self.used_today())
            )
        return told

    def _full(self, policy: str, word: str, seconds: int) -> Refusal:
        self.refused += 1
        return limited(policy, word, seconds if self.retry_after else None)


def limited(policy: str, word: str, retry_after: int | None = None) -> Refusal:
    """429 in HubSpot's words; `retry_after` seconds go into the header if given."""
    more: dict[str, object] = {"errorType": "RATE_LIMIT", "policyName": policy}
    if retry_after is not None:
        more["_headers"] = {"Retry-After": str(max(1, retry_after))}
    return Refusal(429, "RATE_LIMITS", f"You have reached your {word} limit.", more=more)
