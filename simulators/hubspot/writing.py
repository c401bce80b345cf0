"""How records come to be, change, and go, with the portal's own checks and derived values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from simulators.hubspot.errors import Refusal, invalid, invalid_property, not_found
from simulators.hubspot.portal import Change, Portal, Record, Source, Version
from simulators.hubspot.schema import ObjectType, iso
from simulators.hubspot.values import accept

ACTIVITIES = ("tasks", "notes", "calls", "emails", "meetings")
_PIN = "hs_pinned_engagement_id"
_TAG = re.compile(r"<[^>]*>")
_BODIES = ("hs_task_body", "hs_note_body", "hs_call_body", "hs_meeting_body", "hs_email_html")


@dataclass(frozen=True)
class Work:
    """Who writes: `ruled` by the admin's validation or not; `audit` may set stamps."""

    source: Source
    ruled: bool = True
    audit: bool = False


class Writing:
    """Every write goes through here, whoever makes it."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def create(
        self, one: ObjectType, given: Mapping[str, Any], work: Work, *, id: str | None = None
    ) -> Record:
        """A new record; Refusal when a property or a rule forbids it."""
        portal = self._portal
        values = self._accepted(one, given, {}, work)
        self._complete(one, values)
        record_id = id or portal.mint()
        if record_id in portal.records[one.name]:
            raise ValueError(f"{one.name} {record_id} exists already")
        now = portal.now()
        created = _stamp(given, one.created) if work.audit else None
        self._hold(one, record_id, values, None, work)
        born = created or now
        values |= {
            one.created: iso(born),
            one.modified: iso(now),
            "hs_object_id": record_id,
            "hs_object_source": work.source.type,
            "hs_object_source_id": work.source.id,
        }
        if values.get("hubspot_owner_id") and "hubspot_owner_assigneddate" in one.properties:
            values["hubspot_owner_assigneddate"] = iso(now)
        values |= derived(one.name, {}, values, now)
        history = {name: (Version(text, now, work.source),) for name, text in values.items()}
        record = Record(one.name, record_id, values, history, born, now)
        portal.put(record)
        portal.tell(Change("creation", one.name, record_id, now, work.source))
        for name in given:
            if values.get(name):
                self._tell_property(record, name, work.source)
        return record

    def update(
        self, one: ObjectType, record: Record, given: Mapping[str, Any], work: Work
    ) -> Record:
        """The record with new values; writing what stands already changes nothing at all."""
        values = self._accepted(one, given, record.values, work)
        changed = {
            name: text for name, text in values.items() if text != record.values.get(name, "")
        }
        if not changed:
            return record
        after = {**record.values, **changed}
        self._hold(one, record.id, after, record.values, work, changed)
        now = self._portal.now()
        changed |= derived(one.name, record.values, after, now)
        if "hubspot_owner_id" in changed and "hubspot_owner_assigneddate" in one.properties:
            changed["hubspot_owner_assigneddate"] = iso(now)
        kept = self.stamp(record, changed, work.source)
        for name in changed:
            if not one.properties[name].calculated:
                self._tell_property(kept, name, work.source)
        return kept

    def stamp(self, record: Record, changed: Mapping[str, str], source: Source) -> Record:
        """Keep values without a check, move the modified stamp, and write the history."""
        one = self._portal.types[record.type]
        now = self._portal.now()
        moved = {**changed, one.modified: iso(now)}
        history = dict(record.history)
        for name, text in moved.items():
            history[name] = (Version(text, now, source), *history.get(name, ()))
        kept = replace(record, values={**record.values, **moved}, history=history, updated=now)
        self._portal.put(kept)
        return kept

    def archive(self, record: Record, work: Work) -> None:
        """Move a record to the recycle bin: reads do not find it, its links and pins are gone."""
        now = self._portal.now()
        for target in self._portal.links.of(record.end):
            self._portal.set_links(record.end, target, set())
            other = self._portal.get(*target)
            if other is not None and other.values.get(_PIN) == record.id:
                self.stamp(other, {_PIN: ""}, work.source)
        self._portal.put(replace(record, archived_at=now, updated=now))
        self._portal.tell(Change("deletion", record.type, record.id, now, work.source))

    def restore(self, record: Record, work: Work) -> None:
        """Bring a record back within 90 days; its links stay gone."""
        now = self._portal.now()
        one = self._portal.types[record.type]
        self._hold(one, record.id, dict(record.values), None, replace(work, ruled=False))
        self._portal.put(replace(record, archived_at=None, updated=now))
        self._portal.tell(Change("restore", record.type, record.id, now, work.source))

    def _accepted(
        self, one: ObjectType, given: Mapping[str, Any], before: Mapping[str, str], work: Work
    ) -> dict[str, str]:
        made: dict[str, str] = {}
        for name, value in given.items():
            found = one.properties.get(name)
            if found is None:
                message = f'Property "{name}" does not exist'
                raise invalid_property(name, "PROPERTY_DOESNT_EXIST", message)
            if found.read_only and not work.audit:
                message = f'"{name}" is a read only property; its value cannot be set.'
                raise invalid_property(name, "READ_ONLY_VALUE", message)
            if value is None:
                # VENDOR: null is no value of the schema and clears nothing; an empty text does.
                continue
            made[name] = accept(found, value, before.get(name, ""), self._portal.owners)
        self._check_pipeline(one, {**before, **made}, made)
        self._check_pin(one, before.get("hs_object_id", ""), made)
        return made

    def _check_pin(self, one: ObjectType, id: str, made: Mapping[str, str]) -> None:
        pinned = made.get(_PIN)
        held = self._portal.links.of((one.name, id))
        if pinned and not any(end[1] == pinned and end[0] in ACTIVITIES for end in held):
            message = f"{pinned} is no activity that is associated with this record"
            raise invalid_property(_PIN, "INVALID_PINNED_ENGAGEMENT", message)

    def _check_pipeline(
        self, one: ObjectType, values: Mapping[str, str], made: Mapping[str, str]
    ) -> None:
        names = {
            "tickets": ("hs_pipeline", "hs_pipeline_stage"),
            "deals": ("pipeline", "dealstage"),
        }
        pair = names.get(one.name)
        if pair is None or pair[1] not in made:
            return
        pipelines = self._portal.pipelines.get(one.name, {})
        asked = values.get(pair[0]) or next(iter(pipelines), "")
        stages = pipelines[asked].stages if asked in pipelines else ()
        if made[pair[1]] not in [stage.id for stage in stages]:
            message = f"{made[pair[1]]} was not one of the stages of pipeline {asked}"
            raise invalid_property(pair[1], "INVALID_OPTION", message)

    def _complete(self, one: ObjectType, values: dict[str, str]) -> None:
        if one.name == "tickets" and not values.get("hs_pipeline"):
            values["hs_pipeline"] = next(iter(self._portal.pipelines["tickets"]))
        if one.name == "tasks":
            base = {"hs_task_status": "NOT_STARTED", "hs_task_priority": "NONE"}
            for name, text in {**base, "hs_task_type": "TODO"}.items():
                values.setdefault(name, text)
        missing = [name for name in one.needs_all if not values.get(name)]
        if one.needs_one and not any(values.get(name) for name in one.needs_one):
            missing = list(one.needs_one)
        if missing:
            raise invalid(
                f"Error creating {one.singular.upper()}. Some required properties were not set.",
                about={"properties": missing},
            )

    def _hold(
        self,
        one: ObjectType,
        id: str,
        values: Mapping[str, str],
        before: Mapping[str, str] | None,
        work: Work,
        names: Iterable[str] | None = None,
    ) -> None:
        """Unique values must be free, and the admin's rules must agree."""
        for name in values if names is None else names:
            found, text = one.properties[name], values[name]
            if not found.unique or not text:
                continue
            held = self._portal.holder(one.name, name, text)
            if held is not None and held != id:
                raise conflict(one, name, text, held)
        for rule in self._portal.rules.get(one.name, []) if work.ruled else []:
            words = rule(values, before)
            if words:
                raise invalid(words, errors=[{"message": words, "code": "VALIDATION_RULE_FAILED"}])

    def _tell_property(self, record: Record, name: str, source: Source) -> None:
        text = record.values.get(name, "")
        change = Change(
            "propertyChange", record.type, record.id, record.updated, source, name, text
        )
        self._portal.tell(change)


