"""Looks for accounts without a customer's id that look like a customer: one query for twenty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.salesforce import ids, soql
from connectors.salesforce.client import Gateway, Row
from connectors.salesforce.names import Names
from domain.likeness import plain_name
from domain.suggestions import Candidate, Wanted, likely

AT_ONCE = 20
"""Customers of one query: the text travels in the address, of which 16,384 characters are taken."""
LONGEST = 60
"""Characters of a name that are searched for; the rest is compared here."""
ROWS = 2000
"""Of one query, and one page: a name that more accounts begin with suggests nothing."""


class AccountSuggester:
    """`SuggestsAccounts` for Salesforce."""

    def __init__(self, gateway: Gateway, names: Names) -> None:
        self._gateway = gateway
        self._names = names

    def suggest(self, wanted: Sequence[Wanted]) -> Mapping[str, tuple[Candidate, ...]]:
        """See `SuggestsAccounts.suggest`. `Misconfigured` if the website may not be read."""
        found: dict[str, tuple[Candidate, ...]] = {}
        for some in soql.slices(list(wanted), AT_ONCE):
            rows = self._rows(some)
            seen = [
                (ids.account(str(row["Id"])), str(row.get("Name") or ""), row.get("Website"))
                for row in rows
            ]
            found |= {one.customer: likely(one, seen) for one in some}
        return found

    def _rows(self, some: Sequence[Wanted]) -> list[Row]:
        likes = [
            f"Website LIKE {soql.quoted(f'%{one.domains[-1]}%')}" for one in some if one.domain
        ]
        names = [plain_name(one.name.replace("'", " "))[:LONGEST] for one in some]
        likes += [
            f"Name LIKE {soql.quoted(name.replace(' ', '%') + '%')}" for name in names if name
        ]
        if not likes:
            return []
        nobodys = f"{soql.name(self._names.customer)} = null"
        text = soql.select(
            ("Id", "Name", "Website"),
            "Account",
            where=f"{nobodys} AND ({' OR '.join(dict.fromkeys(likes))})",
            limit=ROWS,
        )
        return self._gateway.query(text, what="accounts that look like a customer")
