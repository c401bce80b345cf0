"""The whole world as one canonical value, so that two histories can be compared."""

from __future__ import annotations

import json
from typing import Any

from simulators.hubspot.portal import Portal, Record

_UNNAMED = ("tasks", "notes", "calls", "emails", "meetings", "tickets")
_STAMPS = {
    "createdate",
    "hs_createdate",
    "hs_lastmodifieddate",
    "lastmodifieddate",
    "hs_task_completion_date",
    "hs_object_source",
    "hs_object_source_id",
    "hubspot_owner_assigneddate",
    "notes_last_updated",
    "hs_last_sales_activity_timestamp",
}


def picture(portal: Portal, *, volatile: bool = True) -> dict[str, Any]:
    """`{"live": {type: {id: record}}, "archived": {...}}`; a record is its values and its links.

    With `volatile=False` the stamps go, and so do the ids of records that requests make (tasks,
    notes, tickets, calls and the like): those are named by their content instead.
    """
    with portal.lock:
        made: dict[str, Any] = {"live": {}, "archived": {}}
        for type_name in sorted(portal.records):
            records = list(portal.records[type_name].values())
            for part, gone in (("live", False), ("archived", True)):
                kept = [one for one in records if (one.archived_at is not None) == gone]
                shown = {one.id: _shown(portal, one, volatile) for one in kept}
                if not volatile and type_name in _UNNAMED:
                    plain = sorted(shown.values(), key=_key)
                    shown = {f"{type_name} {place}": one for place, one in enumerate(plain, 1)}
                made[part][type_name] = dict(sorted(shown.items()))
    return made


def _shown(portal: Portal, record: Record, volatile: bool) -> dict[str, Any]:
    unnamed = not volatile and record.type in _UNNAMED
    values = {
        name: text
        for name, text in sorted(record.values.items())
        if text and (volatile or name not in _STAMPS) and not (unnamed and name == "hs_object_id")
    }
    if not volatile:
        pinned = values.pop("hs_pinned_engagement_id", None)
        values |= {} if pinned is None else {"hs_pinned_engagement_id": "(pinned)"}
    links = [
        [end[0], end[1], sorted(ids)]
        for end, ids in portal.links.of(record.end).items()
        if volatile or end[0] not in _UNNAMED
    ]
    return {"properties": values, "links": sorted(links)}


def _key(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)
