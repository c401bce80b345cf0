"""The stage for the tests of the simulated Stripe: a clock, an account, the stock library."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.clock import SimClock
from simulators.stripe import Behaviour, StripeSim
from simulators.wire import LoopbackServer

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

stripe.enable_telemetry = False


@dataclass
class Stage:
    """One account with one failing customer's story to tell."""

    sim: StripeSim
    clock: SimClock
    api: stripe.StripeClient

    def failing_renewal(
        self, card: str = "declines:insufficient_funds", **subscription: Any
    ) -> tuple[str, str, str]:
        """A customer whose renewal has just failed: customer, subscription, open invoice."""
        customer = self.sim.add_customer("Acme", "ap@acme.example", card=card)
        subscription = {"amount": 250_000, "next_renewal_in": DAY, **subscription}
        made = self.sim.add_subscription(customer, **subscription)
        self.clock.advance(DAY + HOUR + timedelta(minutes=1))
        return customer, made, self.sim.invoices(customer)[-1]["id"]

    def client(self, key: str, **options: Any) -> stripe.StripeClient:
        """Another client, with another key or other options."""
        return stripe.StripeClient(key, base_addresses={"api": self.sim.url}, **options)

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Stored events of these types, oldest first."""
        rows = self.sim.world.newest_first("event")
        return [row for row in reversed(list(rows)) if not types or row["type"] in types]


@pytest.fixture
def behaviour() -> Behaviour:
    """The account's switches; a test that needs others overrides this by turning them."""
    return Behaviour()


@pytest.fixture
def stage(behaviour: Behaviour) -> Iterator[Stage]:
    """A started account and the stock client that talks to it."""
    clock = SimClock(START)
    sim = StripeSim(clock, behaviour=behaviour).start()
    yield Stage(sim, clock, stripe.StripeClient(sim.api_key, base_addresses={"api": sim.url}))
    # The server takes 0.2 s to wind down; the next test need not wait for it.
    threading.Thread(target=sim.stop).start()


@dataclass
class Inbox:
    """An endpoint that takes hooks, or refuses them with `status`."""

    url: str = ""
    status: int = 200
    got: list[tuple[bytes, str]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.got.append((await request.body(), request.headers["stripe-signature"]))
        return Response(status_code=self.status)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A listening endpoint."""
    box = Inbox()
    app = Starlette(routes=[Route("/hooks", box.take, methods=["POST"])])
    server = LoopbackServer(app).start()
    box.url = f"{server.url}/hooks"
    yield box
    threading.Thread(target=server.stop).start()
