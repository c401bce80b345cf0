"""Queries in text, with every name checked and every value quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from domain.errors import Misconfigured

T = TypeVar("T")

IN_LIST = 100
"""Ids in one IN list: keeps the query line well under the 16 kB at which servers refuse it."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,5}")
_ESCAPES = str.maketrans(
    {
        "\\": "\\\\",
        "'": "\\'",
        '"': '\\"',
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\b": "\\b",
        "\f": "\\f",
    }
)


def name(field: str) -> str:
    """A field name or dotted path that is safe in a query. `Misconfigured` for anything else."""
    if not _NAME.fullmatch(field):
        raise Misconfigured(
            f"{field[:60]!r} is no Salesforce field name",
            row=field[:60],
            remedy="Give the API name from Setup, Object Manager, Fields (for example CSM__c).",
        )
    return field


def quoted(value: str) -> str:
    """A string literal."""
    return "'" + value.translate(_ESCAPES) + "'"


def in_list(values: Iterable[str]) -> str:
    """The right side of IN. ValueError when empty: `IN ()` is malformed in SOQL."""
    items = [quoted(value) for value in values]
    if not items:
        raise ValueError("an IN list needs at least one value")
    return "(" + ",".join(items) + ")"


def moment(at: datetime) -> str:
    """A datetime literal, in UTC. ValueError for a naive one: its zone would be the machine's."""
    if at.tzinfo is None:
        raise ValueError("a moment in a query must be aware")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + "Z"


def select(
    fields: Iterable[str],
    entity: str,
    *,
    where: str = "",
    order: str = "",
    limit: int | None = None,
) -> str:
    """One SELECT; a field that is wanted twice is named once, because SOQL refuses duplicates."""
    parts = [f"SELECT {','.join(dict.fromkeys(fields))} FROM {entity}"]
    if where:
        parts.append(f"WHERE {where}")
    if order:
        parts.append(f"ORDER BY {order}")
    if limit is not None:
        parts.append(f"LIMIT {limit}")
    return " ".join(parts)


def parsed_moment(text: str) -> datetime:
    """A datetime as the vendor writes it (`2026-05-01T07:25:37.000+0000`), aware UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in groups of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
