"""The one door to HubSpot: each call raw JSON, counted, limited, with a time limit, sent once.

The only module that knows the vendor's library. Import it before a fork, make a `Client` after it:
a connection that two processes share answers one of them with the other's record.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from operator import attrgetter
from types import ModuleType
from typing import Any

import hubspot.crm.associations.v4  # loaded here, once, before any fork
import hubspot.crm.objects
import hubspot.crm.owners
import hubspot.crm.pipelines
import hubspot.crm.properties  # noqa: F401
import urllib3
from hubspot import HubSpot
from requests.utils import get_environ_proxies

from connectors.hubspot.errors import VendorError, classified, stated
from connectors.hubspot.transport import transport_error
from connectors.hubspot.wire import Row
from connectors.kit.http import Timeouts
from connectors.kit.limits import Limiter, Unlimited
from connectors.kit.retry import Retry
from domain.boundary import assert_no_transaction
from domain.errors import Bug, KidgloveError, RateLimited

API_VERSION = "2026-09"
"""Served until March 2028; the library itself speaks v3 and v4, which end in 2027."""
BASE = "https://api.hubapi.com"
DAILY_SHARE = 0.95
"""Beyond this even urgent work stops: the portal's other integrations need the rest."""
TIMEOUTS = Timeouts(connect=3.05, read=20.0)
"""HubSpot answers a batch of a hundred in a second or two; twenty are an outage."""
SEARCH_WINDOW = timedelta(seconds=5)
"""A pause up to this is the search's own and no other call has to wait for it."""
_NO_RETRIES = urllib3.Retry(total=0, redirect=0, raise_on_redirect=False, raise_on_status=False)
"""One owner of retries: ours. Redirects are not followed, for the token would travel along."""
# VENDOR: the map is not uniform, and owners lose their trailing slash (API versioning guide).
_PATHS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^/crm/v[34]/(objects|associations|properties|pipelines)/"), r"/crm/\1/{v}/"),
    (re.compile(r"^/crm/v3/owners/$"), "/crm/owners/{v}"),
    (re.compile(r"^/crm/v3/owners/"), "/crm/owners/{v}/"),
)


class Api(Enum):
    """The parts of the library that we use, by their place in it."""

    BATCH = "crm.objects.batch_api"
    BASIC = "crm.objects.basic_api"
    SEARCH = "crm.objects.search_api"
    LINKS = "crm.associations.v4.batch_api"
    PROPERTIES = "crm.properties.core_api"
    GROUPS = "crm.properties.groups_api"
    OWNERS = "crm.owners.owners_api"
    PIPELINES = "crm.pipelines.pipelines_api"


def versioned(path: str) -> str:
    """The library's path in the version that we speak. `Bug` for one that the map does not know."""
    for pattern, target in _PATHS:
        if pattern.match(path):
            return pattern.sub(target.format(v=API_VERSION), path)
    if path.startswith("/crm/v"):
        raise Bug(f"the path {path.split('?')[0]} has no form in {API_VERSION}")
    return path


class _Refused(Exception):
    """HubSpot answered and said no."""

    def __init__(self, status: int, headers: Mapping[str, str], body: Any) -> None:
        super().__init__(str(status))
        self.status = status
        self.headers = headers
        self.error = stated(body)


