"""The whole world as one canonical value, so that two histories can be compared."""

from __future__ import annotations

import json
from typing import Any

from simulators.salesforce.org import Org, Row
from simulators.salesforce.people import Stage
from simulators.salesforce.values import from_python

_STAMPS = {
    "CreatedDate",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
    "CompletedDateTime",
    "ClosedDate",
}
_UNNAMED = ("Task", "Event", "Case", "QueueSobject", "TaskStatus", "TaskPriority")


def picture(org: Org, stage: Stage, *, volatile: bool = True) -> dict[str, Any]:
    """`{"live": {object: {id: row}}, "deleted": {...}, "feed": [...]}` in wire form.

    With `volatile=False` the stamps go, and so do the ids of rows that requests make (tasks,
    events, cases, feed items): those rows are named by their content instead.
    """
    with org.lock:
        made: dict[str, Any] = {}
        for part, tables in (("live", org.live), ("deleted", org.bin)):
            made[part] = {}
            for name in sorted(tables):
                rows = [stage.shown(name, row) for row in tables[name].values()]
                made[part][name] = _plain(name, rows) if not volatile else _by_id(rows)
        made["feed"] = [
            {key: from_python(value) for key, value in item.items() if volatile or key[-2:] != "Id"}
            for item in org.feed
        ]
    if not volatile:
        for item, kept in zip(made["feed"], org.feed, strict=True):
            item.pop("CreatedDate")
            item["ParentId"] = kept["ParentId"]
        made["feed"].sort(key=_key)
    return made


def _by_id(rows: list[Row]) -> dict[str, Row]:
    return {row["Id"]: row for row in sorted(rows, key=lambda row: str(row["Id"]))}


def _plain(name: str, rows: list[Row]) -> dict[str, Row]:
    kept = [{key: value for key, value in row.items() if key not in _STAMPS} for row in rows]
    if name not in _UNNAMED:
        return _by_id(kept)
    for row in kept:
        del row["Id"]
    kept.sort(key=_key)
    return {f"{name} {place}": row for place, row in enumerate(kept, 1)}


def _key(row: Row) -> str:
    return json.dumps(row, sort_keys=True)
