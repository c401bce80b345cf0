"""Typed identifiers: a bare string id never crosses a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

AccountId = NewType("AccountId", int)
"""Our own number for one customer relationship, whatever the vendors call it."""
CaseId = NewType("CaseId", int)
"""Our own number for one payment episode of one account."""


@dataclass(frozen=True, order=True)
class Ref:
    """One record in one outside system: `Ref("salesforce", "account", "001...")`."""

    system: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.system}:{self.kind}:{self.id}"
