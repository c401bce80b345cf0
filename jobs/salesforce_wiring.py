"""Builds the Salesforce connector from settings and the mapping in force."""

from __future__ import annotations

import redis

from connectors.kit.limits import SharedLimiter
from connectors.kit.registry import manifest
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.doctor import Expected
from connectors.salesforce.login import (
    client_credentials_tokens,
    jwt_tokens,
    new_salesforce_session,
)
from connectors.salesforce.names import Names
from connectors.salesforce.schema_check import FieldNeed
from mappings.mapping import FieldMapping
from mappings.vocabulary import Flow
from settings import Settings
from sync.clock import Clock

DAYS = frozenset({"date", "datetime"})
"""The types of a field in which a person writes a day."""


def build(
    settings: Settings, *, mapping: FieldMapping, clock: Clock, connection: redis.Redis
) -> SalesforceConnector:
    """The connector of the configured org; JWT bearer if there is a private key."""
    ours = settings.salesforce
    token_url = ours.token_url or None
    session = new_salesforce_session(
        instance_url=ours.instance_url, token_url=token_url, base_url=ours.api_base
    )
    if ours.private_key.get_secret_value():
        tokens = jwt_tokens(
            consumer_key=ours.client_id,
            username=ours.username,
            private_key=ours.private_key.get_secret_value(),
            instance_url=ours.instance_url,
            session=session,
            clock=clock.now,
            store=connection,
            audience=ours.audience,
            token_url=token_url,
        )
    else:
        tokens = client_credentials_tokens(
            consumer_key=ours.client_id,
            consumer_secret=ours.client_secret.get_secret_value(),
            instance_url=ours.instance_url,
            session=session,
            clock=clock.now,
            store=connection,
            token_url=token_url,
        )
    return SalesforceConnector(
        tokens=tokens,
        instance_url=ours.instance_url,
        names=Names(
            task_key=mapping.task.key_field,
            customer=mapping.customer_field,
            resolution=mapping.hold.field,
            task_outcome=mapping.task.outcome_field,
            watched=mapping.watched_fields,
        ),
        expected=Expected(
            organization_id=ours.organization_id,
            fallback_owner_id=ours.fallback_owner or None,
            payments_are_live=settings.stripe.api_key.get_secret_value().startswith(
                ("sk_live_", "rk_live_")
            ),
            needs=_needs(mapping),
        ),
        clock=clock.now,
        limiter=SharedLimiter(
            connection,
            manifest("salesforce").limits,
            vendor="salesforce",
            credential=ours.client_id,
        ),
        session=session,
        base_url=ours.api_base,
        away_field=ours.away_field,
    )


def _needs(mapping: FieldMapping) -> tuple[FieldNeed, ...]:
    """What the mapping expects of the org's fields, for the doctor."""
    written = tuple(
        FieldNeed(
            entity=mapping.object,
            name=row.theirs,
            is_written=True,
            values=tuple(row.values.values()),
        )
        for row in mapping.rows
        if row.flow is not Flow.IN
    )
    read = tuple(
        FieldNeed(
            entity=mapping.object,
            name=name,
            kinds=DAYS if name in mapping.day_fields else frozenset(),
            values=mapping.words_of(name),
        )
        for name in mapping.human_fields
    )
    task = mapping.task
    outcomes = tuple(
        FieldNeed(entity="Task", name=name, values=tuple(task.outcomes))
        for name in (task.outcome_field,)
        if name is not None
    )
    return (*written, *read, *outcomes)
