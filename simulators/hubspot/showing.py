"""Records as the API answers them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulators.hubspot.portal import Portal, Record, Version
from simulators.hubspot.schema import ObjectType, iso


class Showing:
    """Turns records into wire form for one reader."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def one(
        self,
        record: Record,
        properties: Iterable[str] | None,
        *,
        history: Iterable[str] = (),
        trace: str | None = None,
    ) -> dict[str, Any]:
        """A record with the asked properties and those that always come.

        What is defined and unset is null, what is not defined is left out without a word.
        """
        kind = self._portal.types[record.type]
        asked = kind.shown if properties is None else tuple(properties)
        names = [name for name in dict.fromkeys((*kind.always, *asked)) if name in kind.properties]
        shown: dict[str, Any] = {
            "id": record.id,
            "properties": {name: record.values.get(name) or None for name in sorted(names)},
            "createdAt": iso(record.created),
            "updatedAt": iso(record.updated),
            "archived": record.archived_at is not None,
            "url": self.url(record),
        }
        if record.archived_at is not None:
            shown["archivedAt"] = iso(record.archived_at)
        told = [name for name in history if name in kind.properties]
        if told:
            shown["propertiesWithHistory"] = {
                name: [_version(one) for one in record.history.get(name, ())] for name in told
            }
        if trace is not None:
            shown["objectWriteTraceId"] = trace
        return shown

    def written(self, record: Record, trace: str | None = None) -> dict[str, Any]:
        """A record as a write answers it: every property that has a value."""
        shown = self.one(record, record.values, trace=trace)
        kept = {name: text for name, text in shown["properties"].items() if text is not None}
        return {**shown, "properties": kept}

    def linked(self, record: Record, target: ObjectType) -> dict[str, Any]:
        """The `associations` of a single read, for one kind of target: the first page of them."""
        rows: list[dict[str, Any]] = []
        known = self._portal.links.types.get((record.type, target.name), {})
        source = self._portal.types[record.type]
        for (_, id), types in self._portal.links.of(record.end, target.name).items():
            for type_id in sorted(types):
                label = known[type_id].label
                kind = f"{source.singular}_to_{target.singular}"
                rows.append(
                    {"id": id, "type": kind if label is None else f"{kind}_{label.lower()}"}
                )
        most = self._portal.links.page_size
        shown: dict[str, Any] = {"results": rows[:most]}
        if len(rows) > most:
            shown["paging"] = {"next": {"after": str(most), "link": ""}}
        return shown

    def url(self, record: Record) -> str:
        """The record's page for people."""
        type_id = self._portal.types[record.type].id
        portal = self._portal.portal_id
        return f"https://app.hubspot.com/contacts/{portal}/record/{type_id}/{record.id}"


def _version(one: Version) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "value": one.value,
        "timestamp": iso(one.at),
        "sourceType": one.source.type,
        "sourceId": one.source.id,
    }
    if one.source.label is not None:
        shown["sourceLabel"] = one.source.label
    if one.source.user_id is not None:
        shown["updatedByUserId"] = one.source.user_id
    return shown
