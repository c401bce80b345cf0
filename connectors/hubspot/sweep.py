"""Lists every company that is on hold now, whatever events were lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.hubspot import ids
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.names import Names
from connectors.hubspot.wire import Row
from domain.errors import Misconfigured
from domain.ids import Ref
from domain.ports import ReadPlan

PAGE = 200
"""Rows of one page of a search; the most that HubSpot gives."""


class HoldSweeper:
    """`SweepsHolds` for HubSpot."""

    def __init__(self, gateway: Gateway, definitions: Definitions, names: Names) -> None:
        self._gateway = gateway
        self._definitions = definitions
        self._names = names

    def accounts_on_hold(self, *, plan: ReadPlan, words: Sequence[str]) -> Sequence[Ref]:
        """See `SweepsHolds.accounts_on_hold`. `Misconfigured` if no resolution field is mapped.

        A word set in the last moments may be missing: the search index lags, and the next sweep
        finds it.
        """
        field = self._names.resolution
        if not field:
            raise Misconfigured("no property holds the resolution state", row="resolution")
        if not words:
            return []
        self._definitions.need(field)
        held = {"propertyName": field, "operator": "IN", "values": self._searched(field, words)}
        rows = every_row(self._gateway, ids.COMPANIES, [held], (field,), what="companies on hold")
        return [ids.account(row["id"]) for row in rows]

    def _searched(self, field: str, words: Sequence[str]) -> list[str]:
        """The words as a search wants them.

        # VENDOR: a list of texts is compared in lower case and finds nothing else, while the
        # options of an enumeration are compared as they are (search guide, operators).
        """
        is_text = self._definitions.type_of(field) == "string"
        return list(dict.fromkeys(word.lower() if is_text else word for word in words))


def every_row(
    gateway: Gateway,
    kind: str,
    filters: Sequence[Mapping[str, Any]],
    properties: Sequence[str],
    *,
    what: str,
) -> list[Row]:
    """Every row of a search, in the order of ids, beyond the 10,000 that one query may give.

    # VENDOR: a query ends at 10,000 rows and knows one order only; paging by id inside fixed
    # conditions has neither limit nor gaps (search guide, limits).
    """
    rows: list[Row] = []
    after: str | None = None
    while True:
        page = next_rows(gateway, kind, filters, properties, after=after, what=what)
        rows += page
        if len(page) < PAGE:
            return rows
        after = str(page[-1]["id"])


def next_rows(
    gateway: Gateway,
    kind: str,
    filters: Sequence[Mapping[str, Any]],
    properties: Sequence[str],
    *,
    after: str | None,
    what: str,
) -> list[Row]:
    """The next rows of a search after an id, at most a page."""
    conditions = [dict(one) for one in filters]
    if after is not None:
        conditions.append({"propertyName": "hs_object_id", "operator": "GT", "value": after})
    said = gateway.search(
        kind,
        {
            "filterGroups": [{"filters": conditions}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": PAGE,
        },
        what=what,
    )
    return list(said.get("results") or [])
