"""The portal itself: its id, its web address and its time zone, read once an hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.hubspot.gateway import Gateway
from connectors.hubspot.records import Pages
from connectors.hubspot.wire import Row
from domain.errors import KidgloveError, RateLimited, Unauthorized

KEPT_FOR = timedelta(hours=1)
"""A portal moves about once in its life."""


class Portal:
    """What HubSpot says of the portal; what the settings say where it says nothing."""

    def __init__(self, gateway: Gateway, *, portal_id: str, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._portal_id = portal_id
        self._now = now
        self._kept: tuple[datetime, Row] | None = None

    def zone(self) -> str:
        """The portal's time zone, for who has none of their own."""
        return str(self._details().get("timeZone") or "UTC")

    def pages(self) -> Pages:
        """Where people see records."""
        said = self._details()
        return Pages(
            portal_id=self._portal_id or str(said.get("portalId") or ""),
            host=str(said.get("uiDomain") or "app.hubspot.com"),
        )

    def _details(self) -> Row:
        if self._kept is None or self._now() - self._kept[0] >= KEPT_FOR:
            try:
                said = self._gateway.account()
            except (Unauthorized, RateLimited):
                raise
            except KidgloveError:
                # A comfort: links and zones have another source, work goes on.
                said = {}
            self._kept = (self._now(), said)
        return self._kept[1]
