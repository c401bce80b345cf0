"""Stripe's own mails to customers, counted: the thing that a hold has to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulators.clock import SimClock


@dataclass(frozen=True)
class SentMail:
    """One mail that left. Kinds: payment_failed, action_required, reminder, upcoming, receipt."""

    at: datetime
    kind: str
    customer: str
    to: str
    invoice: str | None


class Mailer:
    """Sends after a delay on the virtual clock; what was handed over is not called back."""

    def __init__(self, clock: SimClock) -> None:
        self.sent: list[SentMail] = []
        self._clock = clock

    def robotic(self, customer: str | None = None) -> list[SentMail]:
        """Every mail but receipts, of one customer or of all."""
        return [
            mail
            for mail in self.sent
            if mail.kind != "receipt" and (customer is None or mail.customer == customer)
        ]

    def post(
        self,
        kind: str,
        *,
        customer: str,
        to: str | None,
        invoice: str | None,
        delay: timedelta,
        unless: Callable[[], bool] | None = None,
    ) -> None:
        """Send after `delay`, unless `unless` is true then. No address, no mail."""
        if not to:
            return

        def leave() -> None:
            if unless is None or not unless():
                self.sent.append(SentMail(self._clock.now(), kind, customer, to, invoice))

        if delay:
            self._clock.after(delay, leave)
        else:
            leave()
