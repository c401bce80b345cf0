"""One row of a mapping changed in its text; whatever stands around it stays as it was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from mappings.canonical import one_line, written
from mappings.yaml_source import read_yaml, without_free_tabs

ROWS = "rows"
_DASH = re.compile(r" *- +")


class NoRows(ValueError):
    """The text cannot be read as a mapping with rows: only the whole of it can be edited."""


@dataclass(frozen=True, kw_only=True)
class RawRow:
    """One row as it is written, right or wrong: its place in the list, its lines, its values."""

    number: int
    line: int
    last_line: int
    said: Mapping[str, Any]

    @property
    def theirs(self) -> str:
        """The CRM's field; empty if the row does not say one."""
        return str(self.said.get("theirs") or "")

    @property
    def text(self) -> str:
        """The row in its one spelling."""
        return one_line(dict(self.said))


def raw_rows(text: str) -> tuple[RawRow, ...]:
    """Every row that can be told apart, in the order of the text. `NoRows` if none can be."""
    text = text.removeprefix("\ufeff")
    listed = _rows(_value(text))
    spans = _spans(text)
    if len(spans) != len(listed):
        spans = [(0, 0)] * len(listed)
    return tuple(
        RawRow(
            number=number,
            line=text.count("\n", 0, start) + 1,
            last_line=text.count("\n", 0, end) + 1,
            said=row,
        )
        for number, (row, (start, end)) in enumerate(zip(listed, spans, strict=True))
        if isinstance(row, dict)
    )


def with_row(text: str, number: int, row: Mapping[str, Any]) -> str:
    """The text with another row in the place of this one. `NoRows`, or IndexError beyond them."""
    text = text.removeprefix("\ufeff")
    wanted = _changed(text, lambda rows: rows.__setitem__(number, dict(row)))
    spans = _spans(text)
    if number >= len(spans):
        return _anew(text, wanted)
    start, end = spans[number]
    return _sure(text, text[:start] + one_line(dict(row)) + text[end:], wanted)


def with_new_row(text: str, row: Mapping[str, Any]) -> str:
    """The text with one more row, behind the others. `NoRows` if it has none."""
    text = text.removeprefix("\ufeff")
    wanted = _changed(text, lambda rows: rows.append(dict(row)))
    spans = _spans(text)
    if not spans:
        return _anew(text, wanted)
    start, end = spans[-1]
    dash = text[text.rfind("\n", 0, start) + 1 : start]
    after = text.find("\n", end)
    head, tail = (f"{text}\n", "") if after < 0 else (text[: after + 1], text[after + 1 :])
    if not _DASH.fullmatch(dash):
        return _anew(text, wanted)
    return _sure(text, f"{head}{dash}{one_line(dict(row))}\n{tail}", wanted)


def without_row(text: str, number: int) -> str:
    """The text without this row and its lines. `NoRows`, or IndexError beyond them."""
    text = text.removeprefix("\ufeff")
    wanted = _changed(text, lambda rows: rows.pop(number))
    spans = _spans(text)
    if number >= len(spans) or not wanted[ROWS]:
        return _anew(text, wanted)
    start, end = spans[number]
    after = text.find("\n", end)
    tail = "" if after < 0 else text[after + 1 :]
    return _sure(text, text[: text.rfind("\n", 0, start) + 1] + tail, wanted)


def _sure(before: str, text: str, wanted: Mapping[str, Any]) -> str:
    """The text if it says what is wanted, with no mistake that was not there before."""
    document, findings = read_yaml(text, file=ROWS)
    says_so = document is not None and document.value == wanted
    return text if says_so and (not findings or _is_doubtful(before)) else _anew(before, wanted)


def _anew(before: str, wanted: Mapping[str, Any]) -> str:
    """What is wanted in its one spelling, where rows are written in a way that cannot be cut out:
    nothing is lost but the comments. `NoRows` where a mistake hides a part of what was said."""
    if _is_doubtful(before):
        raise NoRows("the rows cannot be told apart before the rest of the text is right")
    return written(wanted)


def _is_doubtful(text: str) -> bool:
    """Whether something stands there that is not read as it is written: a name twice, an alias."""
    return bool(read_yaml(text, file=ROWS)[1])


def _changed(text: str, change: Callable[[list[Any]], object]) -> dict[str, Any]:
    value = _value(text)
    rows = list(_rows(value))
    change(rows)
    return {**value, ROWS: rows}


def _value(text: str) -> dict[str, Any]:
    document, _ = read_yaml(text, file=ROWS)
    value = document.value if document is not None else None
    if not isinstance(value, dict):
        raise NoRows("the text cannot be read as a mapping")
    return value


def _rows(value: Mapping[str, Any]) -> Sequence[Any]:
    rows = value.get(ROWS)
    if not isinstance(rows, list):
        raise NoRows("the text has no list of rows")
    return rows


def _spans(text: str) -> list[tuple[int, int]]:
    """Where each row begins and ends; empty if they are not a list with one entry a line."""
    try:
        return _found(text, iter(YAML(typ="safe", pure=True).parse(without_free_tabs(text))))
    except YAMLError:
        raise NoRows("the text cannot be read as it stands") from None


def _found(text: str, events: Iterator[Any]) -> list[tuple[int, int]]:
    for event in events:
        if isinstance(event, MappingStartEvent):
            break
    found: list[tuple[int, int]] = []
    for key in events:
        if isinstance(key, MappingEndEvent):
            break
        is_rows = isinstance(key, ScalarEvent) and key.value == ROWS
        _end(key, events)
        value = next(events)
        if is_rows and isinstance(value, SequenceStartEvent) and not value.flow_style:
            for entry in events:
                if isinstance(entry, SequenceEndEvent):
                    break
                start = entry.start_mark.index
                end = _end(entry, events)
                found.append((start, start + len(text[start:end].rstrip())))
        else:
            _end(value, events)
    return found


def _end(event: Any, events: Iterator[Any]) -> int:
    """Where the last character of a node stands; its events are used up. The parser ends a block
    where the next thing begins, behind the comments between."""
    if not isinstance(event, MappingStartEvent | SequenceStartEvent):
        return int(event.end_mark.index)
    end = int(event.end_mark.index)
    for inner in events:
        if isinstance(inner, MappingEndEvent | SequenceEndEvent):
            return int(inner.end_mark.index) if event.flow_style else end
        end = _end(inner, events)
    return end
