"""How single things are said to people: names, amounts, days, counts, and what is not known."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from domain.workdays import is_zone

DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
FAR_DAYS = 180
"""Beyond this a date also shows its year; nearer the weekday alone leaves no doubt."""
LONGEST_URL = 500
"""A longer address would fill a phone's screen; it is named as missing instead."""
LEFT_TO_RIGHT = "\u200e"
"""Follows right-to-left text, so that the amount after it does not move in front of it."""
_JOINERS = ("\u200c", "\u200d")


def clean(text: str) -> str:
    """One line without control, direction or broken characters: safe in any list, line or field."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(map(_kept, text)).split())


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    if category == "Cf":
        return character if character in _JOINERS else ""
    code = ord(character)
    if category == "Cs" or (code & 0xFFFE) == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return "\ufffd"
    return character


def width(text: str) -> int:
    """How long the CRMs count the text: in UTF-16 units, of which an emoji has two."""
    if text.isascii():
        return len(text)
    return len(text) + sum(ord(character) > 0xFFFF for character in text)


def clip(text: str, limit: int) -> str:
    """At most `limit` units of the text, cut between words and with an ellipsis if it is cut."""
    if width(text) <= limit:
        return text
    if limit < 1:
        return ""
    kept, used = 0, 0
    for character in text:
        used += width(character)
        if used > limit - 1:
            break
        kept += 1
    while kept and _continues(text, kept):
        kept -= 1
    head = text[:kept]
    if not text[kept].isspace():
        space = head.rfind(" ")
        if space * 2 >= len(head):
            head = head[:space]
    return head.rstrip(" ,;:-(") + "…"


def _continues(text: str, at: int) -> bool:
    """Whether a cut before `at` would tear a composed character apart."""
    after = text[at]
    return (
        unicodedata.category(after).startswith("M")
        or after in _JOINERS
        or text[at - 1] in _JOINERS
        or 0x1F3FB <= ord(after) <= 0x1F3FF
    )


def shown(text: str, limit: int) -> str:
    """Somebody else's text, made safe to stand in a line of ours."""
    line = clip(clean(text), limit)
    if line.isascii():
        return line
    if any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in line):
        line += LEFT_TO_RIGHT
    return line


def safe_url(url: str | None) -> str | None:
    """The address if a person may be sent there: http or https, one word, not endless."""
    if not url or len(url) > LONGEST_URL or clean(url) != url or any(map(str.isspace, url)):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 invoice`, `2 invoices`, `2 tries`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ending}"


def listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def sentence(*parts: str) -> str:
    """The parts as sentences in a row: each with a capital and a full stop, empty ones left out."""
    said = []
    for part in parts:
        text = part.strip()
        if text:
            end = "" if text.rstrip(f"”\"'){LEFT_TO_RIGHT}").endswith((".", "?", "!", "…")) else "."
            said.append(text[0].upper() + text[1:] + end)
    return " ".join(said)


def plain_day(day: date) -> str:
    """`Wed 25 Nov`, the same in every language of the machine."""
    return f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name if is_zone(name) else "UTC")


@dataclass(frozen=True)
class Reader:
    """For whom a text is written: their zone, the moment it is about, and how much they read.

    `room` is the most units that one piece of somebody else's text may take.
    """

    zone: str
    as_of: datetime
    room: int = 120

    @property
    def zone_name(self) -> str:
        """The zone in which every time is shown."""
        return self.zone if is_zone(self.zone) else "UTC"

    @property
    def today(self) -> date:
        """The day it is for them."""
        return self.local(self.as_of).date()

    def local(self, moment: datetime) -> datetime:
        """The moment on their clock."""
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(_zone(self.zone))

    def day(self, moment: date | datetime) -> str:
        """`Wed 25 Nov`, with the year if it is far away."""
        on = self.local(moment).date() if isinstance(moment, datetime) else moment
        said = plain_day(on)
        return f"{said} {on.year}" if abs((on - self.today).days) > FAR_DAYS else said

    def last_day(self, end: datetime) -> str:
        """The last day before `end`: what ends at midnight ends on the day before."""
        return self.day(end - timedelta(microseconds=1))

    def time(self, moment: datetime) -> str:
        """`Wed 25 Nov 12:00`."""
        return f"{self.day(moment)} {self.local(moment):%H:%M}"

    def clock(self, moment: datetime) -> str:
        """`09:58` today, otherwise with the day."""
        local = self.local(moment)
        return f"{local:%H:%M}" if local.date() == self.today else self.time(moment)

    def text(self, text: str, room: int | None = None) -> str:
        """Somebody else's text in the room there is."""
        return shown(text, min(self.room, room or self.room))

    def age(self, as_of: datetime | None) -> str:
        """`today`, `1 day old`, `12 days old`, `age unknown`."""
        if as_of is None:
            return "age unknown"
        days = (self.today - self.local(as_of).date()).days
        return "today" if days <= 0 else f"{count(days, 'day')} old"

    def length(self, since: datetime, until: datetime) -> str:
        """`5 days`, `4 hours`, `20 minutes`: how long somebody had something."""
        minutes = max(int((until - since).total_seconds()) // 60, 0)
        if minutes >= 48 * 60:
            return count(minutes // (24 * 60), "day")
        if minutes >= 60:
            return count(minutes // 60, "hour")
        return count(minutes, "minute")


def number(value: Decimal) -> str:
    """A decimal without idle zeros: `4`, `4.5`."""
    return f"{value.normalize():f}" if value else "0"
