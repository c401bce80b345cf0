"""An HTTP session that always times out, never retries by itself, and keeps out of transactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from domain.boundary import assert_no_transaction


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long one request may wait, in seconds: for the connection, and for each answer byte."""

    connect: float = 5.0
    read: float = 30.0

    @property
    def pair(self) -> tuple[float, float]:
        """The form that `requests` takes."""
        return (self.connect, self.read)


class BoundaryAdapter(HTTPAdapter):
    """Sends with a timeout always, refuses inside a transaction, and can redirect an origin.

    `origins` maps an origin to another ("https://x.my.salesforce.com" to "http://127.0.0.1:9001"):
    some SDKs build https addresses that no setting changes, and a simulator speaks http. A path
    in the target is put before the request's own.
    """

    def __init__(
        self,
        *,
        timeouts: Timeouts,
        pool: int,
        origins: Mapping[str, str] | None = None,
    ) -> None:
        self._timeouts = timeouts
        self._proxies: dict[str, dict[str, str]] = {}
        self._origins = {_origin(key): value.rstrip("/") for key, value in (origins or {}).items()}
        super().__init__(pool_connections=pool, pool_maxsize=pool, max_retries=0)

    def send(  # type: ignore[override]  # the base spells its parameters out; all pass through
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        """Send one request, once."""
        url = request.url or ""
        assert_no_transaction(f"{request.method} {_origin(url)}")
        if options.get("timeout") is None:
            options["timeout"] = self._timeouts.pair
        target = self._origins.get(_origin(url))
        if target is not None:
            request.url = _moved(url, target)
            # A proxy chosen for the public host must not see what is meant for this machine.
            options["proxies"] = {}
        elif not options.get("proxies"):
            options["proxies"] = self._proxies_for(url)
        return super().send(request, **options)

    def _proxies_for(self, url: str) -> dict[str, str]:
        """The environment's proxies, looked up once per origin: it costs a quarter of a call."""
        origin = _origin(url)
        if origin not in self._proxies:
            self._proxies[origin] = get_environ_proxies(url)
        return self._proxies[origin]


def new_session(
    *,
    timeouts: Timeouts | None = None,
    pool: int = 10,
    origins: Mapping[str, str] | None = None,
) -> requests.Session:
    """A session for one connector: timeouts on every request, `pool` kept connections, no retries.

    Safe to share between threads for requests that set no cookies. A request made while
    `domain.boundary.transaction_open` is in force raises `HttpInTransaction`. The environment's
    proxies and certificates are honoured as they are now; a netrc file is not, because it would
    silently replace the credential that a request carries.
    """
    session = requests.Session()
    environment = session.merge_environment_settings("https://", {}, None, None, None)
    session.verify = environment["verify"]
    session.trust_env = False
    adapter = BoundaryAdapter(timeouts=timeouts or Timeouts(), pool=pool, origins=origins)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _moved(url: str, target: str) -> str:
    parts, base = urlsplit(url), urlsplit(target)
    return urlunsplit((base.scheme, base.netloc, base.path + parts.path, parts.query, ""))
