"""HubSpot. The edge imports `webhook` and `signals` from here without loading the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.hubspot.connector import HubspotConnector

__all__ = ["HubspotConnector"]


def __getattr__(name: str) -> Any:
    # The SDK has two thousand modules; only who calls HubSpot should pay for it.
    if name == "HubspotConnector":
        from connectors.hubspot.connector import HubspotConnector

        return HubspotConnector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
