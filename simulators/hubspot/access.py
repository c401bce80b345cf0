"""Who may call: bearer credentials, what they are allowed, and the OAuth door."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulators.hubspot.errors import Refusal, missing_scopes, not_found, unauthenticated
from simulators.hubspot.portal import Portal, Source

SERVICE_KEY = "pat-na1-00000000-5151-4000-8000-000000000000"
CLIENT_ID = "51510000-0000-4000-8000-000000000000"
CLIENT_SECRET = "51511111-0000-4000-8000-000000000000"
SCOPES = (
    "oauth",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.owners.read",
    "crm.objects.users.read",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "sales-email-read",
    "tickets",
)
"""What the simulated service key is granted at first."""
# VENDOR: a token by client credentials has the scopes that its request names and no others; that a
# request for one that the app lacks is refused as `invalid_scope` is an assumption.
JOURNAL_SCOPES = (
    "developer.webhooks_journal.read",
    "developer.webhooks_journal.subscriptions.read",
    "developer.webhooks_journal.subscriptions.write",
)
_LIFE = timedelta(minutes=30)


@dataclass(frozen=True)
class Grant:
    """One credential: its scopes, the app id that its writes carry, and when it ends."""

    token: str
    scopes: frozenset[str]
    app_id: str
    kind: str
    ends: datetime | None = None

    @property
    def source(self) -> Source:
        """Who a write by this credential is said to come from."""
        return Source("INTEGRATION", self.app_id)


class Access:
    """The credentials of one app in this portal: a service key, and tokens by OAuth."""

    def __init__(self, portal: Portal, app_id: str) -> None:
        self.app_id = app_id
        self.service_key = SERVICE_KEY
        self.tells_scopes = False
        """Whether the key is an app's access token, which can be asked what it stands for."""
        self.client_id = CLIENT_ID
        self.client_secret = CLIENT_SECRET
        self.refresh_token = f"refresh-{secrets.token_hex(8)}"
        self._portal = portal
        self._grants: dict[str, Grant] = {}
        self.scopes = frozenset(SCOPES)
        self._keep(self.service_key, "service_key", None)

    def grant_of(self, authorization: str | None) -> Grant:
        """The credential behind an Authorization header; 401 without a living one."""
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token:
            text = (
                "Authentication credentials not found. This API supports OAuth 2.0 authentication"
            )
            raise unauthenticated(text)
        found = self._grants.get(token.strip())
        if found is None:
            raise unauthenticated("The access token is invalid.")
        if found.ends is not None and found.ends <= self._portal.clock.now():
            text = "The OAuth token used to make this call expired."
            raise unauthenticated(text, "EXPIRED_AUTHENTICATION")
        return found

    def set_scopes(self, scopes: Collection[str]) -> None:
        """Grant exactly these scopes to the app from now on, its living tokens too."""
        self.scopes = frozenset(scopes)
        for token, grant in list(self._grants.items()):
            if grant.kind != "client_credentials":
                self._keep(token, grant.kind, grant.ends, app_id=grant.app_id)

    def add_app(self, app_id: str, scopes: Collection[str] = SCOPES) -> str:
        """Another integration with a service key of its own; returns the key."""
        token = f"pat-na1-{secrets.token_hex(16)}"
        self._grants[token] = Grant(token, frozenset(scopes), app_id, "service_key")
        return token

    def kill_tokens(self) -> None:
        """End every token that OAuth gave out."""
        keys = (grant for grant in self._grants.values() if grant.kind == "service_key")
        self._grants = {grant.token: grant for grant in keys}

    def revoke_key(self) -> None:
        """Deactivate the service key: 401 from now on."""
        self._grants.pop(self.service_key, None)

    def rotate_key(self, *, grace: bool = False) -> str:
        """A new service key; the old one ends now, or after seven days of grace."""
        old = self._grants.pop(self.service_key, None)
        if grace and old is not None:
            ends = self._portal.clock.now() + timedelta(days=7)
            self._keep(old.token, "service_key", ends)
        self.service_key = f"pat-na1-{secrets.token_hex(16)}"
        self._keep(self.service_key, "service_key", None)
        return self.service_key

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer of the token door to a form."""
        if form.get("client_id") != self.client_id or form.get("client_secret") != (
            self.client_secret
        ):
            raise _refused("invalid_client", "missing or invalid client id or secret")
        match form.get("grant_type"):
            case "refresh_token":
                if form.get("refresh_token") != self.refresh_token:
                    raise _refused("invalid_grant", "missing or unknown refresh token")
                return self._new("access_token") | {"refresh_token": self.refresh_token}
            case "authorization_code":
                return self._new("access_token") | {"refresh_token": self.refresh_token}
            case "client_credentials":
                asked = frozenset(form.get("scope", "").split())
                lacking = asked - self.scopes - set(JOURNAL_SCOPES)
                if lacking:
                    raise _refused("invalid_scope", f"the app lacks {' '.join(sorted(lacking))}")
                return self._new("client_credentials", scopes=asked)
            case other:
                raise _refused("unsupported_grant_type", f"unknown grant type {other}")

    def introspect(self, form: Mapping[str, str]) -> dict[str, Any]:
        """What a token is good for."""
        grant = self._grants.get(form.get("token", ""))
        if grant is None or (grant.ends is not None and grant.ends <= self._portal.clock.now()):
            return {"active": False}
        left = 0 if grant.ends is None else (grant.ends - self._portal.clock.now()).total_seconds()
        return {
            "active": True,
            "token_type": "access_token",
            "token_use": "access_token",
            "token": grant.token,
            "client_id": self.client_id,
            "hub_id": self._portal.portal_id,
            "app_id": int(self.app_id),
            "user_id": 0,
            "scopes": sorted(grant.scopes),
            "expires_in": int(left),
            "is_private_distribution": True,
            "signed_access_token": {
                "appId": int(self.app_id),
                "expiresAt": int((self._portal.clock.seconds() + left) * 1000),
                "hubId": self._portal.portal_id,
                "hublet": "na1",
                "installingUserId": 0,
                "isPrivateDistribution": True,
                "isServiceAccount": False,
                "isUserLevel": False,
                "newSignature": "",
                "scopes": "",
                "scopeToScopeGroupPks": "",
                "signature": "",
                "trialScopes": "",
                "trialScopeToScopeGroupPks": "",
                "userId": 0,
            },
        }

    def about(self, token: str) -> dict[str, Any]:
        """What an app's own token stands for; 404 for a service key, 401 for an unknown one."""
        grant = self.grant_of(f"Bearer {token}")
        if grant.kind == "service_key" and not self.tells_scopes:
            raise not_found("This is no access token of a private app")
        return {
            "userId": 70_000_001,
            "hubId": self._portal.portal_id,
            "appId": int(grant.app_id),
            "scopes": sorted(grant.scopes),
        }

    def revoke(self, form: Mapping[str, str]) -> None:
        """End a token; an unknown one is no error."""
        self._grants.pop(form.get("token", ""), None)

    def _new(self, kind: str, *, scopes: frozenset[str] | None = None) -> dict[str, Any]:
        token = f"{kind}-{secrets.token_hex(16)}"
        self._keep(token, kind, self._portal.clock.now() + _LIFE, scopes=scopes)
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(_LIFE.total_seconds()),
            "hub_id": self._portal.portal_id,
            "scopes": sorted(self._grants[token].scopes),
            "token_use": kind,
            "user_id": 0,
        }

    def _keep(
        self,
        token: str,
        kind: str,
        ends: datetime | None,
        *,
        app_id: str | None = None,
        scopes: frozenset[str] | None = None,
    ) -> None:
        granted = self.scopes if scopes is None else scopes
        self._grants[token] = Grant(token, granted, app_id or self.app_id, kind, ends)


def require(grant: Grant, scopes: Collection[str]) -> None:
    """403 that names them, unless the credential has one of `scopes`."""
    if not grant.scopes.intersection(scopes):
        raise missing_scopes(list(scopes))


def _refused(error: str, message: str) -> Refusal:
    return Refusal(400, "BAD_AUTH_CODE", message, more={"error": error})
