"""Dotted SOQL paths: which field they mean, and what they are worth for one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.access import Access
from simulators.salesforce.derived import value_of
from simulators.salesforce.errors import Refusal
from simulators.salesforce.org import Org, Row
from simulators.salesforce.schema import Field, SObject
from simulators.salesforce.soql import Path
from simulators.salesforce.standard import name_object

_NAME = name_object()
See = Callable[[str, str], Row | None]


@dataclass(frozen=True)
class Reach:
    """A resolved path: the reference fields to walk, and the field at its end."""

    steps: tuple[Field, ...]
    end: SObject
    field: Field
    names: tuple[str, ...]


class Reader:
    """Resolves paths against the schema that the integration user sees, and reads rows by them."""

    def __init__(self, org: Org, access: Access, see: See) -> None:
        self._org = org
        self._access = access
        self._see = see

    def object(self, path: Path) -> SObject:
        """The object named in FROM; INVALID_TYPE when unknown or hidden."""
        found = self._access.object(str(path))
        if found is None:
            text = (
                f"\nERROR at Row:1:Column:{path.column}\nsObject type '{path}' is not supported."
                " If you are attempting to use a custom object, be sure to append the '__c' after"
                " the entity name. Please reference your WSDL or the describe call for the"
                " appropriate names."
            )
            raise Refusal(400, "INVALID_TYPE", text)
        return found

    def reach(self, one: SObject, path: Path) -> Reach:
        """The field that a path means; INVALID_FIELD when it means none."""
        parts = path.parts
        own_name = len(parts) > 1 and parts[0].lower() == one.name.lower()
        if own_name and one.by_relationship(parts[0]) is None:
            parts = parts[1:]
        steps: list[Field] = []
        names: list[str] = []
        here = one
        for part in parts[:-1]:
            step = here.by_relationship(part)
            if step is None or (here is not _NAME and not self._access.sees(here, step)):
                text = (
                    f"\nERROR at Row:1:Column:{path.column}\nDidn't understand relationship"
                    f" '{part}' in field path. If you are attempting to use a custom relationship,"
                    " be sure to append the '__r' after the custom relationship name."
                )
                raise Refusal(400, "INVALID_FIELD", text)
            steps.append(step)
            names.append(step.relationship or part)
            target = None if step.polymorphic else self._access.object(step.refers_to[0])
            here = _NAME if step.polymorphic else target or _NAME
        field = here.find(parts[-1])
        if field is None or (here is not _NAME and not self._access.sees(here, field)):
            text = (
                f"\nERROR at Row:1:Column:{path.column}\nNo such column '{parts[-1]}' on entity"
                f" '{here.name}'. If you are attempting to use a custom field, be sure to append"
                " the '__c' after the custom field name. Please reference your WSDL or the"
                " describe call for the appropriate names."
            )
            raise Refusal(400, "INVALID_FIELD", text)
        return Reach(tuple(steps), here, field, (*names, field.name))

    def value(self, one: SObject, row: Row, reach: Reach) -> Any:
        """What the path is worth for a row; None when a parent on the way is missing."""
        name, here = one.name, row
        for step in reach.steps:
            target = value_of(self._org, name, here, step.name)
            table = None if target is None else self._org.table_of(target)
            parent = None if table is None else self._see(table, target)
            if parent is None or table is None:
                return None
            name, here = table, parent
        if reach.field.name == "Type" and reach.end is _NAME:
            return name
        return value_of(self._org, name, here, reach.field.name)

    def parent(self, one: SObject, row: Row, step: Field) -> tuple[SObject, Row, str] | None:
        """The row that a reference leads to, its object, and the type it shows in answers."""
        target = value_of(self._org, one.name, row, step.name)
        table = None if target is None else self._org.table_of(target)
        found = None if table is None else self._see(table, target)
        if table is None or found is None:
            return None
        shown = "Name" if step.polymorphic else table
        return self._org.schema[table], found, shown

    def shown_value(self, table: SObject, row: Row, field: Field, shown: str) -> Any:
        """A field of a row reached as `shown` ("Name" has a field Type of its own)."""
        if shown == "Name" and field.name == "Type":
            return table.name
        return value_of(self._org, table.name, row, field.name)
