"""What people do in the org: the admin who sets the stage, and CSMs who work on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from simulators.salesforce.derived import value_of
from simulators.salesforce.errors import Refusal
from simulators.salesforce.ids import full_id
from simulators.salesforce.org import Org, Row, Work
from simulators.salesforce.values import from_python
from simulators.salesforce.writing import Writing


class Person:
    """One user at the keyboard. Rules and restricted picklists bind people too; FLS does not."""

    def __init__(self, org: Org, writing: Writing, user: str) -> None:
        self.user_id = user
        self._org = org
        self._writing = writing

    def create(self, object_name: str, fields: Mapping[str, Any]) -> str:
        """Create a row; returns its id."""
        with self._org.transaction():
            one = self._org.schema[object_name]
            return self._writing.create(one, _wire(fields), Work(self.user_id))

    def update(self, object_name: str, id: str, fields: Mapping[str, Any]) -> None:
        """Edit a row."""
        with self._org.transaction():
            one = self._org.schema[object_name]
            self._writing.update(one, id, _wire(fields), Work(self.user_id))

    def delete(self, object_name: str, id: str) -> None:
        """Delete a row and what hangs on it."""
        with self._org.transaction():
            self._writing.delete(self._org.schema[object_name], id, Work(self.user_id))

    def complete_task(self, id: str, outcome: str | None = None) -> None:
        """Close a task with the org's first closed status, and log an outcome if given."""
        rows = sorted(self._org.live["TaskStatus"].values(), key=lambda row: row["SortOrder"])
        closed = next(row["ApiName"] for row in rows if row.get("IsClosed"))
        fields = {"Status": closed}
        if outcome is not None:
            fields["Dunning_Outcome__c"] = outcome
        self.update("Task", id, fields)

    def merge_accounts(
        self, winner: str, loser: str, keep: Mapping[str, Any] | None = None
    ) -> None:
        """Merge two Accounts; `keep` are values taken over from the loser."""
        with self._org.transaction():
            self._writing.merge(winner, loser, _wire(keep or {}), Work(self.user_id))


