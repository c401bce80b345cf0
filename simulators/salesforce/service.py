"""The org as an HTTP service: sessions, quota, faults, and the table of resources."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from simulators.salesforce.calls import RETIRED, VERSIONS, Call, Reply, not_allowed
from simulators.salesforce.chatter import Chatter
from simulators.salesforce.collections_api import CollectionsApi
from simulators.salesforce.composite import Composite
from simulators.salesforce.errors import Refusal, bad_json, missing_resource
from simulators.salesforce.oauth import OAuth
from simulators.salesforce.org import Org, Work
from simulators.salesforce.query_api import QueryApi
from simulators.salesforce.quota import Quota
from simulators.salesforce.rows_api import RowsApi
from simulators.salesforce.troubles import Trouble

_DATA = re.compile(r"/services/data/v(\d+\.\d)(?:/(.*))?")


@dataclass(frozen=True)
class Request:
    """What came over the wire; header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Seen:
    """One request as the org saw it; `status` 0 means that no answer was sent.

    `path` carries the query string; `wrote` names the rows and feed items it changed; `headers`
    are all but the token.
    """

    at: datetime
    method: str
    path: str
    body: Any
    status: int
    client_tag: str | None
    wrote: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the service is made of."""

    org: Org
    oauth: OAuth
    quota: Quota
    rows: RowsApi
    collections: CollectionsApi
    queries: QueryApi
    chatter: Chatter


class Service:
    """Turns one request into one reply, under the org's lock."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._org = parts.org
        self._composite = Composite(parts.org, self._resource)

    def begin(self) -> int:
        """Where the org stands when a request arrives; pass it to `serve`."""
        with self._org.lock:
            return self._org.sequence

    def serve(self, request: Request, began: int, trouble: Trouble | None) -> tuple[Reply, Seen]:
        """Act and answer; never raises for anything a client can send."""
        wrote: list[str] = []
        body: Any = None
        with self._org.lock:
            try:
                body = _body(request)
                reply = self._serve(request, body, began, trouble, wrote)
            except Refusal as refusal:
                wrote.clear()
                reply = Reply(refusal.status, refusal.alone())
            if _DATA.fullmatch(request.path) and self._counts(request.path):
                info = {"Sforce-Limit-Info": self._parts.quota.header()}
                reply = Reply(reply.status, reply.body, {**reply.headers, **info})
            return reply, self.seen(request, reply.status, body, wrote)

    def seen(
        self, request: Request, status: int, body: Any = None, wrote: list[str] | None = None
    ) -> Seen:
        """The record of a request."""
        path = f"{request.path}?{request.query}" if request.query else request.path
        return Seen(
            self._org.clock.now(),
            request.method,
            path,
            body,
            status,
            client_tag(request.headers),
            tuple(wrote or ()),
            {name: text for name, text in request.headers.items() if name != "authorization"},
        )

    def _serve(
        self, request: Request, body: Any, began: int, trouble: Trouble | None, wrote: list[str]
    ) -> Reply:
        path = request.path.rstrip("/")
        authorization = request.headers.get("authorization")
        if path == "/services/oauth2/token":
            if request.method != "POST":
                return Reply(405, {"error": "invalid_request"})
            return self._parts.oauth.token(body, authorization)
        if path == "/services/oauth2/userinfo":
            return Reply(200, self._parts.oauth.userinfo(self._parts.oauth.user_of(authorization)))
        if path == "/services/data":
            return Reply(200, [_version(number) for number in VERSIONS])
        found = _DATA.fullmatch(path)
        if not found:
            raise missing_resource()
        user = self._parts.oauth.user_of(authorization)
        if trouble is not None and trouble.refusal is not None:
            raise trouble.refusal
        self._parts.quota.spend()
        work = Work(user, through_api=True, seen_up_to=began)
        work.harms = [] if trouble is None else list(trouble.rows)
        call = Call(
            method=request.method,
            version=found.group(1),
            rest=found.group(2) or "",
            work=work,
            query=dict(parse_qsl(request.query, keep_blank_values=True)),
            headers=request.headers,
            body=body,
        )
        with self._org.transaction():
            feed = len(self._org.feed)
            reply = self._resource(call)
            wrote += [*self._org.uncommitted(), *(i["Id"] for i in self._org.feed[feed:])]
        return reply

    def _resource(self, call: Call) -> Reply:
        if call.version in RETIRED:
            raise Refusal(410, "GONE", "API version deprecated")
        if call.version not in VERSIONS:
            raise missing_resource()
        head, _, rest = call.rest.partition("/")
        match head, rest:
            case "", "":
                return Reply(200, _resources(call.version))
            case "limits", "":
                _get_only(call)
                return Reply(200, self._parts.quota.limits())
            case "sobjects", _:
                return self._parts.rows.answer(call)
            case (("query" | "queryAll"), _):
                return self._parts.queries.answer(call)
            case "composite", "":
                return self._composite.composite(call)
            case "composite", "batch":
                return self._composite.batch(call)
            case "composite", _ if rest == "sobjects" or rest.startswith("sobjects/"):
                return self._parts.collections.answer(call)
            case "chatter", "feed-elements":
                return self._parts.chatter.answer(call)
            case _:
                raise missing_resource()

    @staticmethod
    def _counts(path: str) -> bool:
        return path.rstrip("/") != "/services/data"


def client_tag(headers: Mapping[str, str]) -> str | None:
    """The `client=` part of Sforce-Call-Options."""
    found = re.search(r"client\s*=\s*([^,;]+)", headers.get("sforce-call-options", ""))
    return found.group(1).strip() if found else None


def _body(request: Request) -> Any:
    if not request.body:
        return {} if request.path.startswith("/services/oauth2/") else None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.path.startswith("/services/oauth2/"):
        return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    if request.method in ("GET", "HEAD"):
        return None
    if kind != "application/json":
        text = f"Content type {kind or '(none)'} is not supported"
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", text)
    try:
        return json.loads(request.body)
    except ValueError:
        raise bad_json("Unexpected character in the request body at [line:1, column:1]") from None


def _get_only(call: Call) -> None:
    if call.method not in ("GET", "HEAD"):
        raise not_allowed(call.method, "GET,HEAD")


def _version(number: str) -> dict[str, str]:
    years, season = divmod(int(float(number)) - 31, 3)
    name = ("Summer", "Winter", "Spring")[season]
    year = 14 + years + (season > 0)
    return {
        "label": f"{name} '{year:02d}",
        "url": f"/services/data/v{number}",
        "version": number,
    }


def _resources(version: str) -> dict[str, str]:
    names = ("sobjects", "query", "queryAll", "composite", "limits", "chatter")
    return {name: f"/services/data/v{version}/{name}" for name in names}
