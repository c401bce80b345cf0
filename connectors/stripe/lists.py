"""Lists of Stripe, page after page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from connectors.stripe import wire
from connectors.stripe.client import StripeApi
from domain.errors import Bug

W = TypeVar("W", bound=wire.Wire)
LIMIT = 100
"""The largest page that Stripe gives."""


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
    asked = {**params, "limit": LIMIT}
    for _ in range(pages):
        body = api.get(path, asked, id=id, urgent=urgent)
        page = body.get("data")
        if not isinstance(page, list):
            raise Bug(f"GET {path}: Stripe's list has no data")
        found += [wire.parse(model, one) for one in page]
        if not page or not body.get("has_more"):
            return found, True
        asked["starting_after"] = page[-1]["id"]
    return found, False
