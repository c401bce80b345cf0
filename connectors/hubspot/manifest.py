"""HubSpot in facts."""

from __future__ import annotations

from connectors.hubspot.quota import limits_for
from connectors.kit.manifest import Capability, Kind, Manifest, Scope, Trait

_DOCS = "https://developers.hubspot.com/docs"
_GUIDES = f"{_DOCS}/guides/api/crm"

MANIFEST = Manifest(
    vendor="hubspot",
    title="HubSpot",
    kind=Kind.CRM,
    factory="connectors.hubspot.connector:HubspotConnector",
    capabilities=frozenset(
        {
            Capability.READS_ACCOUNTS,
            Capability.WRITES_CRM,
            Capability.LISTS_CHANGES,
            Capability.SENDS_SIGNALS,
            Capability.SWEEPS_HOLDS,
            Capability.SURVEYS_ACCOUNTS,
            Capability.SUGGESTS_ACCOUNTS,
            Capability.EXAMINES,
            Capability.DESCRIBES,
        }
    ),
    auth="a service key, or the access token of a project app with static authentication",
    hosts=("api.hubapi.com",),
    api_version="2026-09",
    limits=limits_for(),
    limit_headers={
        "X-HubSpot-RateLimit-Max": "calls allowed in ten seconds",
        "X-HubSpot-RateLimit-Daily": "calls allowed today",
        "X-HubSpot-RateLimit-Daily-Remaining": "calls left today",
    },
    scopes=(
        Scope(name="crm.objects.companies.read", needed_for="reading any paying customer"),
        Scope(
            name="crm.objects.companies.write",
            needed_for="payment properties on the company",
            is_write=True,
        ),
        Scope(name="crm.objects.contacts.read", needed_for="tasks, and the billing contact"),
        Scope(name="crm.objects.contacts.write", needed_for="keeping the task", is_write=True),
        Scope(name="crm.objects.owners.read", needed_for="who the CSM is"),
        Scope(name="crm.objects.users.read", needed_for="zone, hours and absence of the CSM"),
        Scope(name="crm.schemas.companies.read", needed_for="the types of properties"),
        Scope(
            name="crm.schemas.companies.write",
            needed_for="`kidglove hubspot setup`",
            is_write=True,
        ),
        Scope(name="crm.schemas.contacts.read", needed_for="the types of task properties"),
        Scope(
            name="crm.schemas.contacts.write",
            needed_for="task properties in `kidglove hubspot setup`",
            is_write=True,
        ),
        Scope(name="tickets", needed_for="open tickets in the task"),
        Scope(name="sales-email-read", needed_for="mails as the last talk"),
    ),
    # VENDOR: HubSpot does not promise a Retry-After; where it comes, it is waited for.
    traits=frozenset(
        {Trait.TELLS_WAIT, Trait.SIGNS_BODIES, Trait.STAMPS_MESSAGES, Trait.MERGES_ACCOUNTS}
    ),
    docs={
        "companies": f"{_GUIDES}/objects/companies",
        "tasks": f"{_GUIDES}/engagements/tasks",
        "associations": f"{_GUIDES}/associations/associations-v4",
        "search": f"{_GUIDES}/search",
        "properties": f"{_GUIDES}/properties",
        "limits": f"{_DOCS}/guides/apps/api-usage/usage-details",
        "webhooks": f"{_DOCS}/guides/api/app-management/webhooks",
        "signatures": f"{_DOCS}/guides/apps/authentication/validating-requests",
    },
)
"""`api_version` repeats the constant of the client, because this file must load without the SDK."""
