"""Pins a living task on top of its company's timeline, and takes the pin off a closed one."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from connectors.hubspot import ids
from connectors.hubspot.gateway import Gateway, slices
from connectors.hubspot.wire import Row
from domain.errors import KidgloveError
from domain.ports import TaskChange, TaskVerb

log = structlog.get_logger(__name__)
PIN = "hs_pinned_engagement_id"


class Pins:
    """Keeps the pin of each company. Somebody else's pin is never taken away.

    A pin is a comfort: if it cannot be set, the task is well all the same.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def follow(
        self, changes: Sequence[TaskChange], task_ids: Sequence[str], *, urgent: bool
    ) -> None:
        """Pin what was made or reopened just now, unpin what was closed: two calls for a hundred
        companies, none for an update."""
        moving = {
            change.account.id: (change, task)
            for change, task in zip(changes, task_ids, strict=True)
            if change.account is not None
            and (change.verb is not TaskVerb.KEEP or change.known_id is None)
        }
        if not moving:
            return
        try:
            self._set(moving, urgent=urgent)
        except KidgloveError as problem:
            log.info("hubspot.not_pinned", code=problem.code, companies=len(moving))

    def _set(self, moving: dict[str, tuple[TaskChange, str]], *, urgent: bool) -> None:
        rows = self._gateway.read(ids.COMPANIES, moving, (PIN,), what="pins", urgent=urgent)
        inputs: list[Row] = []
        for row in rows:
            change, task = moving[str(row["id"])]
            present = str(row["properties"].get(PIN) or "")
            if change.verb is TaskVerb.CLOSE:
                wanted = "" if present == task else present
            else:
                wanted = present or task
            if wanted != present:
                inputs.append({"id": str(row["id"]), "properties": {PIN: wanted}})
        for some in slices(inputs, 100):
            self._gateway.update(ids.COMPANIES, some, what="pins", urgent=urgent)
