"""The portal's property names that a connector needs even where nobody hands it a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DUE_DAY = "kidglove_due"
"""On tasks: the day that we asked for, and the time that it became in its owner's hours."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """Property names as the admin mapped them, by the part that they play."""

    task_key: str
    """On tasks: our key; unique where HubSpot honours that."""
    customer: str
    """On companies: the payment customer (a unique property)."""
    resolution: str = ""
    """On companies: the enumeration in which a person says that the account is in resolution."""
    task_outcome: str | None = None
    watched: tuple[str, ...] = ()
    """On companies: the properties that people write, whose change is news. Empty: every one is."""
    csm: str | None = None
    """On companies: the property of the CSM, where the settings name another than the mapping."""

    def written(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """What people have written on a company, as the vendor's own texts."""
        return {name: properties.get(name) for name in self.watched}
