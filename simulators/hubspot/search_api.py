"""Search: late, capped, and with rules of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulators.hubspot.access import require
from simulators.hubspot.calls import Call, Reply
from simulators.hubspot.errors import invalid
from simulators.hubspot.filters import Filters, key_of
from simulators.hubspot.portal import Portal, Record
from simulators.hubspot.schema import ObjectType
from simulators.hubspot.showing import Showing

MOST_ROWS = 10_000
MOST_PER_PAGE = 200
LONGEST_BODY = 3_000


class SearchApi:
    """Answers for `POST /{type}/search` from the index, which lags behind the records."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._filters = Filters(portal)
        self._showing = Showing(portal)

    def answer(self, call: Call, one: ObjectType) -> Reply:
        """One page of what is found; 400 for what search does not take."""
        call.only("POST")
        require(call.grant, one.reads)
        body = call.record()
        if len(json.dumps(body, separators=(",", ":"))) > LONGEST_BODY:
            raise invalid(f"The request body is longer than {LONGEST_BODY} characters")
        limit, after = _paging(body)
        wanted = self._filters.read(one, body.get("filterGroups") or [])
        found = [
            record
            for record in self._portal.indexed(one.name)
            if wanted(record) and _has_words(one, record, body.get("query"))
        ]
        _sort(one, found, body.get("sorts") or [])
        page: dict[str, Any] = {
            "total": len(found),
            "results": [
                self._showing.one(record, body.get("properties") or None)
                for record in found[after : after + limit]
            ],
        }
        if after + limit < len(found):
            page["paging"] = {"next": {"after": str(after + limit), "link": ""}}
        return Reply(200, page)


def _paging(body: Mapping[str, Any]) -> tuple[int, int]:
    limit = int(body.get("limit") or 10)
    if not 1 <= limit <= MOST_PER_PAGE:
        raise invalid(f"limit must be 1 to {MOST_PER_PAGE}, not {limit}")
    text = str(body.get("after") or "0")
    if not text.isdigit():
        raise invalid("There was a problem with the request: after must be a number")
    after = int(text)
    if after + limit > MOST_ROWS:
        raise invalid(f"Search results are capped at {MOST_ROWS}; after + limit goes past that")
    return limit, after


def _has_words(one: ObjectType, record: Record, query: Any) -> bool:
    if not query:
        return True
    text = " ".join(record.values.get(name, "") for name in one.words).lower()
    return all(word in text for word in str(query).lower().split())


def _sort(one: ObjectType, found: list[Record], sorts: list[Any]) -> None:
    if len(sorts) > 1:
        raise invalid("At most one sort is allowed")
    found.sort(key=lambda record: int(record.id))
    for sort in sorts:
        if isinstance(sort, str):
            name, down = sort.removeprefix("-"), sort.startswith("-")
        else:
            name, down = str(sort.get("propertyName")), sort.get("direction") == "DESCENDING"
        definition = one.properties.get(name)
        if definition is None:
            raise invalid(f"There was a problem with the request: no property {name} to sort by")
        having = [record for record in found if record.values.get(name)]
        without = [record for record in found if not record.values.get(name)]
        having.sort(key=lambda record: key_of(definition, record.values[name]), reverse=down)
        found[:] = [*having, *without]
