"""One change on its way: the requests that make it so, and what their answers mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from connectors.salesforce import ids, soql
from connectors.salesforce.composite import Reply, Sub, by_id, by_key
from connectors.salesforce.errors import classified
from connectors.salesforce.tasks import TaskFields, body, cut, work_item
from connectors.salesforce.vocabulary import Vocabulary
from domain.errors import KidgloveError, Misconfigured, OutcomeUnknown
from domain.ports import FieldsChange, Receipt, TaskChange, TaskVerb

_SAFE_IN_PATH = re.compile(r"[A-Za-z0-9_:-]{1,255}")


class Amendment(StrEnum):
    """What may be changed about an attempt after a refusal; each once."""

    AGAIN = "again"
    """Another worker made the same task a moment ago: the same upsert now finds it."""
    OWNER = "owner"
    SUBTYPE = "subtype"
    CUT = "cut"
    LOOK_UP = "look_up"
    """The org does not upsert by this key: look for it, then write by id."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One change, number `place` of its batch, with what was amended so far."""

    place: int
    change: TaskChange | FieldsChange
    owner_id: str | None = None
    lengths: Mapping[str, int] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    tried: frozenset[Amendment] = frozenset()
    note: str = ""

    @property
    def what(self) -> str:
        """The record in our words, for messages."""
        if isinstance(self.change, FieldsChange):
            return f"account {self.change.account.id}"
        return f"task {self.change.key}"

    @property
    def group(self) -> str:
        """What travels together: everything of one account."""
        account = self.change.account
        return account.id if account is not None else self.what

    @property
    def values(self) -> dict[str, Any]:
        """The account fields to send: those that differ from what is known, cut where they must."""
        assert isinstance(self.change, FieldsChange)
        return {
            name: _fitting(json_value(value), self.lengths.get(name))
            for name, value in self.change.values.items()
            if name not in self.known or self.known[name] != value
        }

    @property
    def needs_look_up(self) -> bool:
        """Whether the task must be looked for before it is written by id.

        # VENDOR: a key with a dot may be taken for a file name in the path and answer 404 (REST
        # API Developer Guide, Insert or Update by External ID).
        """
        if isinstance(self.change, FieldsChange):
            return False
        return Amendment.LOOK_UP in self.tried or not _SAFE_IN_PATH.fullmatch(self.change.key)

    def amended(self, amendment: Amendment, **changes: Any) -> Attempt:
        """The next attempt at the same change."""
        return replace(self, tried=self.tried | {amendment}, **changes)


Outcome = Receipt | KidgloveError | Attempt


def subs(attempt: Attempt, words: Vocabulary | None, fields: TaskFields) -> list[Sub]:
    """The requests of one attempt: the write, and the read-back of what it wrote."""
    change = attempt.change
    if isinstance(change, FieldsChange):
        return _field_subs(attempt, change)
    said = task_values(attempt, words)
    write, back, look = (f"{letter}{attempt.place}" for letter in "wbl")
    if change.verb is TaskVerb.KEEP:
        return [
            Sub(
                reference=write,
                method="PATCH",
                path=by_key("Task", fields.key, change.key),
                body=said,
            ),
            _read_by_key(back, change.key, fields),
        ]
    # Closing and reopening never make a task: without one under the key there is nothing to do.
    if change.known_id is not None:
        return by_id_subs(attempt, ids.to_18(change.known_id), said, fields)
    return [
        Sub(reference=look, method="GET", path=by_key("Task", fields.key, change.key, ("Id",))),
        Sub(reference=write, method="PATCH", path=by_id("Task", f"@{{{look}.Id}}"), body=said),
        _read_by_key(back, change.key, fields),
    ]


def by_id_subs(attempt: Attempt, id: str, said: Mapping[str, Any], fields: TaskFields) -> list[Sub]:
    """The requests that write a task by its id and read it back."""
    return [
        Sub(reference=f"w{attempt.place}", method="PATCH", path=by_id("Task", id), body=said),
        Sub(
            reference=f"b{attempt.place}",
            method="GET",
            path=by_id("Task", id, fields.read_back),
        ),
    ]


def task_values(attempt: Attempt, words: Vocabulary | None) -> dict[str, Any]:
    """The fields of the attempt's task, the key left out."""
    assert isinstance(attempt.change, TaskChange)
    return body(
        attempt.change,
        words,
        with_subtype=(
            attempt.change.verb is TaskVerb.KEEP
            and attempt.change.known_id is None
            and Amendment.SUBTYPE not in attempt.tried
        ),
        owner_id=attempt.owner_id,
    )


