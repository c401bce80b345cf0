"""The lines of the doctor on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from domain.ports import Health
from ops.cli.common import out, print_json
from ops.lines import Line, ok

FIELD = "/field."
STYLES = {Health.OK: "green", Health.WRONG: "bold red", Health.UNKNOWN: "yellow"}


def print_findings(lines: Sequence[Line], *, as_json: bool) -> None:
    """Each line with its remedy, and what it comes to."""
    if as_json:
        print_json(lines)
        return
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1))
    table.add_column(width=7)
    table.add_column(overflow="fold", max_width=48)
    table.add_column(overflow="fold")
    for line in _together(lines):
        said = Text(line.detail)
        if line.remedy:
            said.append(f"\n{line.remedy}", "italic")
        table.add_row(Text(line.health.value, STYLES[line.health]), Text(line.id), said)
    out.print(table)
    counts = {one: sum(line.health is one for line in lines) for one in Health}
    out.print(
        f"\n{counts[Health.OK]} ok, {counts[Health.WRONG]} wrong, {counts[Health.UNKNOWN]} unknown."
    )


def _together(lines: Sequence[Line]) -> Iterator[Line]:
    """Fields that are fine share one line; whoever wants each of them asks for JSON."""
    fine = [one for one in lines if one.health is Health.OK and FIELD in one.id]
    told = False
    for line in lines:
        if line not in fine:
            yield line
        elif not told:
            told = True
            yield ok(f"{line.id.partition(FIELD)[0]}/fields", f"{len(fine)} fields are as mapped")
