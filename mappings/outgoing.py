"""Our values in the shape that the CRM's fields take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from domain.leaf import Known, Leaf, Missing
from domain.merge import ABSENT
from domain.money import Money
from mappings.mapping import FieldMapping, FieldRow, Only
from mappings.templates import rendered
from mappings.vocabulary import CONVERSIONS, OURS, Convert, Flow, OurType

AMOUNT, CURRENCY = "payment.amount_due", "payment.currency"
"""The two of our values that say nothing without each other."""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """What may be sent, by the CRM's field names, and what was cut or held back and why."""

    values: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def outgoing(ours: Mapping[str, Leaf[object]], mapping: FieldMapping) -> Mapping[str, Any]:
    """The values to send: CRM field to JSON value.

    A known None empties the field; a missing value is not sent at all, so that it can never empty
    one. `outgoing_with_notes` also says what was cut or held back.
    """
    return outgoing_with_notes(ours, mapping).values


def outgoing_with_notes(ours: Mapping[str, Leaf[object]], mapping: FieldMapping) -> Outgoing:
    """The values to send, and a note for each that was cut or does not fit."""
    values: dict[str, Any] = {}
    notes: list[str] = []
    for row in mapping.rows:
        if row.flow is Flow.IN:
            continue
        value, note = outgoing_of(row, ours, mapping)
        if value is not ABSENT:
            values[row.theirs] = value
        if note is not None:
            notes.append(note)
    return Outgoing(values=values, notes=tuple(notes))


def outgoing_of(
    row: FieldRow, ours: Mapping[str, Leaf[object]], mapping: FieldMapping
) -> tuple[Any, str | None]:
    """The value that a row of the mapping sends, and a note if it was cut or held back.

    None empties the field; `ABSENT` says that there is nothing to send, so that a value which is
    not known can never empty one. A currency stays behind with its amount: beside another amount
    it would be a lie.
    """
    leaf = _leaf(row, ours)
    if leaf is None or isinstance(leaf, Missing):
        return ABSENT, None
    if leaf.value is None:
        return None, None
    try:
        value = _shaped(leaf.value, row)
        if row.ours == CURRENCY:
            _refuse_alone(ours.get(AMOUNT), mapping)
    except ValueError as reason:
        return ABSENT, f"{row.theirs} was not sent: {row.source} {reason}"
    if row.cut is not None and isinstance(value, str) and len(value) > row.cut:
        note = f"{row.theirs} was cut from {len(value)} to {row.cut} characters"
        return value[: row.cut - 1].rstrip() + "…", note
    return value, None


def _leaf(row: FieldRow, ours: Mapping[str, Leaf[object]]) -> Leaf[object] | None:
    if row.constant is not None:
        return Known(row.constant, "kidglove")
    if row.template is not None:
        return rendered(row.template, ours)
    return ours.get(row.ours or "")


def _shaped(value: object, row: FieldRow) -> Any:
    """The JSON value; ValueError with the end of a sentence if the value does not fit its kind."""
    if row.ours is None:
        return value
    kind = OURS[row.ours].type
    convert = row.convert or next(iter(CONVERSIONS.get(kind, ())), None)
    match kind, value:
        case OurType.WORD, str():
            if value not in row.values:
                raise ValueError(f"is {value!r}, which has no translation")
            return row.values[value]
        case OurType.MONEY, Money():
            return _money(value, convert)
        case OurType.CURRENCY, str():
            return value.upper()
        case ((OurType.DAY | OurType.MOMENT), date()):
            return _time(value, convert)
        case ((OurType.TEXT | OurType.URL | OurType.ID), str()):
            return value
        case _:
            raise ValueError(f"is {type(value).__name__}, which is no {kind.value}")


def _refuse_alone(amount: Leaf[object] | None, mapping: FieldMapping) -> None:
    """ValueError if a row has to hold the amount back."""
    if not isinstance(amount, Known) or amount.value is None:
        return
    for row in mapping.rows:
        if row.ours == AMOUNT and row.flow is not Flow.IN:
            _shaped(amount.value, row)


def is_in_scope(
    mapping: FieldMapping, ours: Mapping[str, Leaf[object]], fields: Mapping[str, Any]
) -> bool:
    """Whether the rows are written to this account: every condition of `only` holds.

    `fields` are the account's own, as read. What is not known holds no condition: nothing is
    written on a guess.
    """
    return all(_holds(one, ours, fields) for one in mapping.only)


def _holds(one: Only, ours: Mapping[str, Leaf[object]], fields: Mapping[str, Any]) -> bool:
    if one.ours is not None:
        leaf = ours.get(one.ours)
        return isinstance(leaf, Known) and leaf.value in one.words
    said = fields.get(one.theirs or "")
    if isinstance(said, bool):
        said = "true" if said else "false"
    wanted = {word.strip().casefold() for word in one.words}
    return said is not None and str(said).strip().casefold() in wanted


def _money(amount: Money, convert: Convert | None) -> int | float | str:
    if convert is Convert.TEXT:
        return amount.text()
    if convert is Convert.MINOR_UNITS:
        return amount.minor
    if not amount.is_known_currency:
        raise ValueError(f"is in {amount.currency.upper()}, whose decimals are not known")
    # VENDOR: a currency field takes a JSON number. This is the last step before it is written;
    # nothing counts with it any more.
    whole = amount.major == amount.major.to_integral_value()
    return int(amount.major) if whole else float(amount.major)


def _time(value: date, convert: Convert | None) -> str:
    moment = value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
    if moment.tzinfo is None:
        raise ValueError("is a time without a zone")
    moment = moment.astimezone(UTC)
    if convert is Convert.DATE:
        return moment.date().isoformat()
    # VENDOR: Salesforce reads and writes `2026-05-01T07:25:37.000+0000`.
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"
