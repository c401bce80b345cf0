"""The edge as vendors see it, and what lies behind it afterwards."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import psycopg
import requests
import structlog
from structlog.testing import LogCapture

from ingress.app import Edge
from simulators.wire import LoopbackServer
from tests.ingress.letters import FLOW_KEY, ORGANIZATION, PATH_SECRET, SECRET, signed

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
LARGEST = 100_000
APP_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
HUBSPOT_URL = "https://billing.example.com/webhooks/hubspot"
"""The public address, which is never the one that the edge itself listens on."""

Row = tuple[str, str, str | None]
"""Key, state and reason of a stored message."""


class Door:
    """One edge over HTTP. `rows` is what it stored, `said` what it wrote into its log."""

    def __init__(
        self,
        database_url: str,
        *,
        stripe: Sequence[str] = (SECRET,),
        paths: Sequence[str] = (PATH_SECRET,),
        flow_keys: Sequence[str] = (FLOW_KEY,),
        organization: str = ORGANIZATION,
        hubspot: Sequence[str] = (APP_SECRET,),
    ) -> None:
        self._database_url = database_url.replace("+psycopg", "")
        self.edge = Edge(
            database_url=database_url,
            clock=lambda: NOW,
            max_body_bytes=LARGEST,
            stripe_secrets=stripe,
            salesforce_secrets=paths,
            salesforce_organization=organization,
            flow_api_keys=flow_keys,
            hubspot_secrets=hubspot,
            hubspot_url=HUBSPOT_URL if hubspot else "",
            hubspot_portal="62515",
        )
        self._server = LoopbackServer(self.edge.app())
        self._log = LogCapture()

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return self._server.port

    @property
    def said(self) -> list[Mapping[str, object]]:
        """What it has logged."""
        return list(self._log.entries)

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """One request to it."""
        return requests.post(
            f"{self._server.url}{path}", data=body, headers=headers or {}, timeout=20
        )

    def stripe(
        self,
        body: bytes,
        *,
        age: timedelta = timedelta(0),
        secrets: Sequence[str] = (SECRET,),
    ) -> requests.Response:
        """A delivery signed that long ago by these secrets."""
        return self.post("/webhooks/stripe", body, signed(body, NOW - age, secrets=secrets))

    def outbound(self, body: bytes, *, secret: str = PATH_SECRET) -> requests.Response:
        """An outbound message to this address."""
        return self.post(
            f"/webhooks/salesforce/outbound/{secret}", body, {"Content-Type": "text/xml"}
        )

    def flow(self, body: bytes, *, key: str = FLOW_KEY) -> requests.Response:
        """A Flow callout with this key."""
        return self.post(
            "/webhooks/salesforce/flow",
            body,
            {"Content-Type": "application/json", "X-Api-Key": key},
        )

    def hubspot(
        self, body: bytes, *, age: timedelta = timedelta(0), secret: str = APP_SECRET
    ) -> requests.Response:
        """A delivery of HubSpot's, signed that long ago for the public address."""
        stamp = str(int((NOW - age).timestamp() * 1000))
        text = f"POST{HUBSPOT_URL}".encode() + body + stamp.encode()
        made = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest())
        return self.post(
            "/webhooks/hubspot",
            body,
            {
                "Content-Type": "application/json",
                "X-HubSpot-Signature-v3": made.decode(),
                "X-HubSpot-Request-Timestamp": stamp,
            },
        )

    def rows(self) -> list[Row]:
        """What was stored, in order."""
        with psycopg.connect(self._database_url) as connection:
            return connection.execute("SELECT key, state, reason FROM inbox ORDER BY id").fetchall()

    def __enter__(self) -> Self:
        structlog.configure(processors=[self._log], cache_logger_on_first_use=False)
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()
        structlog.reset_defaults()
