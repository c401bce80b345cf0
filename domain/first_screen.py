"""The first screen of the living task: now, do, why, money, mood, history, say when, links."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.case import CaseState
from domain.leaf import Known, value_or
from domain.package import ContextPackage
from domain.screen_background import history_text, money_text, mood_text, soon_text, why_text
from domain.screen_turn import closed_text, do_text, now_text, say_when_text
from domain.wording import Reader, clip

ROOMS = (120, 80, 50, 30, 16)
"""How much of somebody else's text is shown; the first that keeps the screen in its limit wins."""
SHORTEST_LINE = 60
"""Lines are never cut below this, or the first two would no longer say what to do."""


@dataclass(frozen=True)
class Line:
    """One labelled line of the screen: a text, or a bare link."""

    label: str
    text: str
    url: str | None = None

    def __str__(self) -> str:
        return f"{self.label}: {self.text or self.url}"


def first_screen(package: ContextPackage, *, task: str = "this task") -> tuple[Line, ...]:
    """The lines in their order, within the policy's read limit as far as any wording can be.

    `task` is what the living task is called: the task of an escalation shows them too.
    """
    lines: tuple[Line, ...] = ()
    for room in ROOMS:
        reader = Reader(zone=package.zone, as_of=package.as_of, room=room)
        lines = _lines(package, reader, task)
        if length(lines) <= package.read_limit:
            return lines
    lines = tuple(line for line in lines if line.text)
    return _shortened(lines, package.read_limit)


def length(lines: tuple[Line, ...]) -> int:
    """How many characters a reader gets through."""
    return sum(len(str(line)) + 1 for line in lines)


def _shortened(lines: tuple[Line, ...], limit: int) -> tuple[Line, ...]:
    longest = max(len(line.text) for line in lines)
    while length(lines) > limit and longest > SHORTEST_LINE:
        longest -= 20
        lines = tuple(replace(line, text=clip(line.text, longest)) for line in lines)
    return lines


def _lines(package: ContextPackage, reader: Reader, task: str) -> tuple[Line, ...]:
    has_invoices = package.standing.has_invoices
    if package.standing.state is CaseState.CLOSED:
        said = [
            ("Now", closed_text(package, reader)),
            ("Do", "Nothing, this task closes itself. A message half written can be dropped."),
            ("Money", money_text(package, reader)),
            ("History", history_text(package, reader)),
        ]
    else:
        said = [
            ("Now", now_text(package, reader)),
            ("Do", do_text(package, reader)),
            ("Soon", soon_text(package, reader)),
            ("Why it failed", why_text(package, reader) if has_invoices else ""),
            ("Money", money_text(package, reader)),
            ("Mood", mood_text(package, reader)),
            ("History", history_text(package, reader)),
            ("Say when", say_when_text(package, reader, task)),
        ]
    return (*(Line(label, text) for label, text in said if text), *_links(package, reader))


def _links(package: ContextPackage, reader: Reader) -> tuple[Line, ...]:
    links, names = package.links, package.names
    rows = [(names.payments, links.payments), (names.crm, links.crm)]
    if isinstance(links.erp, Known):
        rows.append((names.show(names.erp), links.erp))
    lines = [
        Line(name, "", one.value)
        if isinstance(one, Known)
        else Line(name, f"no link ({reader.text(one.because)})")
        for name, one in rows
    ]
    return (*lines, Line("Why this task", reader.text(value_or(links.why, "not recorded"))))
