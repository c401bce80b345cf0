"""Stripe. The edge imports `webhook` and `signals` from here without loading Stripe's SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.stripe.connector import StripeConnector

__all__ = ["StripeConnector"]


def __getattr__(name: str) -> Any:
    # The SDK costs a third of a second and 17 MB; only who calls Stripe should pay for it.
    if name == "StripeConnector":
        from connectors.stripe.connector import StripeConnector

        return StripeConnector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
