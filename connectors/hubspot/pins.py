"""Pins a living task on top of its company's timeline, and takes the pin off a closed one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import structlog

from connectors.hubspot import ids
from connectors.hubspot.batches import Answer, Batch, send_all, update_of
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.tasks import CLOSED, TaskFields
from connectors.hubspot.wire import Row
from domain.errors import KidgloveError
from domain.ports import Receipt, TaskChange, TaskVerb

log = structlog.get_logger(__name__)
PIN = "hs_pinned_engagement_id"

Done = tuple[TaskChange, Receipt]
"""A task as it was written and as it is now."""


class Pins:
    """Keeps the pin of each company. Somebody else's pin is never taken away, and one that somebody
    took off our task is not set again.

    A pin is a comfort: if it cannot be set, the task is well all the same, and the next write of
    the task tries again.
    """

    def __init__(self, gateway: Gateway, fields: TaskFields) -> None:
        self._gateway = gateway
        self._fields = fields

    def follow(self, done: Iterable[Done], *, urgent: bool) -> None:
        """Pin what lives, unpin what is closed: one call for fifty companies tells whether anything
        is to be done, and usually nothing is."""
        companies: dict[str, list[Done]] = {}
        for change, receipt in done:
            if change.account is not None:
                companies.setdefault(change.account.id, []).append((change, receipt))
        if not companies:
            return
        try:
            self._set(companies, urgent=urgent)
        except KidgloveError as problem:
            log.info("hubspot.not_pinned", code=problem.code, companies=len(companies))

    def _set(self, companies: Mapping[str, Sequence[Done]], *, urgent: bool) -> None:
        rows = {
            str(row["id"]): row
            for row in self._gateway.read(
                ids.COMPANIES, companies, (PIN,), what="pins", history=(PIN,), urgent=urgent
            )
            if str(row["id"]) in companies
        }
        present = {company: str(row["properties"].get(PIN) or "") for company, row in rows.items()}
        closed = self._closed(present, companies, urgent=urgent)
        wanted = {
            company: _next(companies[company], rows[company])
            for company, pin in present.items()
            if not pin or pin in closed
        }
        inputs = [
            (company, update_of(company, {PIN: task}))
            for company, task in wanted.items()
            if task != present[company]
        ]
        batch = Batch[str](
            send=lambda some: self._gateway.update(ids.COMPANIES, some, what="pins", urgent=urgent),
            name_of=lambda row: str(row.get("id")),
            named=lambda error: [one for one in error.ids if one in companies],
            what=lambda company: f"the pin of company {company}",
        )
        said: dict[str, Answer] = {}
        send_all(batch, inputs, said)
        for company, answer in said.items():
            if isinstance(answer, KidgloveError):
                log.info("hubspot.not_pinned", code=answer.code, company=company)

    def _closed(
        self,
        present: Mapping[str, str],
        companies: Mapping[str, Sequence[Done]],
        *,
        urgent: bool,
    ) -> set[str]:
        """Which of the pinned records are closed tasks of ours: their pin is free."""
        known = {
            receipt.ref.id: bool(receipt.now["is_closed"])
            for some in companies.values()
            for _, receipt in some
        }
        closed = {task for task, is_closed in known.items() if is_closed}
        others = sorted({pin for pin in present.values() if pin and pin not in known})
        if not others:
            return closed
        names = (self._fields.key, "hs_task_status")
        rows = self._gateway.read(ids.TASKS, others, names, what="pinned tasks", urgent=urgent)
        return closed | {str(row["id"]) for row in rows if self._is_closed_and_ours(row)}

    def _is_closed_and_ours(self, row: Row) -> bool:
        said: Mapping[str, object] = row["properties"]
        return bool(said.get(self._fields.key)) and said.get("hs_task_status") == CLOSED


def _next(done: Sequence[Done], row: Row) -> str:
    """The task to pin where nothing is pinned; empty for none. One that was pinned before lost its
    pin to somebody, unless we closed it meanwhile."""
    history = (row.get("propertiesWithHistory") or {}).get(PIN) or []
    before = {str(one.get("value")) for one in history}
    living = [(change, receipt.ref.id) for change, receipt in done if not receipt.now["is_closed"]]
    may_be = (
        task for change, task in living if change.verb is TaskVerb.REOPEN or task not in before
    )
    return next(may_be, "")
