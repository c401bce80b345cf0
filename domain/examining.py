"""How a vendor's part examines itself, for the people who run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Health(StrEnum):
    """One line of the doctor."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check with its answer and the remedy. UNKNOWN is for what only a person can confirm."""

    check: str
    health: Health
    detail: str
    remedy: str = ""


class Examines(Protocol):
    """Examines its own credential, permissions, versions and schema without changing anything."""

    def examine(self) -> Sequence[Finding]:
        """Every check of this vendor; never raises, a failed check is a finding."""
        ...
