"""The stage of the portal: owners, teams, pipelines, properties and records, set by the admin."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from simulators.hubspot.associating import Associating
from simulators.hubspot.custom import GROUP, custom_properties
from simulators.hubspot.errors import Refusal
from simulators.hubspot.merging import Merging
from simulators.hubspot.people import Links, Person, wire
from simulators.hubspot.portal import Owner, Pipeline, Portal, Source, Stage
from simulators.hubspot.properties_api import PropertiesApi
from simulators.hubspot.writing import Work, Writing

ADMIN = Source("CRM_UI", "userId:70000001", 70000001)
HOURS = [{"days": "MONDAY_TO_FRIDAY", "startMinute": 540, "endMinute": 1020}]


class StageHands:
    """Sets up people, definitions and records, as an admin with every permission.

    Property values are Python values (date, aware datetime, Decimal, bool) or texts. Each `add_`
    returns the new id as a text of digits.
    """

    def __init__(
        self,
        portal: Portal,
        writing: Writing,
        associating: Associating,
        merging: Merging,
        properties: PropertiesApi,
    ) -> None:
        self._portal = portal
        self._writing = writing
        self._associating = associating
        self._merging = merging
        self._properties = properties
        self._work = Work(ADMIN, ruled=False, audit=True)
        self.set_ticket_stages(["New", "Waiting on contact", "Waiting on us"], ["Closed"])
        stages = (Stage("appointmentscheduled", "Appointment scheduled", {"isClosed": "false"}),)
        portal.pipelines["deals"] = {"default": Pipeline("default", "Sales Pipeline", stages)}

    def human(self, owner_id: str) -> Person:
        """An owner at the keyboard; KeyError for nobody's id."""
        if owner_id not in self._portal.owners:
            raise KeyError(f"no owner {owner_id}")
        return Person(self._portal, self._writing, self._associating, self._merging, owner_id)

    def add_owner(
        self,
        name: str,
        *,
        email: str | None = None,
        teams: Sequence[str] = (),
        zone: str = "America/New_York",
        hours: Sequence[Mapping[str, Any]] | None = None,
        active: bool = True,
        id: str | None = None,
    ) -> str:
        """Somebody whom records can belong to, and the user behind them; returns the owner id."""
        first, _, last = name.rpartition(" ")
        mail = email or f"{re.sub(r'[^a-z0-9]+', '.', name.lower()).strip('.')}@example.com"
        with self._portal.transaction():
            place = len(self._portal.owners) + 1
            owner_id, user_id = id or str(41_629_000 + place * 7), 70_000_001 + place * 13
            for team in teams:
                self._portal.teams.setdefault(team, str(900_001 + len(self._portal.teams)))
            now = self._portal.now()
            self._portal.owners[owner_id] = Owner(
                owner_id, user_id, mail, first, last, tuple(teams), now, now, active
            )
            self._add(
                "users",
                None,
                {
                    "hs_email": mail,
                    "hs_given_name": first,
                    "hs_family_name": last,
                    "hs_internal_user_id": user_id,
                    "hubspot_owner_id": owner_id,
                    "hs_deactivated": not active,
                    "hs_standard_time_zone": zone,
                    "hs_working_hours": json.dumps(HOURS if hours is None else list(hours)),
                    "hs_availability_status": "available",
                },
            )
        return owner_id

    def user_id_of(self, owner_id: str) -> int:
        """The user id of an owner, which is never an owner id."""
        return self._portal.owners[owner_id].user_id

    def deactivate(self, owner_id: str) -> None:
        """Switch a user off: the owner is archived, what it owns stays its own."""
        self._switch(owner_id, False)

    def activate(self, owner_id: str) -> None:
        """Switch a user on again."""
        self._switch(owner_id, True)

    def set_away(self, owner_id: str, away: bool = True, until: datetime | None = None) -> None:
        """Say that somebody is out of office, or back."""
        said: dict[str, Any] = {"hs_availability_status": "away" if away else "available"}
        if until is not None:
            now = int(self._portal.now().timestamp() * 1000)
            span = {"startTimestamp": now, "endTimestamp": int(until.timestamp() * 1000)}
            said["hs_out_of_office_hours"] = json.dumps([span])
        self._user(owner_id, said)

    def set_working_hours(self, owner_id: str, hours: Sequence[Mapping[str, Any]]) -> None:
        """When somebody works, as `{days, startMinute, endMinute}`."""
        self._user(owner_id, {"hs_working_hours": json.dumps(list(hours))})

    def set_zone(self, owner_id: str, zone: str) -> None:
        """Where somebody works, as an IANA name; an empty text for a user without one."""
        self._user(owner_id, {"hs_standard_time_zone": zone})

    def set_ticket_stages(self, open: Iterable[str], closed: Iterable[str]) -> None:
        """Replace the ticket pipeline `0`; stage ids count from 1."""
        named = [*((label, "OPEN") for label in open), *((label, "CLOSED") for label in closed)]
        stages = tuple(
            Stage(
                str(place),
                label,
                {"ticketState": state, "isClosed": str(state == "CLOSED").lower()},
            )
            for place, (label, state) in enumerate(named, 1)
        )
        with self._portal.lock:
            self._portal.pipelines["tickets"] = {"0": Pipeline("0", "Support Pipeline", stages)}

    def add_property(
        self,
        type_name: str,
        name: str,
        *,
        type: str = "string",
        field_type: str | None = None,
        label: str | None = None,
        options: Sequence[str] = (),
        unique: bool = False,
        owner: bool = False,
        group: str | None = None,
    ) -> None:
        """A property of the customer's own; `owner` makes its values owner ids."""
        usual = {"string": "text", "enumeration": "select", "bool": "booleancheckbox"}
        usual |= {"datetime": "date", "date": "date", "number": "number"}
        kind = "enumeration" if owner else type
        given: dict[str, Any] = {
            "name": name,
            "label": label or name,
            "type": kind,
            "fieldType": field_type or usual[kind],
            "groupName": group or self._portal.types[type_name].group,
            "options": [{"label": one, "value": one} for one in options],
            "hasUniqueValue": unique,
        }
        if owner:
            given |= {"externalOptions": True, "referencedObjectType": "OWNER"}
        self.install(type_name, [given])

    def install(
        self,
        type_name: str,
        definitions: Iterable[Mapping[str, Any]],
        groups: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Groups and properties by their definitions in wire form; those that exist are left."""
        with self._portal.transaction():
            for group in groups:
                if group["name"] not in self._portal.groups[type_name]:
                    self._properties.create_group(type_name, group)
            for one in definitions:
                if one["name"] not in self._portal.types[type_name].properties:
                    self._properties.create(type_name, one)

    def set_up(self) -> None:
        """Do what `kidglove hubspot setup` does: our group and properties, where missing."""
        for type_name in ("companies", "tasks"):
            self.install(type_name, custom_properties(type_name), [GROUP])

    def add_label(self, source: str, target: str, label: str, inverse: str | None = None) -> int:
        """A label for associations of two object types; returns its id as seen from `source`."""
        with self._portal.lock:
            return self._portal.links.add(source, target, label, inverse or label)[0].id

    def rename_option(self, type_name: str, name: str, value: str, label: str) -> None:
        """Rename what people see; the stored value stays."""
        with self._portal.lock:
            one = self._portal.types[type_name].properties[name]
            kept = tuple(
                replace(each, label=label) if each.value == value else each for each in one.options
            )
            self._portal.define(type_name, replace(one, options=kept))

    def set_options(self, type_name: str, name: str, values: Sequence[str]) -> None:
        """Replace the options of an enumeration, as an admin in the settings does."""
        with self._portal.lock:
            given = [{"label": value, "value": value} for value in values]
            self._properties.change(type_name, name, {"options": given})

    def drop_property(self, type_name: str, name: str) -> None:
        """Archive a property."""
        with self._portal.lock:
            self._portal.drop_property(type_name, name)

    def add_company(
        self, name: str, *, owner: str | None = None, id: str | None = None, **properties: Any
    ) -> str:
        """A company."""
        return self._add("companies", id, {"name": name, "hubspot_owner_id": owner, **properties})

    def add_contact(
        self,
        company: str | None,
        first: str | None,
        last: str | None,
        email: str | None = None,
        *,
        id: str | None = None,
        **properties: Any,
    ) -> str:
        """A contact of a company, which becomes its primary one."""
        base = {"firstname": first, "lastname": last, "email": email}
        return self._add("contacts", id, {**base, **properties}, _links(company, None))

    def add_ticket(
        self,
        company: str | None,
        subject: str,
        *,
        stage: str = "1",
        priority: str | None = "MEDIUM",
        contact: str | None = None,
        owner: str | None = None,
        id: str | None = None,
        **properties: Any,
    ) -> str:
        """A support ticket of a company."""
        base: dict[str, Any] = {"subject": subject, "hs_pipeline": "0", "hs_pipeline_stage": stage}
        base |= {"hs_ticket_priority": priority, "hubspot_owner_id": owner}
        return self._add("tickets", id, {**base, **properties}, _links(company, contact))

    def add_task(
        self,
        company: str | None,
        subject: str,
        *,
        owner: str | None = None,
        due: datetime | None = None,
        status: str = "NOT_STARTED",
        contact: str | None = None,
        id: str | None = None,
        **properties: Any,
    ) -> str:
        """A task that somebody made by hand; due in a day unless said otherwise."""
        base = {
            "hs_task_subject": subject,
            "hs_timestamp": due or self._portal.now() + timedelta(days=1),
            "hs_task_status": status,
            "hubspot_owner_id": owner,
        }
        return self._add("tasks", id, {**base, **properties}, _links(company, contact))

    def add_note(self, company: str | None, body: str, **more: Any) -> str:
        """A note on a company; takes `at`, `owner`, `contact`, `id` and properties."""
        return self._activity("notes", company, {"hs_note_body": body}, **more)

    def add_call(self, company: str | None, title: str, **more: Any) -> str:
        """A call with a company; takes `at`, `owner`, `contact`, `id` and properties."""
        base = {"hs_call_title": title, "hs_call_status": "COMPLETED"}
        return self._activity("calls", company, base, **more)

    def add_email(self, company: str | None, subject: str, **more: Any) -> str:
        """A logged e-mail; takes `at`, `owner`, `contact`, `id` and properties."""
        base = {"hs_email_subject": subject, "hs_email_direction": "EMAIL"}
        return self._activity("emails", company, base, **more)

    def add_meeting(
        self, company: str | None, title: str, *, at: datetime, minutes: int = 30, **more: Any
    ) -> str:
        """A meeting about a company; takes `owner`, `contact`, `id` and properties."""
        base = {
            "hs_meeting_title": title,
            "hs_meeting_start_time": at,
            "hs_meeting_end_time": at + timedelta(minutes=minutes),
            "hs_meeting_outcome": "SCHEDULED" if at > self._portal.now() else "COMPLETED",
        }
        return self._activity("meetings", company, base, at=at, **more)

    def merge_companies(self, winner: str, loser: str) -> str:
        """Merge two companies as the admin; returns the survivor's id."""
        with self._portal.transaction():
            pair = [self._portal.get("companies", one) for one in (winner, loser)]
            if pair[0] is None or pair[1] is None:
                raise KeyError(f"no companies {winner} and {loser}")
            return self._merging.merge(pair[0], pair[1], self._work).id

    def _activity(
        self,
        type_name: str,
        company: str | None,
        base: Mapping[str, Any],
        *,
        at: datetime | None = None,
        owner: str | None = None,
        contact: str | None = None,
        id: str | None = None,
        **properties: Any,
    ) -> str:
        own = {"hs_timestamp": at or self._portal.now(), "hubspot_owner_id": owner}
        return self._add(type_name, id, {**own, **base, **properties}, _links(company, contact))

    def _add(
        self, type_name: str, id: str | None, properties: Mapping[str, Any], links: Links = ()
    ) -> str:
        with self._portal.transaction():
            lag, self._portal.lag = self._portal.lag, timedelta(0)
            try:
                one = self._portal.types[type_name]
                record = self._writing.create(one, wire(properties), self._work, id=id)
                for target in links:
                    self._associating.link(record.end, target, (), self._work)
                return record.id
            except Refusal as refusal:
                raise ValueError(f"cannot add to {type_name}: {refusal}") from refusal
            finally:
                self._portal.lag = lag

    def _switch(self, owner_id: str, active: bool) -> None:
        with self._portal.lock:
            owner = self._portal.owners[owner_id]
            owner.active = active
            owner.updated = self._portal.now()
        self._user(owner_id, {"hs_deactivated": not active})

    def _user(self, owner_id: str, properties: Mapping[str, Any]) -> None:
        with self._portal.transaction():
            for record in list(self._portal.live("users")):
                if record.values.get("hubspot_owner_id") == owner_id:
                    one = self._portal.types["users"]
                    self._writing.update(one, record, wire(properties), self._work)
                    return
            raise KeyError(f"no owner {owner_id}")


def _links(company: str | None, contact: str | None) -> list[tuple[str, str]]:
    ends = (("companies", company), ("contacts", contact))
    return [(name, id) for name, id in ends if id is not None]
