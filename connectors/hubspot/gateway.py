"""What we ask of a portal, call by call: records in batches, searches, associations, properties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from connectors.hubspot.client import API_VERSION, Api, Client
from connectors.hubspot.errors import VendorError, classified, stated
from connectors.hubspot.wire import Row

T = TypeVar("T")

MOST = 100
"""Inputs of one batch call of objects."""
MOST_WITH_HISTORY = 50
"""Inputs of a read that asks for the history of properties."""
MOST_LINKED = 1000
"""Records whose associations one call may ask for."""


class Gateway:
    """The calls of one portal. Every method raises the error class that says what happens next.

    Reads, and writes that a second time change nothing, are repeated briefly when HubSpot is
    unwell; making a record never is.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def calls(self) -> Counter[str]:
        """How many HTTP requests were made, by kind."""
        return self._client.calls

    @property
    def window(self) -> int | None:
        """How many calls HubSpot allows in ten seconds, as its last answer said."""
        return self._client.window

    # -- records

    def read(
        self,
        kind: str,
        ids: Iterable[str],
        properties: Sequence[str],
        *,
        what: str,
        id_property: str | None = None,
        history: Sequence[str] = (),
        urgent: bool = False,
    ) -> list[Row]:
        """The records that exist, by id or by a unique property; a hundred a call at most.

        One that does not exist is simply not among them.
        """
        rows: list[Row] = []
        for some in slices(list(dict.fromkeys(ids)), MOST_WITH_HISTORY if history else MOST):
            body: dict[str, Any] = {
                "inputs": [{"id": one} for one in some],
                "properties": list(properties),
                "propertiesWithHistory": list(history),
            }
            if id_property is not None:
                body["idProperty"] = id_property
            said = self._client.call(
                Api.BATCH, "read", kind, body, kind=f"{kind}.read", what=what, urgent=urgent
            )
            rows += said.get("results") or []
            _only_gone(said, what)
        return rows

    def update(
        self, kind: str, inputs: Sequence[Row], *, what: str, urgent: bool = False
    ) -> tuple[list[Row], list[VendorError]]:
        """Set properties of up to a hundred records by id: the rows as they are now, and the
        refusals of single rows."""
        said = self._client.call(
            Api.BATCH,
            "update",
            kind,
            {"inputs": list(inputs)},
            kind=f"{kind}.update",
            what=what,
            urgent=urgent,
            is_write=True,
        )
        return list(said.get("results") or []), row_errors(said)

    def create(
        self, kind: str, inputs: Sequence[Row], *, what: str, urgent: bool = False
    ) -> tuple[list[Row], list[VendorError]]:
        """Make up to a hundred records. Never repeated: it carries no key that HubSpot honours, so
        that the caller must look before a second try."""
        said = self._client.call(
            Api.BATCH,
            "create",
            kind,
            {"inputs": list(inputs)},
            kind=f"{kind}.create",
            what=what,
            urgent=urgent,
            is_write=True,
            is_repeatable=False,
        )
        return list(said.get("results") or []), row_errors(said)

    def archive(self, kind: str, ids: Sequence[str], *, what: str) -> None:
        """Put up to a hundred records into the recycle bin, from which people can restore them."""
        self._client.call(
            Api.BATCH,
            "archive",
            kind,
            {"inputs": [{"id": one} for one in ids]},
            kind=f"{kind}.archive",
            what=what,
            urgent=True,
            is_write=True,
        )

    def one(self, kind: str, id: str, properties: Sequence[str], *, what: str) -> Row:
        """One record by id; one that was merged away answers with its survivor. `Gone` if none."""
        return self._client.call(
            Api.BASIC,
            "get_by_id",
            kind,
            id,
            properties=list(properties),
            kind=f"{kind}.get",
            what=what,
            urgent=True,
        )

    def page(self, kind: str, properties: Sequence[str], *, what: str, most: int = 0) -> list[Row]:
        """Every record of a kind, all pages; with `most`, one page of so many."""
        return self._pages(
            Api.BASIC,
            "get_page",
            kind,
            limit=most or MOST,
            properties=list(properties),
            kind=f"{kind}.list",
            what=what,
            is_one=bool(most),
        )

    def search(self, kind: str, body: Row, *, what: str) -> Row:
        """One page of a search. Its index lags: it never says that something does not exist."""
        return self._client.call(
            Api.SEARCH, "do_search", kind, dict(body), kind="search", what=what
        )

    def linked(
        self, kind: str, ids: Sequence[str], to: str, *, what: str, urgent: bool = False
    ) -> dict[str, list[Row]]:
        """What each record is associated with: rows of `toObjectId` and `associationTypes`.

        # VENDOR: every input has a cursor of its own; who does not follow it loses records
        # (Associations guide, retrieve associated records).
        """
        found: dict[str, list[Row]] = {one: [] for one in ids}
        wanted: list[dict[str, str]] = [{"id": one} for one in found]
        while wanted:
            now, wanted = wanted[:MOST_LINKED], wanted[MOST_LINKED:]
            said = self._client.call(
                Api.LINKS,
                "get_page",
                kind,
                to,
                {"inputs": now},
                kind=f"{kind}.{to}",
                what=what,
                urgent=urgent,
            )
            for row in said.get("results") or []:
                source = str((row.get("from") or {}).get("id"))
                found.setdefault(source, []).extend(row.get("to") or [])
                if (after := _next(row)) is not None:
                    wanted.append({"id": source, "after": after})
            _only_gone(said, what)
        return found

    def linked_with(
        self, kind: str, id: str, to: Sequence[str], *, what: str, urgent: bool = False
    ) -> dict[str, list[Row]]:
        """`linked` for one record and several kinds at once, without labels: one call, and more
        only for a kind of which there are so many that they come in pages."""
        said = self._client.call(
            Api.BASIC,
            "get_by_id",
            kind,
            id,
            properties=["hs_object_id"],
            associations=list(to),
            kind=f"{kind}.all",
            what=what,
            urgent=urgent,
        )
        found: dict[str, list[Row]] = {}
        for one in to:
            # VENDOR: a kind without any is left out of the answer (objects guide, retrieve).
            part = (said.get("associations") or {}).get(one) or {}
            if _next(part) is not None:
                found[one] = self.linked(kind, [id], one, what=what, urgent=urgent)[id]
            else:
                found[one] = [{"toObjectId": row["id"]} for row in part.get("results") or []]
        return found

    def associate(
        self, kind: str, to: str, inputs: Sequence[Row], *, what: str, urgent: bool = False
    ) -> tuple[list[Row], list[VendorError]]:
        """Associate records, unlabelled, a hundred pairs a call: the associations in both
        directions as they are now, and the refusals of single pairs. A second time changes
        nothing."""
        said = self._client.call(
            Api.LINKS,
            "create_default",
            kind,
            to,
            {"inputs": list(inputs)},
            kind=f"{kind}.{to}.link",
            what=what,
            urgent=urgent,
            is_write=True,
        )
        return list(said.get("results") or []), row_errors(said)

    # -- the portal

    def properties(self, kind: str) -> list[Row]:
        """Every property definition of a kind of record."""
        return self._list(Api.PROPERTIES, kind, what=f"properties of {kind}")

    def create_property(self, kind: str, body: Row) -> Row:
        """Make a property. `Conflict` if one of that name exists."""
        return self._made(Api.PROPERTIES, kind, body, what=f"property {kind}.{body['name']}")

    def update_property(self, kind: str, name: str, body: Row) -> Row:
        """Change a property's group, label or options."""
        return self._client.call(
            Api.PROPERTIES,
            "update",
            kind,
            name,
            dict(body),
            kind="properties.update",
            what=f"property {kind}.{name}",
            is_write=True,
        )

    def groups(self, kind: str) -> list[Row]:
        """The property groups of a kind of record."""
        return self._list(Api.GROUPS, kind, what=f"property groups of {kind}")

    def create_group(self, kind: str, body: Row) -> Row:
        """Make a property group. `Conflict` if one of that name exists."""
        return self._made(Api.GROUPS, kind, body, what=f"property group {kind}.{body['name']}")

    def pipelines(self, kind: str) -> list[Row]:
        """The pipelines of a kind of record, with their stages."""
        return self._list(Api.PIPELINES, kind, what=f"pipelines of {kind}")

    def owners(self, *, archived: bool) -> list[Row]:
        """Everybody who can own records, or (archived) who no longer can."""
        return self._pages(
            Api.OWNERS, "get_page", limit=MOST, archived=archived, kind="owners", what="owners"
        )

    def account(self) -> Row:
        """Which portal the token belongs to: portalId, accountType, timeZone, uiDomain."""
        path = f"/account-info/{API_VERSION}/details"
        return self._client.raw("GET", path, kind="account", what="the portal")

    def usage(self) -> Row:
        """How many of the day's calls are used."""
        path = f"/account-info/{API_VERSION}/api-usage/daily/private-apps"
        return self._client.raw("GET", path, kind="usage", what="the day's calls")

    def token_info(self) -> Row:
        """What HubSpot knows of the token: hubId, appId, scopes."""
        return self._client.token_info()

    def _list(self, api: Api, kind: str, *, what: str) -> list[Row]:
        said = self._client.call(
            api, "get_all", kind, kind=api.name.lower(), what=what, urgent=True
        )
        return list(said.get("results") or [])

    def _made(self, api: Api, kind: str, body: Row, *, what: str) -> Row:
        return self._client.call(
            api,
            "create",
            kind,
            dict(body),
            kind=f"{api.name.lower()}.create",
            what=what,
            is_write=True,
            is_repeatable=False,
        )

    def _pages(
        self, api: Api, method: str, *args: Any, is_one: bool = False, **of: Any
    ) -> list[Row]:
        rows: list[Row] = []
        after: str | None = None
        while True:
            if after:
                of["after"] = after
            said = self._client.call(api, method, *args, urgent=True, **of)
            rows += said.get("results") or []
            after = _next(said)
            if after is None or is_one:
                return rows


def row_errors(said: Row) -> list[VendorError]:
    """The refusals of single rows of a batch.

    # VENDOR: 207 until 2026-03, 200 from 2026-09 on; so they are looked for whatever the status.
    """
    listed = said.get("errors")
    found = listed if isinstance(listed, list) else []
    return [stated(one) for one in found if isinstance(one, Mapping)]


def slices(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    """The items in runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _only_gone(said: Row, what: str) -> None:
    """Nothing but records that do not exist may be missing from an answer."""
    for error in row_errors(said):
        problem = classified(404, error, record=what, is_write=False)
        if problem.code != "gone":
            raise problem


def _next(said: Row) -> str | None:
    found = ((said.get("paging") or {}).get("next") or {}).get("after")
    return str(found) if found not in (None, "") else None
