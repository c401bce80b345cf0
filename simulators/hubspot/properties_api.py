"""Property definitions and groups: read, create, change, archive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulators.hubspot.access import require
from simulators.hubspot.batch_api import BatchApi
from simulators.hubspot.calls import Call, Reply
from simulators.hubspot.errors import Refusal, invalid, no_such_path, not_found
from simulators.hubspot.portal import Portal
from simulators.hubspot.schema import FIELD_TYPES, TYPES, Group, ObjectType, Option, Property

MOST_UNIQUE = 10
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_OWN = "hs_"


class PropertiesApi:
    """Answers for `/crm/properties/{version}/{type}...`."""

    def __init__(self, portal: Portal, batches: BatchApi) -> None:
        self.refuses_unique: set[str] = set()
        """Object types whose new properties quietly lose `hasUniqueValue`."""
        self.unique_refusal: str | None = None
        """The category with which `hasUniqueValue` is refused on them, if it is not dropped."""
        self._portal = portal
        self._batches = batches

    def answer(self, call: Call) -> Reply:
        """One request."""
        one = self._portal.type_of(call.parts[0]) if call.parts else None
        if one is None:
            raise not_found("Unable to infer object type")
        reads = call.method == "GET" or call.parts[1:] == ("batch", "read")
        require(call.grant, one.schema_reads if reads else one.schema_writes)
        match call.method, call.parts[1:]:
            case "GET", ():
                return Reply(200, {"results": [each.wire() for each in self._all(one, call)]})
            case "POST", ():
                return Reply(201, self.create(one.name, call.record()).wire())
            case _, ("groups", *rest):
                return self._groups(call, one, rest)
            case "POST", ("batch", verb):
                return self._batch(call, one, verb)
            case "GET", (name,):
                return Reply(200, self._one(one, name).wire())
            case "PATCH", (name,):
                return Reply(200, self.change(one.name, name, call.record()).wire())
            case "DELETE", (name,):
                self._drop(one, name)
                return Reply(204)
            case _:
                raise no_such_path()

    def create(self, type_name: str, given: Mapping[str, Any]) -> Property:
        """A new property of the customer's own; 409 when the name is taken."""
        one = self._portal.types[type_name]
        name = str(given.get("name"))
        if name in one.properties:
            text = f'A property named "{name}" already exists.'
            raise Refusal(409, "OBJECT_ALREADY_EXISTS", text)
        if not _NAME.fullmatch(name) or name.startswith(_OWN):
            raise invalid(f"{name} is no valid name for a property")
        for key in ("groupName", "label", "type", "fieldType"):
            if not given.get(key):
                raise invalid(f"Some required fields were not set: [{key}]")
        if given["groupName"] not in self._portal.groups[type_name]:
            raise invalid(f"Property group {given['groupName']} does not exist")
        if given["type"] not in TYPES or given["fieldType"] not in FIELD_TYPES:
            raise invalid(f"{given['type']}/{given['fieldType']} is no type of property")
        unique = bool(given.get("hasUniqueValue"))
        if unique and type_name in self.refuses_unique:
            if self.unique_refusal is not None:
                raise Refusal(400, self.unique_refusal, "hasUniqueValue is not supported here")
            unique = False
        taken = [each for each in one.properties.values() if each.unique and not each.own]
        if unique and len(taken) >= MOST_UNIQUE:
            raise invalid(f"At most {MOST_UNIQUE} unique properties are allowed per object")
        now = self._portal.now()
        made = Property(
            name=name,
            label=str(given["label"]),
            type=str(given["type"]),
            field_type=str(given["fieldType"]),
            group=str(given["groupName"]),
            description=str(given.get("description") or ""),
            options=_options(given, unique=unique),
            unique=unique,
            external_options=bool(given.get("externalOptions")),
            referenced=given.get("referencedObjectType"),
            hidden=bool(given.get("hidden")),
            form_field=bool(given.get("formField")),
            created=now,
            changed=now,
        )
        self._portal.define(type_name, made)
        return made

    def create_group(self, type_name: str, given: Mapping[str, Any]) -> Group:
        """A new group; 409 when the name is taken."""
        groups = self._portal.groups[type_name]
        name, label = str(given.get("name") or ""), str(given.get("label") or "")
        if not _NAME.fullmatch(name) or not label:
            raise invalid("A property group needs a name and a label")
        if name in groups:
            text = f'A property group named "{name}" already exists.'
            raise Refusal(409, "OBJECT_ALREADY_EXISTS", text)
        groups[name] = Group(name, label, int(given.get("displayOrder", -1)))
        return groups[name]

    def _all(self, one: ObjectType, call: Call) -> list[Property]:
        if call.flag("archived"):
            return list(self._portal.archived_properties[one.name].values())
        return list(one.properties.values())

    def _one(self, one: ObjectType, name: str) -> Property:
        found = one.properties.get(name)
        if found is None:
            raise not_found(f'Property "{name}" does not exist')
        return found

    def change(self, type_name: str, name: str, given: Mapping[str, Any]) -> Property:
        """A property of the customer's own with another label, group or options."""
        one = self._portal.types[type_name]
        found = self._one(one, name)
        if found.own:
            raise invalid(f"{name} is defined by HubSpot and cannot be changed")
        # VENDOR: unique values cannot be switched on for a property that exists.
        changed = replace(
            found,
            label=str(given.get("label", found.label)),
            description=str(given.get("description", found.description)),
            group=str(given.get("groupName", found.group)),
            hidden=bool(given.get("hidden", found.hidden)),
            form_field=bool(given.get("formField", found.form_field)),
            options=_options(given, unique=False) if "options" in given else found.options,
            changed=self._portal.now(),
        )
        self._portal.define(one.name, changed)
        return changed

    def _drop(self, one: ObjectType, name: str) -> None:
        if self._one(one, name).own:
            raise invalid(f"{name} is defined by HubSpot and cannot be archived")
        self._portal.drop_property(one.name, name)

    def _groups(self, call: Call, one: ObjectType, rest: list[str]) -> Reply:
        groups = self._portal.groups[one.name]
        match call.method, rest:
            case "GET", []:
                return Reply(200, {"results": [each.wire() for each in groups.values()]})
            case "POST", []:
                return Reply(201, self.create_group(one.name, call.record()).wire())
            case _, [name] if name not in groups:
                raise not_found(f'Property group "{name}" does not exist')
            case "GET", [name]:
                return Reply(200, groups[name].wire())
            case "PATCH", [name]:
                body = call.record()
                order = int(body.get("displayOrder", groups[name].order))
                groups[name] = Group(name, str(body.get("label", groups[name].label)), order)
                return Reply(200, groups[name].wire())
            case "DELETE", [name]:
                if any(each.group == name for each in one.properties.values()):
                    raise invalid(f"Property group {name} still has properties")
                del groups[name]
                return Reply(204)
            case _:
                raise no_such_path()

    def _batch(self, call: Call, one: ObjectType, verb: str) -> Reply:
        results: list[Any] = []
        errors: list[dict[str, Any]] = []
        for row in call.inputs(100):
            name = str(row.get("name"))
            try:
                match verb:
                    case "create":
                        results.append(self.create(one.name, row).wire())
                    case "read":
                        results.append(self._one(one, name).wire())
                    case "archive":
                        self._drop(one, name)
                    case _:
                        raise no_such_path()
            except Refusal as refusal:
                if refusal.category == "NOT_FOUND":
                    raise
                errors.append(refusal.in_batch({"name": [name]}))
        if verb == "archive":
            return Reply(204)
        return self._batches.finished(call, results, errors, 201 if verb == "create" else 200)


def _options(given: Mapping[str, Any], *, unique: bool) -> tuple[Option, ...]:
    if given.get("type") == "bool":
        return (Option("Yes", "true"), Option("No", "false"))
    found = given.get("options") or []
    if unique and found:
        raise invalid("A property with options cannot have unique values")
    made = tuple(
        Option(
            str(each["label"]),
            str(each["value"]),
            bool(each.get("hidden")),
            str(each.get("description") or ""),
        )
        for each in found
    )
    if len({each.value for each in made}) < len(made):
        raise invalid("Option values must be unique")
    return made
