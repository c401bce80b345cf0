"""The portal itself: whether it is ours, its web address and its time zone, read once an hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.hubspot.gateway import Gateway
from connectors.hubspot.records import Pages
from connectors.hubspot.wire import Row
from domain.errors import KidgloveError, Misconfigured, RateLimited, Transient, Unauthorized

KEPT_FOR = timedelta(hours=1)
"""A portal moves about once in its life."""


class Portal:
    """What HubSpot says of the portal; what the settings say where it says nothing."""

    def __init__(self, gateway: Gateway, *, portal_id: str, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._portal_id = portal_id
        self._now = now
        self._kept: tuple[datetime, Row] | None = None
        self._untold_since: datetime | None = None
        self._is_settled = False

    def need_ours(self) -> None:
        """`Misconfigured` if the token is another portal's than the configured one: every record
        would be gone there, or be somebody else's. Asked until it is settled, which is once.

        A portal that is unwell is not used before it has told its id. Where none is configured, or
        HubSpot refuses to tell, every portal is taken for ours: the doctor reports it.
        """
        wanted = self._portal_id.strip()
        if self._is_settled or not wanted:
            return
        try:
            found = str(self._current().get("portalId") or "")
        except (Unauthorized, RateLimited, Transient):
            raise
        except KidgloveError:
            found = ""
        if found and found != wanted:
            raise Misconfigured(
                f"the HubSpot token is of portal {found}, the configuration says {wanted}",
                row="hubspot.portal_id",
                remedy="Give the token of the configured portal, or correct "
                "KIDGLOVE_HUBSPOT__PORTAL_ID.",
            )
        self._is_settled = True

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
        if self._untold_since is not None and self._now() - self._untold_since < KEPT_FOR:
            return {}
        try:
            return self._current()
        except (Unauthorized, RateLimited):
            raise
        except KidgloveError:
            # A comfort: links and zones have another source, work goes on.
            self._untold_since = self._now()
            return {}

    def _current(self) -> Row:
        if self._kept is None or self._now() - self._kept[0] >= KEPT_FOR:
            self._kept = (self._now(), self._gateway.account())
        return self._kept[1]
