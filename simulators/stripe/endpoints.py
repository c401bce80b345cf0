"""How an endpoint is declared, found and answered; lists and their pages."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.stripe.errors import ApiError, invalid
from simulators.stripe.forms import Params, whole
from simulators.stripe.portal import Portal
from simulators.stripe.shapes import listing
from simulators.stripe.webhooks import Hooks
from simulators.stripe.world import Obj, Place, World


@dataclass
class Desk:
    """Whatever an endpoint needs to answer one request."""

    world: World
    hooks: Hooks
    portal: Portal
    ids: tuple[str, ...] = ()
    params: Params = field(default_factory=dict)
    after: Callable[[], None] | None = None


Call = Callable[[Desk], Obj]


@dataclass(frozen=True)
class Endpoint:
    """One path and method: who may, which parameters, what happens."""

    method: str
    path: str
    permission: str | None
    allowed: tuple[str, ...]
    call: Call
    pattern: re.Pattern[str]


PAGES = ("limit", "starting_after", "ending_before")
_TABLE: list[Endpoint] = []


def endpoint(
    method: str, path: str, permission: str | None, allowed: str = ""
) -> Callable[[Call], Call]:
    """Declare an endpoint. `allowed` lists its parameters; lists take the page ones too.

    `permission` is what a restricted key needs, without the `rak_` prefix.
    """

    def register(call: Call) -> Call:
        pattern = re.compile(re.sub(r"\{\w+\}", r"([^/]+)", path))
        _TABLE.append(Endpoint(method, path, permission, tuple(allowed.split()), call, pattern))
        return call

    return register


def table() -> list[Endpoint]:
    """Every declared endpoint."""
    return list(_TABLE)


def route(method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    """The endpoint for a request and the ids in its path; fixed words win over ids."""
    hits = [
        (entry, found.groups())
        for entry in _TABLE
        if entry.method == method and (found := entry.pattern.fullmatch(path))
    ]
    if not hits:
        raise ApiError(
            404,
            f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs "
            "(the simulator plays only the endpoints in its README).",
        )
    return min(hits, key=lambda hit: len(hit[1]))


def page(
    desk: Desk,
    kind: str,
    url: str,
    keep: Callable[[Obj], bool] = lambda _: True,
    *,
    owner: str | None = None,
    since: int = 0,
) -> Obj:
    """One page of a list, newest first; nothing that was created before `since`."""
    world, params = desk.world, desk.params
    limit = whole(params, "limit")
    limit = 10 if limit is None else limit
    if not 1 <= limit <= 100:
        raise invalid(
            f"Invalid limit: {limit}. Must be between 1 and 100.",
            param="limit",
            code="parameter_invalid_integer",
        )
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid("You cannot use both starting_after and ending_before.")
    if before:
        end = _place(world, kind, before, "ending_before")
        rows = world.newest_first(kind, owner)
        newer = [
            row
            for row in itertools.takewhile(lambda row: _key(world, row) > end, rows)
            if row["created"] >= since and keep(row)
        ]
        return listing(newer[-limit:], url, has_more=len(newer) > limit)
    start = _place(world, kind, after, "starting_after") if after else None
    found: list[Obj] = []
    for row in world.newest_first(kind, owner, before=start):
        if row["created"] < since or len(found) > limit:
            break
        if keep(row):
            found.append(row)
    return listing(found[:limit], url, has_more=len(found) > limit)


def _key(world: World, row: Obj) -> Place:
    place = world.place(row["id"])
    if place is None:
        raise LookupError(f"{row['id']} is listed but has no place")
    return place


def _place(world: World, kind: str, cursor: str, param: str) -> Place:
    place = world.place(world.get(kind, cursor, param=param)["id"])
    if place is None:
        raise invalid(f"No such {kind}: '{cursor}'", param=param, code="resource_missing")
    return place
