"""YAML with positions, strict about what surprises people: every value knows its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from mappings.findings import Finding

MAX_BYTES = 256 * 1024
"""Far above any real file; below what could keep a worker busy."""
MAX_DEPTH = 20
"""Deeper than any file here is; shallower than what exhausts the stack."""
MOST = 100
"""More mistakes than anybody reads in one go; reading stops there."""
PARSER_SLIPS = (ValueError, OverflowError, AttributeError, IndexError, KeyError, TypeError)
"""What the parser lets through instead of its own error on odd input (`"\\UFFFFFFFF"` does)."""

_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_STRAY = re.compile("[\udc80-\udcff]")
"""What `decoded` makes of a byte that is not UTF-8."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TAB = re.compile(r"^ *\t[ \t]*\S", re.MULTILINE)

Key = str | int
Path = tuple[Key, ...]


@dataclass(frozen=True)
class Place:
    """A line and a column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """What the file says, as plain values, and where it says it.

    Numbers with a point are `Decimal`, numbers with a leading zero and dates stay text, and yes,
    no, on and off are words (YAML 1.2), so that no value changes its meaning on the way.
    """

    file: str
    value: Any
    values: Mapping[Path, Place]
    keys: Mapping[Path, Place]

    def place(self, path: Sequence[Key], *, of_key: bool = False) -> Place:
        """Where the value at `path` stands (or its key); the nearest parent if it is not there.

        Parts of the path that the file does not have are passed over, so that a path with a
        validator's own labels in it leads to the right line too.
        """
        here: Path = ()
        for part in path:
            if (*here, part) in self.values:
                here = (*here, part)
        if of_key and here in self.keys:
            return self.keys[here]
        return self.values.get(here, Place(1, 1))


class _Mistake(Exception):
    """Reading cannot go on from here."""

    def __init__(self, message: str, fix: str, mark: Any) -> None:
        super().__init__(message)
        self.fix = fix
        self.place = _place(mark)


def decoded(raw: bytes) -> str:
    """The text of a file as read; bytes that are not UTF-8 are kept, and `read_yaml` names them."""
    return raw.decode("utf-8", "surrogateescape")


def read_yaml(text: str, *, file: str) -> tuple[Document | None, list[Finding]]:
    """The document and what is wrong with it; None when it cannot be read. Never raises."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KiB"
        return None, [_finding(file, Place(1, 1), message, "Split it, or check what it is.")]
    if stray := _STRAY.search(text):
        fix = "Save the file as UTF-8."
        return None, [_finding(file, _at(text, stray.start()), "a byte here is not UTF-8", fix)]
    text = text.removeprefix("\ufeff")
    if odd := _CONTROL.search(text):
        message = "this cannot be read as YAML: odd characters"
        return None, [_finding(file, _at(text, odd.start()), message, _YAML_FIX)]
    if tab := _TAB.search(text):
        place = _at(text, tab.start() + tab.group().index("\t"))
        fix = "Use two spaces for each level."
        return None, [_finding(file, place, "a tab stands where spaces belong", fix)]
    reader = _Reader(file)
    try:
        value = reader.document(_events(text))
    except _Mistake as mistake:
        reader.report(mistake.place, str(mistake), mistake.fix)
        return None, reader.findings
    except MarkedYAMLError as mistake:
        mark = mistake.problem_mark or mistake.context_mark
        if "end of stream" in str(mistake.problem):
            # What never ends is to be looked for where it begins.
            mark = mistake.context_mark or mark
        what = " ".join(str(mistake.problem or mistake.context or "it is not YAML").split())
        reader.report(_place(mark), f"this cannot be read as YAML: {what}", _YAML_FIX)
        return None, reader.findings
    except (YAMLError, *PARSER_SLIPS):
        reader.report(Place(1, 1), "this cannot be read as YAML: odd characters", _YAML_FIX)
        return None, reader.findings
    return Document(file, value, reader.values, reader.keys), reader.findings


_YAML_FIX = "Look at this line and the one before it: quotes, colons, indentation."


def _events(text: str) -> Iterator[Any]:
    return iter(YAML(typ="safe", pure=True).parse(text))


def _at(text: str, position: int) -> Place:
    return Place(text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))


def _place(mark: Any) -> Place:
    if mark is None:
        return Place(1, 1)
    return Place(mark.line + 1, mark.column + 1)


def _finding(file: str, place: Place, message: str, fix: str) -> Finding:
    return Finding(file=file, line=place.line, column=place.column, message=message, fix=fix)


class _Reader:
    """Builds plain values from the parser's events and notes where each stands."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}

    def report(self, place: Place, message: str, fix: str) -> None:
        self.findings.append(_finding(self.file, place, message, fix))

    def document(self, events: Iterator[Any]) -> Any:
        """The only document of the file; None for an empty one."""
        value = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Mistake(
                        "a second document begins here",
                        "Keep one document in a file; remove the line ---.",
                        event.start_mark,
                    )
            elif isinstance(event, NodeEvent):
                value = self._node(event, events, ())
        return value

    def _node(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        self._refuse_indirection(event)
        if len(path) > MAX_DEPTH:
            raise _Mistake("this is nested too deeply", "Check the indentation.", event.start_mark)
        self.values[path] = _place(event.start_mark)
        if isinstance(event, AliasEvent):
            return None
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path)
        return _scalar(event)

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            if not isinstance(event, ScalarEvent):
                raise _Mistake(
                    "a name before the colon is a single word here",
                    "Write `name: value`; put brackets and braces in quotes.",
                    event.start_mark,
                )
            self._refuse_indirection(event)
            name, place = str(event.value), _place(event.start_mark)
            here: Path = (*path, name)
            first = self.keys.get(here)
            following = next(events)
            value = self._node(following, events, here)
            if value is None and not isinstance(following, AliasEvent):
                # The parser places nothing where the next thing stands, which may be lines away.
                self.values[here] = place
            if first is not None:
                if len(self.findings) >= MOST:
                    raise _Mistake(
                        f"there are more than {MOST} names that stand twice",
                        "Correct the first ones, then look again.",
                        event.start_mark,
                    )
                self.report(
                    place,
                    f"{name!r} stands here a second time; the first is in line {first.line}",
                    "Keep one of them.",
                )
                continue
            self.keys[here] = place
            found[name] = value
        return found

    def _refuse_indirection(self, event: Any) -> None:
        """Anchors, aliases and tags make a file mean something else than it shows.

        Each is a mistake; the rest of the file is read all the same, to be checked in one run.
        """
        place = _place(event.start_mark)
        if isinstance(event, AliasEvent) or event.anchor is not None:
            self._one_more(event)
            self.report(
                place,
                "anchors and aliases (& and *) are not used here",
                "Write the value out, or put it in quotes if it is meant as text.",
            )
        elif event.tag is not None:
            self._one_more(event)
            self.report(
                place,
                f"the tag {event.tag} is not used here",
                "Remove it, or put the value in quotes if it is meant as text.",
            )

    def _one_more(self, event: Any) -> None:
        if len(self.findings) >= MOST:
            raise _Mistake(
                f"there are more than {MOST} mistakes of this kind",
                "Correct the first ones, then look again.",
                event.start_mark,
            )

    def _sequence(self, events: Iterator[Any], path: Path) -> list[Any]:
        found: list[Any] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            found.append(self._node(event, events, (*path, len(found))))
        return found


def _scalar(event: ScalarEvent) -> Any:
    text = str(event.value)
    if event.style is not None:
        return text
    if text in ("", "null", "~"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INT.fullmatch(text):
        return int(text)
    return Decimal(text) if _NUMBER.fullmatch(text) else text
