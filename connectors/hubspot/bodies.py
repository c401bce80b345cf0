"""A task's body between our text and HubSpot's HTML: nothing of a customer's becomes markup."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

from connectors.hubspot.wire import utf16
from domain.living_text import HEADING, kept_lines

LIMIT = 65_000
"""Under the 65,536 characters that a text property holds, by what a sanitiser may add."""
LONGEST_LINE = 4_000
"""Far longer than any of our own lines; small beside the limit, whatever is escaped in it."""
BLOCKS = frozenset({"p", "div", "ul", "ol", "table", "tr", "h1", "h2", "h3", "h4", "blockquote"})
_LABEL = re.compile(r"([A-Z][A-Za-z' -]{0,30}:)( .*)?")


def body(text: str | None, html: str | None) -> str | None:
    """The HTML to write, under the limit: the rich form if there is one, else each line of the text
    in a paragraph. Lines that people typed into the task stay below it. None if there is neither.
    """
    if html is None:
        return None if text is None else fitted(_paragraphs(text))
    kept = kept_lines(text)
    below = [f"<p><b>{HEADING}</b></p>", *map(paragraph, kept)] if kept else []
    whole = html + "".join(below)
    if utf16(whole) <= LIMIT:
        return whole
    # The rich form without its end would be broken markup; the text can be cut at any line.
    return fitted(_paragraphs(text or lines_of(html)))


def paragraph(line: str) -> str:
    """One line of text as a paragraph, its label in bold, everything escaped."""
    found = _LABEL.fullmatch(line)
    if found is None:
        return f"<p>{escape(line, quote=False)}</p>"
    label, rest = escape(found[1], quote=False), escape(found[2] or "", quote=False)
    return f"<p><b>{label}</b>{rest}</p>"


def _paragraphs(text: str) -> list[str]:
    """A paragraph a line; an endless line is several, so that its beginning is kept."""
    return [
        paragraph(line[start : start + LONGEST_LINE])
        for line in text.splitlines()
        for start in range(0, max(1, len(line)), LONGEST_LINE)
    ]


def fitted(paragraphs: list[str]) -> str:
    """As many paragraphs as fit."""
    room = LIMIT
    kept: list[str] = []
    for one in paragraphs:
        room -= utf16(one)
        if room < 0:
            break
        kept.append(one)
    return "".join(kept)


def lines_of(html: str) -> str:
    """The text of a body as it stands in HubSpot, a line for each block, as we wrote it.

    A plain text that somebody typed comes back as it is. A heading above a list gets its colon
    back, and a list's points their dash, so that the text equals the one that we keep.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._only_bold: list[bool] = [True]
        self._bold = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("b", "strong"):
            self._bold += 1
        elif tag == "br":
            self._new_line(always=True)
        elif tag == "li":
            self._new_line()
            self._lines[-1] = "- "
        elif tag in BLOCKS:
            if tag in ("ul", "ol"):
                self._mark_heading()
            self._new_line()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("b", "strong"):
            self._bold = max(0, self._bold - 1)
        elif tag in BLOCKS or tag == "li":
            self._new_line()

    def handle_data(self, data: str) -> None:
        said = data.replace("\xa0", " ")
        if said.strip() and not self._bold:
            self._only_bold[-1] = False
        parts = said.split("\n")
        for place, part in enumerate(parts):
            if place:
                self._new_line(always=True)
            self._lines[-1] += part

    def text(self) -> str:
        lines = [line.rstrip() for line in self._lines]
        while lines and not lines[-1]:
            lines.pop()
        return "\n".join(lines)

    def _new_line(self, *, always: bool = False) -> None:
        if always or self._lines[-1]:
            self._lines.append("")
            self._only_bold.append(True)

    def _mark_heading(self) -> None:
        """A line in bold right above a list is its heading."""
        for place in range(len(self._lines) - 1, -1, -1):
            if self._lines[place].strip():
                if self._only_bold[place] and not self._lines[place].endswith(":"):
                    self._lines[place] += ":"
                return
