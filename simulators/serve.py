"""The simulated vendors alone, on fixed ports, with one clock: `python -m simulators.serve`.

One JSON line with addresses and credentials on standard output says that they are ready. They stay
until SIGTERM or SIGINT. Besides each vendor's own `/_sim`, a small control server moves the clock
that they share and says whether every webhook has been delivered.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.cast import BEFORE, Cast, seed_world
from simulators.clock import SimClock
from simulators.hubspot import HubspotSim
from simulators.salesforce import SalesforceSim
from simulators.stripe import StripeSim
from simulators.wire import LoopbackServer

STRIPE_PORT = 12111
SALESFORCE_PORT = 12112
HUBSPOT_PORT = 12113
CONTROL_PORT = 12110


@dataclass(kw_only=True)
class Served:
    """The running simulators and the server that controls what they share."""

    clock: SimClock
    stripe: StripeSim
    salesforce: SalesforceSim
    hubspot: HubspotSim
    cast: Cast | None = None
    control_port: int = 0

    def __post_init__(self) -> None:
        self.control = LoopbackServer(_control(self), self.control_port)

    def start(self) -> Served:
        """Serve, and deliver webhooks as they arise."""
        for server in (self.stripe, self.salesforce, self.hubspot, self.control):
            server.start()
        for vendor in (self.stripe, self.salesforce, self.hubspot):
            vendor.postman.run()
        return self

    def plain(self) -> dict[str, Any]:
        """Where everything is, and what a client needs to get in."""
        return {
            "clock": {"now": self.clock.now().isoformat(), "rate": self.clock.rate},
            "control": self.control.url,
            "stripe": {"url": self.stripe.url, "api_key": self.stripe.api_key},
            "salesforce": self.salesforce.credentials(),
            "hubspot": self.hubspot.credentials(),
            "world": self.cast.plain() if self.cast else None,
        }

    def stop(self) -> None:
        """Stop every server."""
        self.control.stop()
        self.stripe.stop()
        self.salesforce.stop()
        self.hubspot.stop()


def serve(
    *,
    stripe_port: int = 0,
    salesforce_port: int = 0,
    hubspot_port: int = 0,
    control_port: int = 0,
    start: datetime | None = None,
    rate: float = 1.0,
    clock_file: Path | None = None,
    seeded: bool = False,
) -> Served:
    """Start all simulators. Port 0 picks a free one; `OSError` if a port is taken.

    With `seeded`, the small world of `simulators.cast` stands in all of them, at `start`.
    """
    begin = start or datetime.now(UTC)
    clock = SimClock(begin - BEFORE if seeded else begin, publish_to=clock_file)
    stripe = StripeSim(clock, port=stripe_port, local_pages=True)
    salesforce = SalesforceSim(clock, port=salesforce_port)
    hubspot = HubspotSim(clock, port=hubspot_port)
    cast = seed_world(clock, stripe, salesforce, hubspot) if seeded else None
    clock.set_rate(rate)
    return Served(
        clock=clock,
        stripe=stripe,
        salesforce=salesforce,
        hubspot=hubspot,
        cast=cast,
        control_port=control_port,
    ).start()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; 0 then, 2 for wrong usage, 1 if a port is taken."""
    asked = _parser().parse_args(arguments)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        served = serve(
            stripe_port=asked.stripe,
            salesforce_port=asked.salesforce,
            hubspot_port=asked.hubspot,
            control_port=asked.control,
            start=asked.start,
            rate=asked.rate,
            clock_file=asked.clock_file,
            seeded=asked.seed_world,
        )
    except OSError as problem:
        print(f"a port cannot be opened: {problem}; choose another one", file=sys.stderr)
        return 1
    print(json.dumps(served.plain()), flush=True)
    over.wait()
    # Nothing here outlives the process, so nobody has to be waited for.
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulators.serve", description=__doc__)
    parser.add_argument("--stripe", type=int, default=STRIPE_PORT, help="port; 0 picks one")
    parser.add_argument("--salesforce", type=int, default=SALESFORCE_PORT, help="port; 0 picks one")
    parser.add_argument("--hubspot", type=int, default=HUBSPOT_PORT, help="port; 0 picks one")
    parser.add_argument("--control", type=int, default=CONTROL_PORT, help="port; 0 picks one")
    parser.add_argument("--start", type=_moment, help="first moment, ISO 8601; default: now")
    parser.add_argument("--rate", type=float, default=1.0, help="speed of the clock; 0 freezes it")
    parser.add_argument("--clock-file", type=Path, help="where to publish the clock's reading")
    parser.add_argument("--seed-world", action="store_true", help="put a few customers in")
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _control(served: Served) -> Starlette:
    async def about(_: Request) -> Response:
        return JSONResponse(served.plain())

    async def clock(request: Request) -> Response:
        if request.method == "POST":
            try:
                await run_in_threadpool(_move, served.clock, await request.json())
            except (ValueError, TypeError) as problem:
                return JSONResponse({"error": str(problem)}, status_code=400)
        return JSONResponse(_reading(served))

    return Starlette(
        routes=[
            Route("/", about),
            Route("/clock", clock, methods=["GET", "POST"]),
        ]
    )


def _reading(served: Served) -> dict[str, Any]:
    """The time, what falls due next, and whether every webhook has been delivered."""
    due = served.clock.next_due()
    now = served.clock.now()
    return {
        "now": now.isoformat(),
        "rate": served.clock.rate,
        "next_due": due.isoformat() if due else None,
        "idle": served.stripe.postman.idle()
        and served.salesforce.postman.idle()
        and served.hubspot.postman.idle()
        and (due is None or due > now),
        "requests": len(served.stripe.requests)
        + len(served.salesforce.app.requests)
        + len(served.hubspot.app.requests),
    }


def _move(clock: SimClock, asked: dict[str, Any]) -> None:
    unknown = set(asked) - {"rate", "to", "advance_seconds"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; use rate, to, advance_seconds")
    if "rate" in asked:
        clock.set_rate(float(asked["rate"]))
    if "to" in asked:
        clock.advance_to(_moment(asked["to"]))
    if "advance_seconds" in asked:
        clock.advance(timedelta(seconds=float(asked["advance_seconds"])))


if __name__ == "__main__":
    sys.exit(main())
