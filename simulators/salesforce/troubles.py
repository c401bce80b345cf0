"""Faults that only Salesforce has, in its own error shapes, for the fault dial's VENDOR harm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulators.faults import Fault, Harm
from simulators.salesforce.errors import Refusal, expired_session, locked
from simulators.salesforce.org import RowHarm
from simulators.salesforce.quota import concurrency_exceeded, total_exceeded


@dataclass(frozen=True)
class Trouble:
    """What a VENDOR fault does to one request: refuse it, hit rows of it, or make it race."""

    refusal: Refusal | None = None
    rows: tuple[RowHarm, ...] = ()
    race: bool = False


_WHOLE: dict[str, Callable[[], Refusal]] = {
    "request_limit": total_exceeded,
    "concurrent_limit": concurrency_exceeded,
    "session_expired": expired_session,
    "server_unavailable": lambda: Refusal(
        503, "SERVER_UNAVAILABLE", "We are down for maintenance. Sorry for the inconvenience."
    ),
    "unknown_exception": lambda: Refusal(
        500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId"
    ),
    "api_disabled": lambda: Refusal(
        403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."
    ),
    "forbidden": lambda: Refusal(
        403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"
    ),
}


def trouble_of(fault: Fault) -> Trouble:
    """What a VENDOR fault means here; ValueError for a name this org does not know."""
    body: Mapping[str, Any] = fault.body if isinstance(fault.body, Mapping) else {}
    name = str(body.get("name"))
    if name in _WHOLE:
        return Trouble(refusal=_WHOLE[name]())
    if name == "upsert_race":
        return Trouble(race=True)
    if name == "row_error":
        code = str(body.get("code", "UNABLE_TO_LOCK_ROW"))
        refusal = Refusal(int(body.get("status", 400)), code, str(body.get("message", code)), [])
    elif name == "lock_row":
        refusal = locked(str(body.get("record", "001000000000001AAA")))
    else:
        known = ", ".join(sorted([*_WHOLE, "lock_row", "row_error", "upsert_race"]))
        raise ValueError(f"unknown vendor fault {name!r}; known: {known}")
    rows = body.get("rows")
    only = None if rows is None else frozenset(int(place) for place in rows)
    return Trouble(rows=(RowHarm(refusal, body.get("object"), only),))


def default_refusal(status: int) -> Refusal:
    """The org's own words for a bare status that a fault asks for."""
    match status:
        case 401:
            return expired_session()
        case 403:
            return total_exceeded()
        case 404:
            return Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        case 412:
            return Refusal(412, "PRECONDITION_FAILED", "The record was modified")
        case 503:
            return Refusal(503, "SERVER_UNAVAILABLE", "Server unavailable")
        case 400:
            return Refusal(400, "QUERY_TIMEOUT", "Your query request was running for too long.")
        case _:
            return Refusal(status, "UNKNOWN_EXCEPTION", "An unexpected error occurred.")


def lock_row(*, object: str | None = None, times: int | None = 1, **where: Any) -> Fault:
    """A fault: the next write of `object` meets UNABLE_TO_LOCK_ROW (500 alone, a row error in
    collections)."""
    return _vendor({"name": "lock_row", "object": object}, times, where)


def row_error(
    code: str,
    message: str,
    *,
    object: str | None = None,
    rows: Iterable[int] | None = None,
    status: int = 400,
    times: int | None = 1,
    **where: Any,
) -> Fault:
    """A fault: some row writes of the next request (all, or those at `rows`) fail with `code`."""
    body = {"name": "row_error", "code": code, "message": message, "object": object}
    places = None if rows is None else list(rows)
    return _vendor({**body, "rows": places, "status": status}, times, where)


def whole(name: str, *, times: int | None = 1, **where: Any) -> Fault:
    """A fault on the whole request: request_limit, concurrent_limit, session_expired,
    server_unavailable, unknown_exception, api_disabled or forbidden."""
    return _vendor({"name": name}, times, where)


def upsert_race(*, seconds: float = 5.0, **where: Any) -> Fault:
    """A fault for two requests: both look their keys up before either writes."""
    return _vendor({"name": "upsert_race"}, 2, {**where, "seconds": seconds})


def _vendor(body: dict[str, Any], times: int | None, where: dict[str, Any]) -> Fault:
    fault = Fault(harm=Harm.VENDOR, body=body, times=times, **where)
    trouble_of(fault)
    return fault
