"""A VIP of a simulated Stripe, and what we and others do to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.kit.http import Timeouts
from connectors.kit.retry import Retry, RetryPolicy
from connectors.stripe.connector import StripeConnector
from domain.facts import Invoice, PaymentPicture
from domain.ports import (
    InvoiceChange,
    InvoiceSetting,
    SubscriptionChange,
    SubscriptionSetting,
)
from simulators.stripe import PRODUCT_KEY, StripeSim

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = timedelta(days=1)
NOT_PATIENT = Timeouts(connect=1, read=0.3)


def connect(
    sim: StripeSim, *, key: str = PRODUCT_KEY, tries: int = 3, **more: Any
) -> StripeConnector:
    return StripeConnector(
        key,
        base_url=sim.url,
        clock=sim.clock.now,
        retry=Retry(RetryPolicy(tries=tries), sleep=lambda _: None),
        **more,
    )


@dataclass
class Vip:
    """One customer whose renewal has just failed."""

    sim: StripeSim
    connector: StripeConnector
    customer: str
    subscription: str

    @property
    def invoice(self) -> str:
        """The failing invoice."""
        return str(self.sim.invoices(self.customer, "open")[-1]["id"])

    def picture(self) -> PaymentPicture:
        """The customer as we see it now."""
        found = self.connector.read_payments([self.customer])[self.customer]
        assert isinstance(found, PaymentPicture), found
        return found

    def failing(self) -> Invoice:
        """The failing invoice as we see it now."""
        found = self.picture().invoice(self.invoice)
        assert found
        return found

    def settings(self) -> tuple[InvoiceSetting, SubscriptionSetting]:
        """What is set on both of them now."""
        subjects = [f"invoice:{self.invoice}", f"subscription:{self.subscription}"]
        invoice, subscription = self.connector.read_settings(subjects).values()
        assert isinstance(invoice, InvoiceSetting)
        assert isinstance(subscription, SubscriptionSetting)
        return invoice, subscription

    def quiet(self, number: int = 1) -> None:
        """Switch both off."""
        self.connector.change_setting(
            InvoiceChange(
                invoice=self.invoice, advances=False, mark=f"{number}", key=f"quiet:in:{number}"
            )
        )
        self.connector.change_setting(
            SubscriptionChange(
                subscription=self.subscription,
                pause_behavior="keep_as_draft",
                resumes_at=self.sim.clock.now() + 90 * DAY,
                mark=f"{number}",
                key=f"quiet:sub:{number}",
            )
        )

    def restore(self, number: int = 1) -> None:
        """Switch both back."""
        self.connector.change_setting(
            InvoiceChange(
                invoice=self.invoice, advances=True, mark=None, key=f"restore:in:{number}"
            )
        )
        self.connector.change_setting(
            SubscriptionChange(
                subscription=self.subscription,
                pause_behavior=None,
                resumes_at=None,
                mark=None,
                key=f"restore:sub:{number}",
            )
        )

    def charges(self) -> int:
        """How many charges the bank has seen for the failing customer."""
        return len(self.sim.state()["objects"]["charge"])


def renewing(sim: StripeSim, *, card: str = "declines:insufficient_funds") -> tuple[str, str]:
    """A customer of fourteen months that renews tomorrow; the card behaves as told from now on."""
    customer = sim.add_customer("Example Ltd", "ap@example.com", metadata={"tier": "vip"})
    subscription = sim.add_subscription(
        customer,
        amount=50000,
        quantity=5,
        started_months_ago=14,
        next_renewal_in=DAY,
        product="Team plan",
    )
    sim.set_card(customer, card)
    return customer, subscription


def failed_renewal(sim: StripeSim) -> Vip:
    """A customer whose renewal failed an hour ago for want of money."""
    customer, subscription = renewing(sim)
    sim.clock.advance(DAY + timedelta(hours=2))
    sim.forget_requests()
    return Vip(sim, connect(sim), customer, subscription)
