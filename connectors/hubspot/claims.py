"""Which companies claim a payment customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from connectors.hubspot import ids
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.gateway import Gateway, slices
from connectors.hubspot.records import claimed
from connectors.hubspot.wire import Row

CLAIMS = 50
"""Customer ids of one search, which may be 3,000 characters long."""


class ReadsRows(Protocol):
    """Reads companies by id, or by a unique property."""

    def __call__(self, some: Sequence[str], *, id_property: str | None = None) -> list[Row]:
        """The companies that exist."""
        ...


class Claims:
    """Finds companies by the property that holds their payment customer."""

    def __init__(self, gateway: Gateway, definitions: Definitions) -> None:
        self._gateway = gateway
        self._definitions = definitions

    def of(
        self, customers: Sequence[str], field: str, *, read: ReadsRows
    ) -> Mapping[str, list[Row]]:
        """Every company that claims each customer, read with `read`."""
        if not customers:
            return {}
        if self._definitions.is_unique(field):
            rows = read(customers, id_property=field)
        else:
            # Not unique: a read by it is refused, and two companies may claim one customer.
            rows = read(self._claiming(customers, field))
        return {
            customer: [row for row in rows if customer in claimed(row, field)]
            for customer in customers
        }

    def _claiming(self, customers: Sequence[str], field: str) -> list[str]:
        found: list[str] = []
        for some in slices(customers, CLAIMS):
            said = self._gateway.search(
                ids.COMPANIES,
                {
                    # VENDOR: IN wants lower case, and compares without case (search guide).
                    "filterGroups": [
                        {
                            "filters": [
                                {
                                    "propertyName": field,
                                    "operator": "IN",
                                    "values": [one.lower() for one in some],
                                }
                            ]
                        }
                    ],
                    "properties": [field],
                    "limit": 200,
                },
                what="companies by customer",
            )
            found += [str(row["id"]) for row in said.get("results") or []]
        return found
