"""Fields that are worked out at reading: closed, high priority, account of an activity, names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from simulators.salesforce.org import Org, Row


def value_of(org: Org, object_name: str, row: Row, field: str) -> Any:
    """The value of one field of a row, stored or derived; None when empty."""
    made = _DERIVED.get((object_name, field))
    return row.get(field) if made is None else made(org, row)


def closed_status(org: Org, status: str | None) -> bool:
    """Whether the org's own TaskStatus table calls this status closed."""
    return any(
        one["ApiName"] == status and one.get("IsClosed") for one in org.live["TaskStatus"].values()
    )


def _task_closed(org: Org, row: Row) -> bool:
    return closed_status(org, row.get("Status"))


def _high(org: Org, row: Row) -> bool:
    return any(
        one["ApiName"] == row.get("Priority") and one.get("IsHighPriority")
        for one in org.live["TaskPriority"].values()
    )


def _account_of(org: Org, row: Row) -> str | None:
    what, who = row.get("WhatId"), row.get("WhoId")
    if what is not None and what.startswith("001"):
        return str(what)
    for other in (what, who):
        parent = None if other is None else org.get(other)
        if parent is not None and parent.get("AccountId"):
            return str(parent["AccountId"])
    return None


def _full_name(_: Org, row: Row) -> str:
    return " ".join(part for part in (row.get("FirstName"), row.get("LastName")) if part)


def _event_day(_: Org, row: Row) -> Any:
    start = row.get("StartDateTime")
    return None if start is None else start.date()


def _case_closed(_: Org, row: Row) -> bool:
    return row.get("Status") == "Closed"


def _last_activity(org: Org, row: Row) -> Any:
    return org.remembered("last activity", lambda: _last_activities(org)).get(row["Id"])


def _last_activities(org: Org) -> dict[str | None, date]:
    # VENDOR: the latest due date of a closed task or date of an event; it may lie in the future.
    found: dict[str | None, date] = {}
    seen: list[tuple[str | None, date | None]] = [
        (_account_of(org, task), task.get("ActivityDate"))
        for task in org.live["Task"].values()
        if closed_status(org, task.get("Status"))
    ]
    seen += [(_account_of(org, one), _event_day(org, one)) for one in org.live["Event"].values()]
    for account, day in seen:
        if day is not None:
            found[account] = max(day, found.get(account, day))
    return found


_DERIVED: dict[tuple[str, str], Callable[[Org, Row], Any]] = {
    ("Task", "IsClosed"): _task_closed,
    ("Task", "IsHighPriority"): _high,
    ("Task", "AccountId"): _account_of,
    ("Event", "AccountId"): _account_of,
    ("Event", "ActivityDate"): _event_day,
    ("Case", "IsClosed"): _case_closed,
    ("Contact", "Name"): _full_name,
    ("User", "Name"): _full_name,
    ("Account", "LastActivityDate"): _last_activity,
}
