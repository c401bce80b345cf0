"""The simulated Stripe account: one object to start, steer and look at."""

from __future__ import annotations

import threading
from typing import Any

from starlette.applications import Starlette

from simulators.clock import SimClock
from simulators.faults import FaultDial
from simulators.hooks import Postman
from simulators.stripe import (  # noqa: F401 - importing declares the endpoints
    routes_catalog,
    routes_customers,
    routes_invoices,
    routes_payments,
    routes_platform,
    routes_subscriptions,
)
from simulators.stripe.behaviour import Behaviour
from simulators.stripe.front import Front, Seen
from simulators.stripe.http import build_app
from simulators.stripe.keys import FULL_KEY, Key
from simulators.stripe.limits import Limits
from simulators.stripe.mailer import Mailer
from simulators.stripe.portal import Portal
from simulators.stripe.state import canonical
from simulators.stripe.verbs import Verbs
from simulators.stripe.webhooks import RETRIES, Hooks
from simulators.stripe.world import World
from simulators.wire import LoopbackServer


class StripeSim(Verbs):
    """A Stripe account over HTTP: `url` for the API, verbs for the world around it.

    With `local_pages`, hosted invoices and portal links point to this server, for a browser.
    """

    def __init__(
        self,
        clock: SimClock,
        *,
        seed: int = 0,
        behaviour: Behaviour | None = None,
        port: int = 0,
        local_pages: bool = False,
    ) -> None:
        self.clock = clock
        self.behaviour = behaviour if behaviour is not None else Behaviour()
        world = World(clock, self.behaviour, seed=seed)
        self.postman = Postman(clock, retry_after=RETRIES, seed=seed)
        self.faults = FaultDial(seed)
        hooks = Hooks(world, self.postman)
        self.front = Front(world, hooks, Portal(world))
        super().__init__(self.front)
        self.app: Starlette = build_app(self)
        self._server = LoopbackServer(self.app, port, dates=False)
        self.url = self._server.url
        if local_pages:
            world.invoice_pages = world.portal_pages = self.url
        self.api_key = FULL_KEY
        self._ticking = threading.Event()
        self._ticker: threading.Thread | None = None

    @property
    def mailer(self) -> Mailer:
        """Stripe's own mails."""
        return self.world.mailer

    @property
    def limits(self) -> Limits:
        """Rate limits to enforce; all off."""
        return self.front.limits

    @property
    def requests(self) -> list[Seen]:
        """Every API call so far, in the order of their answers."""
        return self.front.seen

    def writes(self) -> list[Seen]:
        """The API calls that were no GET."""
        return [call for call in self.requests if call.method != "GET"]

    def forget_requests(self) -> None:
        """Empty the log of API calls."""
        with self.world.lock:
            self.front.seen.clear()

    def add_key(self, secret: str, permissions: set[str] | None = None) -> None:
        """Another API key; `permissions` without the `rak_` prefix, None for all."""
        wanted = None if permissions is None else frozenset(permissions)
        self.front.keys[secret] = Key(secret, wanted)

    def start(self) -> StripeSim:
        """Serve on `url`; a flowing clock is played from here on."""
        self._server.start()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()
        return self

    def stop(self) -> None:
        """Stop serving."""
        self._ticking.set()
        self.postman.stop()
        self._server.stop()

    def __enter__(self) -> StripeSim:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def state(self, volatile: bool = True) -> dict[str, Any]:
        """The whole world as JSON; without `volatile`, only what an outcome consists of."""
        with self.world.lock:
            return canonical(self.world, self.requests, volatile=volatile)

    def _tick(self) -> None:
        while not self._ticking.wait(0.05):
            if self.clock.rate:
                self.clock.run_due()
