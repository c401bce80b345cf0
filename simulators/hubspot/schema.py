"""What a portal is made of: object types, property groups, properties and their options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TEXT_LIMIT = 65_536
"""Characters that a string property holds."""
TYPES = ("bool", "enumeration", "date", "datetime", "string", "number")
FIELD_TYPES = (
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
)


@dataclass(frozen=True)
class Option:
    """One value of an enumeration: `value` is stored, `label` is shown."""

    label: str
    value: str
    hidden: bool = False
    description: str = ""

    def wire(self, place: int) -> dict[str, Any]:
        """The option as the properties API shows it."""
        return {
            "label": self.label,
            "value": self.value,
            "displayOrder": place,
            "hidden": self.hidden,
            "description": self.description,
        }


@dataclass(frozen=True, kw_only=True)
class Property:
    """The definition of one property; `read_only` values cannot be written through the API."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str
    description: str = ""
    options: tuple[Option, ...] = ()
    unique: bool = False
    read_only: bool = False
    calculated: bool = False
    external_options: bool = False
    referenced: str | None = None
    own: bool = False
    """Made by HubSpot; the customer's own properties are False."""
    hidden: bool = False
    form_field: bool = False
    created: datetime | None = None
    changed: datetime | None = None

    @property
    def several(self) -> bool:
        """Whether a value is a `;`-joined list."""
        return self.type == "enumeration" and self.field_type == "checkbox"

    def wire(self) -> dict[str, Any]:
        """The definition as the properties API shows it."""
        shown: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [one.wire(place) for place, one in enumerate(self.options)],
            "displayOrder": -1,
            "calculated": self.calculated,
            "externalOptions": self.external_options,
            "archived": False,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": self.own,
            "formField": self.form_field,
            "dataSensitivity": "non_sensitive",
            "modificationMetadata": {
                "archivable": not self.own,
                "readOnlyDefinition": self.own,
                "readOnlyOptions": self.own,
                "readOnlyValue": self.read_only,
            },
        }
        if self.referenced:
            shown["referencedObjectType"] = self.referenced
        for name, moment in (("createdAt", self.created), ("updatedAt", self.changed)):
            if moment is not None:
                shown[name] = iso(moment)
        return shown


@dataclass(frozen=True)
class Group:
    """A group of properties, as people see them on a record."""

    name: str
    label: str
    order: int = -1

    def wire(self) -> dict[str, Any]:
        """The group as the properties API shows it."""
        return {
            "name": self.name,
            "label": self.label,
            "displayOrder": self.order,
            "archived": False,
        }


@dataclass(frozen=True, kw_only=True)
class ObjectType:
    """One kind of record. `created` and `modified` name its stamps; `shown` is read by default."""

    name: str
    id: str
    singular: str
    created: str
    modified: str
    shown: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    schema_reads: tuple[str, ...]
    schema_writes: tuple[str, ...]
    group: str
    needs_all: tuple[str, ...] = ()
    needs_one: tuple[str, ...] = ()
    unique_names: bool = True
    """Whether a customer may create properties with unique values here."""
    properties: Mapping[str, Property] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    """The properties that a free-text search looks at."""

    @property
    def always(self) -> tuple[str, ...]:
        """What every read answers, asked for or not."""
        return (self.created, self.modified, "hs_object_id")


def options(*values: str) -> tuple[Option, ...]:
    """Options whose labels are made from their values."""
    return tuple(Option(value.replace("_", " ").capitalize(), value) for value in values)


def by_name(properties: Iterable[Property]) -> dict[str, Property]:
    """Properties in order, by name."""
    return {one.name: one for one in properties}


def iso(moment: datetime) -> str:
    """`2026-11-24T10:00:00.120Z`, without a fraction that is zero, as the API writes moments."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    thousandths = moment.microsecond // 1000
    return f"{text}.{thousandths:03d}Z" if thousandths else f"{text}Z"
