"""Writes a task where an upsert by key is not possible: look for the key, then write by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.salesforce import soql
from connectors.salesforce.attempts import (
    Amendment,
    Attempt,
    Outcome,
    by_id_subs,
    failed,
    task_receipt,
    task_values,
)
from connectors.salesforce.client import Gateway
from connectors.salesforce.tasks import TaskFields
from connectors.salesforce.vocabulary import Vocabulary
from domain.errors import Conflict, Gone, OutcomeUnknown
from domain.ports import TaskChange, TaskVerb


def write_by_look_up(
    attempt: Attempt,
    gateway: Gateway,
    fields: TaskFields,
    words: Vocabulary | None,
    *,
    urgent: bool,
) -> Outcome:
    """Find the task under its key and write it by id, or make it if it is to be kept.

    The key field is unique, so that two workers at once end in a refusal, not in two tasks; the
    one refused looks again. Raises what the calls raise.
    """
    change = attempt.change
    assert isinstance(change, TaskChange)
    key_field = soql.name(fields.key)
    text = soql.select(("Id",), "Task", where=f"{key_field} = {soql.quoted(change.key)}")
    rows = gateway.query(text, what=attempt.what, urgent=urgent)
    said = task_values(attempt, words)
    if rows:
        said.pop("TaskSubtype", None)
        return _written(attempt, gateway, fields, str(rows[0]["Id"]), said, urgent=urgent)
    if change.verb is not TaskVerb.KEEP:
        return Gone(f"there is no {attempt.what} to {change.verb}")
    try:
        made = gateway.create("Task", {**said, fields.key: change.key}, what=attempt.what)
    except Conflict as race:
        return race if Amendment.AGAIN in attempt.tried else attempt.amended(Amendment.AGAIN)
    return _written(attempt, gateway, fields, made, {}, urgent=urgent)


def _written(
    attempt: Attempt,
    gateway: Gateway,
    fields: TaskFields,
    id: str,
    said: Mapping[str, Any],
    *,
    urgent: bool,
) -> Outcome:
    was_created = not said
    requests = by_id_subs(attempt, id, said, fields)
    replies = gateway.composite(
        requests[1:] if was_created else requests, what=attempt.what, urgent=urgent
    )
    write, back = replies.get(f"w{attempt.place}"), replies[f"b{attempt.place}"]
    if write is not None and not write.is_done:
        return failed(attempt, write)
    if not back.is_done:
        return OutcomeUnknown(f"{attempt.what} was written, but could not be read back")
    return task_receipt(attempt, back.body, fields, was_created=was_created)
