"""What the rows of a company mean in our own words. Pure: rows in, records out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.hubspot import ids
from connectors.hubspot.account_parts import Hanging, Part
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.names import Names
from connectors.hubspot.people import Directory
from connectors.hubspot.tasks import CLOSED, TaskFields, work_item
from connectors.hubspot.wire import Row, moment_or_none
from connectors.kit.state import state_digest
from domain.facts import NOT_MAPPED, Contact, Person, Role, Ticket, Touch
from domain.leaf import Known, Leaf, Missing
from domain.ports import AccountRecord, ReadPlan

LINE_LENGTH = 120
"""A touch is told in one line."""
OWNER_PROPERTY = "hubspot_owner_id"
_TALKS: Mapping[str, tuple[str, str]] = {
    ids.CALLS: ("call", "hs_call_title"),
    ids.MEETINGS: ("meeting", "hs_meeting_title"),
    ids.EMAILS: ("email", "hs_email_subject"),
}
_NOT_MET = frozenset({"CANCELED", "NO_SHOW"})
_INCOMING_MAIL = "INCOMING_EMAIL"


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Where a person sees records: the portal, and the host of its web pages."""

    portal_id: str
    host: str = "app.hubspot.com"

    def url(self, kind: str, id: str) -> str | None:
        """The page of a record; None while the portal is not known."""
        if not self.portal_id:
            return None
        return f"https://{self.host}/contacts/{self.portal_id}/record/{ids.TYPE_IDS[kind]}/{id}"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read rows: what was asked for, who the people are, when, and whose history counts."""

    plan: ReadPlan
    definitions: Definitions
    directory: Directory
    pages: Pages
    read_at: datetime
    names: Names

    def record(self, row: Row, hanging: Hanging) -> AccountRecord:
        """One account. KeyError or ValueError if the row is not one."""
        said: Mapping[str, Any] = row["properties"]
        id = ids.known(row["id"])
        changed_by, changed_at = self._last_change(row)
        return AccountRecord(
            ref=ids.account(id),
            name=said.get("name") or said.get("domain") or "",
            url=str(row["url"]) if row.get("url") else self.pages.url(ids.COMPANIES, id),
            read_at=self.read_at,
            fields={
                name: self.definitions.understood(name, said.get(name))
                for name in self.plan.account_fields
            },
            people=self._people(said),
            customers=claimed(row, self.plan.customer_field),
            ap_contact=self._contact(hanging),
            tickets=self._tickets(hanging),
            last_touch=self._last_touch(hanging),
            tasks=tuple(
                work_item(task, self.task_fields, self.directory)
                for task in hanging.tasks
                if self._is_ours(task)
            ),
            changed_by=changed_by,
            changed_at=changed_at,
            fields_changed_at=_changed_at(row, self.plan.timed_fields),
            digest=self._digest(said),
        )

    def _digest(self, said: Mapping[str, Any]) -> str | None:
        watched = self.names.written(said)
        people = people_properties(self.plan, self.names.csm).values()
        read = {*self.plan.account_fields, *people, self.plan.customer_field}
        return state_digest(watched) if watched and watched.keys() <= read else None

    @property
    def task_fields(self) -> TaskFields:
        """The names of what we add to a task."""
        plan = self.plan
        return TaskFields(key=plan.task_key_field, outcome=plan.task_outcome_field)

    def _is_ours(self, task: Row) -> bool:
        key = self.plan.task_key_field
        return bool(key and task["properties"].get(key))

    def _people(self, said: Mapping[str, Any]) -> dict[Role, Person]:
        found: dict[Role, Person] = {}
        for role, name in people_properties(self.plan, self.names.csm).items():
            owner = self.directory.colleagues.get(str(said.get(name) or ""))
            if owner is not None:
                found[role] = owner.person
        return found

    def _contact(self, hanging: Hanging) -> Leaf[Contact]:
        """The contact whose association carries the mapped label.

        # VENDOR: labels are texts that people see; a mapping's names have no spaces, so that
        # `Billing_contact` means "Billing contact" (associations guide, labels).
        """
        label = self.plan.contact_field
        if not label:
            return NOT_MAPPED
        if Part.CONTACT in hanging.denied:
            return Missing(f"no access to {Part.CONTACT}")
        wanted = label.replace("_", " ").casefold()
        for row, labels in hanging.contacts:
            if wanted in {one.replace("_", " ") for one in labels}:
                return self._known(_contact(row))
        return Missing(f"no contact is labelled {label.replace('_', ' ')} on the company")

    def _tickets(self, hanging: Hanging) -> Leaf[tuple[Ticket, ...]]:
        if Part.TICKETS in hanging.denied:
            return Missing(f"no access to {Part.TICKETS}")
        tickets = tuple(
            Ticket(
                id=ids.known(row["id"]),
                title=row["properties"].get("subject") or f"Ticket {row['id']}",
                priority=row["properties"].get("hs_ticket_priority") or None,
                url=self.pages.url(ids.TICKETS, ids.known(row["id"])),
            )
            for row in hanging.tickets
        )
        return self._known(tickets)

    def _last_touch(self, hanging: Hanging) -> Leaf[Touch | None]:
        touches = [self._talk(kind, row) for kind, row in hanging.talks]
        touches += [self._done(row) for row in hanging.tasks if not self._is_ours(row)]
        past = [one for one in touches if one is not None and one.at <= self.read_at]
        newest: Touch | None = max(past, key=lambda touch: touch.at, default=None)
        if newest is None and hanging.silent:
            # Talks that may not be read are left out, but nobody may say that there was none.
            return Missing(f"no access to {', '.join(hanging.silent)}")
        return self._known(newest)

    def _talk(self, kind: str, row: Row) -> Touch | None:
        said = row["properties"]
        name, title = _TALKS[kind]
        at = moment_or_none(said.get("hs_timestamp"))
        if (
            at is None
            or said.get("hs_meeting_outcome") in _NOT_MET
            or said.get("hs_email_direction") == _INCOMING_MAIL
        ):
            return None
        return Touch(at=at, kind=name, who=self._name(said), line=_line(said.get(title)))

    def _done(self, row: Row) -> Touch | None:
        said = row["properties"]
        at = moment_or_none(said.get("hs_task_completion_date"))
        if at is None or said.get("hs_task_status") != CLOSED:
            return None
        kind = str(said.get("hs_task_type") or "task").lower()
        return Touch(
            at=at,
            kind=kind if kind in ("call", "email") else "task",
            who=self._name(said),
            line=_line(said.get("hs_task_subject")),
        )

    def _name(self, said: Mapping[str, Any]) -> str:
        found = self.directory.colleagues.get(str(said.get(OWNER_PROPERTY) or ""))
        return found.person.name if found else ""

    def _last_change(self, row: Row) -> tuple[str | None, datetime | None]:
        """Who said the word that stands in the resolution property, and when.

        The author is an owner id where the user has one, else the vendor's word for the source.
        """
        history = (row.get("propertiesWithHistory") or {}).get(self.names.resolution) or []
        dated = [(moment_or_none(one.get("timestamp")), one) for one in history]
        newest = max(
            ((at, place) for place, (at, _) in enumerate(dated) if at is not None),
            key=lambda pair: (pair[0], -pair[1]),
            default=None,
        )
        if newest is None:
            return None, None
        at, place = newest
        entry = dated[place][1]
        user = str(entry.get("updatedByUserId") or "")
        source = str(entry.get("sourceId") or "")
        if not user and source.startswith("userId:"):
            user = source.removeprefix("userId:")
        if user:
            return self.directory.owner_of_user(user) or f"user:{user}", at
        return f"{str(entry.get('sourceType') or 'unknown').lower()}:{source}", at

    def _known(self, value: Any) -> Known[Any]:
        return Known(value, ids.SYSTEM, self.read_at)


def people_properties(plan: ReadPlan, csm: str | None) -> dict[Role, str]:
    """The property of each role; the company's owner comes for free, and the CSM's property may
    be named by the settings instead of the mapping."""
    found = {Role.OWNER: OWNER_PROPERTY, **plan.people_fields}
    if csm:
        found[Role.CSM] = csm
    return found


def claimed(row: Row, customer_field: str) -> tuple[str, ...]:
    """The payment customers that a company names: usually one, a list if an admin wrote one."""
    text = row["properties"].get(customer_field) if customer_field else None
    return tuple(str(text).replace(";", ",").replace(",", " ").split()) if text else ()


def merged_into(row: Row) -> tuple[str, ...]:
    """The ids of companies that were merged into this one."""
    text = row["properties"].get("hs_merged_object_ids")
    return tuple(str(text).split(";")) if text else ()


def newest_first(rows: Sequence[Row]) -> list[Row]:
    """The rows, the last changed first."""
    return sorted(rows, key=lambda row: str(row.get("updatedAt") or ""), reverse=True)


def _changed_at(row: Row, names: Sequence[str]) -> dict[str, datetime]:
    """When each of these properties was last changed; one that never was is not in it."""
    history = row.get("propertiesWithHistory") or {}
    found: dict[str, datetime] = {}
    for name in names:
        moments = [moment_or_none(one.get("timestamp")) for one in history.get(name) or ()]
        known = [at for at in moments if at is not None]
        if known:
            found[name] = max(known)
    return found


def _contact(row: Row) -> Contact:
    said = row["properties"]
    first, last = said.get("firstname") or "", said.get("lastname") or ""
    return Contact(
        id=ids.known(row["id"]),
        name=f"{first} {last}".strip() or said.get("email") or "",
        first_name=first or None,
        email=said.get("email") or None,
        is_gone=bool(row.get("archived")),
    )


def _line(text: Any) -> str:
    return str(text or "")[:LINE_LENGTH]
