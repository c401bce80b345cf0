"""The clock port: the only way the product learns what time it is."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is, aware UTC. Real in production, virtual in tests and the demo."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        ...
