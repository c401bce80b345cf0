"""One request to the data API and its answer, free of HTTP so that composites can nest them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from simulators.salesforce.errors import Refusal, bad_json
from simulators.salesforce.org import Work

VERSIONS = tuple(f"{number}.0" for number in range(31, 68))
RETIRED = tuple(f"{number}.0" for number in range(7, 31))


@dataclass(frozen=True)
class Reply:
    """Status, JSON body (None: empty) and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request: `rest` is the path below `/services/data/v{version}/`, headers are lower case."""

    method: str
    version: str
    rest: str
    work: Work
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    depth: int = 0

    def record(self) -> dict[str, Any]:
        """The body as one JSON object; JSON_PARSER_ERROR when it is not."""
        if not isinstance(self.body, dict):
            raise bad_json("The HTTP entity body is required, but this request has no entity body.")
        return self.body

    def moment(self, header: str) -> datetime | None:
        """An HTTP date header, aware UTC; 400 when it cannot be read."""
        text = self.headers.get(header.lower())
        if text is None:
            return None
        try:
            found = parsedate_to_datetime(text)
        except ValueError:
            raise Refusal(400, "INVALID_FIELD", f"invalid date in {header}: {text}") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def http_date(moment: datetime) -> str:
    """`Fri, 01 May 2026 07:25:37 GMT`."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def not_allowed(method: str, allowed: str) -> Refusal:
    """405, as for PUT on a record."""
    text = f"HTTP Method '{method}' not allowed. Allowed are {allowed}"
    return Refusal(405, "METHOD_NOT_ALLOWED", text)
