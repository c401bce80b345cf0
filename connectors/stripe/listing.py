"""Lists every customer there is, a hundred a call."""

from __future__ import annotations

from typing import Any

from connectors.stripe.client import StripeApi
from domain.errors import Bug
from domain.ports import CustomerPage

AT_ONCE = 100
# VENDOR: the longest page of a list (api/pagination).


class CustomerLister:
    """Implements `ListsCustomers`."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def customers(self, after: str | None) -> CustomerPage:
        """See `ListsCustomers.customers`: newest first, one call.

        Customers that are made meanwhile come before the first page: webhooks tell of them.
        """
        params: dict[str, Any] = {"limit": AT_ONCE}
        if after is not None:
            params["starting_after"] = after
        # A long list may not use the calls that are kept for cases.
        body = self._api.get("customers", params, urgent=False)
        rows = body.get("data")
        if not isinstance(rows, list):
            raise Bug("Stripe's list of customers has no data")
        ids = tuple(str(row["id"]) for row in rows)
        has_more = bool(body.get("has_more")) and bool(ids)
        return CustomerPage(customers=ids, after=ids[-1] if has_more else None)
