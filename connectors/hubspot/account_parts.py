"""What hangs on companies: tasks, tickets, contacts and talks, for a hundred companies at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TypeVar

from connectors.hubspot import ids
from connectors.hubspot.errors import MissingScope
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.tasks import TaskFields
from connectors.hubspot.wire import Row
from domain.errors import Gone

T = TypeVar("T")
NEVER = datetime.min.replace(tzinfo=UTC)
"""When nothing was refused yet."""
DENIED_FOR = timedelta(minutes=10)
"""How long a part without access is not asked for again: asking costs a call each time."""
STAGES_FOR = timedelta(hours=1)
"""Pipelines change about once a year."""
NEWEST = 10
"""Talks of each kind that are looked at; among so many is the last one that really took place."""
TICKETS_SHOWN = 50
"""More open tickets than this are one number to a person anyway."""
TICKET_PROPERTIES = ("subject", "hs_pipeline_stage", "hs_ticket_priority", "createdate")
CONTACT_PROPERTIES = ("firstname", "lastname", "email")
TALKS: Mapping[str, tuple[str, ...]] = {
    ids.CALLS: ("hs_timestamp", "hs_call_title", "hs_call_direction", "hubspot_owner_id"),
    ids.MEETINGS: ("hs_timestamp", "hs_meeting_title", "hs_meeting_outcome", "hubspot_owner_id"),
    ids.EMAILS: ("hs_timestamp", "hs_email_subject", "hs_email_direction", "hubspot_owner_id"),
}
"""Where talks are kept, and the properties that tell one. Notes are left out: nobody was spoken
to in them."""
KINDS = (ids.TASKS, ids.TICKETS, ids.CONTACTS, *TALKS)
"""Everything that hangs on a company."""


class Part(StrEnum):
    """What an account can be read without. The value is what a person is told is missing."""

    TICKETS = "tickets"
    CONTACT = "contacts"


@dataclass(frozen=True, kw_only=True)
class Hanging:
    """The records that hang on one company."""

    tasks: Sequence[Row] = ()
    tickets: Sequence[Row] = ()
    contacts: Sequence[tuple[Row, frozenset[str]]] = ()
    """Each contact with the labels of its association, lower case."""
    talks: Sequence[tuple[str, Row]] = ()
    """Each talk with its kind of record."""
    denied: frozenset[Part] = field(default=frozenset())
    silent: tuple[str, ...] = ()
    """The kinds of talks that may not be read, so that `talks` may lack the last one."""


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The companies to read, and what a first call has told of them: links by kind of record."""

    companies: Sequence[str]
    urgent: bool
    known: Mapping[str, list[Row]] = field(default_factory=dict)

    def is_enough(self, kind: str) -> bool:
        """Whether nothing more need be asked about this kind: who is an accounts payable contact
        is told by the label of its association, which the first call does not bring."""
        return kind in self.known and not (kind == ids.CONTACTS and self.known[kind])


