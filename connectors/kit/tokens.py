"""Access tokens that every worker shares: one login for all, renewed once when they go stale."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import jwt
import redis
import requests

from connectors.kit.transport import transport_error
from domain.errors import KidgloveError, RateLimited, Transient, Unauthorized

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFE = timedelta(minutes=3)
"""Long enough for a slow login, short enough that a stolen assertion is worthless."""
CACHED_FOR = timedelta(hours=12)
"""Vendors name no lifetime; a dead cached token costs one 401, a missing one costs a login."""
LOGIN_LOCK_SECONDS = 45
"""Longer than the slowest login, so that a crashed worker delays the others by no more."""
AWAY = 5.0
"""Seconds to leave an unreachable Redis alone: each try may cost several socket timeouts."""
TIMEOUTS = (3.05, 20.0)
"""Connect and read; a login that takes longer is an outage."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """A bearer token, the host that it is for, and the vendor's URL of who we are."""

    value: str = field(repr=False)
    instance_url: str
    identity: str = ""
    was_shared: bool = field(default=False, compare=False)
    """Another worker logged in for it, nobody knows how long ago: it may be stale as well."""


class TokenProvider(Protocol):
    """Gives the token to use, and a newer one when the vendor says that it is stale."""

    def token(self) -> Token:
        """The cached token, or that of a new login. Raises `Unauthorized`, `Transient`."""
        ...

    def refresh(self, stale: str) -> Token:
        """A token other than `stale`. Many workers with one stale token make one login."""
        ...


class Grant(Protocol):
    """The form of one login: which grant, signed with what."""

    @property
    def client_id(self) -> str:
        """The public id of the app."""
        ...

    def form(self, now: datetime) -> dict[str, str]:
        """The form fields of the token request."""
        ...


@dataclass(frozen=True, kw_only=True)
class JwtBearer:
    """RFC 7523: an assertion signed with our private key, for one user, with no secret sent."""

    client_id: str
    username: str
    audience: str
    private_key: str = field(repr=False)

    def form(self, now: datetime) -> dict[str, str]:
        """The form with a fresh assertion. Raises `Unauthorized` if the key cannot sign."""
        claims = {
            "iss": self.client_id,
            "sub": self.username,
            "aud": self.audience,
            "exp": int((now + ASSERTION_LIFE).timestamp()),
        }
        try:
            assertion = jwt.encode(claims, self.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise Unauthorized(
                f"the private key of app {self.client_id[:8]}... cannot sign",
                remedy="Give the whole RSA private key in PEM form, first and last line too.",
            ) from None
        return {"grant_type": JWT_BEARER, "assertion": assertion}


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """RFC 6749 4.4: the app's own id and secret; the vendor decides which user it runs as.

    `scopes` are asked for where the vendor grants only what is asked; none leaves it to the vendor.
    """

    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()

    def form(self, now: datetime) -> dict[str, str]:
        """The form with the app's secret."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        return form | {"scope": " ".join(self.scopes)} if self.scopes else form


class SharedTokens:
    """A `TokenProvider` over one grant, shared by all workers through Redis.

    The token is stored under the credential's name; a lock makes concurrent workers log in once.
    Without Redis (none given, or down) each process keeps its own token and still works.
    `remedies` maps a text of the vendor's refusal, lower case, to the sentence that tells the fix.
    """

    def __init__(
        self,
        grant: Grant,
        *,
        name: str,
        token_url: str,
        session: requests.Session,
        clock: Callable[[], datetime],
        store: redis.Redis | None = None,
        remedies: Mapping[str, str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._grant = grant
        self._name = name
        self._token_url = token_url
        self._session = session
        self._clock = clock
        self._redis = store
        self._monotonic = monotonic
        self._away_until = 0.0
        self._remedies = remedies or {}
        self._own: Token | None = None
        self._lock = threading.Lock()

    def token(self) -> Token:
        """See `TokenProvider.token`."""
        return self._own or self._cached() or self._renew(stale="")

    def refresh(self, stale: str) -> Token:
        """See `TokenProvider.refresh`."""
        return self._renew(stale=stale)

    def __reduce__(self) -> str:
        raise TypeError("a token provider holds a secret and is never pickled")

    def _renew(self, stale: str) -> Token:
        with self._lock, self._alone():
            found = self._cached()
            if found is not None and found.value != stale:
                found = replace(found, was_shared=True)
            else:
                found = self._log_in()
                self._keep(found)
            self._own = found
            return found

    @property
    def _key(self) -> str:
        return f"kidglove:token:{self._name}"

    @property
    def _store(self) -> redis.Redis | None:
        return self._redis if self._monotonic() >= self._away_until else None

    def _cached(self) -> Token | None:
        if (store := self._store) is None:
            return self._own
        try:
            text = store.get(self._key)
        except redis.RedisError:
            self._went_away()
            return self._own
        try:
            return Token(**json.loads(text)) if isinstance(text, str | bytes) else None
        except (ValueError, TypeError):
            return None

    def _keep(self, token: Token) -> None:
        if (store := self._store) is not None:
            try:
                store.set(self._key, json.dumps(vars(token)), ex=CACHED_FOR)
            except redis.RedisError:
                self._went_away()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """The only login under way, anywhere; without Redis the only one of this process."""
        store = self._store
        lock = store.lock(f"{self._key}:lock", timeout=LOGIN_LOCK_SECONDS) if store else None
        is_held = False
        try:
            is_held = bool(lock and lock.acquire(blocking_timeout=LOGIN_LOCK_SECONDS))
        except redis.RedisError:
            self._went_away()
        try:
            yield
        finally:
            if lock and is_held:
                # A lock that ran out meanwhile is somebody else's; ours needs no release then.
                with contextlib.suppress(redis.RedisError):
                    lock.release()

    def _went_away(self) -> None:
        self._away_until = self._monotonic() + AWAY

    def _log_in(self) -> Token:
        form = self._grant.form(self._clock())
        try:
            reply = self._session.post(self._token_url, data=form, timeout=TIMEOUTS)
        except requests.RequestException as problem:
            raise transport_error(problem, call=f"login of {self._name}", is_write=False) from None
        try:
            said = reply.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise Transient(f"{self._name}: the token service answered {reply.status_code}")
        if reply.status_code == 200 and isinstance(said.get("access_token"), str):
            return Token(
                value=said["access_token"],
                instance_url=str(said.get("instance_url") or ""),
                identity=str(said.get("id") or ""),
            )
        raise self._refusal(reply.status_code, said)

    def _refusal(self, status: int, said: Mapping[str, object]) -> KidgloveError:
        error = str(said.get("error") or "no reason given")
        text = f"{error} {said.get('error_description') or ''}".lower()
        if "rate" in text and "exceeded" in text:
            return RateLimited(
                f"{self._name}: too many logins ({error})", after=timedelta(minutes=15)
            )
        if status >= 500 and "denied" not in text:
            return Transient(f"{self._name}: the token service answered {status} ({error})")
        remedy = next((fix for words, fix in self._remedies.items() if words in text), None)
        return Unauthorized(
            f"{self._name}: login of app {self._grant.client_id[:8]}... refused ({error})",
            remedy=remedy,
        )
