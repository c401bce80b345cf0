"""Lists of Stripe, page after page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from connectors.stripe import wire
from connectors.stripe.client import StripeApi
from domain.errors import Bug

W = TypeVar("W", bound=wire.Wire)
LIMIT = 100
"""The largest page that Stripe gives."""


def pages_of(
    api: StripeApi,
    path: str,
    params: Mapping[str, Any],
    *,
    id: str | None = None,
    after: str | None = None,
    urgent: bool = False,
) -> Iterator[dict[str, Any]]:
    """Page after page of 100, each read when it is asked for, from behind the object `after`."""
    asked = {**params, "limit": LIMIT}
    if after is not None:
        asked["starting_after"] = after
    while True:
        body = api.get(path, asked, id=id, urgent=urgent)
        page = body.get("data")
        if not isinstance(page, list):
            raise Bug(f"GET {path}: Stripe's list has no data")
        yield body
        if not page or not body.get("has_more"):
            return
        asked["starting_after"] = page[-1]["id"]


def parsed(model: type[W], page: Mapping[str, Any]) -> list[W]:
    """The objects of a page."""
    return [wire.parse(model, one) for one in page["data"]]


def read_list(
    api: StripeApi,
    model: type[W],
    path: str,
    params: Mapping[str, Any],
    *,
    pages: int,
    urgent: bool,
    id: str | None = None,
) -> tuple[list[W], bool]:
    """Up to `pages` pages of 100 as `model`, and whether that is all there is."""
    found: list[W] = []
    for number, page in enumerate(pages_of(api, path, params, id=id, urgent=urgent), start=1):
        found += parsed(model, page)
        if number == pages:
            return found, not (page["data"] and page.get("has_more"))
    return found, True
