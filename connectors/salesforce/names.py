"""The org's field names that a connector needs even where nobody hands it a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Names:
    """Field names as the admin mapped them, by the part that they play."""

    task_key: str
    """On Task: our unique key (an external id)."""
    customer: str
    """On Account: the payment customer (an external id)."""
    resolution: str = ""
    """On Account: the picklist in which a person says that the account is in resolution."""
    task_outcome: str | None = None
    watched: tuple[str, ...] = ()
    """On Account: the fields that people write, whose change is news. Empty: every change is."""

    def written(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What people have written on an account, as the vendor tells it."""
        return {name: at_path(row, name) for name in self.watched}


def at_path(row: Mapping[str, Any], path: str) -> Any:
    """The value under a dotted path; None where the path ends early."""
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
