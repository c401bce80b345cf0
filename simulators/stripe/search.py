"""Stripe's search language over one kind of object, and its paged answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulators.stripe.errors import invalid
from simulators.stripe.forms import required, whole
from simulators.stripe.world import Obj

if TYPE_CHECKING:
    from simulators.stripe.endpoints import Desk

FIELDS = {
    "customer": "created email metadata name phone",
    "subscription": "created metadata status canceled_at",
    "invoice": "created currency customer last_finalization_error_code last_finalization_error_type"
    " metadata number receipt_number status subscription total",
    "charge": "amount billing_details.address.postal_code created currency customer disputed "
    "metadata payment_method_details.card.brand payment_method_details.card.exp_month "
    "payment_method_details.card.exp_year payment_method_details.card.fingerprint "
    "payment_method_details.card.last4 refunded status",
}

_CLAUSE = re.compile(
    r"""\s*(?P<no>-)?(?P<field>[\w.]+)(\[(["'])(?P<key>[^"']*)\4\])?"""
    r"""(?P<op>:|~|<=|>=|<|>)(["'](?P<text>[^"']*)["']|(?P<bare>-?[\w.]+))\s*"""
)


def search(desk: Desk, kind: str, url: str) -> Obj:
    """A `search_result` page; pages are numbered by an opaque cursor."""
    world, params = desk.world, desk.params
    test = parse(kind, str(required(params, "query")))
    limit = whole(params, "limit") or 10
    if not 1 <= limit <= 100:
        raise invalid("Invalid limit: must be between 1 and 100.", param="limit")
    cursor = str(params.get("page") or "sim_0")
    if not re.fullmatch(r"sim_\d+", cursor):
        raise invalid("Invalid page", param="page")
    start = int(cursor[4:])
    newest = world.now() - int(world.behaviour.search_lag.total_seconds())
    hits = [
        row
        for row in world.newest_first(kind)
        if row["created"] <= newest and test(_searchable(row))
    ]
    more = len(hits) > start + limit
    return {
        "object": "search_result",
        "data": hits[start : start + limit],
        "has_more": more,
        "next_page": f"sim_{start + limit}" if more else None,
        "url": url,
    }


def _searchable(row: Obj) -> Obj:
    if row["object"] != "invoice":
        return row
    parent = row["parent"]
    details = parent["subscription_details"] if parent else None
    return {**row, "subscription": details["subscription"] if details else None}


def parse(kind: str, query: str) -> Callable[[Obj], bool]:
    """A test out of a query: clauses joined by all AND or all OR."""
    words = re.split(r"\s+(AND|OR)\s+", query.strip(), flags=re.IGNORECASE)
    joins = {word.upper() for word in words[1::2]}
    if len(joins) > 1:
        raise invalid("Queries cannot mix AND and OR.", param="query")
    tests = [_clause(kind, text) for part in words[0::2] for text in _split(part)]
    if joins == {"OR"}:
        return lambda row: any(test(row) for test in tests)
    return lambda row: all(test(row) for test in tests)


def _split(part: str) -> list[str]:
    found = list(_CLAUSE.finditer(part))
    if not found or "".join(match.group(0) for match in found).strip() != part.strip():
        raise invalid(f"We were unable to parse your search query: {part!r}.", param="query")
    return [match.group(0) for match in found]


def _clause(kind: str, text: str) -> Callable[[Obj], bool]:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise invalid(f"We were unable to parse your search query: {text!r}.", param="query")
    field, operator = match["field"], match["op"]
    if field not in FIELDS[kind].split():
        raise invalid(
            f"Field `{field}` is an unsupported search field for resource `{kind}s`.",
            param="query",
        )
    wanted = match["text"] if match["text"] is not None else match["bare"]

    def test(row: Obj) -> bool:
        value: Any = row
        for step in field.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if match["key"] is not None:
            value = value.get(match["key"])
        return _compare(value, operator, wanted) != bool(match["no"])

    return test


def _compare(value: Any, operator: str, wanted: str) -> bool:
    if wanted == "null":
        return value is None
    if value is None:
        return False
    if isinstance(value, bool):
        return str(value).lower() == wanted.lower()
    if operator == "~":
        return wanted.lower() in str(value).lower()
    if operator == ":":
        return str(value).lower() == wanted.lower()
    try:
        number = float(wanted)
        return bool(
            {"<": value < number, "<=": value <= number, ">": value > number}.get(
                operator, value >= number
            )
        )
    except (TypeError, ValueError) as broken:
        raise invalid("A range needs a number.", param="query") from broken