def outcome(attempt: Attempt, said: Mapping[str, Reply], fields: TaskFields) -> Outcome:
    """What the answers mean: a receipt, an error, or the amended attempt to make next."""
    write = said.get(f"w{attempt.place}")
    back = said[f"b{attempt.place}"]
    look = said.get(f"l{attempt.place}")
    if look is not None and not look.is_done:
        return _refused(attempt, look)
    if write is not None and not write.is_done:
        return _refused(attempt, write)
    if not back.is_done or not isinstance(back.body, Mapping):
        return OutcomeUnknown(f"{attempt.what} was written, but could not be read back")
    was_created = write is not None and write.status == 201
    if isinstance(attempt.change, FieldsChange):
        return Receipt(
            ref=attempt.change.account,
            was_created=False,
            now={name: back.body.get(name) for name in attempt.change.values},
            note=attempt.note,
        )
    return task_receipt(attempt, back.body, fields, was_created=was_created)


def task_receipt(
    attempt: Attempt, row: Mapping[str, Any], fields: TaskFields, *, was_created: bool
) -> Receipt | KidgloveError:
    """The receipt of a task as read back, in the words of `TaskChange`.

    A closed task that still counts as open is `Misconfigured`: the status exists, but means
    something else in this org.
    """
    assert isinstance(attempt.change, TaskChange)
    item = work_item(row, fields)
    if attempt.change.verb is TaskVerb.CLOSE and not item.is_closed:
        return Misconfigured(
            f"{attempt.what} was given a closed status and still counts as open",
            row="TaskStatus",
            remedy="Look for a flow that reopens tasks, and at the task statuses in Setup.",
        )
    return Receipt(
        ref=ids.task(item.id),
        was_created=was_created,
        now={
            "id": item.id,
            "key": item.key,
            "subject": item.subject,
            "text": item.description,
            "owner_id": item.owner_id,
            "due_on": item.due_on.isoformat() if item.due_on else None,
            "is_closed": item.is_closed,
            "status": item.status,
            "priority": item.priority,
            "account_id": row.get("WhatId"),
        },
        note=attempt.note,
    )


def failed(attempt: Attempt, reply: Reply) -> KidgloveError:
    """The error class of a refused write."""
    return classified(reply.status, reply.errors, record=attempt.what, is_write=True)


def json_value(value: Any) -> Any:
    """A value as JSON carries it: moments in UTC, days without a time."""
    if isinstance(value, datetime):
        return soql.moment(value)
    return value.isoformat() if isinstance(value, date) else value


def _field_subs(attempt: Attempt, change: FieldsChange) -> list[Sub]:
    account = ids.to_18(change.account.id)
    names = [soql.name(name) for name in change.values]
    back = Sub(
        reference=f"b{attempt.place}", method="GET", path=by_id("Account", account, ["Id", *names])
    )
    if not attempt.values:
        return [back]
    return [
        Sub(
            reference=f"w{attempt.place}",
            method="PATCH",
            path=by_id("Account", account),
            body=attempt.values,
        ),
        back,
    ]


def _refused(attempt: Attempt, reply: Reply) -> Outcome:
    change = attempt.change
    codes = reply.codes
    named = {name for error in reply.errors for name in error.named}
    about_owner = "INACTIVE_OWNER_OR_USER" in codes or (
        "INVALID_CROSS_REFERENCE_KEY" in codes and named <= {"OwnerId"}
    )
    nexts: list[tuple[bool, Amendment, dict[str, Any]]] = []
    if isinstance(change, TaskChange):
        spare = change.fallback_owner_id
        note = f"owner {attempt.owner_id} cannot take tasks; given to {spare} instead"
        can_pass_on = bool(attempt.owner_id and spare and spare != attempt.owner_id)
        nexts = [
            ("TaskSubtype" in named, Amendment.SUBTYPE, {}),
            (about_owner and can_pass_on, Amendment.OWNER, {"owner_id": spare, "note": note}),
            ("DUPLICATE_VALUE" in codes, Amendment.AGAIN, {}),
            (
                any("external ID field" in error.message for error in reply.errors),
                Amendment.LOOK_UP,
                {},
            ),
        ]
    else:
        nexts = [("STRING_TOO_LONG" in codes, Amendment.CUT, {})]
    for applies, amendment, changes in nexts:
        if applies and amendment not in attempt.tried:
            return attempt.amended(amendment, **changes)
    return failed(attempt, reply)


def _read_by_key(reference: str, key: str, fields: TaskFields) -> Sub:
    return Sub(
        reference=reference,
        method="GET",
        path=by_key("Task", fields.key, key, fields.read_back),
    )


def _fitting(value: Any, length: int | None) -> Any:
    return cut(value, length) if length and isinstance(value, str) else value
