"""Finds our tasks by their key: by the unique property, or among the tasks of the company."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.hubspot import ids
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.gateway import Gateway, slices
from connectors.hubspot.tasks import TaskFields
from connectors.hubspot.wire import Row
from domain.ports import TaskChange

SEARCHED = 100
"""Tasks of one page of the last resort; more than one with one key is an accident already."""
KEYS_SEARCHED = 5
"""Keys of one search: HubSpot takes five groups of filters (search guide, limits)."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The task of a key; `hangs` where it was read through the company of its change."""

    row: Row
    hangs: bool = False

    @property
    def id(self) -> str:
        """Its record id."""
        return str(self.row["id"])


class TaskLookUp:
    """Tasks by key, from the tables of HubSpot wherever they have them.

    Where the portal keeps the key unique, one call by key. Else the tasks that are associated with
    the company, compared by key; two of one key are made one, the older staying. A task that hangs
    on no company, or did not when it was made, is then in the search index alone.
    """

    def __init__(self, gateway: Gateway, definitions: Definitions, fields: TaskFields) -> None:
        self._gateway = gateway
        self._definitions = definitions
        self._fields = fields

    @property
    def is_unique(self) -> bool:
        """Whether HubSpot itself keeps a second task of one key out."""
        return self._definitions.is_unique(self._fields.key)

    def by_key(self, changes: Sequence[TaskChange], *, urgent: bool) -> dict[str, Found]:
        """The task of each key that has one. `Misconfigured` if the portal has no key property."""
        if not changes:
            return {}
        self._definitions.need(self._fields.key)
        keys = [change.key for change in changes]
        what = f"tasks {keys[0]}" + (f" and {len(keys) - 1} more" if len(keys) > 1 else "")
        if self.is_unique:
            rows = self._gateway.read(
                ids.TASKS,
                keys,
                self._fields.read,
                what=what,
                id_property=self._fields.key,
                urgent=urgent,
            )
            return {str(row["properties"].get(self._fields.key)): Found(row=row) for row in rows}
        hanging = self._among_associated(changes, what=what, urgent=urgent)
        alone = [key for key in keys if key not in hanging]
        found = {key: Found(row=row, hangs=True) for key, row in hanging.items()}
        searched = self._searched(alone, what=what, urgent=urgent)
        return found | {key: Found(row=row) for key, row in searched.items()}

    def _among_associated(
        self, changes: Sequence[TaskChange], *, what: str, urgent: bool
    ) -> dict[str, Row]:
        companies = list(dict.fromkeys(one.account.id for one in changes if one.account))
        if not companies:
            return {}
        linked = self._gateway.linked(ids.COMPANIES, companies, ids.TASKS, what=what, urgent=urgent)
        every = {str(link["toObjectId"]) for links in linked.values() for link in links}
        if not every:
            return {}
        rows = self._gateway.read(
            ids.TASKS, sorted(every), self._fields.read, what=what, urgent=urgent
        )
        return self._one_each(rows, {one.key for one in changes}, what=what)

    def _one_each(self, rows: Sequence[Row], keys: set[str], *, what: str) -> dict[str, Row]:
        """The oldest task of each key; whatever was made beside it is put away."""
        found: dict[str, Row] = {}
        spare: list[str] = []
        for row in sorted(rows, key=_age):
            key = str(row["properties"].get(self._fields.key) or "")
            if key not in keys:
                continue
            if key in found:
                spare.append(str(row["id"]))
            else:
                found[key] = row
        if spare:
            self._gateway.archive(ids.TASKS, spare, what=f"the second of {what}")
        return found

    def _searched(self, keys: Sequence[str], *, what: str, urgent: bool) -> dict[str, Row]:
        """The last resort. Only what the tables still have of it counts: the index lags."""
        seen: list[str] = []
        for some in slices(keys, KEYS_SEARCHED):
            groups = [
                {"filters": [{"propertyName": self._fields.key, "operator": "EQ", "value": key}]}
                for key in some
            ]
            body = {"filterGroups": groups, "properties": [self._fields.key], "limit": SEARCHED}
            said = self._gateway.search(ids.TASKS, body, what=what)
            seen += [str(row["id"]) for row in said.get("results") or []]
        if not seen:
            return {}
        rows = self._gateway.read(ids.TASKS, seen, self._fields.read, what=what, urgent=urgent)
        return self._one_each(rows, set(keys), what=what)


def _age(row: Row) -> tuple[str, int, str]:
    said: Mapping[str, object] = row.get("properties") or {}
    id = str(row["id"])
    return (str(said.get("hs_createdate") or row.get("createdAt") or ""), len(id), id)
