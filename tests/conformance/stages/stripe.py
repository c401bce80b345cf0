"""How each thing is done with a simulated Stripe account."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

import requests

from connectors.kit.http import Timeouts
from connectors.kit.limits import Limiter
from connectors.kit.retry import Retry
from connectors.stripe import webhook
from connectors.stripe.connector import StripeConnector
from domain.errors import KidgloveError
from domain.ids import Ref
from domain.ports import Incoming, InvoiceChange
from simulators.clock import SimClock
from simulators.faults import Fault, Harm
from simulators.stripe import BLIND_KEY, FULL_KEY, PRODUCT_KEY, StripeSim
from tests.conformance.stage import (
    HARMS,
    PATIENT,
    Calls,
    Message,
    PaymentsStage,
    Trouble,
    at_once,
)
from tests.conformance.stages.catching import catch
from tests.connectors.stripe_vip import DAY, START


class StripeStage(PaymentsStage):
    """A sandbox with the product's restricted key."""

    vendor = "stripe"
    paths: ClassVar[Mapping[Calls, tuple[str, str]]] = {
        Calls.ANY: (".*", "/v1/.*"),
        Calls.READS: ("GET", "/v1/.*"),
        Calls.WRITES: ("POST", "/v1/.*"),
    }
    secrets = (PRODUCT_KEY, BLIND_KEY, FULL_KEY)

    def begin(self) -> Any:
        """A new account with a customer whose renewal has failed."""
        self.clock = SimClock(START)
        self.sim = StripeSim(self.clock)
        self.faults = self.sim.faults
        self._endpoint, self._secret = "", ""
        self.customer = self.add_customer("Example Ltd")
        [self.invoice] = [one["id"] for one in self.sim.invoices(self.customer, "open")]
        self.subscription = self.sim.get(self.invoice)["parent"]["subscription_details"][
            "subscription"
        ]
        self.sim.set_card(self.customer, "good")
        self.sim.forget_requests()
        return self.sim.app

    def connector(
        self,
        *,
        timeouts: Timeouts = PATIENT,
        limiter: Limiter | None = None,
        key: str = PRODUCT_KEY,
    ) -> StripeConnector:
        """A connector with the restricted key."""
        return StripeConnector(
            key,
            base_url=self.url,
            clock=self.clock.now,
            limiter=limiter,
            timeouts=timeouts,
            retry=Retry(sleep=at_once),
        )

    def read(self, connector: StripeConnector) -> object:
        """The customer's picture."""
        said = connector.read_payments([self.customer])[self.customer]
        if isinstance(said, KidgloveError):
            raise said
        return said

    def write(self, connector: StripeConnector, key: str) -> object:
        """A payment, because nothing hurts more when it happens twice."""
        return connector.pay(self.invoice, key=key)

    def effects(self, key: str) -> int:
        """How many charges of the failing invoice went through."""
        charges = self.sim.state()["objects"]["charge"].values()
        mine = [one for one in charges if one["customer"] == self.customer]
        return len([one for one in mine if one["paid"] and one["created"] > self._failed_at])

    def own_edit(self, connector: StripeConnector, key: str) -> None:
        """A switch."""
        connector.change_setting(
            InvoiceChange(invoice=self.invoice, advances=False, mark="hold 1", key=key)
        )

    @contextmanager
    def without_permission(self) -> Iterator[tuple[Any, str]]:
        """A key that may not read invoices."""
        yield self.connector(key=BLIND_KEY), "rak_invoice_read"

    def fault(self, trouble: Trouble) -> Fault:
        """Stripe's own shapes."""
        match trouble:
            case Trouble.LIMITED:
                return Fault(harm=Harm.VENDOR, body={"name": "rate_limit"})
            case Trouble.CONFLICT:
                return Fault(harm=Harm.VENDOR, body={"name": "concurrent_twin"})
            case _:
                return HARMS[trouble]

    def enforce_limits(self) -> None:
        """A sandbox's: 25 a second, and so for each endpoint."""
        self.sim.limits.per_account = self.sim.limits.per_endpoint = 25

    def requests(self) -> int:
        """Every call."""
        return len(self.sim.requests)

    def writes(self) -> int:
        """Every call that was no GET."""
        return len(self.sim.writes())

    def world(self) -> Mapping[str, Any]:
        """The account's objects."""
        return self.sim.state(volatile=False)

    def edit(self) -> Ref:
        """A colleague flips the automatic collection in the Dashboard."""
        advances = self.sim.get(self.invoice)["auto_advance"]
        self.sim.dashboard_update_invoice(self.invoice, auto_advance=not advances)
        return Ref("stripe", "customer", self.customer)

    def crowd(self) -> set[Ref]:
        """More events than fit into a page of a hundred."""
        made = [self.sim.add_customer(f"Twin {n}", f"ap{n}@example.com") for n in range(60)]
        return {Ref("stripe", "customer", one) for one in made}

    def touch(self, refs: Sequence[Ref]) -> None:
        """A new card each."""
        for ref in refs:
            self.sim.customer_updates_card(ref.id)

    @property
    def signing_secret(self) -> str:
        """The endpoint's."""
        if not self._secret:
            self._endpoint, self._secret = self.sim.add_webhook_endpoint(f"{self.url}/nowhere")
        return self._secret

    def messages(self, *, copies: int = 1) -> list[Message]:
        """Two events of the failing invoice."""

        def post(url: str) -> None:
            self._endpoint, self._secret = self.sim.add_webhook_endpoint(url)
            self.sim.postman.dial.copies = copies
            self.edit()
            self.edit()
            self.sim.postman.flush()

        return [
            Message(body=one.body, proof={"header": one.headers["stripe-signature"]})
            for one in catch(post)
        ]

    def proven(self, body: bytes) -> Message:
        """Signed as documented, with the endpoint's secret."""
        stamp = int(self.clock.seconds())
        signed = f"{stamp}.".encode() + body
        made = hmac.new(self.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        return Message(body=body, proof={"header": f"t={stamp},v1={made}"})

    def verify(
        self, message: Message, *, secrets: Sequence[str] | None = None, now: datetime | None = None
    ) -> Sequence[Incoming]:
        """The webhook's door."""
        known = [self.signing_secret] if secrets is None else secrets
        header = message.proof.get("header")
        return [webhook.verify(message.body, header, known, now=now or self.clock.now())]

    # ------------------------------------------------------------ payments

    def add_customer(self, name: str, *, currency: str = "usd", amount: int = 5000) -> str:
        """Fourteen months old, and declined an hour ago."""
        customer = self.sim.add_customer(name, "ap@example.com", currency=currency)
        self.sim.add_subscription(
            customer,
            amount=amount,
            currency=currency,
            started_months_ago=14,
            next_renewal_in=DAY,
            product="Team plan",
        )
        self.sim.set_card(customer, "declines:insufficient_funds")
        self.clock.advance(DAY + timedelta(hours=2))
        self._failed_at = int(self.clock.seconds()) - 2 * 3600
        return customer

    def delete(self, customer: str) -> None:
        """In the Dashboard."""
        where, key = f"{self.url}/v1/customers/{customer}", FULL_KEY
        requests.delete(where, headers={"Authorization": f"Bearer {key}"}, timeout=5)

    def break_card(self) -> None:
        """The bank says no."""
        self.sim.set_card(self.customer, "declines:insufficient_funds")

    def settle_invoice(self) -> None:
        """Voided."""
        self.sim.void(self.invoice)
