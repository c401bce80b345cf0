"""Lists what changed since a cursor, by searching fixed windows of time, missing nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.hubspot import ids
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.names import Names
from connectors.hubspot.sweep import PAGE, next_rows
from connectors.hubspot.wire import Row, millis, moment_or_none
from connectors.kit.state import state_digest
from domain.ids import Ref
from domain.ports import Hint, Page

OVERLAP = timedelta(minutes=5)
"""The search index shows a change moments to minutes late; rows in the overlap come again."""
CHANGED = "hs_lastmodifieddate"
TASK_WATCHED = ("hs_task_status", "hubspot_owner_id", "hs_timestamp")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far one kind of record was listed: the window, and the last id that was seen in it."""

    since: datetime | None = None
    until: datetime | None = None
    """The end of a window that is not finished; None before it is begun."""
    after: str | None = None

    def begun(self, now: datetime) -> Mark:
        """The window to list now."""
        return self if self.until is not None else replace(self, until=now, after=None)

    @property
    def filters(self) -> list[dict[str, str]]:
        """The search conditions of the window."""
        assert self.until is not None
        found = [{"propertyName": CHANGED, "operator": "LT", "value": millis(self.until)}]
        if self.since is not None:
            found.append({"propertyName": CHANGED, "operator": "GTE", "value": millis(self.since)})
        return found

    def next(self, rows: Sequence[Row]) -> Mark:
        """The mark behind these rows. At the end of a window the next one begins in its overlap."""
        if len(rows) >= PAGE:
            return replace(self, after=str(rows[-1]["id"]))
        assert self.until is not None
        began = self.until - OVERLAP
        return Mark(since=max(began, self.since) if self.since else began)


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The cursor: a mark for companies and one for our tasks, opaque to everyone else."""

    companies: Mark = Mark()
    tasks: Mark = Mark()

    def text(self) -> str:
        """The cursor as text."""
        return json.dumps({"v": 1, "companies": _said(self.companies), "tasks": _said(self.tasks)})

    @classmethod
    def parsed(cls, text: str | None) -> Marks:
        """The cursor in a text; ValueError for one that is not ours."""
        if text is None:
            return cls()
        said = json.loads(text)
        if not isinstance(said, dict) or said.get("v") != 1:
            raise ValueError("the cursor has another version")
        return cls(companies=_mark(said["companies"]), tasks=_mark(said["tasks"]))


class ChangeLister:
    """`ListsChanges` for HubSpot: two searches a page, one more call if our tasks changed.

    A window of time is listed by id, so that thousands of rows with one stamp are listed once and
    rows that change meanwhile come in the next window. Deleted records are in no search: webhooks
    and the sweep find those.
    """

    def __init__(self, gateway: Gateway, names: Names) -> None:
        self._gateway = gateway
        self._names = names

    def changes(self, cursor: str | None, *, now: datetime) -> Page:
        """See `ListsChanges.changes`."""
        marks = Marks.parsed(cursor)
        # A poll that runs again within the second must not end its window before it begins.
        companies, tasks = marks.companies.begun(now), marks.tasks.begun(now)
        names = self._names
        found = self._rows(
            ids.COMPANIES, companies, names.customer, (*names.watched, "hs_merged_object_ids")
        )
        ours = self._rows(ids.TASKS, tasks, names.task_key, self._task_watched)
        hints = [hint for row in found for hint in self._company_hints(row)]
        hints += self._task_hints(ours)
        marks = Marks(companies=companies.next(found), tasks=tasks.next(ours))
        return Page(
            hints=tuple(hints),
            cursor=marks.text(),
            is_last=marks.companies.until is None and marks.tasks.until is None,
        )

    @property
    def _task_watched(self) -> tuple[str, ...]:
        return (*TASK_WATCHED, *filter(None, (self._names.task_outcome,)))

    def _rows(self, kind: str, mark: Mark, has: str, properties: Sequence[str]) -> list[Row]:
        filters = [{"propertyName": has, "operator": "HAS_PROPERTY"}, *mark.filters]
        wanted = tuple(dict.fromkeys((CHANGED, *properties)))
        return next_rows(
            self._gateway, kind, filters, wanted, after=mark.after, what=f"changed {kind}"
        )

    def _company_hints(self, row: Row) -> list[Hint]:
        watched = self._names.written(row["properties"])
        merged = str(row["properties"].get("hs_merged_object_ids") or "")
        records = [str(row["id"]), *filter(None, merged.split(";"))]
        return [hint_of(row, "company", ids.account(one), watched) for one in records]

    def _task_hints(self, rows: Sequence[Row]) -> list[Hint]:
        """A changed task hints at its companies; one that hangs on none hints at itself."""
        companies = self.companies_of([str(row["id"]) for row in rows])
        found: list[Hint] = []
        for row in rows:
            id = str(row["id"])
            named = {name: row["properties"].get(name) for name in self._task_watched}
            refs = [ids.account(one) for one in companies[id]] or [ids.task(id)]
            found += [hint_of(row, "task", ref, {"id": id, **named}) for ref in refs]
        return found

    def companies_of(self, tasks: Sequence[str]) -> dict[str, list[str]]:
        """The companies that each task hangs on; one call, none for no tasks."""
        if not tasks:
            return {}
        linked = self._gateway.linked(ids.TASKS, tasks, ids.COMPANIES, what="changed tasks")
        return {
            id: list(dict.fromkeys(str(one["toObjectId"]) for one in linked.get(id, [])))
            for id in tasks
        }


def hint_of(row: Row, kind: str, ref: Ref, watched: Mapping[str, Any]) -> Hint:
    """The hint of a changed row; the same state of a row is the same hint."""
    stamp = str(row["properties"].get(CHANGED) or row.get("updatedAt") or "")
    digest = state_digest(watched)
    return Hint(
        ref=ref,
        topic=f"{kind}.changed",
        event_id=f"poll:{row['id']}:{stamp}:{digest}",
        record=str(row["id"]),
        at=moment_or_none(stamp),
        digest=digest if watched else None,
    )


def _said(mark: Mark) -> dict[str, str | None]:
    return {
        "since": mark.since.isoformat() if mark.since else None,
        "until": mark.until.isoformat() if mark.until else None,
        "after": mark.after,
    }


def _mark(said: Mapping[str, str | None]) -> Mark:
    since, until = said["since"], said["until"]
    return Mark(
        since=datetime.fromisoformat(since) if since else None,
        until=datetime.fromisoformat(until) if until else None,
        after=said["after"],
    )
