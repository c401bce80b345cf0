"""Holds what is mapped against what the portal has: property by property, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.hubspot import ids
from connectors.hubspot.names import DUE_DAY, Names
from connectors.hubspot.wire import Row
from domain.ports import Finding, Health

MAKE = "Run `kidglove hubspot setup`, which creates what is missing, or map another property."


@dataclass(frozen=True, kw_only=True)
class PropertyNeed:
    """What a mapping expects of one property. Empty `types` accept every type.

    `values` are the options (internal values, not labels) that the configuration names.
    """

    kind: str
    name: str
    types: tuple[str, ...] = ()
    is_written: bool = False
    is_key: bool = False
    values: tuple[str, ...] = ()


def required(names: Names) -> tuple[PropertyNeed, ...]:
    """What no portal may lack: the keys, the day of a task, and the property of the resolution."""
    needs = [
        PropertyNeed(kind=ids.TASKS, name=names.task_key, types=("string",), is_written=True),
        PropertyNeed(kind=ids.TASKS, name=DUE_DAY, types=("string",), is_written=True),
        PropertyNeed(kind=ids.COMPANIES, name=names.customer, types=("string",), is_key=True),
    ]
    if names.resolution:
        needs.append(PropertyNeed(kind=ids.COMPANIES, name=names.resolution))
    if names.task_outcome:
        needs.append(PropertyNeed(kind=ids.TASKS, name=names.task_outcome))
    if names.csm:
        needs.append(PropertyNeed(kind=ids.COMPANIES, name=names.csm, types=("enumeration",)))
    return tuple(needs)


def property_findings(need: PropertyNeed, row: Row | None) -> Iterator[Finding]:
    """One finding for each thing that is wrong with the property, or one that it is right."""
    check = f"hubspot.property.{need.kind}.{need.name}"
    if row is None:
        yield _wrong(check, "the property does not exist, or is hidden from us", MAKE)
        return
    problems = list(_problems(need, row))
    for detail, remedy in problems:
        yield _wrong(check, detail, remedy)
    if not problems:
        yield Finding(check=check, health=Health.OK, detail=f"{row.get('type')}, as mapped")


def _problems(need: PropertyNeed, row: Row) -> Iterator[tuple[str, str]]:
    if need.types and row.get("type") not in need.types:
        wanted = " or ".join(need.types)
        yield (
            f"the property is of type {row.get('type')}, the mapping expects {wanted}",
            "Map another property.",
        )
    can = row.get("modificationMetadata") or {}
    if need.is_written and (can.get("readOnlyValue") or row.get("calculated")):
        yield "the property is calculated or read-only, and we write it", "Map another property."
    if need.is_key and not row.get("hasUniqueValue"):
        yield (
            "the property is not unique: two companies could claim one customer",
            "HubSpot cannot make it unique later: make another one that is, fill it, and map that.",
        )
    known = [str(one.get("value")) for one in row.get("options") or ()]
    missing = [value for value in need.values if value not in known] if known else []
    if missing:
        lacking, has = ", ".join(map(repr, missing)), ", ".join(map(repr, known))
        yield (
            f"the property has no option {lacking}; it has {has}",
            "Add the option in HubSpot, or correct the configured word (not a label, the value).",
        )


def _wrong(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check=check, health=Health.WRONG, detail=detail, remedy=remedy)
