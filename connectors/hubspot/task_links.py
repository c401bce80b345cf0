"""Hangs a task that is there already on its company: it was made before the company was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from connectors.hubspot import ids
from connectors.hubspot.batches import Answer, Batch, send_all
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.tasks import TO_COMPANY, TO_CONTACT
from connectors.hubspot.wire import Row
from domain.errors import KidgloveError
from domain.ports import TaskChange

log = structlog.get_logger(__name__)
_TYPES: Mapping[str, int] = {ids.COMPANIES: TO_COMPANY, ids.CONTACTS: TO_CONTACT}


class TaskLinks:
    """Makes the association of a task with its company where it is missing.

    Without it nobody finds the task on the company, we ourselves included. One call for a hundred
    tasks tells what is missing, one more makes it. A second time nothing is missing.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def complete(
        self, changes: Mapping[str, TaskChange], *, urgent: bool
    ) -> dict[str, KidgloveError]:
        """What was refused, by task. `changes` are those of tasks that exist, by task id."""
        wanted = {id: one for id, one in changes.items() if one.account is not None}
        if not wanted:
            return {}
        there = self._gateway.linked(
            ids.TASKS, list(wanted), ids.COMPANIES, what=_what(wanted), urgent=urgent
        )
        missing = {
            id: one.account.id
            for id, one in wanted.items()
            if one.account is not None
            and one.account.id not in {str(link["toObjectId"]) for link in there[id]}
        }
        refused = self._link(ids.COMPANIES, missing, urgent=urgent)
        contacts = {
            id: contact
            for id in missing
            if id not in refused and (contact := wanted[id].contact_id) is not None
        }
        # As with a new task: a contact that is gone does not stop anything.
        for problem in self._link(ids.CONTACTS, contacts, urgent=urgent).values():
            log.info("hubspot.contact_not_linked", code=problem.code)
        return refused

    def _link(
        self, kind: str, targets: Mapping[str, str], *, urgent: bool
    ) -> dict[str, KidgloveError]:
        """Associate tasks with records of a kind; the refusals, by task."""
        if not targets:
            return {}
        batch = Batch[str](
            send=lambda some: self._gateway.associate(
                ids.TASKS, kind, some, what=f"{len(some)} tasks with {kind}", urgent=urgent
            ),
            name_of=lambda row: _task_of(row, kind),
            named=lambda error: [one for one in error.ids if one in targets],
            what=lambda id: f"task {id} with one of the {kind}",
        )
        inputs: list[tuple[str, Row]] = [
            (task, {"from": {"id": task}, "to": {"id": target}}) for task, target in targets.items()
        ]
        said: dict[str, Answer] = {}
        send_all(batch, inputs, said)
        return {id: one for id, one in said.items() if isinstance(one, KidgloveError)}


def _task_of(row: Row, kind: str) -> str:
    """The task of an association; empty for the way back, which the answer holds too."""
    spec: Mapping[str, object] = row.get("associationSpec") or {}
    is_from_task = spec.get("associationTypeId") == _TYPES[kind]
    return str(row["from"]["id"]) if is_from_task else ""


def _what(changes: Mapping[str, TaskChange]) -> str:
    keys: Sequence[str] = [one.key for one in changes.values()]
    return f"task {keys[0]}" + (f" and {len(keys) - 1} more" if len(keys) > 1 else "")
