"""What the tests of the HubSpot simulator stand on: an account, a clock, and a plain session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from simulators.clock import SimClock
from simulators.hubspot import HubspotSim

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@dataclass
class Desk:
    """A started account with a CSM and one company of hers that has a Stripe customer."""

    sim: HubspotSim
    clock: SimClock
    session: requests.Session
    ann: str
    acme: str

    def send(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> requests.Response:
        """One raw call with the service key."""
        return self.session.request(
            method,
            f"{self.sim.url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {key or self.sim.service_key}"},
            timeout=10,
        )

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a call that goes well."""
        answer = self.send(method, path, body)
        assert answer.ok, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and category of a call that is refused."""
        answer = self.send(method, path, body)
        return answer.status_code, answer.json()["category"]

    def later(self, **by: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**by))


def open_desk() -> Iterator[Desk]:
    """A desk for one test."""
    clock = SimClock(START)
    with HubspotSim(clock) as sim, requests.Session() as session:
        ann = sim.add_owner("Ann Example", teams=("Success",))
        sim.add_property("companies", "stripe_customer_id", unique=True)
        sim.add_property("companies", "hold", type="enumeration", options=("held", "released"))
        acme = sim.add_company("Acme", owner=ann, domain="acme.example", stripe_customer_id="cus_1")
        yield Desk(sim, clock, session, ann, acme)
