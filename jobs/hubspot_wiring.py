"""Builds the HubSpot connector from settings and the mapping in force."""

from __future__ import annotations

import redis

from connectors.hubspot.client import Client
from connectors.hubspot.connector import HubspotConnector
from connectors.hubspot.doctor import Expected
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.names import Names
from connectors.hubspot.quota import SEARCH, WINDOW, limits_for
from connectors.hubspot.schema_check import PropertyNeed
from connectors.hubspot.setup import Setup
from connectors.kit.limits import SharedLimiter
from connectors.kit.registry import manifest
from domain.errors import Misconfigured
from mappings.mapping import FieldMapping
from mappings.vocabulary import Flow
from settings import Settings
from sync.clock import Clock


def build(
    settings: Settings, *, mapping: FieldMapping, clock: Clock, connection: redis.Redis
) -> HubspotConnector:
    """The connector of the configured portal. `Misconfigured` without a token."""
    ours = settings.hubspot
    token = _token(settings)
    window = ours.calls_per_window or WINDOW
    return HubspotConnector(
        token,
        names=Names(
            task_key=mapping.task.key_field,
            customer=mapping.customer_field,
            resolution=mapping.hold.field,
            task_outcome=mapping.task.outcome_field,
            watched=mapping.human_fields,
            csm=ours.csm_owner_property or None,
        ),
        expected=Expected(
            portal_id=ours.portal_id,
            fallback_owner_id=ours.fallback_owner or None,
            payments_are_live=settings.stripe.api_key.get_secret_value().startswith(
                ("sk_live_", "rk_live_")
            ),
            scopes=tuple(scope.name for scope in manifest("hubspot").scopes),
            needs=_needs(mapping),
            used_window=window,
        ),
        clock=clock.now,
        limiter=SharedLimiter(connection, limits_for(window), vendor="hubspot", credential=token),
        # The search's window is the portal's, whatever token asks.
        search_limiter=SharedLimiter(
            connection, SEARCH, vendor="hubspot-search", credential=ours.portal_id or token
        ),
        base_url=ours.api_base,
    )


def build_setup(settings: Settings) -> Setup:
    """What brings our properties to the configured portal. `Misconfigured` without a token."""
    client = Client(_token(settings), base_url=settings.hubspot.api_base)
    return Setup(Gateway(client))


def _token(settings: Settings) -> str:
    token = settings.hubspot.token.get_secret_value()
    if not token:
        raise Misconfigured(
            "there is no HubSpot token", row="hubspot.token", remedy="Set KIDGLOVE_HUBSPOT__TOKEN."
        )
    return token


def _needs(mapping: FieldMapping) -> tuple[PropertyNeed, ...]:
    """What the mapping expects of the portal's properties, for the doctor."""
    written = tuple(
        PropertyNeed(
            kind="companies",
            name=row.theirs,
            is_written=True,
            values=tuple(row.values.values()),
        )
        for row in mapping.rows
        if row.flow is not Flow.IN
    )
    read = tuple(
        PropertyNeed(
            kind="companies",
            name=name,
            values=mapping.hold.held if name == mapping.hold.field else (),
        )
        for name in (*mapping.human_fields, *mapping.people.values())
    )
    return (*written, *read)
