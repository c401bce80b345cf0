"""YAML with positions, strict about what surprises people: every value knows its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
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

from mappings.findings import Finding, in_order

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
_TAB = re.compile(r"^ *\t[ \t]*(?=\S)", re.MULTILINE)
_FREE_TAB = re.compile(r"""^[ \t]*(?=$|#)|^[^'"\n]*?\S[ \t]+(?=#)""", re.MULTILINE)
"""Up to a comment or the end of an empty line, where YAML allows tabs and our parser does not."""
TAB_WIDTHS = (2, 4, 8, 1)
"""How many spaces a tab may have stood for; the first with which the file can be read is taken."""

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
    no, on and off are words (YAML 1.2), so that no value changes its meaning on the way. At the
    `unread` places stands something that was reported and not read: nothing takes its place.
    """

    file: str
    value: Any
    values: Mapping[Path, Place]
    keys: Mapping[Path, Place]
    unread: frozenset[Path] = frozenset()

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
    text = without_free_tabs(text)
    tabs = [_at(text, one.start() + one.group().index("\t")) for one in _TAB.finditer(text)]
    return _read_tabs(text, tabs, file) if tabs else _read(text, file)


def without_free_tabs(text: str) -> str:
    """The text with spaces for the tabs that mean nothing: before a comment, on an empty line.
    Every other character keeps its place."""
    return _FREE_TAB.sub(lambda one: _spaces_at_the_end(one.group()), text)


def _spaces_at_the_end(text: str) -> str:
    said = text.rstrip(" \t")
    return said + " " * (len(text) - len(said))


def _read_tabs(
    text: str, tabs: Sequence[Place], file: str
) -> tuple[Document | None, list[Finding]]:
    """Each tab is a mistake; with spaces in their place, the rest is read all the same."""
    found = [
        _finding(file, one, "a tab stands where spaces belong", "Use two spaces for each level.")
        for one in tabs[:MOST]
    ]
    if len(tabs) > MOST:
        fix = "Replace them all at once, then look again."
        found.append(_finding(file, tabs[MOST], f"there are more than {MOST} tabs", fix))
    lines = {one.line for one in tabs}
    document, more, wide, furthest = None, list[Finding](), text, -1
    for wide in _untabbed(text):
        document, read = _read(wide, file)
        last = max((one.line for one in read), default=0)
        if document is not None or last > furthest:
            more, furthest = read, last
        if document is not None:
            break
    if document is None:
        # What is wrong in these lines is the tab, as far as anybody can tell.
        return None, in_order([*found, *(one for one in more if one.line not in lines)])
    pairs = zip(text.split("\n"), wide.split("\n"), strict=True)
    extra = {number: len(new) - len(old) for number, (old, new) in enumerate(pairs, start=1)}

    def back(place: Place) -> Place:
        return Place(place.line, max(1, place.column - extra.get(place.line, 0)))

    found += [replace(one, column=back(Place(one.line, one.column)).column) for one in more]
    return replace(
        document,
        values={path: back(place) for path, place in document.values.items()},
        keys={path: back(place) for path, place in document.keys.items()},
    ), in_order(found)


def _untabbed(text: str) -> Iterator[str]:
    """The text with spaces for the tabs that lines begin with, in each way that may be meant."""
    for width in TAB_WIDTHS:
        yield re.sub(_TAB, partial(_spaces, width), text)
    yield "\n".join(_beside_the_line_before(text.split("\n")))


def _spaces(width: int, tab: re.Match[str]) -> str:
    return tab.group().replace("\t", " " * width)


def _beside_the_line_before(lines: Sequence[str]) -> Iterator[str]:
    """A line that begins with a tab stands where the one before it does, or a level deeper after a
    name; an entry of a list beside the last entry."""
    names, entries, opens = 0, 0, False
    for line in lines:
        body = line.lstrip(" \t")
        is_entry = body.startswith("- ")
        if _TAB.match(line):
            column = names + 2 * opens
            line = " " * (entries if is_entry and not opens else column) + body
        if body and not body.startswith("#"):
            start = len(line) - len(body)
            entries = start if is_entry else entries
            names = start + 2 * is_entry
            opens = body.rstrip().endswith(":")
        yield line


def _read(text: str, file: str) -> tuple[Document | None, list[Finding]]:
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
    places = reader.values, reader.keys
    return Document(file, value, *places, frozenset(reader.unread)), reader.findings


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
        self.unread: set[Path] = set()

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
            self.unread.add(path)
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
