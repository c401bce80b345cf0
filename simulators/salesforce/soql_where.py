"""WHERE and ORDER BY over rows, with SOQL's own ideas of case, null and type."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never

from simulators.salesforce.errors import Refusal
from simulators.salesforce.ids import full_id
from simulators.salesforce.org import Row
from simulators.salesforce.schema import Field, Kind, SObject
from simulators.salesforce.soql import (
    Compare,
    Condition,
    Every,
    Literal,
    Never,
    Order,
    Query,
    Some,
    Within,
)
from simulators.salesforce.soql_fields import Reach, Reader

Test = Callable[[Row], bool]
_NUMBERS = {Kind.DOUBLE, Kind.CURRENCY, Kind.INT}
_IDS = {Kind.ID, Kind.REFERENCE}


class Conditions:
    """Compiles conditions of one query into tests on rows."""

    def __init__(
        self, reader: Reader, one: SObject, today: date, values_of: Callable[[Query], set[Any]]
    ) -> None:
        self._reader = reader
        self._one = one
        self._today = today
        self._values_of = values_of

    def test(self, condition: Condition | None) -> Test:
        """A test that a row passes when the condition holds."""
        match condition:
            case None:
                return lambda row: True
            case Every(parts):
                tests = [self.test(part) for part in parts]
                return lambda row: all(test(row) for test in tests)
            case Some(parts):
                tests = [self.test(part) for part in parts]
                return lambda row: any(test(row) for test in tests)
            case Never(part):
                inner = self.test(part)
                return lambda row: not inner(row)
            case Compare():
                return self._compare(condition)
            case Within():
                return self._within(condition)
            case _:
                assert_never(condition)

    def sorter(self, order: Sequence[Order]) -> Callable[[list[Row]], list[Row]]:
        """Sorts rows by the ORDER BY terms; nulls come first unless NULLS LAST."""
        terms = []
        for term in order:
            reach = self._reader.reach(self._one, term.path)
            if not reach.field.filterable:
                raise _cannot(reach.field, "sorted")
            terms.append((reach, term))

        def sort(rows: list[Row]) -> list[Row]:
            for reach, term in reversed(terms):
                keyed = [(self._reader.value(self._one, row, reach), row) for row in rows]
                empty = [row for value, row in keyed if value is None]
                full = [
                    (folded(reach.field, value), row) for value, row in keyed if value is not None
                ]
                full.sort(key=lambda pair: pair[0], reverse=term.descending)
                kept = [row for _, row in full]
                rows = kept + empty if term.nulls_last else empty + kept
            return rows

        return sort

    def _filterable(self, path: Any) -> Reach:
        reach = self._reader.reach(self._one, path)
        if not reach.field.filterable:
            raise _cannot(reach.field, "filtered")
        return reach

    def _compare(self, one: Compare) -> Test:
        reach = self._filterable(one.path)
        if one.op == "LIKE":
            return self._like(reach, one.value)
        if one.value.kind == "named_day":
            return self._named_day(reach, one)
        wanted = literal_for(reach.field, one.value)
        if one.op in ("=", "!="):
            equal = one.op == "="
            return lambda row: (self._folded(row, reach) == wanted) is equal
        if wanted is None or reach.field.kind is Kind.BOOLEAN:
            raise _operator(reach.field, one.op)
        ordered: dict[str, Callable[[Any], bool]] = {
            "<": lambda value: bool(value < wanted),
            "<=": lambda value: bool(value <= wanted),
            ">": lambda value: bool(value > wanted),
            ">=": lambda value: bool(value >= wanted),
        }
        test = ordered[one.op]

        def passes(row: Row) -> bool:
            value = self._folded(row, reach)
            return value is not None and test(value)

        return passes

    def _within(self, one: Within) -> Test:
        reach = self._filterable(one.path)
        if one.query is not None:
            wanted = self._values_of(one.query)
        else:
            wanted = {literal_for(reach.field, value) for value in one.values}
        return lambda row: (self._folded(row, reach) in wanted) is not one.negated

    def _like(self, reach: Reach, value: Literal) -> Test:
        if reach.field.kind in _NUMBERS | _IDS | {Kind.DATE, Kind.DATETIME, Kind.BOOLEAN}:
            raise _operator(reach.field, "LIKE")
        if value.kind != "string":
            raise _mistyped(reach.field, value)
        pattern = re.compile(_like_pattern(value.value), re.IGNORECASE | re.DOTALL)

        def passes(row: Row) -> bool:
            found = self._reader.value(self._one, row, reach)
            return found is not None and pattern.fullmatch(found) is not None

        return passes

    def _named_day(self, reach: Reach, one: Compare) -> Test:
        if reach.field.kind not in (Kind.DATE, Kind.DATETIME):
            raise _mistyped(reach.field, one.value)
        first, last = _span(one.value.value, self._today)

        def passes(row: Row) -> bool:
            value = self._reader.value(self._one, row, reach)
            if value is None:
                return one.op == "!="
            on = value.date() if isinstance(value, datetime) else value
            inside = first <= on <= last
            return {
                "=": inside,
                "!=": not inside,
                "<": on < first,
                "<=": on <= last,
                ">": on > last,
                ">=": on >= first,
            }[one.op]

        return passes

    def _folded(self, row: Row, reach: Reach) -> Any:
        return folded(reach.field, self._reader.value(self._one, row, reach))


def folded(field: Field, value: Any) -> Any:
    """A value as SOQL compares it: text without case unless the field minds it."""
    if isinstance(value, str) and field.kind not in _IDS and not field.case_sensitive:
        return value.casefold()
    return value


def literal_for(field: Field, literal: Literal) -> Any:
    """A literal as it compares with the field; INVALID_FIELD when the types do not meet."""
    value, kind = literal.value, literal.kind
    if kind == "null":
        return None
    if field.kind in _IDS:
        if kind == "string":
            found = full_id(value)
            if found is None and value:
                text = f"invalid ID field: {value}"
                raise Refusal(400, "INVALID_QUERY_FILTER_OPERATOR", text)
            return found
    elif field.kind in _NUMBERS:
        if kind == "number":
            return Decimal(value)
    elif field.kind is Kind.BOOLEAN:
        if kind == "boolean":
            return value
    elif field.kind is Kind.DATE:
        if kind == "day":
            return value
    elif field.kind is Kind.DATETIME:
        if kind == "moment":
            return value
    elif kind == "string":
        return folded(field, value) or None
    raise _mistyped(field, literal)


def _like_pattern(text: str) -> str:
    made = ""
    rest = iter(text)
    for letter in rest:
        if letter == "\\":
            made += re.escape(next(rest, "\\"))
        else:
            made += {"%": ".*", "_": "."}.get(letter, re.escape(letter))
    return made


def _span(name: str, today: date) -> tuple[date, date]:
    word, _, count = name.partition(":")
    days = timedelta(days=int(count or 1))
    one = timedelta(days=1)
    match word:
        case "YESTERDAY":
            return today - one, today - one
        case "TOMORROW":
            return today + one, today + one
        case "LAST_N_DAYS":
            return today - days, today
        case "NEXT_N_DAYS":
            return today + one, today + days
        case _:
            return today, today


def _cannot(field: Field, what: str) -> Refusal:
    return Refusal(400, "INVALID_FIELD", f"field '{field.name}' can not be {what} in a query call")


def _operator(field: Field, op: str) -> Refusal:
    return Refusal(
        400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator {op} on {field.kind} field"
    )


def _mistyped(field: Field, literal: Literal) -> Refusal:
    quotes = "should not" if literal.kind == "string" else "should"
    kind = {Kind.DATETIME: "dateTime"}.get(field.kind, field.kind.value)
    text = (
        f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
        " be enclosed in quotes"
    )
    return Refusal(400, "INVALID_FIELD", text)
