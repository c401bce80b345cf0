"""Values between HubSpot's texts and ours. Loads no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from domain.errors import Rejected

Row = Mapping[str, Any]

LONGEST = 65_536
"""What a text property holds (properties guide); longer values are refused."""
CUT = " ..."


def typed(text: str, type: str) -> Any:
    """A text of HubSpot as the value that its property's type means; as it is if it cannot be.

    # VENDOR: every value travels as text; a date is `2026-12-09`, on older endpoints the
    # milliseconds since 1970 (properties guide).
    """
    match type:
        case "number":
            try:
                number = Decimal(text)
            except ArithmeticError:
                return text
            if not number.is_finite():
                return text
            return int(number) if number == number.to_integral_value() else float(number)
        case "bool":
            return {"true": True, "false": False}.get(text.lower(), text)
        case "date" if text.lstrip("-").isdecimal() and len(text) > 8:
            return _from_millis(text).date().isoformat()
        case "datetime" if text.lstrip("-").isdecimal() and len(text) > 8:
            return f"{_from_millis(text):%Y-%m-%dT%H:%M:%S}Z"
        case _:
            return text


def written(name: str, value: Any, kind: str = "") -> str:
    """A value as the text that HubSpot takes; nothing empties the property.

    # VENDOR: null is refused by the schema and clears nothing, an empty text does; a leading
    # semicolon would append to a list instead of replacing it (properties guide).
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return millis_text(value) if kind != "date" else value.astimezone(UTC).date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
        whole = number == number.to_integral_value()
        return f"{number.quantize(Decimal(1)) if whole else number:f}"
    if not isinstance(value, str):
        raise Rejected(f"a {type(value).__name__} cannot be written to {name}", field=name)
    if kind in ("date", "datetime") and len(value) >= 19 and value[10] == "T":
        moment = datetime.fromisoformat(value)
        return written(name, moment if moment.tzinfo else moment.replace(tzinfo=UTC), kind)
    if kind == "enumeration":
        return value.lstrip(";")
    return cut(value, LONGEST)


def cut(text: str, length: int) -> str:
    """The text, or its beginning with a sign that it goes on, at most `length` UTF-16 units long.

    # VENDOR: HubSpot runs on Java, where an emoji counts twice.
    """
    if utf16(text) <= length:
        return text
    room, kept = length - len(CUT), 0
    for place, sign in enumerate(text):
        kept += 2 if ord(sign) > 0xFFFF else 1
        if kept > room:
            return text[:place] + CUT
    return text


def utf16(text: str) -> int:
    """How long a text is for HubSpot."""
    return len(text) + sum(1 for sign in text if ord(sign) > 0xFFFF)


def millis(moment: datetime) -> str:
    """A moment as milliseconds since 1970."""
    return str(int(moment.timestamp() * 1000))


def millis_text(moment: datetime) -> str:
    """A moment as HubSpot shows it: in UTC, with milliseconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def parsed_moment(text: str) -> datetime:
    """A moment as HubSpot sends it, either way. ValueError for anything else."""
    if text.lstrip("-").isdecimal():
        return _from_millis(text)
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def moment_or_none(value: Any) -> datetime | None:
    """A moment, or None for an absent, empty or unreadable one."""
    try:
        return parsed_moment(str(value)) if value not in (None, "") else None
    except (ValueError, OverflowError, OSError):
        return None


def _from_millis(text: str) -> datetime:
    return datetime.fromtimestamp(int(text) / 1000, UTC)