class Parts:
    """Reads what hangs on companies. A kind without access is left out and asked for later."""

    def __init__(self, gateway: Gateway, *, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._now = now
        self._denied: dict[str, datetime] = {}
        self._split_since = NEVER
        self._stages: tuple[datetime, frozenset[str]] | None = None

    def of(
        self, companies: Sequence[str], *, fields: TaskFields, has_contact: bool, urgent: bool
    ) -> dict[str, Hanging]:
        """Everything that hangs on each company, two calls for each kind of record. For one company
        a single call tells of every kind whether there is any."""
        if not companies:
            return {}
        kinds = [
            kind
            for kind in KINDS
            if (has_contact or kind != ids.CONTACTS) and not self._is_denied(kind)
        ]
        asked = self._asked(companies, kinds, urgent=urgent)
        tasks = self._records(asked, ids.TASKS, fields.read)
        tickets = self._allowed(
            ids.TICKETS,
            lambda: self._open_only(self._records(asked, ids.TICKETS, TICKET_PROPERTIES)),
        )
        contacts = self._allowed(ids.CONTACTS, lambda: self._labelled(asked)) if has_contact else {}
        talks = self._talks(asked)
        lacking = frozenset(
            part
            for part, found in (
                (Part.TICKETS, tickets),
                (Part.CONTACT, contacts),
            )
            if found is None
        )
        return {
            one: Hanging(
                tasks=[row for row, _ in tasks[one]],
                tickets=(tickets or {}).get(one, ()),
                contacts=(contacts or {}).get(one, ()),
                talks=[(kind, row) for kind, rows in talks.items() for row, _ in rows[one]],
                denied=lacking,
                silent=tuple(kind for kind in TALKS if kind not in talks),
            )
            for one in companies
        }

    def _is_denied(self, kind: str) -> bool:
        since = self._denied.get(kind)
        return since is not None and self._now() - since < DENIED_FOR

    def _allowed(self, kind: str, read: Callable[[], dict[str, T]]) -> dict[str, T] | None:
        if self._is_denied(kind):
            return None
        try:
            return read()
        except MissingScope:
            self._denied[kind] = self._now()
            # Who refuses is known now: the others can be asked about in one call again.
            self._split_since = NEVER
            return None

    def _asked(self, companies: Sequence[str], kinds: Sequence[str], *, urgent: bool) -> _Asked:
        if len(companies) > 1 or self._now() - self._split_since < DENIED_FOR:
            return _Asked(companies=companies, urgent=urgent)
        try:
            (one,) = companies
            known = self._gateway.linked_with(
                ids.COMPANIES, one, kinds, what=f"company {one}", urgent=urgent
            )
        except MissingScope:
            # VENDOR: that a kind without access refuses the whole call is an assumption; no page
            # says it. Asked for one by one, the others are answered.
            self._split_since = self._now()
            known = {}
        except Gone:
            # It went away since it was read: who asks kind by kind is told of nothing.
            known = {}
        return _Asked(companies=companies, urgent=urgent, known=known)

    def _records(
        self, asked: _Asked, kind: str, properties: Sequence[str], *, newest: int = 0
    ) -> dict[str, list[tuple[Row, Row]]]:
        """The records of one kind by company, each with the association that led to it."""
        companies, urgent = asked.companies, asked.urgent
        what = f"{kind} of {len(companies)} companies"
        if asked.is_enough(kind):
            linked = {companies[0]: asked.known[kind]}
        else:
            linked = self._gateway.linked(ids.COMPANIES, companies, kind, what=what, urgent=urgent)
        wanted = {
            one: sorted(
                {str(link["toObjectId"]): link for link in linked.get(one, [])}.items(),
                key=lambda pair: (len(pair[0]), pair[0]),
                reverse=True,
            )[: newest or None]
            for one in companies
        }
        every = [id for pairs in wanted.values() for id, _ in pairs]
        rows = (
            {
                str(row["id"]): row
                for row in self._gateway.read(kind, every, properties, what=what, urgent=urgent)
            }
            if every
            else {}
        )
        return {
            one: [(rows[id], link) for id, link in pairs if id in rows]
            for one, pairs in wanted.items()
        }

    def _open_only(self, found: Mapping[str, list[tuple[Row, Row]]]) -> dict[str, list[Row]]:
        if not any(found.values()):
            return {one: [] for one in found}
        closed = self._closed_stages()
        return {
            one: [
                row for row, _ in rows if row["properties"].get("hs_pipeline_stage") not in closed
            ][:TICKETS_SHOWN]
            for one, rows in found.items()
        }

    def _closed_stages(self) -> frozenset[str]:
        if self._stages is None or self._now() - self._stages[0] >= STAGES_FOR:
            closed = frozenset(
                str(stage["id"])
                for pipeline in self._gateway.pipelines(ids.TICKETS)
                for stage in pipeline.get("stages") or ()
                if (stage.get("metadata") or {}).get("ticketState") == "CLOSED"
            )
            self._stages = (self._now(), closed)
        return self._stages[1]

    def _labelled(self, asked: _Asked) -> dict[str, list[tuple[Row, frozenset[str]]]]:
        found = self._records(asked, ids.CONTACTS, CONTACT_PROPERTIES)
        return {one: [(row, _labels(link)) for row, link in rows] for one, rows in found.items()}

    def _talks(self, asked: _Asked) -> dict[str, dict[str, list[tuple[Row, Row]]]]:
        """The talks by kind and company, of every kind that may be read."""
        found = {
            kind: self._allowed(
                kind, partial(self._records, asked, kind, properties, newest=NEWEST)
            )
            for kind, properties in TALKS.items()
        }
        return {kind: rows for kind, rows in found.items() if rows is not None}


def _labels(link: Row) -> frozenset[str]:
    return frozenset(
        str(one["label"]).casefold()
        for one in link.get("associationTypes") or ()
        if one.get("label")
    )
