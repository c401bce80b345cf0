"""Reads whole customers from Stripe in as few calls as it allows.

| customer | calls |
|---|---|
| nothing is wrong | 2: subscriptions with the customer, invoices |
| one or more failing invoices, or one just recovered | 3: the same, and the customer's charges |
| a failing invoice for which no charge was made | one more per such invoice |
| no subscription at all | one more, for the customer |

Further calls: each page of 100 beyond the first (at most three of each), lines beyond the tenth of
an invoice that pays for the last three months, and once per process each tiered price and each
coupon on a subscription item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from connectors.kit.parallel import in_parallel
from connectors.stripe import wire
from connectors.stripe.catalog import CatalogReader
from connectors.stripe.client import StripeApi
from connectors.stripe.customers import details
from connectors.stripe.glance import current, glance, unsettled
from connectors.stripe.history import CARD_IS_SLOW, DEBIT_IS_SLOW, payment_history
from connectors.stripe.lists import read_list
from connectors.stripe.mrr import PriceUnknown, largest, subscription_mrr
from connectors.stripe.trailing import touches, trailing_mrr
from connectors.stripe.translate import (
    attributes,
    card_facts,
    invoice_facts,
    paid_by,
    subscription_facts,
)
from connectors.stripe.tries import Tries, TryReader, is_failing
from domain.errors import Gone, KidgloveError, RateLimited, Transient, Unauthorized
from domain.facts import Invoice, PaymentPicture, Subscription
from domain.ids import Ref
from domain.money import Money

log = structlog.get_logger(__name__)

AT_ONCE = 6
"""Customers of a batch that are read at the same time: each waits for the line most of its time.
More would take the places that are kept for cases (`connectors.stripe.manifest`)."""
PAGES = 3
"""Pages of 100 invoices: years of history for nearly everyone, three calls for the rest."""
RECENT = timedelta(days=180)
"""Settled invoices that stay in the picture one by one; longer than any hold."""

SUBSCRIPTION_EXPANDS = [
    "data.customer.invoice_settings.default_payment_method",
    "data.default_payment_method",
    "data.discounts.source.coupon",
    "data.items.data.discounts",
]
"""Four levels each, which is all that Stripe allows; `data` counts as one."""


class PaymentReader:
    """Implements `ReadsPayments` and the read of `Collects`."""

    def __init__(self, api: StripeApi, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock
        self._tries = TryReader(api)
        self._catalog = CatalogReader(api)

    def read_payments(
        self, customers: Sequence[str]
    ) -> Mapping[str, PaymentPicture | KidgloveError]:
        """See `ReadsPayments`. A batch of one goes before bulk work at the limiter.

        Raises `Unauthorized`; `RateLimited` and `Transient` only if not one customer could be
        read. A limit met half-way is the answer for the customers that are left.
        """
        urgent = len(customers) == 1
        stopped: list[RateLimited] = []

        def read(customer: str) -> PaymentPicture | KidgloveError:
            if stopped:
                return stopped[0]
            try:
                return self._picture(customer, urgent=urgent)
            except Unauthorized:
                raise
            except RateLimited as error:
                stopped.append(error)
                return error
            except KidgloveError as error:
                return error

        # The first one alone: if Stripe says stop, one call was enough to hear it.
        answers = [read(one) for one in customers[:1]]
        answers += in_parallel(read, customers[1:], at_once=AT_ONCE)
        waits = [one for one in answers if isinstance(one, (RateLimited, Transient))]
        if waits and len(waits) == len(answers):
            raise waits[0]
        return dict(zip(customers, answers, strict=True))

    def read_invoices(self, invoices: Sequence[str]) -> Mapping[str, Invoice | KidgloveError]:
        """See `Collects.read_invoices`: one call each."""
        found: dict[str, Invoice | KidgloveError] = {}
        for invoice in invoices:
            try:
                body = self._api.get("invoices/{id}", id=invoice)
                found[invoice] = invoice_facts(wire.parse(wire.Invoice, body))
            except (Unauthorized, RateLimited):
                raise
            except KidgloveError as error:
                found[invoice] = error
        return found

    # ------------------------------------------------------------ one customer

    def _picture(self, id: str, *, urgent: bool) -> PaymentPicture:
        if not id:
            # VENDOR: an empty filter is no filter, and a list would answer with strangers.
            raise Gone("an empty id names no customer")
        at = self._clock()
        ref = Ref("stripe", "customer", id)
        try:
            subscriptions = self._subscriptions(id, urgent=urgent)
        except Gone:
            # The lists know no deleted customer; the customer itself says which of the two it is.
            subscriptions = []
        customer = self._customer(id, subscriptions, urgent=urgent)
        if customer.deleted:
            return PaymentPicture(customer=ref, read_at=at, is_deleted=True, url=self._url(id))
        invoices = self._invoices(id, at=at, urgent=urgent)
        default = self._default_method(customer, subscriptions, invoices)
        is_card = default is None or default.type in (None, "card", "link")
        tries = self._tries.tries(id, invoices, at=at, is_card=is_card, urgent=urgent)
        billed = self._billed(subscriptions, invoices, at=at, urgent=urgent)
        mrr_now, mrr_t3m = self._revenue(billed, subscriptions, invoices, at=at)
        failed = [
            one for found in tries.values() for one in found.charges if one.status == "failed"
        ]
        return PaymentPicture(
            customer=ref,
            read_at=at,
            name=customer.name,
            email=customer.email,
            country=customer.address.country if customer.address else None,
            attributes=attributes(customer),
            details=details(customer),
            card=card_facts(
                default, max(failed, key=lambda one: one.created, default=None), invoices
            ),
            invoices=tuple(
                self._invoice(one, tries.get(one.id)) for one in invoices if _is_shown(one, at)
            ),
            subscriptions=tuple(one for one, _ in billed if _is_current(one, at)),
            history=payment_history(invoices, slow=CARD_IS_SLOW if is_card else DEBIT_IS_SLOW),
            mrr_now=mrr_now,
            mrr_t3m=mrr_t3m,
            url=self._url(id),
            glance=glance(customer, current(subscriptions), unsettled(invoices)),
        )

    def _subscriptions(self, id: str, *, urgent: bool) -> list[wire.Subscription]:
        """All of them, cancelled ones too: how one ended is part of the story."""
        params = {"customer": id, "status": "all", "expand": SUBSCRIPTION_EXPANDS}
        found, is_whole = read_list(
            self._api, wire.Subscription, "subscriptions", params, pages=PAGES, urgent=urgent
        )
        if not is_whole:
            # VENDOR: without a status only those not cancelled are listed (subscriptions/list).
            known = {one.id for one in found}
            del params["status"]
            live, _ = read_list(
                self._api, wire.Subscription, "subscriptions", params, pages=PAGES, urgent=urgent
            )
            found += [one for one in live if one.id not in known]
        return found

    def _customer(
        self, id: str, subscriptions: Sequence[wire.Subscription], *, urgent: bool
    ) -> wire.Customer:
        for subscription in subscriptions:
            if isinstance(subscription.customer, wire.Customer):
                return subscription.customer
        expand = ["invoice_settings.default_payment_method"]
        body = self._api.get("customers/{id}", {"expand": expand}, id=id, urgent=urgent)
        return wire.parse(wire.Customer, body)

    def _invoices(self, id: str, *, at: datetime, urgent: bool) -> list[wire.Invoice]:
        params = {"customer": id, "expand": ["data.payments"]}
        invoices, is_whole = read_list(
            self._api, wire.Invoice, "invoices", params, pages=PAGES, urgent=urgent
        )
        if not is_whole:
            # The list is newest first: what is old and still open must not fall off its end.
            known = {one.id for one in invoices}
            for status in ("open", "draft"):
                more, _ = read_list(
                    self._api,
                    wire.Invoice,
                    "invoices",
                    {**params, "status": status},
                    pages=1,
                    urgent=urgent,
                )
                invoices += [one for one in more if one.id not in known]
        return [self._with_lines(one, at=at, urgent=urgent) for one in invoices]

    def _with_lines(self, invoice: wire.Invoice, *, at: datetime, urgent: bool) -> wire.Invoice:
        # VENDOR: an invoice brings its first ten lines along (api/invoices/invoice_lines).
        if not invoice.lines.has_more or not touches(invoice, at=at):
            return invoice
        lines, _ = read_list(
            self._api,
            wire.Line,
            "invoices/{id}/lines",
            {},
            id=invoice.id,
            pages=PAGES,
            urgent=urgent,
        )
        return invoice.model_copy(update={"lines": wire.Page[wire.Line](data=tuple(lines))})

    def _invoice(self, invoice: wire.Invoice, tries: Tries | None) -> Invoice:
        if tries is None:
            return invoice_facts(invoice, paid_by=paid_by(invoice, ()))
        return invoice_facts(
            invoice,
            attempts=tries.attempts,
            decline=tries.decline if is_failing(invoice) else None,
            paid_by=paid_by(invoice, tries.charges),
        )

    # ------------------------------------------------------------ money and cards

    def _billed(
        self,
        subscriptions: Sequence[wire.Subscription],
        invoices: Sequence[wire.Invoice],
        *,
        at: datetime,
        urgent: bool,
    ) -> list[tuple[Subscription, bool]]:
        """Each subscription's facts, and whether its revenue is known."""
        catalog = self._catalog.catalog(subscriptions, urgent=urgent)
        found = []
        for one in subscriptions:
            try:
                mrr, is_known = subscription_mrr(one, catalog, at=at), True
            except PriceUnknown as error:
                log.warning("stripe.mrr_unknown", subscription=one.id, because=str(error))
                mrr, is_known = Money(0, one.currency or "usd"), False
            facts = subscription_facts(one, catalog, at=at, invoices=invoices, mrr=mrr)
            found.append((facts, is_known))
        return found

    def _revenue(
        self,
        billed: Sequence[tuple[Subscription, bool]],
        subscriptions: Sequence[wire.Subscription],
        invoices: Sequence[wire.Invoice],
        *,
        at: datetime,
    ) -> tuple[Money | None, Money | None]:
        now, others = largest(one.mrr for one, _ in billed)
        if not all(is_known for _, is_known in billed):
            now = None
        trailing, more = trailing_mrr(invoices, at=at)
        if trailing is None and now is not None:
            trailing = Money(0, now.currency)
        left_out = [one for one in (*others, *more) if one.minor]
        if left_out:
            log.info(
                "stripe.several_currencies",
                subscriptions=[one.id for one in subscriptions],
                left_out=[one.text() for one in left_out],
            )
        return now, trailing

    def _default_method(
        self,
        customer: wire.Customer,
        subscriptions: Sequence[wire.Subscription],
        invoices: Sequence[wire.Invoice],
    ) -> wire.PaymentMethod | None:
        """What the next try would charge: the subscription's method before the customer's."""
        failing = next((one for one in invoices if is_failing(one)), None)
        settings = customer.invoice_settings
        methods = [settings.default_payment_method if settings else None]
        live = [one for one in subscriptions if one.status in ("active", "past_due", "unpaid")]
        if failing is not None:
            live = [one for one in live if one.id == failing.subscription]
        methods = [one.default_payment_method for one in live] + methods
        found = [one for one in methods if isinstance(one, wire.PaymentMethod)]
        if failing is not None and failing.default_payment_method:
            found = [one for one in found if one.id == failing.default_payment_method]
        return found[0] if found else None

    def _url(self, id: str) -> str:
        mode = "test/" if self._api.is_test_key else ""
        return f"https://dashboard.stripe.com/{mode}customers/{id}"


def _is_current(subscription: Subscription, at: datetime) -> bool:
    if subscription.status.is_live or subscription.cancel_at is None:
        return True
    return subscription.cancel_at >= at - RECENT


def _is_shown(invoice: wire.Invoice, at: datetime) -> bool:
    if invoice.status in ("paid", "void", "uncollectible"):
        done = invoice.status_transitions
        settled = done.paid_at or done.voided_at or done.marked_uncollectible_at
        return max(settled or invoice.created, invoice.created) >= at - RECENT
    return True
