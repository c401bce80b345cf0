"""The portal as an HTTP service: credentials, limits, faults, and the table of resources."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl

from simulators.hubspot.access import Access
from simulators.hubspot.associations_api import AssociationsApi
from simulators.hubspot.batch_api import BatchApi
from simulators.hubspot.calls import Call, Path, Reply, path_of
from simulators.hubspot.directory_api import DirectoryApi
from simulators.hubspot.errors import Refusal, bad_json, no_such_path, not_found
from simulators.hubspot.journal import FILES
from simulators.hubspot.limits import Limits
from simulators.hubspot.objects_api import ObjectsApi
from simulators.hubspot.portal import Portal
from simulators.hubspot.properties_api import PropertiesApi
from simulators.hubspot.search_api import SearchApi
from simulators.hubspot.troubles import Trouble
from simulators.hubspot.writing import Work


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
    """One request as the portal saw it; `status` 0 means that no answer was sent.

    `path` carries the query string; `wrote` names the records it changed, as `type/id`; `headers`
    are all but the token.
    """

    at: datetime
    method: str
    path: str
    body: Any
    status: int
    wrote: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class Area(Protocol):
    """Another API of the portal, behind paths of its own."""

    def answer(self, call: Call) -> Reply: ...


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the service is made of; `areas` are answered by path."""

    portal: Portal
    access: Access
    limits: Limits
    objects: ObjectsApi
    batches: BatchApi
    search: SearchApi
    associations: AssociationsApi
    properties: PropertiesApi
    directory: DirectoryApi
    files: Callable[[str], Reply]
    areas: Mapping[str, Area] = field(default_factory=dict)


class Service:
    """Turns one request into one reply, under the portal's lock."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._portal = parts.portal

    def serve(self, request: Request, trouble: Trouble | None) -> tuple[Reply, Seen]:
        """Act and answer; never raises for anything a client can send."""
        wrote: list[str] = []
        body: Any = None
        correlation = str(uuid.uuid4())
        with self._portal.lock:
            try:
                if request.path.startswith(FILES):
                    reply = self._parts.files(request.path.removeprefix(FILES))
                    return reply, self.seen(request, reply.status)
                path = path_of(request.path)
                body = _body(request)
                if path is None:
                    raise no_such_path()
                reply = self._serve(request, path, body, trouble, wrote)
            except Refusal as refusal:
                wrote.clear()
                reply = refused(refusal, correlation)
            headers = {"X-HubSpot-Correlation-Id": correlation, **reply.headers}
            return Reply(reply.status, reply.body, headers), self.seen(
                request, reply.status, body, wrote
            )

    def seen(
        self, request: Request, status: int, body: Any = None, wrote: list[str] | None = None
    ) -> Seen:
        """The record of a request."""
        path = f"{request.path}?{request.query}" if request.query else request.path
        return Seen(
            self._portal.clock.now(),
            request.method,
            path,
            body,
            status,
            tuple(dict.fromkeys(wrote or ())),
            {name: text for name, text in request.headers.items() if name != "authorization"},
        )

    def _serve(
        self, request: Request, path: Path, body: Any, trouble: Trouble | None, wrote: list[str]
    ) -> Reply:
        if path.area == "oauth":
            return self._oauth(request, path, body)
        grant = self._parts.access.grant_of(request.headers.get("authorization"))
        if trouble is not None and trouble.refusal is not None:
            raise trouble.refusal
        search = path.area == "objects" and path.parts[1:2] == ("search",)
        limits = self._parts.limits
        limits.spend(grant.app_id, search=search)
        call = Call(
            method=request.method,
            path=path,
            grant=grant,
            work=Work(grant.source, ruled=path.version == "2026-09"),
            query=_query(request.query),
            body=body,
            harms=() if trouble is None else trouble.rows,
        )
        headers = {} if search else limits.headers(grant.app_id, kind=grant.kind)
        try:
            with self._portal.transaction():
                reply = self._resource(call)
                wrote += [f"{one.type}/{one.id}" for one in self._portal.changes()]
        except Refusal as refusal:
            refusal.more["_headers"] = {**headers, **refusal.more.get("_headers", {})}
            raise
        return Reply(reply.status, reply.body, {**headers, **reply.headers})

    def _resource(self, call: Call) -> Reply:
        parts = self._parts
        match call.path.area:
            case "objects":
                return self._objects(call)
            case "associations":
                return parts.associations.answer(call)
            case "properties":
                return parts.properties.answer(call)
            case "owners":
                return parts.directory.owners(call)
            case "pipelines":
                return parts.directory.pipelines(call)
            case "account-info":
                return parts.directory.account(call)
            case area if area in parts.areas:
                return parts.areas[area].answer(call)
            case _:
                raise no_such_path()

    def _objects(self, call: Call) -> Reply:
        one = self._portal.type_of(call.parts[0]) if call.parts else None
        if one is None:
            raise not_found("Unable to infer object type")
        match call.parts[1:]:
            case (_, "associations", *_):
                return self._parts.associations.of_record(call, one)
            case _ if call.path.version == "v4":
                raise no_such_path()
            case ("search",):
                return self._parts.search.answer(call, one)
            case ("batch", _):
                return self._parts.batches.answer(call, one)
            case _:
                return self._parts.objects.answer(call, one)

    def _oauth(self, request: Request, path: Path, body: Any) -> Reply:
        form = body if isinstance(body, dict) else {}
        access = self._parts.access
        match request.method, path.parts:
            case "POST", ("private-apps", "get", "access-token-info"):
                return Reply(200, access.about(str(form.get("tokenKey"))))
            case "POST", ("token",):
                return Reply(200, access.token(form))
            case "POST", ("token", "introspect"):
                return Reply(200, access.introspect(form))
            case "POST", ("token", "revoke"):
                access.revoke(form)
                return Reply(204)
            case _:
                raise no_such_path()


def refused(refusal: Refusal, correlation: str) -> Reply:
    """A refusal as an answer."""
    body = refusal.alone(correlation)
    headers = body.pop("_headers", {})
    if refusal.status == 429:
        body["requestId"] = correlation
    return Reply(refusal.status, body, headers)


def _query(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _body(request: Request) -> Any:
    if not request.body:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    if request.method in ("GET", "HEAD"):
        return None
    try:
        return json.loads(request.body)
    except ValueError:
        raise bad_json() from None
