"""Stripe as the use cases see it: one object that implements every port it can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from connectors.kit.http import Timeouts
from connectors.kit.limits import Limiter
from connectors.kit.retry import Retry
from connectors.stripe import signals, webhook
from connectors.stripe.changes import EventLister
from connectors.stripe.client import StripeApi
from connectors.stripe.collect import Collector
from connectors.stripe.customers import CustomerWriter
from connectors.stripe.doctor import Doctor
from connectors.stripe.links import LinkMaker
from connectors.stripe.listing import CustomerLister
from connectors.stripe.quiet import Quieter
from connectors.stripe.read import PaymentReader
from connectors.stripe.survey import CustomerSurveyor
from domain.errors import KidgloveError
from domain.facts import Invoice, PaymentPicture
from domain.ports import (
    CustomerChange,
    CustomerPage,
    CustomerReceipt,
    CustomersPage,
    Finding,
    Hint,
    Incoming,
    InvoiceChange,
    Page,
    PaymentLink,
    Setting,
    SubscriptionChange,
)


class StripeConnector:
    """Implements `ReadsPayments`, `Quiets`, `Collects`, `WritesCustomer`, `MakesPaymentLinks`,
    `ListsChanges`, `ListsCustomers`, `SurveysCustomers`, `SendsSignals` and `Examines`. What each
    promises stands in `domain.ports`.

    `base_url` None means Stripe itself. `webhook_url` is our own public address, by which the
    doctor finds the endpoint. `calls` counts requests, by method and resource.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        clock: Callable[[], datetime],
        limiter: Limiter | None = None,
        webhook_secrets: Sequence[str] = (),
        webhook_url: str | None = None,
        timeouts: Timeouts | None = None,
        retry: Retry | None = None,
    ) -> None:
        self._api = StripeApi(
            api_key, base_url=base_url, limiter=limiter, timeouts=timeouts, retry=retry
        )
        self._clock = clock
        self._secrets = tuple(webhook_secrets)
        self._reader = PaymentReader(self._api, clock)
        self._quieter = Quieter(self._api)
        self._collector = Collector(self._api)
        self._customers = CustomerWriter(self._api)
        self._links = LinkMaker(self._api)
        self._events = EventLister(self._api)
        self._listing = CustomerLister(self._api)
        self._surveyor = CustomerSurveyor(self._api)
        self._doctor = Doctor(self._api, clock, webhook_url=webhook_url)

    @property
    def calls(self) -> Counter[str]:
        """Requests made so far, like {"GET invoices": 3, "POST invoices/{id}/pay": 1}."""
        return self._api.calls

    def read_payments(
        self, customers: Sequence[str]
    ) -> Mapping[str, PaymentPicture | KidgloveError]:
        """See `ReadsPayments`; the number of calls stands in `connectors.stripe.read`."""
        return self._reader.read_payments(customers)

    def read_invoices(self, invoices: Sequence[str]) -> Mapping[str, Invoice | KidgloveError]:
        """See `Collects`."""
        return self._reader.read_invoices(invoices)

    def read_settings(self, subjects: Sequence[str]) -> Mapping[str, Setting | KidgloveError]:
        """See `Quiets`."""
        return self._quieter.read_settings(subjects)

    def change_setting(self, change: InvoiceChange | SubscriptionChange) -> None:
        """See `Quiets`."""
        self._quieter.change_setting(change)

    def finalize(self, invoice: str, *, key: str) -> None:
        """See `Collects`."""
        self._collector.finalize(invoice, key=key)

    def pay(self, invoice: str, *, key: str) -> bool:
        """See `Collects`."""
        return self._collector.pay(invoice, key=key)

    def write_customers(
        self, changes: Sequence[CustomerChange]
    ) -> Sequence[CustomerReceipt | KidgloveError]:
        """See `WritesCustomer`."""
        return self._customers.write_customers(changes)

    def make_link(self, customer: str, *, key: str) -> PaymentLink | KidgloveError:
        """See `MakesPaymentLinks`."""
        return self._links.make_link(customer, key=key)

    def changes(self, cursor: str | None, *, now: datetime) -> Page:
        """See `ListsChanges`."""
        return self._events.changes(cursor, now=now)

    def customers(self, after: str | None) -> CustomerPage:
        """See `ListsCustomers`."""
        return self._listing.customers(after)

    def survey_customers(self, after: str | None) -> Iterator[CustomersPage]:
        """See `SurveysCustomers`; the number of calls stands in `connectors.stripe.survey`."""
        return self._surveyor.survey_customers(after)

    def hints(self, body: bytes) -> Sequence[Hint]:
        """See `SendsSignals`."""
        return signals.hints(body)

    def verify(self, body: bytes, header: str | None) -> Incoming:
        """The message, if it is proven to be Stripe's. See `connectors.stripe.webhook.verify`."""
        return webhook.verify(body, header, self._secrets, now=self._clock())

    def examine(self) -> Sequence[Finding]:
        """See `Examines`."""
        return self._doctor.examine()
