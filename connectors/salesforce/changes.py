"""Lists what changed since a cursor, by the time stamp that every change moves, missing nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.kit.state import state_digest
from connectors.salesforce import composite, soql
from connectors.salesforce.client import Gateway, Row
from connectors.salesforce.composite import Reply, Sub
from connectors.salesforce.errors import classified
from connectors.salesforce.names import Names
from connectors.salesforce.signals import subject
from domain.ports import Hint, Page

PAGE = 500
"""Rows of one kind in a page: small enough that a crash repeats little, one call all the same."""
OVERLAP = timedelta(minutes=5)
"""Rows become visible seconds to minutes after their stamp; five is what good pipelines keep."""
SETTLED_AFTER = timedelta(minutes=10)
"""Beyond this age nothing new appears, clock differences included, so that an idle org costs no
repeated rows; the overlap still lies before it."""
TASK_WATCHED = ("Status", "IsClosed", "OwnerId", "ActivityDate")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far one kind of record was listed. With `after`, in the middle of equal stamps."""

    at: datetime | None = None
    after: str | None = None

    @property
    def condition(self) -> str:
        """The rows that come next in the order of stamp and id; empty for all."""
        if self.at is None:
            return ""
        stamp = soql.moment(self.at)
        if self.after is None:
            return f"SystemModstamp >= {stamp}"
        return (
            f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND "
            f"Id > {soql.quoted(self.after)}))"
        )

    def next(self, rows: Sequence[Row], *, is_last: bool, now: datetime) -> Mark:
        """The mark behind these rows. At the end of the list it steps back by the overlap."""
        last = soql.parsed_moment(rows[-1]["SystemModstamp"]) if rows else None
        if not is_last:
            return Mark(at=last, after=str(rows[-1]["Id"]))
        seen = max(filter(None, (last, self.at, now - SETTLED_AFTER)))
        stepped = seen - OVERLAP
        return Mark(at=max(stepped, self.at) if self.at and self.after is None else stepped)


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The cursor: a mark for accounts and one for our tasks, opaque to everyone else."""

    accounts: Mark = Mark()
    tasks: Mark = Mark()

    def text(self) -> str:
        """The cursor as text."""
        return json.dumps({"v": 1, "accounts": _said(self.accounts), "tasks": _said(self.tasks)})

    @classmethod
    def parsed(cls, text: str | None) -> Marks:
        """The cursor in a text; ValueError for one that is not ours."""
        if text is None:
            return cls()
        said = json.loads(text)
        if said.get("v") != 1:
            raise ValueError("the cursor has another version")
        return cls(accounts=_mark(said["accounts"]), tasks=_mark(said["tasks"]))


class ChangeLister:
    """`ListsChanges` for Salesforce: one call a page, both kinds in it.

    Rows in the overlap come again with the same `event_id`. Deleted rows are listed too; a merged
    account hints at the survivor as well.
    """

    def __init__(self, gateway: Gateway, names: Names) -> None:
        self._gateway = gateway
        self._names = names

    def changes(self, cursor: str | None, *, now: datetime) -> Page:
        """See `ListsChanges.changes`."""
        marks = Marks.parsed(cursor)
        subs = (
            Sub(reference="a", method="GET", path=self._accounts(marks.accounts)),
            Sub(reference="t", method="GET", path=self._tasks(marks.tasks)),
        )
        said = self._gateway.retry(
            lambda: self._gateway.composite(subs, what="changes"), is_repeatable=True
        )
        accounts, more_accounts = _page(said["a"], "changed accounts")
        tasks, more_tasks = _page(said["t"], "changed tasks")
        marks = replace(
            marks,
            accounts=marks.accounts.next(accounts, is_last=not more_accounts, now=now),
            tasks=marks.tasks.next(tasks, is_last=not more_tasks, now=now),
        )
        found = [hint for row in accounts for hint in self._account_hints(row)]
        found += [self._task_hint(row) for row in tasks]
        return Page(
            hints=tuple(found),
            cursor=marks.text(),
            is_last=not more_accounts and not more_tasks,
        )

    def _accounts(self, mark: Mark) -> str:
        fields = ["Id", "SystemModstamp", "IsDeleted", "MasterRecordId"]
        fields += [soql.name(one) for one in self._names.watched]
        return _listing("Account", fields, f"{soql.name(self._names.customer)} != null", mark)

    def _tasks(self, mark: Mark) -> str:
        key = soql.name(self._names.task_key)
        fields = ["Id", "SystemModstamp", "IsDeleted", "WhatId", "AccountId", *TASK_WATCHED, key]
        if self._names.task_outcome:
            fields.append(soql.name(self._names.task_outcome))
        return _listing("Task", fields, f"{key} != null", mark)

    def _account_hints(self, row: Row) -> list[Hint]:
        records = [str(row["Id"])]
        if row.get("MasterRecordId"):
            records.append(str(row["MasterRecordId"]))
        watched = self._names.written(row)
        return [_hint(row, "Account", one, None, watched) for one in records]

    def _task_hint(self, row: Row) -> Hint:
        what = str(row.get("WhatId") or "")
        account = what if what.startswith("001") else row.get("AccountId")
        watched = {name: row.get(name) for name in ("Id", *TASK_WATCHED)}
        if self._names.task_outcome:
            watched["outcome"] = row.get(self._names.task_outcome)
        return _hint(row, "Task", str(row["Id"]), account, watched)


def _listing(entity: str, fields: Sequence[str], where: str, mark: Mark) -> str:
    conditions = " AND ".join(filter(None, (where, mark.condition)))
    text = soql.select(
        fields, entity, where=conditions, order="SystemModstamp ASC, Id ASC", limit=PAGE
    )
    # queryAll, so that a deletion is seen as a change.
    return composite.query_all(text)


def _page(reply: Reply, what: str) -> tuple[list[Row], bool]:
    """The rows, and whether there may be more. A page that the vendor cut short has more."""
    if not reply.is_done:
        raise classified(reply.status, reply.errors, record=what, is_write=False)
    rows = list(reply.body.get("records") or [])
    return rows, bool(rows) and (len(rows) >= PAGE or not reply.body.get("done", True))


def _hint(
    row: Row, entity: str, record: str, account: str | None, watched: Mapping[str, Any]
) -> Hint:
    is_deleted = bool(row.get("IsDeleted"))
    stamp = str(row["SystemModstamp"])
    digest = state_digest([is_deleted, watched])
    return Hint(
        ref=subject(entity, record, account),
        topic=f"{entity.lower()}.{'deleted' if is_deleted else 'changed'}",
        # VENDOR: stamps are whole seconds (Object Reference, SystemModstamp): without the digest a
        # second edit within one second would look like the first.
        event_id=f"poll:{record}:{stamp}:{digest}",
        record=record,
        at=soql.parsed_moment(stamp),
        digest=digest if watched else None,
    )


def _said(mark: Mark) -> dict[str, str | None]:
    return {"at": mark.at.isoformat() if mark.at else None, "after": mark.after}


def _mark(said: Mapping[str, Any]) -> Mark:
    at = said.get("at")
    return Mark(at=datetime.fromisoformat(at) if at else None, after=said.get("after"))
