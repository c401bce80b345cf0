"""Field values between three forms: JSON on the wire, what the org keeps, what it answers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from simulators.salesforce.errors import Refusal, bad_json
from simulators.salesforce.ids import full_id
from simulators.salesforce.schema import Field, Kind

_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
_TEXTS = {Kind.STRING, Kind.TEXTAREA, Kind.COMBOBOX, Kind.URL, Kind.PHONE, Kind.EMAIL}


def read_moment(text: str) -> datetime | None:
    """A datetime as Salesforce reads it (to the second, aware UTC), or None."""
    found = _MOMENT.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    zone = found.group(7) or "Z"
    offset = timedelta(0)
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        offset = -offset if zone[0] == "-" else offset
    try:
        made = datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    except ValueError:
        return None
    return made.astimezone(UTC)


def read_day(text: str) -> date | None:
    """A date, or None; a datetime is cut to its date as the REST API does."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        return None
    found = read_moment(text)
    return None if found is None else found.date()


def show_moment(value: datetime) -> str:
    """`2026-05-01T07:25:37.000+0000`: not ISO-8601's own offset form."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def to_second(value: datetime) -> datetime:
    """Salesforce keeps moments to the second."""
    return value.astimezone(UTC).replace(microsecond=0)


def show(field: Field, value: Any) -> Any:
    """A kept value as JSON."""
    if value is None:
        return None
    if field.kind is Kind.DATETIME:
        return show_moment(value)
    if field.kind is Kind.DATE:
        return value.isoformat()
    if field.kind in (Kind.DOUBLE, Kind.CURRENCY):
        return float(value)
    return value


def from_python(value: Any) -> Any:
    """A Python value as the JSON that a client would send, so that people pass the same gate."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place on the wire: give it a zone")
        return show_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value


def read(field: Field, raw: Any, *, restrict: bool = True) -> Any:
    """A JSON value as the org keeps it; Refusal when the field cannot hold it."""
    if raw is None or (raw == "" and field.kind is not Kind.BOOLEAN):
        if field.kind is Kind.BOOLEAN:
            raise _unfit("boolean", "NULL", raw)
        return None
    if isinstance(raw, dict | list):
        raise bad_json(f"Unexpected nested value for field {field.name} at [line:1, column:1]")
    if field.kind is Kind.BOOLEAN:
        return _truth(raw)
    if field.kind in (Kind.DOUBLE, Kind.CURRENCY, Kind.INT):
        return _number(field, raw)
    if isinstance(raw, bool | int | float):
        if field.kind not in _TEXTS | {Kind.PICKLIST}:
            raise _unfit(field.kind.value, "VALUE_NUMBER", raw)
        raw = str(raw).lower() if isinstance(raw, bool) else str(raw)
    if field.kind is Kind.DATETIME:
        found = read_moment(raw)
        if found is None:
            raise _unfit("datetime", "VALUE_STRING", raw)
        return found
    if field.kind is Kind.DATE:
        when = read_day(raw)
        if when is None:
            raise _unfit("date", "VALUE_STRING", raw)
        return when
    if field.kind in (Kind.REFERENCE, Kind.ID):
        return _reference(field, raw)
    return _words(field, raw, restrict)


def _truth(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in ("true", "false"):
        return raw.lower() == "true"
    raise _unfit("boolean", "VALUE_STRING", raw)


def _number(field: Field, raw: Any) -> Decimal | int:
    if isinstance(raw, bool):
        raise _unfit("double", "VALUE_TRUE" if raw else "VALUE_FALSE", raw)
    try:
        value = Decimal(str(raw))
    except InvalidOperation:
        raise _unfit("double", "VALUE_STRING", raw) from None
    if not value.is_finite():
        raise _unfit("double", "VALUE_STRING", raw)
    value = value.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    whole = field.precision - field.scale
    if abs(value) >= Decimal(10) ** whole:
        text = f"{field.label}: value outside of valid range on numeric field: {raw}"
        raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", text, [field.name])
    return int(value) if field.kind is Kind.INT else value


def _reference(field: Field, raw: str) -> str:
    found = full_id(raw)
    if found is None:
        text = f"{field.label}: id value of incorrect type: {raw}"
        raise Refusal(400, "MALFORMED_ID", text, [field.name])
    return found


def _words(field: Field, raw: str, restrict: bool) -> str | None:
    value = raw.strip()
    if not value:
        return None
    if field.kind is Kind.PICKLIST:
        if restrict and field.restricted and value not in [one.value for one in field.choices]:
            raise Refusal(
                400,
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"{field.label}: bad value for restricted picklist field: {value}",
                [field.name],
            )
        return value
    if len(value) > field.length:
        text = f"{field.label}: data value too large: {value} (max length={field.length})"
        raise Refusal(400, "STRING_TOO_LONG", text, [field.name])
    if field.kind is Kind.EMAIL and not _MAIL.fullmatch(value):
        text = f"{field.label}: invalid email address: {value}"
        raise Refusal(400, "INVALID_EMAIL_ADDRESS", text, [field.name])
    return value


def _unfit(kind: str, token: str, raw: Any) -> Refusal:
    return bad_json(
        f"Cannot deserialize instance of {kind} from {token} value {raw} or request may be"
        " missing a required field at [line:1, column:1]"
    )
