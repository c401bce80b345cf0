"""Looks for companies without a customer's id that look like a customer: two searches for 25."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.hubspot import ids
from connectors.hubspot.gateway import Gateway, slices
from connectors.hubspot.names import Names
from connectors.hubspot.sweep import next_rows
from connectors.hubspot.wire import Row
from domain.likeness import plain_name
from domain.suggestions import Candidate, Wanted, likely

AT_ONCE = 25
"""Customers of one search, which may be 3,000 characters long."""
LONGEST = 50
"""A longer name is not searched for: it would take the place of others."""


class AccountSuggester:
    """`SuggestsAccounts` for HubSpot.

    # VENDOR: a search has no pattern for many names at once: a list of whole values, without
    # regard to case, is what it takes (search guide). So a name is found as the payment system
    # writes it, or without its legal form.
    """

    def __init__(self, gateway: Gateway, names: Names) -> None:
        self._gateway = gateway
        self._names = names

    def suggest(self, wanted: Sequence[Wanted]) -> Mapping[str, tuple[Candidate, ...]]:
        """See `SuggestsAccounts.suggest`."""
        found: dict[str, tuple[Candidate, ...]] = {}
        for some in slices(list(wanted), AT_ONCE):
            names = [name for one in some for name in (one.name.lower(), plain_name(one.name))]
            rows = [
                *self._rows("domain", [each for one in some for each in one.domains]),
                *self._rows("name", [name for name in names if len(name) <= LONGEST]),
            ]
            seen = [
                (
                    ids.account(row["id"]),
                    str(row["properties"].get("name") or ""),
                    row["properties"].get("domain"),
                )
                for row in rows
            ]
            found |= {one.customer: likely(one, seen) for one in some}
        return found

    def _rows(self, property: str, values: Sequence[str]) -> list[Row]:
        among = list(dict.fromkeys(filter(None, values)))
        if not among:
            return []
        filters: list[dict[str, Any]] = [
            {"propertyName": self._names.customer, "operator": "NOT_HAS_PROPERTY"},
            {"propertyName": property, "operator": "IN", "values": among},
        ]
        return next_rows(
            self._gateway,
            ids.COMPANIES,
            filters,
            ("name", "domain"),
            after=None,
            what="companies that look like a customer",
        )
