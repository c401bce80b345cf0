"""The demo on the screen: when, who, what, where; and at the end what was expected and what is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ops.demo.ending import Check

ZONE = ZoneInfo("America/New_York")
"""Everybody in the story works there."""
COLOURS = {"Kidglove": "cyan", "Stripe": "magenta"}
"""Machines have a colour each; people share another."""
PEOPLE = "yellow"
WHO = 15
MARGIN = 5 + 2 + WHO + 1


class Narrator:
    """Tells the story to a person."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._day = ""

    def title(self, text: str, *lines: str) -> None:
        """The beginning."""
        self._console.print(Text(text, style="bold"))
        for line in lines:
            self._console.print(Text(line))
        self._console.print()

    def started(self, text: str, where: str = "") -> None:
        """Something is up, and where."""
        line = Text.assemble(("  up  ", "green"), f"{text:<27} ", (where, "dim"))
        self._console.print(line, soft_wrap=True)

    def chapter(self, text: str) -> None:
        """A new part of the story."""
        self._console.print()
        self._console.rule(Text(text, style="bold"), align="left", style="dim")
        self._day = ""

    def tell(self, at: datetime, who: str, what: str, where: str = "") -> None:
        """One thing that happened. `where` is the record or the path that was touched."""
        local = at.astimezone(ZONE)
        day = f"{local:%a %d %b %Y}"
        if day != self._day:
            self._day = day
            self._console.print(Text(day, style="bold"))
        head = Text.assemble(
            (f"{local:%H:%M}  ", "dim"), (f"{who:<{WHO}} ", COLOURS.get(who, PEOPLE))
        )
        room = max(40, self._console.width - MARGIN)
        lines = textwrap.wrap(what, room, break_long_words=False) or [""]
        body = [Text(line) for line in lines]
        if where and len(lines[-1]) + len(where) + 2 <= room:
            body[-1] = Text.assemble(lines[-1], "  ", (where, "dim"))
        elif where:
            body.append(Text(where, "dim"))
        self._console.print(Text.assemble(head, body[0]), soft_wrap=True)
        for line in body[1:]:
            self._console.print(Text.assemble(" " * MARGIN, line), soft_wrap=True)

    def show(self, title: str, text: str) -> None:
        """A document as its reader sees it."""
        width = min(self._console.width, 100)
        self._console.print(
            Panel(Text(text), title=Text(title, "bold"), title_align="left", width=width)
        )

    def aside(self, text: str) -> None:
        """A word of explanation."""
        self._console.print(Text(text, style="italic"))

    def ending(self, checks: Sequence[Check]) -> None:
        """What was expected, what is, and whether they are the same."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
        for name in ("", "system", "what", "expected", "actual"):
            table.add_column(name, overflow="fold")
        for check in checks:
            mark = Text("same", "green") if check.holds else Text("differs", "bold red")
            actual = Text(check.said_actual, "" if check.holds else "red")
            table.add_row(mark, check.system, check.what, check.said_expected, actual)
        self._console.print(table)
        for check in checks:
            if not check.holds:
                said = f"{check.what}\n  expected {check.expected}\n  actual   {check.actual}"
                self._console.print(Text(said, "red"))
