"""Holds what is mapped against what the org has: field by field, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.salesforce.names import Names
from domain.ports import Finding, Health

DEPLOY = (
    "Deploy the package and assign its permission set to the integration user; a field made by "
    "API is invisible until a permission set shows it."
)

# VENDOR: the types of describe whose `picklistValues` are all that the field takes.
PICKLISTS = ("picklist", "multipicklist", "combobox")


@dataclass(frozen=True, kw_only=True)
class FieldNeed:
    """What a mapping expects of one field. Empty `kinds` accept every type.

    `values` are the picklist values (API values, not labels) that the configuration names.
    """

    entity: str
    name: str
    kinds: frozenset[str] = frozenset()
    is_written: bool = False
    is_key: bool = False
    values: tuple[str, ...] = ()


def required(names: Names) -> tuple[FieldNeed, ...]:
    """What no mapping may leave out: the keys, and the field of the resolution state."""
    needs = [
        FieldNeed(
            entity="Task",
            name=names.task_key,
            kinds=frozenset({"string"}),
            is_written=True,
            is_key=True,
        ),
        FieldNeed(entity="Account", name=names.customer, kinds=frozenset({"string"}), is_key=True),
    ]
    if names.resolution:
        needs.append(FieldNeed(entity="Account", name=names.resolution))
    if names.task_outcome:
        needs.append(FieldNeed(entity="Task", name=names.task_outcome))
    return tuple(needs)


def field_findings(need: FieldNeed, described: Mapping[str, Any]) -> Iterator[Finding]:
    """One finding for each thing that is wrong with the field, or one that it is right."""
    check = f"salesforce.field.{need.entity}.{need.name}"
    field = next((one for one in described.get("fields") or [] if one["name"] == need.name), None)
    if field is None:
        yield _wrong(check, "the field does not exist, or is hidden from us", DEPLOY)
        return
    problems = list(_problems(need, field))
    for detail, remedy in problems:
        yield _wrong(check, detail, remedy)
    if not problems:
        yield Finding(check=check, health=Health.OK, detail=f"{field['type']}, as mapped")


def _problems(need: FieldNeed, field: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if need.kinds and field["type"] not in need.kinds:
        wanted = " or ".join(sorted(need.kinds))
        yield (
            f"the field is of type {field['type']}, the mapping expects {wanted}",
            "Map another field, or change the field's type in Setup.",
        )
    if need.is_written and not field.get("updateable"):
        yield "we may not write the field", DEPLOY
    if need.is_key and not (field.get("externalId") and field.get("unique")):
        yield (
            "the field is not both an external id and unique: two records could claim one key",
            "Tick External ID and Unique (case-sensitive) on the field in Setup.",
        )
    known = [
        str(one.get("value"))
        for one in field.get("picklistValues") or []
        if one.get("active", True)
    ]
    # Only a picklist has values to hold the words against; a text or a checkbox takes them all.
    is_picklist = field["type"] in PICKLISTS
    missing = [value for value in need.values if is_picklist and value not in known]
    if missing:
        lacking, has = ", ".join(map(repr, missing)), ", ".join(map(repr, known)) or "none"
        yield (
            f"the picklist has no value {lacking}; it has {has}",
            "Add the value in Setup, or correct the configured word (API value, not label).",
        )


def _wrong(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check=check, health=Health.WRONG, detail=detail, remedy=remedy)
