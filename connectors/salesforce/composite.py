"""Several requests in one call: how they are written down, and how their answers are told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from connectors.salesforce.errors import VendorError, stated

MOST = 25
"""Subrequests in one call (REST API Developer Guide, Composite)."""


@dataclass(frozen=True, kw_only=True)
class Sub:
    """One subrequest. `path` comes after `/services/data/vN/`; `reference`: letters and digits."""

    reference: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer to one subrequest."""

    status: int
    body: Any = None
    errors: tuple[VendorError, ...] = field(default=())

    @property
    def is_done(self) -> bool:
        """Whether it was carried out."""
        return 200 <= self.status < 300

    @property
    def codes(self) -> frozenset[str]:
        """The error codes in it."""
        return frozenset(error.code for error in self.errors)


def by_id(entity: str, id: str, fields: Iterable[str] = ()) -> str:
    """The path of one record; with `fields`, of a read of just these."""
    return _with_fields(f"sobjects/{entity}/{id}", fields)


def by_key(entity: str, key_field: str, key: str, fields: Iterable[str] = ()) -> str:
    """The path of one record under an external id, fully percent-encoded."""
    return _with_fields(f"sobjects/{entity}/{key_field}/{quote(key, safe='')}", fields)


def query(soql: str) -> str:
    """The path of a query."""
    return "query?" + urlencode({"q": soql})


def query_all(soql: str) -> str:
    """The path of a query that includes deleted and archived records."""
    return "queryAll?" + urlencode({"q": soql})


def request_body(subs: Sequence[Sub], version: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The body of one composite call. ValueError for none or too many subrequests.

    Each is its own transaction and keeps its place: a lock on one record must not undo the
    others, and a read-back must not overtake its write.
    """
    if not 1 <= len(subs) <= MOST:
        raise ValueError(f"a composite call takes 1 to {MOST} subrequests, not {len(subs)}")
    requests: list[dict[str, Any]] = []
    for sub in subs:
        one: dict[str, Any] = {
            "method": sub.method,
            "url": f"/services/data/v{version}/{sub.path}",
            "referenceId": sub.reference,
        }
        if sub.body is not None:
            one["httpHeaders"] = dict(headers)
            one["body"] = dict(sub.body)
        requests.append(one)
    return {"allOrNone": False, "collateSubrequests": False, "compositeRequest": requests}


def replies(said: Any, subs: Sequence[Sub]) -> dict[str, Reply]:
    """The answers by reference. A subrequest without an answer counts as 500: nobody knows.

    # VENDOR: the call is 200 whatever happened inside it (REST API Developer Guide, Composite).
    """
    found: dict[str, Reply] = {}
    for one in (said or {}).get("compositeResponse") or []:
        status, body = int(one.get("httpStatusCode") or 500), one.get("body")
        errors = () if 200 <= status < 300 else stated(body)
        found[str(one.get("referenceId"))] = Reply(status=status, body=body, errors=errors)
    return {sub.reference: found.get(sub.reference, Reply(status=500)) for sub in subs}


def _with_fields(path: str, fields: Iterable[str]) -> str:
    names = ",".join(dict.fromkeys(fields))
    return f"{path}?{urlencode({'fields': names}, safe=',')}" if names else path
