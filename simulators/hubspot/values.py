"""Property values: always text, and only what the property's definition allows."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from simulators.hubspot.errors import Refusal, invalid_property
from simulators.hubspot.schema import TEXT_LIMIT, Property, iso

_UNSAFE = re.compile(r"(?is)<!--.*?-->|<(script|style|iframe|object)\b.*?</\1\s*>")
_ATTRIBUTE = re.compile(r"(?i)\s+on[a-z]+\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_python(value: Any) -> str | None:
    """A Python value as the text that the wire carries; None stays None, which changes nothing."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime():
            return iso(value.astimezone(UTC))
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case int() | float():
            return str(value)
        case list() | tuple():
            return ";".join(str(one) for one in value)
        case _:
            raise TypeError(f"no property value: {value!r}")


def accept(one: Property, value: Any, before: str, owners: Collection[str]) -> str:
    """The text to keep for what somebody wrote; Refusal when the definition forbids it.

    `before` is the value so far: a leading `;` adds to it. An empty text clears.
    """
    if isinstance(value, (dict, list)):
        raise invalid_property(one.name, "INVALID_VALUE", f"{one.name} must be text")
    text = from_python(value) or ""
    if len(text) > TEXT_LIMIT:
        message = f"{one.name} is {len(text)} characters long; at most {TEXT_LIMIT} are allowed"
        raise invalid_property(one.name, "VALUE_TOO_LONG", message)
    if text == "":
        return ""
    match one.type:
        case "bool":
            return _boolean(one, text)
        case "number":
            return _number(one, text)
        case "date":
            return _date(one, text)
        case "datetime":
            return iso(_moment(one, text))
        case "enumeration":
            return _choice(one, text, before, owners)
        case _:
            return sanitised(text) if one.field_type == "html" else text


def sanitised(html: str) -> str:
    """HTML as the portal keeps it: no comments, no scripts, no event attributes."""
    return _ATTRIBUTE.sub("", _UNSAFE.sub("", html))


def sortable(one: Property, text: str) -> Any:
    """A kept value as something that compares as the property's type does."""
    match one.type:
        case "number":
            return Decimal(text)
        case "date" | "datetime":
            return moment_of(text)
        case _:
            return text


def moment_of(text: str) -> datetime:
    """Epoch milliseconds, a day or an ISO moment; aware UTC. ValueError for anything else."""
    if re.fullmatch(r"-?\d{9,}", text):
        return _EPOCH + timedelta(milliseconds=int(text))
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _boolean(one: Property, text: str) -> str:
    if text.lower() not in ("true", "false"):
        message = f"{text} was not a valid boolean"
        raise invalid_property(one.name, "INVALID_BOOLEAN", message)
    return text.lower()


def _number(one: Property, text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise invalid_property(one.name, "INVALID_DOUBLE", f"{text} was not a valid number.")
    return text


def _date(one: Property, text: str) -> str:
    moment = _moment(one, text)
    if moment.time().replace(tzinfo=None) != datetime.min.time():
        message = f"{text} is at {moment.time()} UTC, not midnight!"
        raise invalid_property(one.name, "INVALID_DATE", message)
    return moment.date().isoformat()


def _moment(one: Property, text: str) -> datetime:
    try:
        return moment_of(text)
    except (ValueError, OverflowError):
        message = f"{text} was not a valid long."
        raise invalid_property(one.name, "INVALID_LONG", message) from None


def _choice(one: Property, text: str, before: str, owners: Collection[str]) -> str:
    if one.referenced == "OWNER":
        if text not in owners:
            raise invalid_property(one.name, "INVALID_OWNER_ID", f"Owner {text} does not exist")
        return text
    if one.external_options:
        return text
    picked = [part for part in text.split(";") if part] if one.several else [text]
    known = [option.value for option in one.options]
    for part in picked:
        if part not in known:
            raise _no_option(one, part, known)
    if one.several and text.startswith(";"):
        picked = list(dict.fromkeys([*filter(None, before.split(";")), *picked]))
    return ";".join(picked)


def _no_option(one: Property, text: str, known: list[str]) -> Refusal:
    message = f"{text} was not one of the allowed options: [{', '.join(known)}]"
    return invalid_property(one.name, "INVALID_OPTION", message)