class Client:
    """Calls one portal with one token. One per process or thread, never pickled.

    `calls` counts HTTP requests by kind; `window` is how many HubSpot allows in ten seconds, as its
    last answer said.
    """

    def __init__(
        self,
        token: str,
        *,
        base_url: str | None = None,
        limiter: Limiter | None = None,
        search_limiter: Limiter | None = None,
        timeouts: Timeouts = TIMEOUTS,
        retry: Retry | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.window: int | None = None
        self._retry = retry or Retry()
        self._token = token
        self._base = (base_url or BASE).rstrip("/")
        self._limiter = limiter or Unlimited()
        self._search_limiter = search_limiter or Unlimited()
        self._timeouts = timeouts
        self._pid = 0
        self._apis: dict[Api, Any] = {}
        self._pool: Any = None

    def __reduce__(self) -> str:
        raise TypeError("a client holds a token and is never pickled")

    def call(
        self,
        api: Api,
        method: str,
        *args: Any,
        kind: str,
        what: str,
        urgent: bool = False,
        is_write: bool = False,
        is_repeatable: bool = True,
        **options: Any,
    ) -> Row:
        """One call of the library, its answer as JSON. `what` names the record in our words.

        Raises the error class that says what happens next. A call that a second time changes
        nothing is repeated briefly while HubSpot is unwell.
        """
        # The answer as bytes: the library's models lose the errors in a successful reply.
        return self._carried_out(
            lambda: getattr(self._api(api), method)(*args, **options, _preload_content=False),
            kind=kind,
            what=what,
            urgent=urgent,
            is_write=is_write,
            is_repeatable=is_repeatable,
            is_search=api is Api.SEARCH,
        )

    def raw(self, method: str, path: str, body: Row | None = None, *, kind: str, what: str) -> Row:
        """A read that the library has no method for, over its connections and with its token."""
        return self._carried_out(
            lambda: self._api(Api.BASIC).api_client.call_api(
                path, method, body=body, auth_settings=["oauth2"], _preload_content=False
            ),
            kind=kind,
            what=what,
            urgent=True,
        )

    def token_info(self) -> Row:
        """What HubSpot knows of the token: hubId, appId, scopes.

        # VENDOR: the token travels in the body; the older call puts it into the address, and so
        # into logs (private app access tokens).
        """
        path = "/oauth/v2/private-apps/get/access-token-info"
        return self.raw("POST", path, {"tokenKey": self._token}, kind="token", what="the token")

    def _carried_out(
        self,
        send: Callable[[], Any],
        *,
        kind: str,
        what: str,
        urgent: bool,
        is_write: bool = False,
        is_repeatable: bool = True,
        is_search: bool = False,
    ) -> Row:
        def once() -> Row:
            if is_search:
                self._search_limiter.acquire(urgent)
            with self._limiter.slot(urgent):
                self.calls[kind] += 1
                answer = self._answer(send, call=f"{kind} ({what})", what=what, is_write=is_write)
            if isinstance(answer, RateLimited) and answer.after is not None:
                own = is_search and answer.after <= SEARCH_WINDOW
                (self._search_limiter if own else self._limiter).pause(answer.after)
            if isinstance(answer, KidgloveError):
                raise answer
            return answer

        return self._retry(once, is_repeatable=is_repeatable)

    def _answer(
        self, send: Callable[[], Any], *, call: str, what: str, is_write: bool
    ) -> Row | KidgloveError:
        try:
            reply = send()
            content, status = reply.data, int(reply.status)
        except _Refused as refusal:
            # The library's own texts repeat the reply: none of them becomes a cause.
            return classified(
                refusal.status,
                refusal.error,
                record=what,
                is_write=is_write,
                retry_after=_retry_after(refusal.headers),
            )
        except urllib3.exceptions.HTTPError as failure:
            return transport_error(failure, call=call, is_write=is_write)
        if status == 204 or not content:
            return {}
        try:
            said = json.loads(content)
        except ValueError:
            said = None
        if isinstance(said, Mapping):
            return said
        # A proxy's page where JSON should stand: what is behind it may have acted.
        return classified(299, VendorError(), record=what, is_write=is_write)

    # -- the library

    def _api(self, api: Api) -> Any:
        """The API object, made once for this process: the library makes a new one, with new
        connections, at every attribute access."""
        if self._pid != os.getpid():
            self._pid, self._pool = os.getpid(), None
            self._apis.clear()
        if api not in self._apis:
            client = HubSpot(access_token=self._token, api_factory=self._made)
            self._apis[api] = attrgetter(api.value)(client)
        return self._apis[api]

    def _made(self, package: ModuleType, name: str, config: Mapping[str, Any]) -> Any:
        """The library's `api_factory`: one API object over the connections that all share."""
        configuration = package.Configuration()
        configuration.access_token = config["access_token"]
        configuration.host = self._base
        configuration.retries = _NO_RETRIES
        if proxy := get_environ_proxies(self._base).get("https"):
            configuration.proxy = proxy
        api_client = package.ApiClient(configuration=configuration)
        api_client.user_agent = "kidglove"
        rest = api_client.rest_client
        self._pool = self._pool or rest.pool_manager
        rest.pool_manager = self._pool
        rest.request = self._sender(rest.request, package.ApiException)
        return getattr(package, name)(api_client=api_client)

    def _sender(self, send: Callable[..., Any], refusal: type[Exception]) -> Callable[..., Any]:
        """The library's own request, in our version, with our time limit, and never inside a
        transaction."""

        def sent(method: str, url: str, **options: Any) -> Any:
            assert_no_transaction(f"{method} {self._base}")
            options["_request_timeout"] = self._timeouts.pair
            options["_preload_content"] = False
            path = versioned(url.removeprefix(self._base))
            try:
                reply = send(method, self._base + path, **options)
            except refusal as no:
                failure = _refused(no)
            else:
                self._heard(reply.headers)
                return reply
            if isinstance(failure, _Refused):
                self._heard(failure.headers)
            raise failure

        return sent

    def _heard(self, headers: Mapping[str, str]) -> None:
        # VENDOR: answers to a search carry none of these headers, OAuth apps no daily ones.
        daily = _number(headers.get("X-HubSpot-RateLimit-Daily"))
        left = _number(headers.get("X-HubSpot-RateLimit-Daily-Remaining"))
        if daily is not None and left is not None:
            self._limiter.report(used=daily - left, limit=int(daily * DAILY_SHARE))
        self.window = _number(headers.get("X-HubSpot-RateLimit-Max")) or self.window


def _refused(no: Any) -> Exception:
    if not no.status:
        # VENDOR: the library hides a failed TLS handshake behind a refusal without a status.
        return urllib3.exceptions.SSLError("TLS")
    content = no.body if isinstance(no.body, bytes) else str(no.body or "").encode()
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    return _Refused(int(no.status), urllib3.HTTPHeaderDict(no.headers or {}), body)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    text = headers.get("Retry-After")
    if not text:
        return None
    try:
        return timedelta(seconds=max(0.0, min(float(text), 86_400.0)))
    except ValueError:
        pass
    try:
        moment, sent = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("Date", ""))
        return max(timedelta(0), moment - sent)
    except (ValueError, TypeError):
        return None
