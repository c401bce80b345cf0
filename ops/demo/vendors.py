"""The simulated vendors as the story sees them: people's hands, and eyes for the final state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

PATIENCE_S = 120.0
"""Moving the clock plays everything that falls due on the way; that may take a while."""


class Vendor:
    """One control API. Raises `requests.HTTPError` with the simulator's own words."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def get(self, path: str, **params: str) -> Any:
        """Read something."""
        return self._answer(self._session.get(f"{self.url}{path}", params=params, timeout=60))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Do something."""
        return self._answer(
            self._session.post(f"{self.url}{path}", json=body or {}, timeout=PATIENCE_S)
        )

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        if not response.ok:
            raise requests.HTTPError(
                f"{response.request.method} {response.url}: {response.text}", response=response
            )
        return response.json()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the vendors' shared clock shows."""

    now: datetime
    next_due: datetime | None
    idle: bool
    requests: int


class World(Vendor):
    """The clock that the vendors share, and whether their webhooks have arrived."""

    def read(self) -> Reading:
        """The present reading."""
        return _reading(self.get("/clock"))

    def advance_to(self, moment: datetime) -> Reading:
        """Move on, playing everything that falls due on the way in order."""
        return _reading(self.post("/clock", {"to": moment.isoformat()}))

    def flow(self, rate: float) -> None:
        """Let the time flow by itself."""
        self.post("/clock", {"rate": rate})


class Stripe(Vendor):
    """The simulated Stripe account."""

    def do(self, verb: str, **arguments: Any) -> Any:
        """What a customer, a bank or a colleague does."""
        return self.post(f"/_sim/do/{verb}", arguments)

    def invoices(self, customer: str) -> list[dict[str, Any]]:
        """The customer's invoices, oldest first."""
        found: list[dict[str, Any]] = self.do("invoices", customer=customer)
        return found

    def mails(self) -> list[dict[str, Any]]:
        """Every mail that Stripe has sent, oldest first."""
        found: list[dict[str, Any]] = self.get("/_sim/mails")
        return found

    def robotic(self, customer: str) -> list[dict[str, Any]]:
        """The mails to one customer that nobody wrote; receipts are no dunning."""
        return [
            mail
            for mail in self.mails()
            if mail["customer"] == customer and mail["kind"] != "receipt"
        ]

    def requests(self) -> list[dict[str, Any]]:
        """Every API call that we have made."""
        found: list[dict[str, Any]] = self.get("/_sim/requests")
        return found

    def settings(self, customer: str, subscription: str) -> dict[str, Any]:
        """All that dunning depends on and a hold may change, by object."""
        found = {
            invoice["number"] or invoice["id"]: {
                name: invoice[name] for name in ("auto_advance", "collection_method", "metadata")
            }
            for invoice in self.invoices(customer)
            if invoice["status"] in ("draft", "open")
        }
        plan = self.do("get", id=subscription)
        found[subscription] = {
            name: plan[name]
            for name in ("pause_collection", "collection_method", "metadata", "status")
        }
        return found


def _reading(plain: Mapping[str, Any]) -> Reading:
    due = plain["next_due"]
    return Reading(
        now=datetime.fromisoformat(plain["now"]),
        next_due=datetime.fromisoformat(due) if due else None,
        idle=plain["idle"],
        requests=plain["requests"],
    )
