"""One request to the API and its answer, free of HTTP, whatever version of the path it used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from simulators.hubspot.access import Grant
from simulators.hubspot.errors import RowHarm, bad_json, invalid, not_allowed
from simulators.hubspot.writing import Work

NEWEST = "2026-09"
DATED = ("2025-09", "2026-03", NEWEST)
_DATE = r"(\d{4}-\d{2}(?:-beta)?)"
_AREAS = (
    (re.compile(r"/crm/(v3)/(objects|properties|owners|pipelines)(/.*|)"), "crm"),
    (re.compile(r"/crm/(v4)/(objects|associations)(/.*|)"), "crm"),
    (re.compile(rf"/crm/(objects|associations|properties|owners|pipelines)/{_DATE}(/.*|)"), "date"),
    (re.compile(rf"/(account-info)/(v3|{_DATE[1:-1]})(/.*|)"), "date"),
    (re.compile(rf"/(oauth)/(v1|v2|{_DATE[1:-1]})(/.*|)"), "date"),
    (re.compile(rf"/(webhooks)/(v3|{_DATE[1:-1]})(/.*|)"), "date"),
    (re.compile(rf"/app-(webhooks)/{_DATE}(/.*|)"), "date"),
    (re.compile(rf"/webhooks-journal/(journal|journal-local|subscriptions)/{_DATE}(/.*|)"), "date"),
)


@dataclass(frozen=True)
class Path:
    """A path taken apart: `area` says which API, `parts` are the segments behind the version."""

    area: str
    version: str
    parts: tuple[str, ...]


def path_of(path: str) -> Path | None:
    """A path taken apart, or None when no API of this portal stands there."""
    for pattern, order in _AREAS:
        found = pattern.fullmatch(path)
        if found is None:
            continue
        first, second, rest = found.group(1), found.group(2), found.group(3)
        area, version = (second, first) if order == "crm" else (first, second)
        if version[0] != "v" and version not in DATED:
            return None
        if rest == "/" and version[0] != "v":
            # VENDOR: a dated path has no trailing slash, the old ones take one.
            return None
        return Path(area, version, tuple(unquote(part) for part in rest.split("/") if part))
    return None


@dataclass(frozen=True)
class Reply:
    """Status, JSON body (None: empty, text: as it is) and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request: lists in the query are joined by commas; `work` says who writes."""

    method: str
    path: Path
    grant: Grant
    work: Work
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    harms: tuple[RowHarm, ...] = ()

    def stumble(self, type_name: str, place: int = 0) -> None:
        """Refusal when the dial hits the row at that place of this request."""
        for harm in self.harms:
            if harm.hits(type_name, place):
                raise harm.refusal

    @property
    def parts(self) -> tuple[str, ...]:
        """The segments of the path behind the version."""
        return self.path.parts

    @property
    def newest(self) -> bool:
        """Whether the path carries the newest version, which has rules of its own."""
        return self.path.version == NEWEST

    def record(self) -> dict[str, Any]:
        """The body as one JSON object; 400 when it is none."""
        if not isinstance(self.body, dict):
            raise bad_json()
        return self.body

    def inputs(self, most: int) -> list[dict[str, Any]]:
        """The `inputs` of a batch; 400 when they are no list of objects, or too many."""
        found = self.record().get("inputs")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise invalid("inputs must be a list of objects")
        if len(found) > most:
            raise invalid(f"A batch holds at most {most} inputs, this one has {len(found)}")
        return found

    def names(self, key: str) -> tuple[str, ...]:
        """A comma-joined list of the query."""
        return tuple(name for name in self.query.get(key, "").split(",") if name)

    def flag(self, key: str) -> bool:
        """A boolean of the query."""
        return self.query.get(key, "false").lower() == "true"

    def limit(self, usual: int, most: int) -> int:
        """The page size; 400 when it is no number of 1 to `most`."""
        text = self.query.get("limit", str(usual))
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise invalid(f"limit must be a number of 1 to {most}, not {text}")
        return int(text)

    def only(self, *methods: str) -> None:
        """405 for any other method."""
        if self.method not in methods:
            raise not_allowed(self.method)