def conflict(one: ObjectType, name: str, value: str, holder: str) -> Refusal:
    """409: another record holds the unique value."""
    if one.name == "contacts" and name == "email":
        return Refusal(409, "CONFLICT", f"Contact already exists. Existing ID: {holder}")
    message = f"Cannot set {name} to {value}. {holder} already has that value."
    return invalid_property(name, "CONFLICTING_UNIQUE_VALUE", message, status=409)


def derived(
    type_name: str, before: Mapping[str, str], after: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """What the portal works out by itself when a record changes."""
    made: dict[str, str] = {}
    body = next((after[name] for name in _BODIES if after.get(name)), None)
    if body is not None:
        made["hs_body_preview"] = " ".join(_TAG.sub(" ", body).split())[:140]
    if type_name == "tasks":
        was = before.get("hs_task_status") == "COMPLETED"
        done = after.get("hs_task_status") == "COMPLETED"
        if done != was or not before:
            made["hs_task_is_completed"] = "1" if done else "0"
            made["hs_task_completion_date"] = iso(now) if done else ""
    if type_name == "companies":
        customer = after.get("lifecyclestage") == "customer"
        made["hs_current_customer"] = "true" if customer else "false"
    return {name: text for name, text in made.items() if text != before.get(name, "")}


def found_or_refused(record: Record | None) -> Record:
    """The record; 404 when there is none."""
    if record is None:
        raise not_found()
    return record


def _stamp(given: Mapping[str, Any], name: str) -> datetime | None:
    value = given.get(name)
    return value if isinstance(value, datetime) else None
