"""A task's body between our text and HubSpot's HTML: nothing of a customer's becomes markup."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

from connectors.hubspot.wire import utf16
from domain.living_text import HEADING, kept_lines, own_part

LIMIT = 60_000
"""The whole body stays under this: a text property holds 65,536, and a sanitiser may add some."""
LONGEST_LINE = 4_000
"""Far longer than any of our own lines; small beside the limit, whatever is escaped in it."""
SHORTENED = "Kidglove left out the end of its own text here: it was too long for this task."
"""Ours as well, and so never read as something that a person typed."""
BLOCKS = frozenset({"p", "div", "ul", "ol", "table", "tr", "h1", "h2", "h3", "h4", "blockquote"})
_LABEL = re.compile(r"([A-Z][A-Za-z' -]{0,30}:)( .*)?")
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)", re.I)


def body(text: str | None, html: str | None) -> str | None:
    """The HTML to write, under the limit: the rich form if there is one, else each line of the text
    in a paragraph. Lines that people typed into the task stay below it, whole.

    Whatever is too long, our own part is cut. None if there is nothing to write, or if people's
    lines leave us no room: then the body stays as it stands, and nothing of theirs is lost.
    """
    if text is None and html is None:
        return None
    kept = kept_lines(text)
    below = "".join(map(paragraph, (HEADING, *kept))) if kept else ""
    room = LIMIT - utf16(below)
    own = html if html is not None else "".join(_paragraphs(own_part(text or "")))
    if utf16(own) >= room:
        # The rich form without its end would be broken markup; the text can be cut at any line.
        own = fitted(own_part(text) if text is not None else lines_of(own), room)
    return own + below if own or not kept else None


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


def fitted(text: str, room: int) -> str:
    """Our text in less than this room, with a word about what is left out; empty if not even its
    first line has room."""
    paragraphs = _paragraphs(text)
    if utf16("".join(paragraphs)) < room:
        return "".join(paragraphs)
    remark = paragraph(SHORTENED)
    room -= utf16(remark)
    kept: list[str] = []
    for one in paragraphs:
        room -= utf16(one)
        if room <= 0:
            break
        kept.append(one)
    return "".join([*kept, remark]) if kept else ""


def lines_of(html: str) -> str:
    """The text of a body as it stands in HubSpot, a line for each block, as we wrote it.

    A plain text that somebody typed comes back as it is, a link with its address behind it, and a
    picture as its description and address. A heading above a list gets its colon back, and a list's
    points their dash, so that the text equals the one that we keep.
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
        self._links: list[tuple[str, list[str]]] = []
        """The links that are open: the address of each, and what it has said so far."""
        self._gap = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("b", "strong"):
            self._bold += 1
        elif tag == "br":
            self._new_line(always=True)
        elif tag == "a":
            self._links.append((_named(attrs, "href"), []))
        elif tag == "img":
            self._picture(_named(attrs, "alt"), _named(attrs, "src"))
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
        elif tag == "a" and self._links:
            self._end_link()
        elif tag in BLOCKS or tag == "li":
            self._new_line()

    def handle_data(self, data: str) -> None:
        said = data.replace("\xa0", " ")
        if said.strip() and not self._bold:
            self._only_bold[-1] = False
        for _, heard in self._links:
            heard.append(said)
        if self._gap and said[:1].isalnum():
            said = f" {said}"
        self._gap = False
        parts = said.split("\n")
        for place, part in enumerate(parts):
            if place:
                self._new_line(always=True)
            self._lines[-1] += part

    def text(self) -> str:
        while self._links:
            self._end_link()
        lines = [line.rstrip() for line in self._lines if line.strip() != SHORTENED]
        while lines and not lines[-1]:
            lines.pop()
        return "\n".join(lines)

    def _picture(self, description: str, address: str) -> None:
        words = f"{description} ({address})" if description and address else description or address
        for _, heard in self._links:
            heard.append(words)
        self._add(words)

    def _end_link(self) -> None:
        """The address behind what the link says, unless it says the address itself."""
        address, heard = self._links.pop()
        said = " ".join("".join(heard).split())
        if address and _bare(said) != _bare(address):
            self._add(f"({address})" if said else address)

    def _add(self, words: str) -> None:
        """Words that no text stands for, apart from what stands around them."""
        line = self._lines[-1]
        apart = " " if line and words and not line.endswith((" ", "(")) else ""
        self._lines[-1] = f"{line}{apart}{words}"
        self._gap = bool(words)

    def _new_line(self, *, always: bool = False) -> None:
        if always or self._lines[-1]:
            self._lines.append("")
            self._gap = False
            self._only_bold.append(True)

    def _mark_heading(self) -> None:
        """A line in bold right above a list is its heading."""
        for place in range(len(self._lines) - 1, -1, -1):
            if self._lines[place].strip():
                if self._only_bold[place] and not self._lines[place].endswith(":"):
                    self._lines[place] += ":"
                return


def _named(attrs: list[tuple[str, str | None]], name: str) -> str:
    return next((said.strip() for key, said in attrs if key == name and said), "")


def _bare(address: str) -> str:
    return _SCHEME.sub("", address, count=1).rstrip("/")
