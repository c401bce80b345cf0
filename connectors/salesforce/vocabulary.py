"""The org's own words for open, closed and urgent tasks: data of the org, never of this code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.salesforce import composite, soql
from connectors.salesforce.client import Gateway, Row
from connectors.salesforce.composite import Reply, Sub
from connectors.salesforce.errors import classified
from domain.errors import Misconfigured

KEPT_FOR = timedelta(hours=1)
"""An admin renames a status about once a year; one call an hour is cheap insurance."""

_STATUS = soql.select(
    ("MasterLabel", "IsClosed", "IsDefault", "SortOrder"), "TaskStatus", order="SortOrder ASC"
)
_PRIORITY = soql.select(
    ("MasterLabel", "IsHighPriority", "IsDefault", "SortOrder"),
    "TaskPriority",
    order="SortOrder ASC",
)


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Which picklist value to write. A priority of None is left to the org's default."""

    open: str
    closed: str
    high: str | None = None
    normal: str | None = None


class TaskWords:
    """The vocabulary of one org, read when first needed and kept for an hour."""

    def __init__(self, gateway: Gateway, *, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._now = now
        self._kept: tuple[datetime, Vocabulary] | None = None

    def current(self) -> Vocabulary:
        """The words now. `Misconfigured` if the org has no closed or no open status for tasks."""
        if self._kept is None or self._now() - self._kept[0] >= KEPT_FOR:
            self._kept = (self._now(), self._read())
        return self._kept[1]

    def _read(self) -> Vocabulary:
        subs = (
            Sub(reference="status", method="GET", path=composite.query(_STATUS)),
            Sub(reference="priority", method="GET", path=composite.query(_PRIORITY)),
        )
        said = self._gateway.retry(
            lambda: self._gateway.composite(subs, what="task statuses", urgent=True),
            is_repeatable=True,
        )
        described = self._gateway.describe("Task")
        return understood(
            _rows(said["status"], "task statuses"),
            said["priority"].body["records"] if said["priority"].is_done else [],
            described,
        )


def understood(
    statuses: Sequence[Row], priorities: Sequence[Row], described: Mapping[str, Any]
) -> Vocabulary:
    """The vocabulary in the two tables, in the values that the describe allows."""
    closed = [one for one in statuses if one.get("IsClosed")]
    living = [one for one in statuses if not one.get("IsClosed")]
    if not closed or not living:
        raise Misconfigured(
            f"the org has no {'open' if closed else 'closed'} status for tasks",
            row="TaskStatus",
            remedy="Add one in Setup, Object Manager, Task, Fields, Status.",
        )
    high = [one for one in priorities if one.get("IsHighPriority")]
    normal = [one for one in priorities if one.get("IsDefault") and not one.get("IsHighPriority")]
    statuses_allowed = _allowed(described, "Status")
    priorities_allowed = _allowed(described, "Priority")
    return Vocabulary(
        open=_value(_preferred(living), statuses_allowed),
        closed=_value(_preferred(closed), statuses_allowed),
        high=_value(high[0], priorities_allowed) if high else None,
        normal=_value(normal[0], priorities_allowed) if normal else None,
    )


def _preferred(rows: Sequence[Row]) -> Row:
    return next((one for one in rows if one.get("IsDefault")), rows[0])


def _value(row: Row, allowed: Mapping[str, str]) -> str:
    # VENDOR: the tables know labels, a record wants values; after a rename the two differ
    # (Object Reference, TaskStatus.MasterLabel).
    label = str(row["MasterLabel"])
    return allowed.get(label, label)


def _allowed(described: Mapping[str, Any], field: str) -> dict[str, str]:
    for one in described.get("fields") or []:
        if one.get("name") == field:
            values = one.get("picklistValues") or []
            return {str(value.get("label")): str(value.get("value")) for value in values}
    return {}


def _rows(reply: Reply, what: str) -> list[Row]:
    if not reply.is_done:
        raise classified(reply.status, reply.errors, record=what, is_write=False)
    return list(reply.body["records"])