class Stage:
    """Sets up users, queues and records, as an admin with every permission.

    Field values are Python values (date, aware datetime, Decimal, None) or wire values; audit
    fields such as CreatedDate may be given. Each `add_` returns the new 18-character id.
    """

    def __init__(self, org: Org, writing: Writing) -> None:
        self._org = org
        self._writing = writing
        self.admin = ""

    def person(self, user_id: str) -> Person:
        """The user at the keyboard."""
        found = full_id(user_id)
        if found is None or found not in self._org.live["User"]:
            raise KeyError(f"no user {user_id}")
        return Person(self._org, self._writing, found)

    def add_user(
        self,
        name: str,
        *,
        active: bool = True,
        manager: str | None = None,
        zone: str = "America/New_York",
        email: str | None = None,
        title: str | None = None,
        id: str | None = None,
        **fields: Any,
    ) -> str:
        """A user; the last word of `name` is the last name."""
        first, _, last = name.rpartition(" ")
        mail = email or f"{_slug(name, '.').lower()}@example.com"
        return self._add(
            "User",
            id,
            {
                "FirstName": first or None,
                "LastName": last,
                "Username": mail,
                "Email": mail,
                "IsActive": active,
                "ManagerId": manager,
                "TimeZoneSidKey": zone,
                "Title": title,
                **fields,
            },
        )

    def add_account(self, name: str, *, owner: str, id: str | None = None, **fields: Any) -> str:
        """An account owned by a user."""
        return self._add("Account", id, {"Name": name, "OwnerId": owner, **fields})

    def add_contact(
        self,
        account: str,
        first: str | None,
        last: str,
        email: str | None = None,
        *,
        id: str | None = None,
        **fields: Any,
    ) -> str:
        """A contact of an account."""
        base = {"AccountId": account, "FirstName": first, "LastName": last, "Email": email}
        return self._add("Contact", id, {**base, **self._owner_of(account), **fields})

    def add_case(
        self,
        account: str,
        subject: str,
        *,
        status: str = "New",
        priority: str = "Medium",
        contact: str | None = None,
        id: str | None = None,
        **fields: Any,
    ) -> str:
        """A support case of an account."""
        base = {"AccountId": account, "Subject": subject, "Status": status}
        base |= {"Priority": priority, **self._owner_of(account)}
        return self._add("Case", id, {**base, "ContactId": contact, **fields})

    def add_event(
        self,
        account: str,
        subject: str,
        *,
        start: datetime,
        minutes: int = 30,
        owner: str | None = None,
        contact: str | None = None,
        id: str | None = None,
        **fields: Any,
    ) -> str:
        """A meeting about an account."""
        base = {
            "WhatId": account,
            "WhoId": contact,
            "Subject": subject,
            "StartDateTime": start,
            "EndDateTime": start + timedelta(minutes=minutes),
            "DurationInMinutes": minutes,
            **self._owner_of(account, owner),
        }
        return self._add("Event", id, {**base, **fields})

    def add_task(
        self,
        account: str | None,
        subject: str,
        *,
        owner: str | None = None,
        due: date | None = None,
        status: str | None = None,
        contact: str | None = None,
        id: str | None = None,
        **fields: Any,
    ) -> str:
        """A task that somebody made by hand."""
        base: Row = {"WhatId": account, "WhoId": contact, "Subject": subject, "ActivityDate": due}
        if status is not None:
            base["Status"] = status
        return self._add("Task", id, {**base, **self._owner_of(account, owner), **fields})

    def add_queue(
        self, name: str, objects: Iterable[str] = ("Task",), *, id: str | None = None
    ) -> str:
        """A queue that may own rows of `objects`."""
        with self._org.transaction():
            row = {"Name": name, "DeveloperName": _slug(name, "_"), "Type": "Queue"}
            queue = self.fixed("Group", row, id=id)
            for supported in objects:
                self.fixed("QueueSobject", {"QueueId": queue, "SobjectType": supported})
        return queue

    def set_task_statuses(self, open: Iterable[str], closed: Iterable[str]) -> None:
        """Replace the org's TaskStatus table; the first open one is the default."""
        still = list(open)
        self._replace(
            "TaskStatus",
            [(name, "IsClosed", False) for name in still]
            + [(name, "IsClosed", True) for name in closed],
        )

    def set_task_priorities(self, high: Iterable[str], other: Iterable[str]) -> None:
        """Replace the org's TaskPriority table; the first that is not high is the default."""
        self._replace(
            "TaskPriority",
            [(name, "IsHighPriority", False) for name in other]
            + [(name, "IsHighPriority", True) for name in high],
        )

    def fixed(self, object_name: str, row: Row, *, id: str | None = None) -> str:
        """A row of an object that the API cannot write."""
        record = full_id(id) if id else self._org.mint.next(self._org.schema[object_name].prefix)
        if record is None:
            raise ValueError(f"malformed id {id}")
        made = {"Id": record, "SystemModstamp": self._org.now(), **row}
        with self._org.transaction():
            self._org.put(object_name, made, Work(self.admin, through_api=True))
        return record

    def rows(self, object_name: str, **equals: Any) -> list[Row]:
        """Live rows with all their fields as the API shows them, filtered, in id order."""
        with self._org.lock:
            shown = [self.shown(object_name, row) for row in self._org.live[object_name].values()]
        wanted = {name: from_python(value) for name, value in equals.items()}
        for name in wanted:
            if name not in self._org.schema[object_name].fields:
                raise KeyError(f"{object_name} has no field {name}")
        found = [row for row in shown if all(row[n] == value for n, value in wanted.items())]
        return sorted(found, key=lambda row: str(row["Id"]))

    def get(self, id: str) -> Row:
        """A row by id, deleted or not; KeyError when it never was."""
        with self._org.lock:
            record = full_id(id) or id
            table = self._org.table_of(record)
            row = self._org.get(record) or self._org.deleted(record)
            if table is None or row is None:
                raise KeyError(f"no record {id}")
            return self.shown(table, row)

    def shown(self, object_name: str, row: Row) -> Row:
        """Every field of a row, stored or derived, in wire form."""
        return {
            name: from_python(value_of(self._org, object_name, row, name))
            for name in self._org.schema[object_name].fields
        }

    def _add(self, object_name: str, id: str | None, fields: Mapping[str, Any]) -> str:
        given = {} if id is None else {"Id": id}
        body = {**given, **{n: v for n, v in _wire(fields).items() if v is not None}}
        with self._org.transaction():
            lag, self._org.lag = self._org.lag, timedelta(0)
            try:
                work = Work(self.admin, audit=True)
                return self._writing.create(self._org.schema[object_name], body, work)
            except Refusal as refusal:
                raise ValueError(f"cannot add {object_name} {fields}: {refusal}") from refusal
            finally:
                self._org.lag = lag

    def _owner_of(self, account: str | None, owner: str | None = None) -> Row:
        if owner is None and account is not None:
            row = self._org.get(full_id(account) or account)
            owner = None if row is None else row.get("OwnerId")
        return {} if owner is None else {"OwnerId": owner}

    def _replace(self, table: str, rows: list[tuple[str, str, bool]]) -> None:
        with self._org.lock:
            self._org.live[table].clear()
            for place, (name, flag, value) in enumerate(rows):
                row = {"MasterLabel": name, "ApiName": name, "SortOrder": place + 1}
                self.fixed(table, {**row, flag: value, "IsDefault": place == 0})


def _wire(fields: Mapping[str, Any]) -> Row:
    return {name: from_python(value) for name, value in fields.items()}


def _slug(name: str, joiner: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", joiner, name).strip(joiner)
