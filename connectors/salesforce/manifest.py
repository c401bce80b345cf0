"""Salesforce in facts."""

from __future__ import annotations

from connectors.kit.manifest import Capability, Kind, Manifest, Scope, Trait
from connectors.salesforce.quota import DEFAULT_LIMITS

_DOCS = "https://developer.salesforce.com/docs/atlas.en-us"
_REST = f"{_DOCS}.api_rest.meta/api_rest"
_LIMITS = "salesforce_app_limits_cheatsheet"

MANIFEST = Manifest(
    vendor="salesforce",
    title="Salesforce",
    kind=Kind.CRM,
    factory="connectors.salesforce.connector:SalesforceConnector",
    capabilities=frozenset(
        {
            Capability.READS_ACCOUNTS,
            Capability.WRITES_CRM,
            Capability.LISTS_CHANGES,
            Capability.SENDS_SIGNALS,
            Capability.SWEEPS_HOLDS,
            Capability.SURVEYS_ACCOUNTS,
            Capability.SUGGESTS_ACCOUNTS,
            Capability.DESCRIBES,
            Capability.EXAMINES,
        }
    ),
    auth="OAuth 2.0 JWT bearer (recommended) or client credentials, in an External Client App",
    hosts=("*.my.salesforce.com", "login.salesforce.com", "test.salesforce.com"),
    api_version="67.0",
    limits=DEFAULT_LIMITS,
    limit_headers={"Sforce-Limit-Info": "api-usage=<calls in 24 hours>/<allowed>"},
    scopes=(
        Scope(name="api", needed_for="every call"),
        Scope(name="API Enabled", needed_for="every call"),
        Scope(name="Account: Read, View All", needed_for="reading any paying customer"),
        Scope(name="Account: Edit", needed_for="payment fields on the account", is_write=True),
        Scope(name="Edit Tasks", needed_for="keeping the task", is_write=True),
        Scope(name="Contact: Read", needed_for="the accounts-payable contact"),
        Scope(name="Case: Read", needed_for="open support cases in the task"),
        Scope(name="View Setup and Configuration", needed_for="the doctor's look at the limits"),
    ),
    traits=frozenset({Trait.RENEWS_TOKENS, Trait.MERGES_ACCOUNTS}),
    docs={
        "composite": f"{_REST}/resources_composite_composite.htm",
        "upsert": f"{_REST}/dome_upsert.htm",
        "collections": f"{_REST}/resources_composite_sobjects_collections.htm",
        "errors": f"{_REST}/errorcodes.htm",
        "limits": f"{_DOCS}.{_LIMITS}.meta/{_LIMITS}/",
        "task": f"{_DOCS}.object_reference.meta/object_reference/sforce_api_objects_task.htm",
        "outbound message": f"{_DOCS}.api.meta/api/sforce_api_om_outboundmessaging.htm",
    },
)
"""`api_version` repeats the constant of the client, because this file must load without the SDK."""
