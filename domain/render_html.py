"""The living task as light HTML, for CRMs that show it: the same sentences as the plain text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from domain.case import ChangeLine, Note
from domain.first_screen import Line, first_screen
from domain.package import ContextPackage
from domain.render_text import change_lines, details, note_lines
from domain.wording import Reader

HTML_LIMIT = 60_000
"""Under the CRM's 65,536 characters; the details go first, because the text form has them too."""


def body(
    package: ContextPackage,
    *,
    changes: Sequence[ChangeLine] = (),
    notes: Sequence[Note] = (),
) -> str:
    """The same as the text body, in `p`, `b`, `ul`, `li`, `a` and `br` only; everything escaped."""
    reader = Reader(zone=package.zone, as_of=package.as_of)
    top = "".join(map(_line, first_screen(package)))
    changed, noted = change_lines(changes, reader), note_lines(notes, reader)
    heading, *leaves = details(package)
    rest = f"<p><b>{_text(heading)}</b><br>{'<br>'.join(map(_text, leaves))}</p>"
    while True:
        html = top + _listed("What changed", changed) + _listed("Notes", noted) + rest
        if len(html) <= HTML_LIMIT or not (rest or changed or noted):
            return html
        if rest:
            rest = ""
        else:
            (changed or noted).pop()


def _text(text: str) -> str:
    return escape(text, quote=False)


def _line(line: Line) -> str:
    label = f"<b>{_text(line.label)}:</b>"
    if line.url:
        url = escape(line.url, quote=True)
        return f'<p>{label} <a href="{url}">{url}</a></p>'
    return f"<p>{label} {_text(line.text)}</p>"


def _listed(heading: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{_text(line)}</li>" for line in lines)
    return f"<p><b>{_text(heading)}</b></p><ul>{items}</ul>"
