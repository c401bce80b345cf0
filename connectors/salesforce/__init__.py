"""Salesforce. The edge imports `webhook` and `signals` from here without loading the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.salesforce.connector import SalesforceConnector

__all__ = ["SalesforceConnector"]


def __getattr__(name: str) -> Any:
    # The SDK brings a SOAP stack of half a second; only who calls Salesforce should pay for it.
    if name == "SalesforceConnector":
        from connectors.salesforce.connector import SalesforceConnector

        return SalesforceConnector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
