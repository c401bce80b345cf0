"""Rate limits that are really enforced, on the virtual clock. Off until a number is set."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.stripe.endpoints import Endpoint
from simulators.stripe.errors import rate_limited


@dataclass
class Limits:
    """Requests per virtual second; None means no limit. Stripe: 100 live or 25 sandbox, 25, 20."""

    per_account: int | None = None
    per_endpoint: int | None = None
    search: int | None = None
    _second: int = 0
    _counts: dict[str, int] = field(default_factory=dict)

    def take(self, endpoint: Endpoint, now: int) -> None:
        """Count one request; raises 429 with the reason header when it is one too many."""
        if now != self._second:
            self._second = now
            self._counts.clear()
        self._count("", self.per_account, "global-rate")
        name = f"{endpoint.method} {endpoint.path}"
        self._count(name, self.per_endpoint, "endpoint-rate")
        if endpoint.path.endswith("/search"):
            self._count("search", self.search, "endpoint-rate")

    def _count(self, name: str, limit: int | None, reason: str) -> None:
        used = self._counts.get(name, 0)
        if limit is not None and used >= limit:
            raise rate_limited(reason)
        self._counts[name] = used + 1
