"""The CRM's values in the shape that they have on a customer in the payment system: short text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.facts import NOT_MAPPED, Contact, Person, Role
from domain.leaf import Known, Leaf, Missing
from domain.merge import ABSENT, Absent, is_blank
from mappings.mapping import FieldMapping, FieldRow
from mappings.translate import as_day, as_text
from mappings.vocabulary import OURS, OurType

NOTE_LENGTH = 500
# VENDOR: what Stripe keeps of a metadata value, and of a customer's own fields (api/metadata,
# api/customers/update).
LONGEST: Mapping[str, int] = {
    "customer.name": 256,
    "customer.email": 512,
    "customer.phone": 20,
    "customer.address.country": 2,
}
DETAIL_LENGTH = 200


@dataclass(frozen=True, kw_only=True)
class CrmSide:
    """What the CRM holds for one account: raw fields, and the people already understood."""

    fields: Mapping[str, Any]
    people: Mapping[Role, Person]
    contact: Leaf[Contact] = NOT_MAPPED
    changed_at: datetime | None = None
    """When the record was changed, if that is known."""
    fields_changed_at: Mapping[str, datetime] = field(default_factory=dict)
    """When single fields were, where the CRM keeps that."""

    def since(self, name: str) -> datetime | None:
        """Since when a field holds what it holds, as nearly as the CRM tells."""
        return self.fields_changed_at.get(name, self.changed_at)


def incoming(
    row: FieldRow, crm: CrmSide, mapping: FieldMapping
) -> tuple[str | Absent | None, str | None]:
    """The text to write, and a note if it was cut or held back.

    None if the CRM surely holds nothing; `ABSENT` if it cannot be told or does not fit: nothing is
    written on a guess, and half an address is a wrong one.
    """
    said = _said(row, crm, mapping)
    if said is ABSENT or is_blank(said):
        return (ABSENT if said is ABSENT else None), None
    try:
        text = _text(said, row)
    except ValueError as reason:
        return ABSENT, f"{row.source} was not written: {row.theirs} {reason}"
    if (row.ours or "").startswith("customer."):
        longest = LONGEST.get(row.ours or "", DETAIL_LENGTH)
        if len(text) > longest:
            return ABSENT, (
                f"{row.source} was not written: {row.theirs} has {len(text)} characters, and "
                f"{longest} fit"
            )
        return text, None
    longest = min(row.cut or NOTE_LENGTH, NOTE_LENGTH)
    if len(text) > longest:
        return (
            text[: longest - 1].rstrip() + "…",
            f"{row.source} was cut from {len(text)} to {longest} characters",
        )
    return text, None


def _said(row: FieldRow, crm: CrmSide, mapping: FieldMapping) -> Any:
    """The raw value; of a field that names a person, who that is."""
    raw = crm.fields.get(row.theirs, ABSENT)
    roles = [role for role, path in mapping.people.items() if path == row.theirs]
    if roles:
        person = crm.people.get(roles[0])
        return person.name if person is not None else _nobody(raw)
    if row.theirs == mapping.context.ap_contact:
        match crm.contact:
            case Known(value=contact):
                mail = f" <{contact.email}>" if contact.email else ""
                return None if contact.is_gone else f"{contact.name}{mail}"
            case Missing():
                return _nobody(raw)
    return raw


def _nobody(raw: Any) -> Any:
    """An empty look-up is a fact; one that points to somebody we may not read is none."""
    return None if is_blank(raw) else ABSENT


def _text(value: Any, row: FieldRow) -> str:
    if OURS[row.ours or ""].type is OurType.DAY:
        return as_day(value).isoformat()
    return as_text(value)
