"""What people do in the portal: the admin who sets the stage, and CSMs who work on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from simulators.hubspot.associating import Associating
from simulators.hubspot.linking import End
from simulators.hubspot.merging import Merging
from simulators.hubspot.portal import Portal, Record, Source
from simulators.hubspot.values import from_python
from simulators.hubspot.writing import Work, Writing

RESTORABLE = timedelta(days=90)
"""How long a deleted record can be brought back."""
Links = Iterable[tuple[str, str]]
"""Records by object type and id, such as `("companies", "123")`."""


class Person:
    """One owner at the keyboard. Validation binds people too; read-only values stay read-only."""

    def __init__(
        self,
        portal: Portal,
        writing: Writing,
        associating: Associating,
        merging: Merging,
        owner_id: str,
    ) -> None:
        owner = portal.owners[owner_id]
        self.owner_id = owner_id
        self.user_id = owner.user_id
        self._portal = portal
        self._writing = writing
        self._associating = associating
        self._merging = merging
        self._work = Work(Source("CRM_UI", f"userId:{owner.user_id}", owner.user_id))

    def create(self, type_name: str, properties: Mapping[str, Any], links: Links = ()) -> str:
        """Create a record and link it; returns its id."""
        with self._portal.transaction():
            one = self._portal.types[type_name]
            record = self._writing.create(one, properties, self._work)
            for target in links:
                self._associating.link(record.end, target, (), self._work)
            return record.id

    def update(self, type_name: str, id: str, properties: Mapping[str, Any]) -> None:
        """Edit a record; an empty text clears a value."""
        with self._portal.transaction():
            one = self._portal.types[type_name]
            before = self._record(type_name, id)
            record = self._writing.update(one, before, properties, self._work)
            if record is not before:
                self._associating.follow(record, self._work)

    def delete(self, type_name: str, id: str) -> None:
        """Delete a record, which can be restored within 90 days."""
        with self._portal.transaction():
            self._writing.archive(self._record(type_name, id), self._work)

    def restore(self, type_name: str, id: str) -> None:
        """Bring a deleted record back, without its links."""
        with self._portal.transaction():
            record = self._portal.get(type_name, id, archived=True)
            if record is None or record.archived_at is None:
                raise KeyError(f"no deleted {type_name} {id}")
            if self._portal.now() - record.archived_at > RESTORABLE:
                raise ValueError(f"{type_name} {id} was deleted more than 90 days ago")
            self._writing.restore(record, self._work)

    def link(self, source: End, target: End, label: int | None = None) -> None:
        """Associate two records, with a label's type id if given."""
        with self._portal.transaction():
            ids = set() if label is None else {label}
            held = self._portal.links.between(source, target)
            self._associating.link(source, target, ids | held, self._work)

    def unlink(self, source: End, target: End) -> None:
        """Take an association away, with all its labels."""
        with self._portal.transaction():
            self._associating.unlink(source, target, self._work)

    def set_company(self, id: str, **properties: Any) -> None:
        """Edit a company."""
        self.update("companies", id, properties)

    def edit_task(self, id: str, **properties: Any) -> None:
        """Edit a task."""
        self.update("tasks", id, properties)

    def complete_task(self, id: str, **properties: Any) -> None:
        """Mark a task as done, with further properties such as an outcome."""
        self.update("tasks", id, {**properties, "hs_task_status": "COMPLETED"})

    def snooze_task(self, id: str, until: datetime) -> None:
        """Give a task another due time."""
        self.update("tasks", id, {"hs_timestamp": until})

    def reassign_task(self, id: str, owner_id: str) -> None:
        """Give a task to somebody else."""
        self.update("tasks", id, {"hubspot_owner_id": owner_id})

    def delete_task(self, id: str) -> None:
        """Delete a task."""
        self.delete("tasks", id)

    def log_call(
        self,
        company: str,
        title: str,
        *,
        at: datetime | None = None,
        contact: str | None = None,
        **properties: Any,
    ) -> str:
        """Log a call with a company; returns its id."""
        base = {"hs_timestamp": at or self._portal.now(), "hs_call_title": title}
        base |= {"hs_call_status": "COMPLETED", "hubspot_owner_id": self.owner_id}
        links = [("companies", company), *([("contacts", contact)] if contact else [])]
        return self.create("calls", {**base, **properties}, links)

    def pin(self, company: str, activity: str | None) -> None:
        """Pin an activity to the top of a company's timeline, or unpin what is there."""
        self.update("companies", company, {"hs_pinned_engagement_id": activity or ""})

    def merge_companies(self, winner: str, loser: str) -> str:
        """Merge two companies; returns the survivor's id, which is a new one."""
        with self._portal.transaction():
            pair = self._record("companies", winner), self._record("companies", loser)
            return self._merging.merge(*pair, self._work).id

    def _record(self, type_name: str, id: str) -> Record:
        record = self._portal.get(type_name, id)
        if record is None:
            raise KeyError(f"no {type_name} {id}")
        return record


def wire(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Python values as property texts; moments stay moments, which may set stamps."""
    return {
        name: value if isinstance(value, datetime) else from_python(value)
        for name, value in properties.items()
        if value is not None
    }
