"""The filter language of search: groups are alternatives, the filters of a group all hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import InvalidOperation
from typing import Any

from simulators.hubspot.errors import invalid
from simulators.hubspot.portal import Portal, Record
from simulators.hubspot.schema import ObjectType, Property
from simulators.hubspot.values import sortable

Test = Callable[[Record], bool]
_GROUPS, _PER_GROUP, _FILTERS = 5, 6, 18


class Filters:
    """Reads `filterGroups` into one test of a record."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def read(self, one: ObjectType, groups: list[Any]) -> Test:
        """A test that any group passes; 400 for too many, or for what search does not know."""
        sizes = [len(group.get("filters") or []) for group in groups]
        if len(sizes) > _GROUPS or any(size > _PER_GROUP for size in sizes):
            raise invalid(f"At most {_GROUPS} groups of {_PER_GROUP} filters are allowed")
        if sum(sizes) > _FILTERS:
            raise invalid(f"At most {_FILTERS} filters are allowed")
        tests = [
            [self._filter(one, each) for each in group.get("filters") or []] for group in groups
        ]
        if not tests:
            return lambda record: True
        return lambda record: any(all(test(record) for test in group) for group in tests)

    def _filter(self, one: ObjectType, each: Mapping[str, Any]) -> Test:
        name, operator = str(each.get("propertyName")), str(each.get("operator"))
        if name.startswith("associations."):
            return self._linked(one, name.removeprefix("associations."), each)
        definition = one.properties.get(name)
        if definition is None:
            raise invalid(f"There was a problem with the request: no property {name}")
        test = _operator(definition, operator, each)
        missing = operator in ("NEQ", "NOT_IN", "NOT_HAS_PROPERTY", "NOT_CONTAINS_TOKEN")

        def passes(record: Record) -> bool:
            text = record.values.get(name)
            return missing if not text else test(text)

        return passes

    def _linked(self, one: ObjectType, name: str, each: Mapping[str, Any]) -> Test:
        target = self._portal.type_of(name)
        if target is None or each.get("operator") not in ("EQ", "IN"):
            raise invalid(f"There was a problem with the request: associations.{name}")
        wanted = {str(text) for text in each.get("values") or [each.get("value")]}

        def passes(record: Record) -> bool:
            return any(id in wanted for _, id in self._portal.links.of(record.end, target.name))

        return passes


def key_of(one: Property, text: str) -> Any:
    """What a kept value sorts by: strings without regard to case."""
    value = sortable(one, text)
    return value.lower() if isinstance(value, str) else value


def _operator(one: Property, operator: str, each: Mapping[str, Any]) -> Callable[[str], bool]:
    match operator:
        case "HAS_PROPERTY":
            return lambda text: True
        case "NOT_HAS_PROPERTY":
            return lambda text: False
        case "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE":
            return _compared(one, operator, _value(one, each, "value"))
        case "BETWEEN":
            low, high = _value(one, each, "value"), _value(one, each, "highValue")
            return lambda text: bool(low <= _seen(one, text) <= high)
        case "IN" | "NOT_IN":
            return _among(one, operator, each)
        case "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN":
            pattern = re.escape(str(each.get("value")).lower()).replace(r"\*", ".*")
            wanted = operator == "CONTAINS_TOKEN"
            return lambda text: _token(pattern, text) == wanted
        case _:
            raise invalid(f"There was a problem with the request: unknown operator {operator}")


def _compared(one: Property, operator: str, wanted: Any) -> Callable[[str], bool]:
    match operator:
        case "EQ":
            return lambda text: bool(_seen(one, text) == wanted)
        case "NEQ":
            return lambda text: bool(_seen(one, text) != wanted)
        case "LT":
            return lambda text: bool(_seen(one, text) < wanted)
        case "LTE":
            return lambda text: bool(_seen(one, text) <= wanted)
        case "GT":
            return lambda text: bool(_seen(one, text) > wanted)
        case _:
            return lambda text: bool(_seen(one, text) >= wanted)


def _among(one: Property, operator: str, each: Mapping[str, Any]) -> Callable[[str], bool]:
    values = each.get("values")
    if not isinstance(values, list) or not values:
        raise invalid(f"There was a problem with the request: {operator} needs values")
    # VENDOR: the index holds strings in lower case, and IN compares with what was sent as it is.
    wanted = {_read(one, str(text)) if one.type != "string" else str(text) for text in values}
    return lambda text: (_seen(one, text) in wanted) == (operator == "IN")


def _token(pattern: str, text: str) -> bool:
    words = [text.lower(), *re.split(r"[\s@.,;:/_-]+", text.lower())]
    return any(re.fullmatch(pattern, word) for word in words)


def _seen(one: Property, text: str) -> Any:
    value = sortable(one, text)
    return value.lower() if one.type == "string" else value


def _value(one: Property, each: Mapping[str, Any], key: str) -> Any:
    if each.get(key) in (None, ""):
        raise invalid(f"There was a problem with the request: a filter needs {key}")
    value = _read(one, str(each[key]))
    return value.lower() if one.type == "string" else value


def _read(one: Property, text: str) -> Any:
    try:
        return sortable(one, text)
    except (ValueError, InvalidOperation):
        message = f"There was a problem with the request: {text} is no {one.type} for {one.name}"
        raise invalid(message) from None
