"""Lists every account that is on hold now, whatever events were lost: one call."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.salesforce import ids, soql
from connectors.salesforce.client import Gateway
from connectors.salesforce.names import Names
from domain.errors import Misconfigured
from domain.ids import Ref
from domain.ports import ReadPlan


class HoldSweeper:
    """`SweepsHolds` for Salesforce."""

    def __init__(self, gateway: Gateway, names: Names) -> None:
        self._gateway = gateway
        self._names = names

    def accounts_on_hold(self, *, plan: ReadPlan, words: Sequence[str]) -> Sequence[Ref]:
        """See `SweepsHolds.accounts_on_hold`. `Misconfigured` if no resolution field is mapped."""
        if not self._names.resolution:
            raise Misconfigured("no field holds the resolution state", row="resolution")
        if not words:
            return []
        field = soql.name(self._names.resolution)
        text = soql.select(("Id",), "Account", where=f"{field} IN {soql.in_list(words)}")
        rows = self._gateway.query(text, what="accounts on hold", urgent=True)
        return [ids.account(row["Id"]) for row in rows]
