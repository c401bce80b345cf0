"""How the integration user logs in, and what to do when Salesforce refuses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import redis
import requests

from connectors.kit.http import new_session
from connectors.kit.limits import fingerprint
from connectors.kit.tokens import ClientCredentials, JwtBearer, SharedTokens

AUDIENCE = "https://login.salesforce.com"
"""Whom an assertion is made for in production; a sandbox wants `SANDBOX_AUDIENCE`."""
SANDBOX_AUDIENCE = "https://test.salesforce.com"

REMEDIES: Mapping[str, str] = {
    "hasn't approved this consumer": (
        "Pre-authorise the integration user: in the External Client App's policies set Permitted "
        "Users to admin-approved, and assign the app's permission set to the user."
    ),
    "not admin approved": (
        "Assign the permission set or profile that the External Client App admits to the "
        "integration user."
    ),
    "app_access_denied": (
        "Assign the permission set or profile that the External Client App admits to the "
        "integration user."
    ),
    "must be installed": "Install the app in this org, or create an External Client App in it.",
    "no client credentials user": (
        "Enable the client credentials flow in the External Client App's policies and name the "
        "integration user as its run-as user."
    ),
    "audience": (f"Set the audience to {AUDIENCE}, or to {SANDBOX_AUDIENCE} for a sandbox."),
    "invalid assertion": (
        "Check that the app holds the certificate of this private key, that the consumer key is "
        "this app's, and that this machine's clock is right."
    ),
    "expired": "Check that this machine's clock is right.",
    "invalid_client_id": "Check the consumer key; a new app needs about ten minutes to be known.",
    "invalid_client": "Check the consumer key and the consumer secret.",
    "inactive_user": "Activate the integration user.",
    "user is inactive": "Activate the integration user.",
    "inactive_org": "The org is locked or deleted: ask Salesforce support.",
    "unsupported_grant_type": (
        "Enable the JWT bearer flow or the client credentials flow in the External Client App."
    ),
    "invalid_grant": (
        "Check the username, that the user is active, and that the External Client App admits it."
    ),
}
"""The vendor's words and the way out, the most telling words first."""


def new_salesforce_session(
    *, instance_url: str, token_url: str | None = None, base_url: str | None = None
) -> requests.Session:
    """A session for one org. With `base_url` (a simulator) all its traffic goes there instead."""
    origins = {url: base_url for url in (instance_url, token_url) if url and base_url}
    return new_session(origins={_origin(url): target for url, target in origins.items()})


def jwt_tokens(
    *,
    consumer_key: str,
    username: str,
    private_key: str,
    instance_url: str,
    session: requests.Session,
    clock: Callable[[], datetime],
    store: redis.Redis | None = None,
    audience: str = AUDIENCE,
    token_url: str | None = None,
) -> SharedTokens:
    """Tokens by JWT bearer: the recommended way, because no secret of ours leaves the house."""
    grant = JwtBearer(
        client_id=consumer_key, username=username, audience=audience, private_key=private_key
    )
    return SharedTokens(
        grant,
        name=f"salesforce:{fingerprint(consumer_key + username + instance_url)}",
        token_url=token_url or f"{instance_url.rstrip('/')}/services/oauth2/token",
        session=session,
        clock=clock,
        store=store,
        remedies=REMEDIES,
    )


def client_credentials_tokens(
    *,
    consumer_key: str,
    consumer_secret: str,
    instance_url: str,
    session: requests.Session,
    clock: Callable[[], datetime],
    store: redis.Redis | None = None,
    token_url: str | None = None,
) -> SharedTokens:
    """Tokens by client credentials, only from the org's own My Domain address.

    # VENDOR: login.salesforce.com and test.salesforce.com refuse this flow (OAuth 2.0 Client
    # Credentials Flow).
    """
    return SharedTokens(
        ClientCredentials(client_id=consumer_key, client_secret=consumer_secret),
        name=f"salesforce:{fingerprint(consumer_key + instance_url)}",
        token_url=token_url or f"{instance_url.rstrip('/')}/services/oauth2/token",
        session=session,
        clock=clock,
        store=store,
        remedies=REMEDIES,
    )


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])
