"""A task of ours on both sides: the fields that say it, and what a row of it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from connectors.salesforce import ids, soql
from connectors.salesforce.vocabulary import Vocabulary
from domain.facts import WorkItem
from domain.ports import TaskChange, TaskVerb

SUBJECT_LENGTH = 255
"""Task.Subject in every org (Object Reference, Task); longer is refused, so it is cut here."""
TEXT_LENGTH = 32_000
"""Task.Description in every org (Object Reference, Task)."""
CUT = " ..."
SUBTYPES: Mapping[str, str] = {"call": "Call", "email": "Email"}
"""Kinds that Salesforce shows with their own sign; every other is a plain task."""
READ_BACK = (
    "Id",
    "Subject",
    "Status",
    "Priority",
    "ActivityDate",
    "OwnerId",
    "WhatId",
    "IsClosed",
    "CompletedDateTime",
    "LastModifiedDate",
    "Description",
)


@dataclass(frozen=True, kw_only=True)
class TaskFields:
    """The org's own names for what we add to a task."""

    key: str
    outcome: str | None = None

    @property
    def read_back(self) -> tuple[str, ...]:
        """Everything that a written task is read back with."""
        return (*READ_BACK, self.key, *([self.outcome] if self.outcome else []))


def body(
    change: TaskChange, words: Vocabulary | None, *, with_subtype: bool, owner_id: str | None
) -> dict[str, Any]:
    """The fields of one task; what the change leaves open is not named, so that it stays.

    Neither `Id` nor the key is in it: an upsert by external id refuses both. `words` may be None
    for a change without priority that neither closes nor reopens.
    """
    said: dict[str, Any] = {}
    if change.account is not None:
        said["WhatId"] = change.account.id
    if change.subject is not None:
        said["Subject"] = cut(change.subject, SUBJECT_LENGTH)
    if change.text is not None:
        said["Description"] = cut(change.text, TEXT_LENGTH)
    if owner_id is not None:
        said["OwnerId"] = owner_id
    if change.due_on is not None:
        said["ActivityDate"] = change.due_on.isoformat()
    if change.contact_id is not None:
        said["WhoId"] = change.contact_id
    if change.remind_at is not None:
        said["IsReminderSet"] = True
        said["ReminderDateTime"] = soql.moment(change.remind_at)
    if words is not None:
        said |= _worded(change, words)
    # VENDOR: a task's subtype can be given when it is made and never changed (Object Reference,
    # Task.TaskSubtype: no Update).
    if with_subtype and change.kind in SUBTYPES:
        said["TaskSubtype"] = SUBTYPES[change.kind]
    return said


def needs_words(change: TaskChange) -> bool:
    """Whether the change cannot be written without knowing the org's own words."""
    return change.high_priority is not None or change.verb is not TaskVerb.KEEP


def work_item(row: Mapping[str, Any], fields: TaskFields) -> WorkItem:
    """What a task row says. KeyError or ValueError if it is not one."""
    return WorkItem(
        id=ids.to_18(row["Id"]),
        key=str(row.get(fields.key) or ""),
        is_closed=bool(row["IsClosed"]),
        subject=row.get("Subject") or "",
        description=row.get("Description") or "",
        status=row.get("Status"),
        priority=row.get("Priority"),
        due_on=_date(row.get("ActivityDate")),
        owner_id=row.get("OwnerId"),
        outcome=row.get(fields.outcome) if fields.outcome else None,
        closed_at=_moment(row.get("CompletedDateTime")),
        changed_at=_moment(row.get("LastModifiedDate")),
    )


def cut(text: str, length: int) -> str:
    """The text, or its beginning with a sign that it goes on, at most `length` long."""
    return text if len(text) <= length else text[: length - len(CUT)] + CUT


def _worded(change: TaskChange, words: Vocabulary) -> dict[str, str]:
    said: dict[str, str] = {}
    if change.high_priority is not None:
        priority = words.high if change.high_priority else words.normal
        if priority is not None:
            said["Priority"] = priority
    if change.verb is TaskVerb.CLOSE:
        said["Status"] = words.closed
    elif change.verb is TaskVerb.REOPEN:
        said["Status"] = words.open
    return said


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def _moment(text: str | None) -> datetime | None:
    return soql.parsed_moment(text) if text else None
