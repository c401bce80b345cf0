"""Faults that only HubSpot has, in its own error shapes, for the fault dial's VENDOR harm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulators.faults import Fault, Harm
from simulators.hubspot.errors import (
    Refusal,
    RowHarm,
    missing_scopes,
    not_found,
    unauthenticated,
)
from simulators.hubspot.limits import limited


@dataclass(frozen=True)
class Trouble:
    """What a VENDOR fault does to one request: refuse it whole, or some rows that it writes."""

    refusal: Refusal | None = None
    rows: tuple[RowHarm, ...] = ()


def _conflict() -> Refusal:
    return Refusal(409, "CONFLICT", "Conflict: another write to one of these records is under way")


_WHOLE: dict[str, Callable[[], Refusal]] = {
    "ten_secondly": lambda: limited("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"),
    "secondly": lambda: limited("SECONDLY", "secondly"),
    "daily": lambda: limited("DAILY", "daily"),
    "locked": lambda: Refusal(423, "LOCKED", "This resource is locked; wait and try again"),
    "migration": lambda: Refusal(
        477,
        "MIGRATION_IN_PROGRESS",
        "The account is being moved between data centers",
        more={"_headers": {"Retry-After": "3600"}},
    ),
    "conflict": _conflict,
    "token_expired": lambda: unauthenticated(
        "The OAuth token used to make this call expired.", "EXPIRED_AUTHENTICATION"
    ),
    "scopes": lambda: missing_scopes(["crm.objects.companies.write"]),
    "internal": lambda: Refusal(500, "INTERNAL_ERROR", "internal error"),
    "bad_gateway": lambda: Refusal(502, "INTERNAL_ERROR", "Bad gateway"),
    "unavailable": lambda: Refusal(503, "SERVICE_UNAVAILABLE", "Service unavailable"),
}


def trouble_of(fault: Fault) -> Trouble:
    """What a VENDOR fault means here; ValueError for a name this portal does not know."""
    body: Mapping[str, Any] = fault.body if isinstance(fault.body, Mapping) else {}
    name = str(body.get("name"))
    if name == "row_error":
        rows = body.get("rows")
        only = None if rows is None else frozenset(int(place) for place in rows)
        message = str(body.get("message", "This row was refused"))
        category = str(body.get("category", "VALIDATION_ERROR"))
        refusal = Refusal(int(body.get("status", 400)), category, message)
        return Trouble(rows=(RowHarm(refusal, body.get("type"), only),))
    if name not in _WHOLE:
        known = ", ".join(sorted([*_WHOLE, "row_error"]))
        raise ValueError(f"unknown vendor fault {name!r}; known: {known}")
    refusal = _WHOLE[name]()
    if "retry_after" in body:
        refusal.more["_headers"] = {"Retry-After": str(body["retry_after"])}
    return Trouble(refusal)


def default_refusal(status: int) -> Refusal:
    """The portal's own words for a bare status that a fault asks for."""
    match status:
        case 401:
            return unauthenticated("The access token is invalid.")
        case 403:
            return missing_scopes(["crm.objects.companies.read"])
        case 404:
            return not_found()
        case 409:
            return _conflict()
        case 423:
            return _WHOLE["locked"]()
        case 429:
            return _WHOLE["ten_secondly"]()
        case 477:
            return _WHOLE["migration"]()
        case _:
            return Refusal(status, "INTERNAL_ERROR", "internal error")


def whole(
    name: str, *, retry_after: int | None = None, times: int | None = 1, **where: Any
) -> Fault:
    """A fault on the whole request: ten_secondly, secondly, daily, locked, migration, conflict,
    token_expired, scopes, internal, bad_gateway or unavailable."""
    body: dict[str, Any] = {"name": name}
    if retry_after is not None:
        body["retry_after"] = retry_after
    return _vendor(body, times, where)


def row_error(
    message: str,
    *,
    category: str = "VALIDATION_ERROR",
    status: int = 400,
    type: str | None = None,
    rows: Iterable[int] | None = None,
    times: int | None = 1,
    **where: Any,
) -> Fault:
    """A fault: some rows that the next request writes (all, or those at `rows`) are refused.

    What that does to the other rows of a batch is for the batch dial to say. A read uses the fault
    up too, so `path` should name the writes.
    """
    body = {"name": "row_error", "message": message, "category": category, "status": status}
    places = None if rows is None else list(rows)
    return _vendor({**body, "type": type, "rows": places}, times, where)


def _vendor(body: dict[str, Any], times: int | None, where: dict[str, Any]) -> Fault:
    fault = Fault(harm=Harm.VENDOR, body=body, times=times, **where)
    trouble_of(fault)
    return fault
