"""What an object and a field are: the shapes that describe, writes and SOQL all obey."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The field types of describe that this org has."""

    ID = "id"
    STRING = "string"
    TEXTAREA = "textarea"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    DOUBLE = "double"
    CURRENCY = "currency"
    INT = "int"
    PICKLIST = "picklist"
    COMBOBOX = "combobox"
    REFERENCE = "reference"
    URL = "url"
    EMAIL = "email"
    PHONE = "phone"


@dataclass(frozen=True)
class Choice:
    """One picklist value: the API value never changes, the label is the admin's to rename."""

    value: str
    label: str
    default: bool = False


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column. `stored` False means worked out at reading; `human` None means standard."""

    name: str
    kind: Kind
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    stored: bool = True
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    choices: tuple[Choice, ...] = ()
    restricted: bool = False
    refers_to: tuple[str, ...] = ()
    relationship: str | None = None
    default: Any = None
    shared_on: str | None = None
    human: bool | None = None

    @property
    def custom(self) -> bool:
        """Whether the package brought it."""
        return self.name.endswith("__c")

    @property
    def polymorphic(self) -> bool:
        """Whether it may point at more than one object."""
        return len(self.refers_to) > 1


@dataclass(frozen=True)
class Children:
    """A child relationship, the name that a subquery uses."""

    name: str
    object: str
    field: str


@dataclass(frozen=True, kw_only=True)
class SObject:
    """One object: its fields by name and the relationships that lead down from it."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: dict[str, Field]
    children: tuple[Children, ...] = ()
    writable: bool = True
    _lower: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Field | None:
        """The field of that name, whatever its case, as Salesforce matches names."""
        if not self._lower:
            self._lower.update({known.lower(): known for known in self.fields})
        known = self._lower.get(name.lower())
        return None if known is None else self.fields[known]

    def by_relationship(self, name: str) -> Field | None:
        """The reference field whose parent is called `name` in a dotted path."""
        wanted = name.lower()
        for candidate in self.fields.values():
            if candidate.relationship and candidate.relationship.lower() == wanted:
                return candidate
        return None


def table(fields: Iterable[Field]) -> dict[str, Field]:
    """Fields by name, in the order given."""
    return {one.name: one for one in fields}


def text(name: str, label: str, length: int = 255, **more: Any) -> Field:
    """A text field."""
    return Field(name=name, kind=Kind.STRING, label=label, length=length, **more)


def long_text(name: str, label: str, length: int = 32000, **more: Any) -> Field:
    """A long text area: cannot be filtered or sorted by."""
    more = {"filterable": False, **more}
    return Field(name=name, kind=Kind.TEXTAREA, label=label, length=length, **more)


def flag(name: str, label: str, **more: Any) -> Field:
    """A checkbox: never null."""
    more = {"default": False, **more}
    return Field(name=name, kind=Kind.BOOLEAN, label=label, **more)


def day(name: str, label: str, **more: Any) -> Field:
    """A date without a zone."""
    return Field(name=name, kind=Kind.DATE, label=label, **more)


def moment(name: str, label: str, **more: Any) -> Field:
    """A datetime, kept to the second."""
    return Field(name=name, kind=Kind.DATETIME, label=label, **more)


def amount(name: str, label: str, precision: int = 18, scale: int = 2, **more: Any) -> Field:
    """A currency amount, in major units."""
    return Field(
        name=name, kind=Kind.CURRENCY, label=label, precision=precision, scale=scale, **more
    )


def number(name: str, label: str, precision: int = 18, scale: int = 0, **more: Any) -> Field:
    """A number; custom numbers are doubles whatever their scale."""
    return Field(name=name, kind=Kind.DOUBLE, label=label, precision=precision, scale=scale, **more)


def pick(name: str, label: str, values: Iterable[str], **more: Any) -> Field:
    """A picklist whose labels start equal to its values."""
    choices = tuple(Choice(value, value) for value in values)
    more = {"length": 255, "restricted": False, **more}
    return Field(name=name, kind=Kind.PICKLIST, label=label, choices=choices, **more)


def lookup(name: str, label: str, *targets: str, relationship: str, **more: Any) -> Field:
    """A reference to a record of one of `targets`."""
    return Field(
        name=name,
        kind=Kind.REFERENCE,
        label=label,
        length=18,
        refers_to=targets,
        relationship=relationship,
        **more,
    )
