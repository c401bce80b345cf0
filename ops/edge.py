"""The public webhook edge as a process of its own: `python -m ops.edge`."""

from __future__ import annotations

import socket
import sys

import uvicorn

from ingress.app import Edge
from jobs.clock import FileClock, SystemClock
from jobs.telemetry import configure_logging
from settings import Settings

DRAIN_SECONDS = 10
"""How long requests under way may take at the end; a vendor sends again what was not answered."""


def edge_of(settings: Settings, database_url: str) -> Edge:
    """The edge that these settings describe; a vendor without a secret gets no route."""
    ours, hubspot = settings.salesforce, settings.hubspot
    return Edge(
        database_url=database_url,
        clock=(FileClock(settings.clock_file) if settings.clock_file else SystemClock()).now,
        max_body_bytes=settings.max_body_bytes,
        stripe_secrets=[one.get_secret_value() for one in settings.stripe.webhook_secrets],
        salesforce_secrets=[one.get_secret_value() for one in ours.webhook_secrets],
        salesforce_organization=ours.organization_id,
        flow_api_keys=[one.get_secret_value() for one in ours.flow_api_keys],
        hubspot_secrets=[one.get_secret_value() for one in hubspot.app_secrets],
        hubspot_url=hubspot.webhook_url,
        hubspot_portal=hubspot.portal_id,
    )


def listen(host: str, port: int) -> socket.socket:
    """A bound socket on which answers leave at once. OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay off only for sockets that name their protocol.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def run(settings: Settings) -> int:
    """Serve until a polite signal. 0 then; 1 if the port is taken; 2 without a database."""
    configure_logging(settings.log_level)
    if not settings.database_url:
        sys.stderr.write("DATABASE_URL is needed\n")
        return 2
    try:
        bound = listen(settings.host, settings.port)
    except OSError as problem:
        sys.stderr.write(f"{settings.host}:{settings.port} cannot be opened: {problem}\n")
        return 1
    server = uvicorn.Server(
        uvicorn.Config(
            edge_of(settings, settings.database_url).app(),
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    server.run(sockets=[bound])
    return 0


if __name__ == "__main__":
    sys.exit(run(Settings()))
