"""What the portal says its properties are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.hubspot.gateway import Gateway
from connectors.hubspot.wire import Row, typed
from domain.errors import Misconfigured

KEPT_FOR = timedelta(hours=1)
"""An admin adds a property about once a month; one call an hour is cheap."""
MISSED_FOR = timedelta(minutes=1)
"""How long a definition that was not found is believed missing."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One property: its type, whether it is unique and writable, and its options' values."""

    name: str
    type: str
    field_type: str = ""
    is_unique: bool = False
    is_read_only: bool = False
    options: tuple[str, ...] = ()


class Definitions:
    """The definitions of one kind of record, read when first needed and kept for an hour."""

    def __init__(self, gateway: Gateway, kind: str, *, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._kind = kind
        self._now = now
        self._kept: tuple[datetime, Mapping[str, Definition]] | None = None

    def current(self) -> Mapping[str, Definition]:
        """The definitions by name."""
        if self._kept is None or self._now() - self._kept[0] >= KEPT_FOR:
            rows = self._gateway.properties(self._kind)
            self._kept = (self._now(), {one.name: one for one in map(_definition, rows)})
        return self._kept[1]

    def refresh(self) -> None:
        """Read anew what is older than a minute, for who misses something that may be new."""
        if self._kept is not None and self._now() - self._kept[0] >= MISSED_FOR:
            self._kept = None

    def need(self, *names: str) -> None:
        """`Misconfigured`, naming the first that the portal does not have or does not show us.

        # VENDOR: a read of an unknown property does not fail, the property is left out (object
        APIs, batch read); so nobody would notice.
        """
        wanted = [name for name in names if name]
        if any(name not in self.current() for name in wanted):
            self.refresh()
        present = self.current()
        for name in wanted:
            if name not in present:
                raise Misconfigured(
                    f"the HubSpot property {self._kind}.{name} does not exist or is hidden from us",
                    row=name,
                    remedy="Run `kidglove hubspot setup`, which creates what is missing, or map "
                    "the property that the portal uses.",
                )

    def is_unique(self, name: str) -> bool:
        """Whether HubSpot keeps two records from having the same value."""
        found = self.current().get(name)
        return found is not None and found.is_unique

    def type_of(self, name: str) -> str:
        """A property's type; that of a text for one that is not known."""
        found = self.current().get(name)
        return found.type if found else "string"

    def understood(self, name: str, text: Any) -> Any:
        """A property's value as read, in its own type; None where there is none."""
        if text is None or text == "":
            return None
        return typed(str(text), self.type_of(name))


def _definition(row: Row) -> Definition:
    can = row.get("modificationMetadata") or {}
    return Definition(
        name=str(row["name"]),
        type=str(row.get("type") or "string"),
        field_type=str(row.get("fieldType") or ""),
        is_unique=bool(row.get("hasUniqueValue")),
        is_read_only=bool(can.get("readOnlyValue") or row.get("calculated")),
        options=tuple(str(one.get("value")) for one in row.get("options") or ()),
    )
