"""Salesforce's describe in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.described import DescribedField, FieldKind

KINDS: Mapping[str, FieldKind] = {
    "string": FieldKind.TEXT,
    "textarea": FieldKind.TEXT,
    "email": FieldKind.TEXT,
    "phone": FieldKind.TEXT,
    "url": FieldKind.TEXT,
    "encryptedstring": FieldKind.TEXT,
    "double": FieldKind.NUMBER,
    "currency": FieldKind.NUMBER,
    "percent": FieldKind.NUMBER,
    "int": FieldKind.NUMBER,
    "long": FieldKind.NUMBER,
    "date": FieldKind.DAY,
    "datetime": FieldKind.MOMENT,
    "boolean": FieldKind.FLAG,
    "picklist": FieldKind.CHOICE,
    "multipicklist": FieldKind.CHOICE,
    "combobox": FieldKind.CHOICE,
    "reference": FieldKind.RECORD,
    "id": FieldKind.RECORD,
}
# VENDOR: the types of DescribeSObjectResult (api_rest, "sObject Describe"); a new one is OTHER.


def described(entity: str, answer: Mapping[str, Any]) -> dict[str, DescribedField]:
    """The fields of one object; those hidden from us are not in the answer."""
    return {field["name"]: _field(entity, field) for field in answer.get("fields") or []}


def _field(entity: str, field: Mapping[str, Any]) -> DescribedField:
    kind = KINDS.get(field["type"], FieldKind.OTHER)
    is_text = kind in (FieldKind.TEXT, FieldKind.CHOICE)
    return DescribedField(
        name=field["name"],
        kind=kind,
        is_writable=bool(field.get("updateable")),
        label=str(field.get("label") or ""),
        length=(field.get("length") or None) if is_text else None,
        decimals=field.get("scale") if kind is FieldKind.NUMBER else None,
        # VENDOR: an upsert looks a record up by an external id only.
        is_unique=bool(field.get("unique") and field.get("externalId")),
        choices=tuple(
            str(one["value"]) for one in field.get("picklistValues") or [] if one.get("active")
        ),
        is_strict=bool(field.get("restrictedPicklist")),
        grant=_grant(entity, field),
    )


def _grant(entity: str, field: Mapping[str, Any]) -> str:
    if field.get("updateable"):
        return ""
    if field.get("calculated") or field.get("autoNumber"):
        return "It is computed by Salesforce; map another field."
    return (
        f"Give the integration user Edit on {entity}.{field['name']}: Setup, Permission Sets, "
        "Object Settings."
    )
