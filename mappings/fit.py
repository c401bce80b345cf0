"""Whether the live CRM's fields can take what a mapping puts into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from domain.described import DescribedField, FieldKind
from domain.ports import Finding, Health
from mappings.findings import nearest, one_of
from mappings.mapping import FieldMapping, FieldRow
from mappings.templates import places
from mappings.vocabulary import CONVERSIONS, OURS, WHOLE, Convert, Flow, OurType

_TEXTS = (FieldKind.TEXT, FieldKind.OTHER)
_WORDS = (FieldKind.CHOICE, *_TEXTS)
_TAKES: Mapping[OurType, tuple[FieldKind, ...]] = {
    OurType.WORD: _WORDS,
    OurType.CURRENCY: _WORDS,
    OurType.TEXT: _TEXTS,
    OurType.URL: _TEXTS,
    OurType.ID: _TEXTS,
}
_TAKES_SHAPE: Mapping[Convert, tuple[FieldKind, ...]] = {
    Convert.MAJOR_UNITS: (FieldKind.NUMBER, FieldKind.OTHER),
    Convert.MINOR_UNITS: (FieldKind.NUMBER, FieldKind.OTHER),
    Convert.TEXT: _TEXTS,
    Convert.DATE: (FieldKind.DAY, *_TEXTS),
    Convert.DATETIME: (FieldKind.MOMENT, *_TEXTS),
}
_NOTES = (*_TEXTS, FieldKind.CHOICE, FieldKind.NUMBER, FieldKind.FLAG, FieldKind.DAY)
_SAYS: Mapping[OurType, tuple[FieldKind, ...]] = {
    OurType.DAY: (FieldKind.DAY, FieldKind.MOMENT, FieldKind.OTHER),
}
"""What can be read as a day; a customer's own details are read from words, a note from nearly
anything."""
_LONGEST: Mapping[OurType, int] = {OurType.ID: 255, OurType.CURRENCY: 3, OurType.URL: 255}
"""Characters that these values may have; a text may have any number."""
_CENTS = 2
CUT = " ..."
"""The end of a text that a connector had to cut."""


def fit_findings(
    mapping: FieldMapping, described: Mapping[str, DescribedField]
) -> Iterator[Finding]:
    """What is wrong or doubtful between a mapping and the live fields of its object.

    Wrong is what a write would be refused for; unknown is what may lose something on the way. A
    field that is fine has no line.
    """
    for one in _all(mapping, described):
        yield replace(one, check=f"field.{mapping.object}.{one.check}")


def _all(mapping: FieldMapping, described: Mapping[str, DescribedField]) -> Iterator[Finding]:
    for row in mapping.rows:
        yield from _of_row(row, mapping, described)
    for name in mapping.human_fields:
        if name not in described:
            yield _missing(name, described, "read")
    for name in mapping.day_fields:
        if name in described and described[name].kind is FieldKind.MOMENT:
            yield _day_of_moment(described[name])
    key = described.get(mapping.customer_field)
    if key is None:
        yield _missing(mapping.customer_field, described, "read")
    elif not key.is_unique:
        yield _wrong(
            key.name,
            "two records could carry the same customer's id: the field is not unique",
            "Make it unique (in Salesforce: External ID and Unique).",
        )


def row_findings(
    row: FieldRow, mapping: FieldMapping, described: Mapping[str, DescribedField]
) -> list[Finding]:
    """The same for one row, which need not be in the mapping; a check is named for its field."""
    return list(_of_row(row, mapping, described))


def refusal(value: Any, field: DescribedField | None) -> str | None:
    """Why a field would refuse a value, as the end of a sentence; None if it takes it.

    A text that is too long is none: it is cut when it is written, see `fitting`.
    """
    if field is None:
        return "does not exist, or is hidden from us"
    if not field.is_writable:
        return "is not ours to write"
    if value is None:
        return None
    if field.kind is FieldKind.CHOICE and field.is_strict and str(value) not in field.choices:
        return f"has no value {value!r}"
    return None


def fitting(value: Any, field: DescribedField | None) -> Any:
    """The value as it will stand there: a text that is too long is cut, with a sign."""
    longest = field.length if field is not None else None
    if longest is None or not isinstance(value, str) or len(value) <= longest:
        return value
    return value[: longest - len(CUT)] + CUT


def _of_row(
    row: FieldRow, mapping: FieldMapping, described: Mapping[str, DescribedField]
) -> Iterator[Finding]:
    if row.flow is not Flow.IN:
        yield from _row(row, described)
        return
    field = described.get(row.theirs)
    # One that is not there is told with everything else that is read.
    if field is None or _is_understood(row.theirs, mapping):
        return
    says = _said_by(row)
    if field.kind not in says:
        yield _wrong(
            field.name,
            f"the field says a {field.kind.value}, and {row.source} is read from a {says[0].value}",
            "Map another field.",
        )
    elif field.kind is FieldKind.MOMENT and OURS[row.ours or ""].type is OurType.DAY:
        yield _day_of_moment(field)


def _day_of_moment(field: DescribedField) -> Finding:
    return _doubtful(
        field.name,
        "the field says a moment, and only its day in UTC is read",
        "Map a field for a day.",
    )


def _is_understood(name: str, mapping: FieldMapping) -> bool:
    """Whether the mapping says that the field names a person, so that the name is read."""
    return name in (*mapping.people.values(), mapping.context.ap_contact)


def _said_by(row: FieldRow) -> tuple[FieldKind, ...]:
    kind = OURS[row.ours].type if row.ours is not None else OurType.TEXT
    is_detail = (row.ours or "").startswith("customer.")
    return _SAYS.get(kind, (*_TEXTS, FieldKind.CHOICE) if is_detail else _NOTES)


def _row(row: FieldRow, described: Mapping[str, DescribedField]) -> Iterator[Finding]:
    field = described.get(row.theirs)
    if field is None:
        yield _missing(row.theirs, described, "write")
        return
    if not field.is_writable:
        yield _wrong(field.name, "we may not write the field", field.grant)
    takes = _kinds(row)
    if field.kind not in takes:
        yield _wrong(
            field.name,
            f"the field takes a {field.kind.value}, and {row.source} is written as a "
            f"{takes[0].value}",
            _other_shape(row, field),
        )
        return
    yield from _length(row, field)
    yield from _choices(row, field)
    yield from _other_time(row, field)
    if _shape(row) is Convert.MAJOR_UNITS and field.decimals is not None:
        yield from _decimals(row, field, field.decimals)


def _kinds(row: FieldRow) -> tuple[FieldKind, ...]:
    shape = _shape(row)
    if shape is not None:
        return _TAKES_SHAPE[shape]
    if row.ours is None:
        return _WORDS if row.constant is not None else _TEXTS
    return _TAKES.get(OURS[row.ours].type, _TEXTS)


def _shape(row: FieldRow) -> Convert | None:
    if row.ours is None:
        return None
    return row.convert or next(iter(CONVERSIONS.get(OURS[row.ours].type, ())), None)


def _other_shape(row: FieldRow, field: DescribedField) -> str:
    allowed = CONVERSIONS.get(OURS[row.ours].type, ()) if row.ours else ()
    fits = [one.value for one in allowed if field.kind in _TAKES_SHAPE[one]]
    return f"Write `convert: {fits[0]}`." if fits else "Map another field."


def _length(row: FieldRow, field: DescribedField) -> Iterator[Finding]:
    if field.length is None or field.kind is not FieldKind.TEXT:
        return
    if row.cut is not None:
        if row.cut > field.length:
            yield _wrong(
                field.name,
                f"the row cuts to {row.cut} characters, and the field takes {field.length}",
                f"Write `cut: {field.length}`.",
            )
        return
    said = [row.constant] if row.constant is not None else list(row.values.values())
    longest = max((one for one in said if one), key=len, default="")
    if len(longest) > field.length:
        yield _wrong(
            field.name,
            f"{longest!r} is longer than the {field.length} characters of the field",
            "Shorten it, or map a longer field.",
        )
    kind = OURS[row.ours].type if row.ours else OurType.TEXT
    is_open = row.template is not None or (row.ours is not None and kind is OurType.TEXT)
    if is_open:
        yield _doubtful(
            field.name,
            f"a text of more than {field.length} characters would be cut",
            f"Write `cut: {field.length}`." if _may_be_cut(row) else "Map a longer field.",
        )
    elif row.ours is not None and field.length < _LONGEST.get(kind, 0):
        yield _doubtful(
            field.name,
            f"{row.source} can have {_LONGEST[kind]} characters, and the field takes "
            f"{field.length}",
            "Map a longer field; a shortened one is a wrong one.",
        )


def _may_be_cut(row: FieldRow) -> bool:
    """Whether the row would still be a right one with a `cut` in it."""
    if row.template is None:
        return not (row.ours or "").startswith("customer.")
    return not any(OURS[one].type in WHOLE for one in places(row.template))


def _choices(row: FieldRow, field: DescribedField) -> Iterator[Finding]:
    if field.kind is not FieldKind.CHOICE or not field.choices:
        return
    said = [row.constant] if row.constant is not None else list(row.values.values())
    lacking = [word for word in said if word not in field.choices]
    if not lacking:
        return
    meant = nearest(lacking[0], field.choices)
    hint = f"; did you mean {meant!r}?" if meant else ""
    words = one_of(repr(word) for word in lacking)
    make = _wrong if field.is_strict else _doubtful
    yield make(
        field.name,
        f"the choice has no value {words}{hint}",
        f"Add it there, or write one of {', '.join(map(repr, field.choices[:20]))}.",
    )


def _other_time(row: FieldRow, field: DescribedField) -> Iterator[Finding]:
    """A moment that loses its hour, or a day that gets one."""
    match OURS[row.ours].type if row.ours else None, _shape(row):
        case OurType.MOMENT, Convert.DATE:
            yield _doubtful(
                field.name,
                f"{row.source} is a moment, and only its day in UTC is written",
                "Map a field for a date and a time, if the hour matters.",
            )
        case OurType.DAY, Convert.DATETIME:
            yield _doubtful(
                field.name,
                f"{row.source} is a day, and is written as its midnight in UTC: the evening before "
                "in America",
                "Map a field for a day.",
            )


def _decimals(row: FieldRow, field: DescribedField, decimals: int) -> Iterator[Finding]:
    if decimals < _CENTS:
        yield _doubtful(
            field.name,
            f"{row.source} has cents, and the field keeps {decimals} decimals",
            "Give the field two decimals, or write `convert: minor_units`.",
        )


def _missing(name: str, described: Mapping[str, DescribedField], verb: str) -> Finding:
    meant = nearest(name, described)
    hint = f"; did you mean {meant}?" if meant else ""
    return _wrong(
        name,
        f"the field does not exist, or is hidden from us{hint}",
        f"Correct the name, or give the integration's user the right to {verb} it.",
    )


def _wrong(name: str, detail: str, remedy: str) -> Finding:
    return Finding(check=name, health=Health.WRONG, detail=detail, remedy=remedy)


def _doubtful(name: str, detail: str, remedy: str) -> Finding:
    return Finding(check=name, health=Health.UNKNOWN, detail=detail, remedy=remedy)
