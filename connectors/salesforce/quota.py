"""The org's daily calls: how many are ours to use, and what is kept for urgent work."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.kit.limits import Limits

URGENT_SHARE = 0.95
"""Beyond this even urgent work stops: the org's people and other integrations need the rest."""
ORDINARY_SHARE = 0.70
"""Where ordinary work stops, so that a VIP's task still goes out on the worst day."""
_USAGE = re.compile(r"(?<![-\w])api-usage=(\d+)/(\d+)")

DEFAULT_LIMITS = Limits(
    rate=20,
    burst=40,
    concurrency=15,
    daily=int(100_000 * URGENT_SHARE),
    reserve=1 - ORDINARY_SHARE / URGENT_SHARE,
)
"""Salesforce limits long calls (25 at once) and the day; the rate here only spares the org.

The day's number holds until the first reply tells the org's own."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The org's calls in the rolling 24 hours, as a reply's header tells them."""

    used: int
    total: int

    @property
    def usable(self) -> int:
        """The calls that we may let the org come to."""
        return int(self.total * URGENT_SHARE)


def budget_of(header: str) -> Budget | None:
    """The budget in a `Sforce-Limit-Info` header (`api-usage=18/5000`), or None."""
    found = _USAGE.search(header)
    return Budget(used=int(found[1]), total=int(found[2])) if found else None
