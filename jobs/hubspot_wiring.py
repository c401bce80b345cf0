"""Builds the HubSpot connector from settings and the mapping in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import redis

from connectors.hubspot.changes import TASK_WATCHED
from connectors.hubspot.client import API_VERSION, BASE, Client
from connectors.hubspot.connector import HubspotConnector
from connectors.hubspot.doctor import Expected
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.journal import REFUSED, Companies, Interest, Journal
from connectors.hubspot.journal import SCOPES as JOURNAL_SCOPES
from connectors.hubspot.names import Names
from connectors.hubspot.portal import Portal
from connectors.hubspot.quota import SEARCH, WINDOW, limits_for
from connectors.hubspot.schema import WANTED, Wanted
from connectors.hubspot.schema_check import PropertyNeed
from connectors.hubspot.setup import Did, Setup, Step
from connectors.kit.http import new_session
from connectors.kit.limits import SharedLimiter, fingerprint
from connectors.kit.manifest import Scope
from connectors.kit.registry import manifest
from connectors.kit.tokens import ClientCredentials, SharedTokens
from domain.errors import Misconfigured
from jobs.clock import SystemClock
from mappings.mapping import FieldMapping
from mappings.mapping_file import default_mapping
from mappings.vocabulary import Flow
from settings import Settings
from sync.clock import Clock

DAYS = ("date", "datetime")
"""The types of a property in which a person writes a day."""


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
            watched=_watched(mapping, ours.csm_owner_property),
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
        journal=(
            partial(
                _journal,
                settings,
                clock,
                connection,
                interests=journal_interests(mapping, csm_property=ours.csm_owner_property),
            )
            if ours.use_journal
            else None
        ),
    )


def build_setup(settings: Settings) -> Setup:
    """What brings our properties to the configured portal. `Misconfigured` without a token."""
    ours = settings.hubspot
    gateway = Gateway(Client(_token(settings), base_url=ours.api_base))
    portal = Portal(gateway, portal_id=ours.portal_id, now=SystemClock().now)
    return Setup(gateway, wanted(settings), portal=portal)


def wanted(settings: Settings) -> tuple[Wanted, ...]:
    """The properties to have. Where people reach the console by an address, the description of
    each that the shipped mapping names leads to its row there."""
    base = settings.console_url.rstrip("/")
    mapping = default_mapping("hubspot")
    named = {*mapping.account_fields, *mapping.people.values(), mapping.customer_field}
    named |= {mapping.task.key_field, mapping.task.outcome_field or ""}
    return tuple(
        replace(one, description=f"{one.description} {base}/mappings/hubspot/rows/{one.name}")
        if base and one.name in named
        else one
        for one in WANTED
    )


def subscribe(settings: Settings, *, dry_run: bool = False) -> Iterator[Step]:
    """Ask the webhooks journal to note what the shipped mapping and the settings name, each step as
    it is done; nothing if it is not used.

    `Misconfigured` without the app's client id and secret, or without a portal id.
    """
    ours = settings.hubspot
    if not ours.use_journal:
        return
    if not ours.portal_id:
        raise Misconfigured(
            "the journal is subscribed to for one portal, and none is configured",
            row="hubspot.portal_id",
            remedy="Set KIDGLOVE_HUBSPOT__PORTAL_ID.",
        )
    interests = journal_interests(default_mapping("hubspot"), csm_property=ours.csm_owner_property)
    journal = _journal(settings, SystemClock(), None, lambda _: {})
    missing = journal.lacking(interests)
    for one in interests:
        did = Did.THERE
        if one in missing:
            did = Did.WOULD_MAKE if dry_run else Did.MADE
        if did is Did.MADE:
            journal.subscribe(one, portal_id=ours.portal_id)
        yield Step(what=f"journal: {one.kind}", did=did)


def scopes(settings: Settings) -> tuple[Scope, ...]:
    """What the key or app has to be allowed, with those of the journal where it is used."""
    known = manifest("hubspot").scopes
    named = {one.name for one in known}
    journal = tuple(
        Scope(name=name, needed_for="the webhooks journal")
        for name in JOURNAL_SCOPES
        if settings.hubspot.use_journal and name not in named
    )
    return (*known, *journal)


def journal_interests(mapping: FieldMapping, *, csm_property: str = "") -> tuple[Interest, ...]:
    """What the journal has to note for this mapping, and for the CSM's property of the settings."""
    outcome = (mapping.task.outcome_field,) if mapping.task.outcome_field else ()
    return (
        Interest(kind="companies", properties=_watched(mapping, csm_property)),
        Interest(kind="tasks", properties=(*TASK_WATCHED, *outcome)),
    )


def _journal(
    settings: Settings,
    clock: Clock,
    connection: redis.Redis | None,
    companies_of: Companies,
    *,
    interests: tuple[Interest, ...] = (),
) -> Journal:
    ours = settings.hubspot
    if not (ours.client_id and ours.app_secrets):
        raise Misconfigured(
            "the journal needs the app's client id and secret",
            row="hubspot.client_id",
            remedy="Set KIDGLOVE_HUBSPOT__CLIENT_ID and KIDGLOVE_HUBSPOT__APP_SECRETS.",
        )
    base = ours.api_base or BASE
    session = new_session()
    tokens = SharedTokens(
        ClientCredentials(
            client_id=ours.client_id,
            client_secret=ours.app_secrets[0].get_secret_value(),
            scopes=JOURNAL_SCOPES,
        ),
        # A token keeps the scopes that it was made with: other scopes are another token.
        name=f"hubspot:{fingerprint(' '.join((ours.client_id, base, *JOURNAL_SCOPES)))}",
        token_url=f"{base.rstrip('/')}/oauth/{API_VERSION}/token",
        session=session,
        clock=clock.now,
        store=connection,
        remedies=REFUSED,
    )
    return Journal(
        tokens,
        session,
        base_url=base,
        companies_of=companies_of,
        portal_id=ours.portal_id,
        interests=interests,
    )


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
            types=DAYS if name in mapping.day_fields else (),
            values=mapping.words_of(name),
        )
        for name in (*mapping.human_fields, *mapping.people.values())
    )
    task = mapping.task
    outcomes = tuple(
        PropertyNeed(kind="tasks", name=name, values=tuple(task.outcomes))
        for name in (task.outcome_field,)
        if name is not None
    )
    return (*written, *read, *outcomes)


def _watched(mapping: FieldMapping, csm_property: str) -> tuple[str, ...]:
    """The properties of a company whose change is news, the CSM's of the settings among them."""
    return tuple(
        dict.fromkeys([*mapping.watched_fields, *([csm_property] if csm_property else [])])
    )
