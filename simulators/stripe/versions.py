"""Event bodies as an endpoint pinned to an older API version sees them."""

from __future__ import annotations

from typing import Any

from simulators.stripe.shapes import API_VERSION, Obj

BASIL = "2025-03-31"
"""Before this date the invoice named its subscription, intent and charge itself."""


def as_of(version: str | None, event: Obj) -> Obj:
    """The event rendered for `version`; None is the account's default, the newest."""
    if version is None or version == API_VERSION:
        return event
    rendered = {**event, "api_version": version}
    if version[:10] < BASIL:
        data = dict(event["data"])
        data["object"] = _before_basil(data["object"])
        rendered["data"] = data
    return rendered


def _before_basil(body: dict[str, Any]) -> dict[str, Any]:
    old = dict(body)
    if body["object"] == "invoice":
        parent = old.pop("parent", None)
        details = parent["subscription_details"] if parent else None
        old["subscription"] = details["subscription"] if details else None
        old["paid"] = body["status"] == "paid"
        old["tax"] = None
        old["discount"] = None
    if body["object"] == "subscription" and body["items"]["data"]:
        first = body["items"]["data"][0]
        old["current_period_start"] = first["current_period_start"]
        old["current_period_end"] = first["current_period_end"]
    return old
