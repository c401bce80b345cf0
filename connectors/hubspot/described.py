"""The portal's property definitions in our own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.hubspot.wire import LONGEST, Row
from domain.described import DescribedField, FieldKind

KINDS: Mapping[str, FieldKind] = {
    "string": FieldKind.TEXT,
    "phone_number": FieldKind.TEXT,
    "number": FieldKind.NUMBER,
    "date": FieldKind.DAY,
    "datetime": FieldKind.MOMENT,
    "bool": FieldKind.FLAG,
    "enumeration": FieldKind.CHOICE,
}
# VENDOR: the types of the properties guide; a new one is OTHER.


def described(kind: str, rows: Iterable[Row]) -> dict[str, DescribedField]:
    """The properties of one kind of record; those hidden from us are not among them."""
    return {str(row["name"]): _field(kind, row) for row in rows}


def _field(kind: str, row: Row) -> DescribedField:
    of_kind = KINDS.get(str(row.get("type")), FieldKind.OTHER)
    # VENDOR: an owner property is an enumeration whose options stand elsewhere (properties guide).
    is_owner = bool(row.get("externalOptions"))
    options = () if is_owner else tuple(row.get("options") or ())
    is_fixed = bool(
        (row.get("modificationMetadata") or {}).get("readOnlyValue") or row.get("calculated")
    )
    return DescribedField(
        name=str(row["name"]),
        kind=FieldKind.RECORD if is_owner else of_kind,
        is_writable=not is_fixed,
        label=str(row.get("label") or ""),
        length=LONGEST if of_kind is FieldKind.TEXT else None,
        is_unique=bool(row.get("hasUniqueValue")),
        choices=tuple(str(one.get("value")) for one in options),
        is_strict=of_kind is FieldKind.CHOICE and not is_owner,
        grant=(
            f"{kind}.{row['name']} is computed by HubSpot; map another property."
            if is_fixed
            else ""
        ),
    )
