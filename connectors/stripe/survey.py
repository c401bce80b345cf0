"""Glances at every customer: a hundred a call, with their subscriptions, and whatever is unsettled.

| for | calls |
|---|---|
| each hundred customers | 1 |
| each hundred open invoices, each hundred drafts | 1, once for each run |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.stripe import wire
from connectors.stripe.client import StripeApi
from connectors.stripe.glance import current, glance
from connectors.stripe.lists import pages_of, parsed
from domain.glancing import CustomerGlance, CustomersPage

EXPANDS = [
    "data.invoice_settings.default_payment_method",
    "data.subscriptions.data.default_payment_method",
]
"""Four levels, which is all that Stripe allows. The second one brings the subscriptions along."""
UNSETTLED = ("open", "draft")


class CustomerSurveyor:
    """Implements `SurveysCustomers`. Nothing here may use the calls that are kept for cases."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def survey_customers(self, after: str | None) -> Iterator[CustomersPage]:
        """See `SurveysCustomers.survey_customers`.

        The unsettled invoices are listed first and kept, a few hundred bytes for each.
        """
        invoices = self._unsettled()
        for page in pages_of(self._api, "customers", {"expand": EXPANDS}, after=after):
            listed = parsed(wire.ListedCustomer, page)
            yield CustomersPage(
                customers={one.id: _glance(one, invoices.get(one.id, ())) for one in listed},
                after=listed[-1].id if listed and page.get("has_more") else None,
            )

    def _unsettled(self) -> dict[str, list[wire.Invoice]]:
        """Every open or drafted invoice, by customer."""
        found: dict[str, list[wire.Invoice]] = {}
        for status in UNSETTLED:
            for page in pages_of(self._api, "invoices", {"status": status}):
                for one in parsed(wire.Invoice, _without_lines(page)):
                    if one.customer is not None:
                        found.setdefault(one.customer, []).append(one)
        return found


def _glance(customer: wire.ListedCustomer, invoices: Sequence[wire.Invoice]) -> CustomerGlance:
    some = customer.subscriptions
    digest = glance(customer, current(some.data), invoices, has_more=some.has_more)
    return CustomerGlance(digest=digest, is_settled=not invoices)


def _without_lines(page: dict[str, Any]) -> dict[str, Any]:
    """Lines are most of an invoice, and none of a glance."""
    return {**page, "data": [{**one, "lines": {"data": []}} for one in page["data"]]}
