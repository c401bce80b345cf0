"""Faults on a dial: what a simulated vendor does wrong, armed per test or over HTTP."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Harm(StrEnum):
    """What happens to a request that a fault matches."""

    STATUS = "status"
    """Answer `status` with `body` (the vendor's own error shape if None) without acting."""
    STATUS_AFTER = "status_after"
    """Act, then answer `status` all the same: the caller cannot know."""
    TIMEOUT_BEFORE = "timeout_before"
    """Never act; hold the connection for `seconds`, then close it."""
    TIMEOUT_AFTER = "timeout_after"
    """Act, then hold the connection for `seconds` and close it without an answer."""
    RESET_BEFORE = "reset_before"
    """Close the connection without acting."""
    RESET_AFTER = "reset_after"
    """Act, then close the connection without an answer."""
    HTML = "html"
    """Answer `status` with an HTML page, as a proxy in front of the vendor would."""
    SLOW = "slow"
    """Wait `seconds`, then behave."""
    VENDOR = "vendor"
    """A fault only this vendor has; `body["name"]` names it (see the vendor's README)."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One armed fault. `times` counts down; None means until cleared."""

    harm: Harm
    method: str = ".*"
    path: str = ".*"
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0
    skip: int = 0
    times: int | None = 1
    share: float = 1.0

    def matches(self, method: str, path: str) -> bool:
        """Whether this fault is for that request (regular expressions, whole match)."""
        return bool(re.fullmatch(self.method, method) and re.fullmatch(self.path, path))


class FaultDial:
    """The armed faults of one vendor; `draw` takes at most one per request, oldest first."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._random = random.Random(seed)

    def arm(self, fault: Fault) -> None:
        """Add a fault behind those already armed."""
        with self._lock:
            self._armed.append(fault)

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._armed.clear()

    def armed(self) -> list[Fault]:
        """What is armed now."""
        with self._lock:
            return list(self._armed)

    def draw(self, method: str, path: str) -> Fault | None:
        """The fault that hits this request, or None; counts it off."""
        with self._lock:
            for place, fault in enumerate(self._armed):
                if not fault.matches(method, path):
                    continue
                if fault.skip > 0:
                    self._armed[place] = replace(fault, skip=fault.skip - 1)
                    continue
                if self._random.random() >= fault.share:
                    continue
                if fault.times is not None:
                    if fault.times <= 1:
                        del self._armed[place]
                    else:
                        self._armed[place] = replace(fault, times=fault.times - 1)
                return fault
            return None
