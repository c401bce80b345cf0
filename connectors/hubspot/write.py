"""Keeps tasks and properties of companies, in as few calls as possible, each value read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.hubspot.write_fields import FieldWriter, Known
from connectors.hubspot.write_tasks import TaskWriter
from domain.errors import (
    Bug,
    KidgloveError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Transient,
    Unauthorized,
)
from domain.ports import FieldsChange, Receipt, TaskChange

WHOLE = (Unauthorized, RateLimited, Transient, Misconfigured, OutcomeUnknown)
"""Failures of the connection rather than of one change."""


class CrmWriter:
    """`WritesCrm` for HubSpot. A second identical call changes nothing."""

    def __init__(self, tasks: TaskWriter, fields: FieldWriter) -> None:
        self._tasks = tasks
        self._fields = fields

    def write(
        self,
        changes: Sequence[TaskChange | FieldsChange],
        *,
        known: Known | None = None,
        urgent: bool = False,
    ) -> Sequence[Receipt | KidgloveError]:
        """See `WritesCrm.write`. With `known` values of an account only what differs is sent.

        A failure of the connection is raised if nothing was answered before it; otherwise it is
        the answer of each change that it left open.
        """
        answers: dict[int, Receipt | KidgloveError] = {}
        tasks: list[tuple[int, TaskChange]] = []
        fields: list[tuple[int, FieldsChange]] = []
        for place, change in enumerate(changes):
            if isinstance(change, FieldsChange):
                fields.append((place, change))
            elif change.key:
                tasks.append((place, change))
            else:
                answers[place] = Bug("a task without a key cannot be kept")
        urgent = urgent or any(change.high_priority for _, change in tasks)
        steps: list[Callable[[], None]] = []
        if tasks:
            steps.append(lambda: self._tasks.write(tasks, answers, urgent=urgent))
        if fields:
            steps.append(
                lambda: self._fields.write(fields, answers, known=known or {}, urgent=urgent)
            )
        stop: KidgloveError | None = None
        for step in steps:
            try:
                step()
            except WHOLE as problem:
                stop = problem
        if stop is not None and not answers:
            raise stop
        lost = stop or Bug("a change was left without an answer")
        return [answers.get(place, lost) for place in range(len(changes))]
