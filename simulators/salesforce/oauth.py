"""The token endpoint and the sessions it opens, on the org's own clock."""

from __future__ import annotations

import base64
import binascii
import functools
import hmac
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from simulators.salesforce.calls import Reply
from simulators.salesforce.errors import expired_session
from simulators.salesforce.org import Org

CONSUMER_KEY = "3MVG9.kidglove.simulated.consumer.key"
CONSUMER_SECRET = "SIMULATED0CONSUMER0SECRET"
USERNAME = "dunning.sync@example.com"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LOGINS_PER_HOUR = 3600
_LONGEST_ASSERTION = timedelta(minutes=5)


@functools.cache
def _keys() -> tuple[RSAPrivateKey, str, str]:
    # One pair per process: making a key takes longer than most tests that need one.
    key = generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key, private, public.decode()


def key_pair() -> tuple[str, str]:
    """The registered RSA pair as PEM: private, public."""
    return _keys()[1:]


@dataclass
class _Session:
    user: str
    used: datetime


class OAuth:
    """Opens sessions by JWT bearer or client credentials, and closes them by time or dial."""

    def __init__(self, org: Org, organization: str, user: str) -> None:
        self.session_length = timedelta(hours=2)
        self.audiences = {"https://login.salesforce.com", "https://test.salesforce.com"}
        self.approved = True
        self.logins = 0
        self.url = ""
        self.private_key, self.public_key = key_pair()
        self._org = org
        self._organization = organization
        self._user = user
        self._sessions: dict[str, _Session] = {}
        self._recent: deque[datetime] = deque()

    def kill_tokens(self) -> None:
        """End every session now; the next call with one gets INVALID_SESSION_ID."""
        self._sessions.clear()

    def user_of(self, authorization: str | None) -> str:
        """The user of a live session, whose time starts anew; Refusal 401 otherwise."""
        scheme, _, token = (authorization or "").partition(" ")
        session = self._sessions.get(token)
        now = self._org.clock.now()
        if scheme not in ("Bearer", "OAuth") or session is None:
            raise expired_session()
        user = self._org.get(session.user)
        if now - session.used >= self.session_length or not user or not user.get("IsActive"):
            del self._sessions[token]
            raise expired_session()
        session.used = now
        return session.user

    def token(self, form: Mapping[str, str], authorization: str | None) -> Reply:
        """Answer one token request."""
        grant = form.get("grant_type", "")
        if grant == JWT_BEARER:
            return self._jwt(form.get("assertion", ""))
        if grant == "client_credentials":
            return self._client_credentials(form, authorization)
        return _no(400, "unsupported_grant_type", "grant type not supported")

    def userinfo(self, user: str) -> dict[str, Any]:
        """The OpenID answer for a session's user."""
        row = self._org.live["User"][user]
        first, last = row.get("FirstName"), row.get("LastName")
        return {
            "sub": f"https://login.salesforce.com/id/{self._organization}/{user}",
            "user_id": user,
            "organization_id": self._organization,
            "preferred_username": row.get("Username"),
            "nickname": last,
            "name": " ".join(part for part in (first, last) if part),
            "email": row.get("Email"),
            "email_verified": True,
            "given_name": first,
            "family_name": last,
            "zoneinfo": row.get("TimeZoneSidKey"),
            "active": bool(row.get("IsActive")),
            "user_type": "STANDARD",
            "language": row.get("LanguageLocaleKey"),
            "locale": row.get("LocaleSidKey"),
            "urls": {"rest": f"{self.url}/services/data/v{{version}}/"},
        }

    def _jwt(self, assertion: str) -> Reply:
        try:
            claims = jwt.decode(
                assertion,
                self.public_key,
                algorithms=["RS256"],
                options={
                    "verify_exp": False,
                    "verify_aud": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            expires = int(claims.get("exp", 0))
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return _no(400, "invalid_grant", "invalid assertion")
        if claims.get("iss") != CONSUMER_KEY:
            return _no(400, "invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in self.audiences | {self.url}:
            return _no(400, "invalid_grant", "audience is invalid")
        now = self._org.clock.now().timestamp()
        if expires <= now:
            return _no(400, "invalid_grant", "expired authorization code")
        if expires > now + _LONGEST_ASSERTION.total_seconds():
            return _no(400, "invalid_grant", "assertion lives too long")
        user = next(
            (u for u in self._org.live["User"].values() if u.get("Username") == claims.get("sub")),
            None,
        )
        if not self.approved or user is None:
            return _no(400, "invalid_grant", "user hasn't approved this consumer")
        if not user.get("IsActive"):
            return _no(400, "invalid_grant", "inactive user")
        return self._open(user["Id"], {})

    def _client_credentials(self, form: Mapping[str, str], authorization: str | None) -> Reply:
        given = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        if given[0] != CONSUMER_KEY:
            return _no(400, "invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(given[1].encode(), CONSUMER_SECRET.encode()):
            return _no(401, "invalid_client", "invalid client credentials")
        if not self.approved:
            return _no(400, "invalid_grant", "no client credentials user enabled")
        issued = str(int(self._org.clock.now().timestamp() * 1000))
        return self._open(self._user, {"issued_at": issued, "signature": "c2ltdWxhdGVk"})

    def _open(self, user: str, more: Mapping[str, str]) -> Reply:
        now = self._org.clock.now()
        while self._recent and now - self._recent[0] >= timedelta(hours=1):
            self._recent.popleft()
        if len(self._recent) >= _LOGINS_PER_HOUR:
            return _no(400, "invalid_grant", "login rate exceeded")
        self._recent.append(now)
        self.logins += 1
        token = f"{self._organization[:15]}!AQ{secrets.token_urlsafe(36)}"
        self._sessions[token] = _Session(user, now)
        return Reply(
            200,
            {
                "access_token": token,
                "scope": "api",
                "instance_url": self.url,
                "id": f"https://login.salesforce.com/id/{self._organization}/{user}",
                "token_type": "Bearer",
                **more,
            },
            {"Cache-Control": "no-store"},
        )


def _no(status: int, error: str, words: str) -> Reply:
    return Reply(status, {"error": error, "error_description": words})


def _basic(authorization: str | None) -> tuple[str, str] | None:
    if not authorization or not authorization.startswith("Basic "):
        return None
    try:
        name, _, word = base64.b64decode(authorization[6:]).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(name), unquote(word)
