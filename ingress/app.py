"""The public edge: prove it, store it, answer. It never calls a vendor and never touches a
queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import psycopg
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.hubspot import webhook as hubspot
from connectors.kit.signature import SignatureRefused
from connectors.salesforce import webhook as salesforce
from connectors.stripe import webhook as stripe
from domain.ports import Incoming
from store.group_commit import GroupCommit

log = structlog.get_logger()


class TooLarge(Exception):
    """The body is over the cap; nothing of it is kept."""


class Edge:
    """The routes of the public edge. A source without a secret does not exist: 404."""

    def __init__(
        self,
        *,
        database_url: str,
        clock: Callable[[], datetime],
        max_body_bytes: int,
        stripe_secrets: Sequence[str] = (),
        salesforce_secrets: Sequence[str] = (),
        salesforce_organization: str = "",
        flow_api_keys: Sequence[str] = (),
        hubspot_secrets: Sequence[str] = (),
        hubspot_url: str = "",
        hubspot_portal: str = "",
    ) -> None:
        """`hubspot_url` is the address that HubSpot calls, which is part of what it signs."""
        self._database_url = database_url
        self._inbox = GroupCommit(database_url)
        self._clock = clock
        self._max = max_body_bytes
        self._stripe_secrets = list(stripe_secrets)
        self._salesforce_secrets = list(salesforce_secrets)
        self._organization = salesforce_organization
        self._flow_api_keys = list(flow_api_keys)
        self._hubspot_secrets = list(hubspot_secrets)
        self._hubspot_url = hubspot_url
        self._hubspot_portal = hubspot_portal

    def app(self) -> Starlette:
        """The ASGI application."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            await self._inbox.close()

        return Starlette(
            routes=[
                Route("/webhooks/stripe", self._stripe, methods=["POST"]),
                Route("/webhooks/salesforce/outbound/{secret}", self._outbound, methods=["POST"]),
                Route("/webhooks/salesforce/flow", self._flow, methods=["POST"]),
                Route("/webhooks/hubspot", self._hubspot, methods=["POST"]),
                Route("/healthz", self._health, methods=["GET"]),
            ],
            lifespan=lifespan,
        )

    def trust_stripe(self, secrets: Sequence[str]) -> None:
        """Accept these signing secrets from now on, several during a rotation."""
        self._stripe_secrets = list(secrets)

    async def _stripe(self, request: Request) -> Response:
        if not self._stripe_secrets:
            return _refused(404, "no Stripe signing secret is configured")
        try:
            body = await self._body(request)
            message = stripe.verify(
                body,
                request.headers.get("stripe-signature"),
                self._stripe_secrets,
                now=self._clock(),
            )
        except TooLarge:
            return _refused(413, f"the body is larger than {self._max} bytes")
        except SignatureRefused as refusal:
            log.warning("webhook.refused", source="stripe", reason=refusal.reason)
            return _refused(400, str(refusal))
        return await self._stored([message], JSONResponse({"received": True}))

    async def _outbound(self, request: Request) -> Response:
        if not self._salesforce_secrets:
            return _refused(404, "no Salesforce message secret is configured")
        try:
            messages = salesforce.verify(
                await self._body(request),
                path_secret=request.path_params["secret"],
                expected_secrets=self._salesforce_secrets,
                organization_id=self._organization,
            )
        except TooLarge:
            return _refused(413, f"the body is larger than {self._max} bytes")
        except SignatureRefused as refusal:
            log.warning("webhook.refused", source="salesforce", reason=refusal.reason)
            return _refused(400, str(refusal))
        acknowledged = Response(salesforce.acknowledgement(), media_type="text/xml")
        return await self._stored(messages, acknowledged)

    async def _flow(self, request: Request) -> Response:
        if not self._flow_api_keys:
            return _refused(404, "no Flow API key is configured")
        try:
            messages = salesforce.verify_flow(
                await self._body(request),
                api_key=request.headers.get("x-api-key", ""),
                expected_keys=self._flow_api_keys,
                organization_id=self._organization,
            )
        except TooLarge:
            return _refused(413, f"the body is larger than {self._max} bytes")
        except SignatureRefused as refusal:
            log.warning("webhook.refused", source="salesforce", reason=refusal.reason)
            return _refused(400, str(refusal))
        except RecursionError:
            log.warning("webhook.refused", source="salesforce", reason="malformed")
            return _refused(400, "the message is nested too deeply")
        # VENDOR: Flow callouts break on an empty body (Salesforce handbook, 3.4).
        return await self._stored(messages, JSONResponse({}))

    async def _hubspot(self, request: Request) -> Response:
        if not self._hubspot_secrets or not self._hubspot_url:
            return _refused(404, "no HubSpot app secret or public address is configured")
        try:
            messages = hubspot.verify(
                await self._body(request),
                signature=request.headers.get("x-hubspot-signature-v3"),
                timestamp=request.headers.get("x-hubspot-request-timestamp"),
                secrets=self._hubspot_secrets,
                url=self._hubspot_url,
                now=self._clock(),
                portal_id=self._hubspot_portal,
            )
        except TooLarge:
            return _refused(413, f"the body is larger than {self._max} bytes")
        except SignatureRefused as refusal:
            log.warning("webhook.refused", source="hubspot", reason=refusal.reason)
            return _refused(401, str(refusal))
        # VENDOR: anything but 2xx is sent again for a day, so what concerns only another portal is
        # accepted and not kept (webhooks guide, retries).
        return await self._stored(messages, JSONResponse({"received": True}))

    async def _health(self, _: Request) -> Response:
        try:
            async with await psycopg.AsyncConnection.connect(
                self._database_url.replace("+psycopg", ""), connect_timeout=2
            ) as connection:
                await connection.execute("SELECT 1")
        except psycopg.Error as problem:
            return _refused(503, f"the database does not answer ({type(problem).__name__})")
        return JSONResponse({"ok": True})

    async def _body(self, request: Request) -> bytes:
        """The raw bytes, refused as soon as they pass the cap, whatever the header promised."""
        chunks: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._max:
                raise TooLarge
            chunks.append(chunk)
        return b"".join(chunks)

    async def _stored(self, messages: Sequence[Incoming], answer: Response) -> Response:
        """Answer only when everything is on disk; else 503, and the vendor sends it again."""
        try:
            await self._inbox.store(list(messages), self._clock())
        except (psycopg.Error, OSError) as problem:
            log.error("webhook.not_stored", error=type(problem).__name__)
            return _refused(503, "it could not be stored; please send it again")
        return answer


def _refused(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status_code=status)
