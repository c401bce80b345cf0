"""A task of ours on both sides: the properties that say it, and what a row of it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from connectors.hubspot import ids
from connectors.hubspot.bodies import body, lines_of
from connectors.hubspot.names import DUE_DAY
from connectors.hubspot.people import Colleague, Directory
from connectors.hubspot.wire import Row, cut, millis, millis_text, moment_or_none
from domain.facts import Person, WorkItem
from domain.ports import TaskChange, TaskVerb

SUBJECT_LENGTH = 255
"""Longer subjects are cut in every list of HubSpot's anyway."""
OPEN, CLOSED = "NOT_STARTED", "COMPLETED"
HIGH, NORMAL = "HIGH", "MEDIUM"
KINDS: Mapping[str, str] = {"call": "CALL", "email": "EMAIL"}
"""Kinds that HubSpot shows with their own sign; every other is a plain to-do."""
TO_COMPANY, TO_CONTACT = 192, 204
"""HubSpot's own numbers of the links from a task (associations guide, association type ids)."""
PROPERTIES = (
    "hs_task_subject",
    "hs_task_body",
    "hs_task_status",
    "hs_task_priority",
    "hs_task_type",
    "hs_timestamp",
    "hs_task_completion_date",
    "hs_lastmodifieddate",
    "hs_createdate",
    "hubspot_owner_id",
    DUE_DAY,
)


@dataclass(frozen=True, kw_only=True)
class TaskFields:
    """The portal's own names for what we add to a task."""

    key: str
    outcome: str | None = None

    @property
    def read(self) -> tuple[str, ...]:
        """Everything that a task of ours is read with."""
        return (*PROPERTIES, *filter(None, (self.key, self.outcome)))


def values(
    change: TaskChange,
    *,
    owner_id: str | None,
    present_owner: str | None,
    directory: Directory,
    moves_from: datetime | None,
) -> dict[str, str]:
    """The properties of one task; what the change leaves open is not named, so that it stays.

    `owner_id` is the owner to write, `present_owner` whose task it is now if none is written.
    With `moves_from`, the time now, a day on which the owner does not work, or no longer, gives way
    to their next one. That needs the property that keeps the day that was asked for: without it the
    other day would be taken for a person's word.
    """
    said: dict[str, str] = {}
    if change.subject is not None:
        said["hs_task_subject"] = cut(change.subject, SUBJECT_LENGTH)
    written = body(change.text, change.html)
    if written is not None:
        said["hs_task_body"] = written
    if owner_id is not None:
        said["hubspot_owner_id"] = owner_id
    if change.due_on is not None:
        colleague = _colleague(directory, owner_id or present_owner)
        if moves_from is None:
            due = colleague.due_at(change.due_on, zone=directory.zone)
        else:
            due = colleague.next_due_at(change.due_on, now=moves_from, zone=directory.zone)
            said[DUE_DAY] = f"{change.due_on.isoformat()} {millis_text(due)}"
        # VENDOR: on a task this is the due time, on a note the time of the event (tasks guide).
        said["hs_timestamp"] = millis_text(due.astimezone(UTC))
    if change.high_priority is not None:
        said["hs_task_priority"] = HIGH if change.high_priority else NORMAL
    if change.remind_at is not None:
        said["hs_task_reminders"] = millis(change.remind_at)
    if change.verb is TaskVerb.CLOSE:
        said["hs_task_status"] = CLOSED
    elif change.verb is TaskVerb.REOPEN:
        said["hs_task_status"] = OPEN
    return said


def leaves_body(change: TaskChange) -> bool:
    """Whether the change has a text, and people's lines leave no room for it."""
    has_text = change.text is not None or change.html is not None
    return has_text and body(change.text, change.html) is None


def new_task(change: TaskChange, said: Mapping[str, str], *, key_field: str, now: str) -> Row:
    """The input that makes a task with its key and everything that it hangs on, at once."""
    properties = {
        # VENDOR: a task without a due time is refused (tasks guide, required properties).
        "hs_timestamp": now,
        "hs_task_status": OPEN,
        "hs_task_type": KINDS.get(change.kind, "TODO"),
        **said,
        key_field: change.key,
    }
    links = []
    if change.account is not None:
        links.append(_link(change.account.id, TO_COMPANY))
    if change.contact_id is not None:
        links.append(_link(change.contact_id, TO_CONTACT))
    return {"objectWriteTraceId": change.key, "properties": properties, "associations": links}


def work_item(row: Row, fields: TaskFields, directory: Directory) -> WorkItem:
    """What a task row says. KeyError or ValueError if it is not one."""
    said: Mapping[str, Any] = row["properties"]
    owner_id = said.get("hubspot_owner_id") or None
    due = moment_or_none(said.get("hs_timestamp"))
    status = said.get("hs_task_status") or None
    colleague = _colleague(directory, owner_id)
    return WorkItem(
        id=ids.known(row["id"]),
        key=str(said.get(fields.key) or ""),
        is_closed=status == CLOSED,
        subject=said.get("hs_task_subject") or "",
        description=lines_of(said.get("hs_task_body") or ""),
        status=status,
        priority=said.get("hs_task_priority") or None,
        due_on=_asked_day(said, due) or colleague.day_of(due, zone=directory.zone) if due else None,
        owner_id=owner_id,
        outcome=(said.get(fields.outcome) or None) if fields.outcome else None,
        closed_at=moment_or_none(said.get("hs_task_completion_date")) if status == CLOSED else None,
        changed_at=moment_or_none(said.get("hs_lastmodifieddate") or row.get("updatedAt")),
    )


def _asked_day(said: Mapping[str, Any], due: datetime) -> date | None:
    """The day that we asked for, as long as the due time is the one that we made of it."""
    day, _, at = str(said.get(DUE_DAY) or "").partition(" ")
    if moment_or_none(at) != due:
        return None
    try:
        return date.fromisoformat(day)
    except ValueError:
        return None


def _link(id: str, type_id: int) -> Row:
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
    return {"to": {"id": id}, "types": [kind]}


def _colleague(directory: Directory, id: str | None) -> Colleague:
    found = directory.colleagues.get(id or "")
    return found or Colleague(person=Person(id=id or "", name=""))
