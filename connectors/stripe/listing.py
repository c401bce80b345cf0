"""Lists every customer there is, a hundred a call."""

from __future__ import annotations

from connectors.stripe.client import StripeApi
from connectors.stripe.lists import pages_of
from domain.ports import CustomerPage


class CustomerLister:
    """Implements `ListsCustomers`."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def customers(self, after: str | None) -> CustomerPage:
        """See `ListsCustomers.customers`: newest first, one call.

        Customers that are made meanwhile come before the first page: webhooks tell of them.
        """
        # A long list may not use the calls that are kept for cases.
        page = next(pages_of(self._api, "customers", {}, after=after, urgent=False))
        ids = tuple(str(row["id"]) for row in page["data"])
        has_more = bool(page.get("has_more")) and bool(ids)
        return CustomerPage(customers=ids, after=ids[-1] if has_more else None)
