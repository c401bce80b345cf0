"""The mappings and the reasons of values for programs: JSON, with a token in each request.

A browser never sends such a token by itself, so no other site can speak in somebody's name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.access import Access, TooManyTries
from console.drafting import systems
from console.people import Known
from domain.errors import Conflict, Gone, KidgloveError
from domain.wording import clean
from jobs.applying import NotApplied, reach, refuse_alone
from jobs.runtime import SYSTEMS, Runtime
from jobs.versions import Version, check, history, in_force, version
from jobs.why import why
from mappings.findings import Finding, errors
from mappings.yaml_source import MAX_BYTES, decoded
from settings import ConsoleRole
from store.system import ConfigVersion
from sync.configs import mapping_name

SHARED = "admin"
"""Who does it where the shared token comes without a name."""
LONGEST_BODY = 4 * MAX_BYTES
"""A whole mapping inside JSON, every sign of it escaped."""
YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/plain", "text/x-yaml")


class Refused(Exception):
    """The request is not carried out; the answer says why and what to do."""

    def __init__(self, status: int, error: str, message: str, remedy: str = "", **more: Any):
        super().__init__(message)
        self.status = status
        self.body = {"error": error, "message": message, "remedy": remedy, **more}
        self.headers: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A new version that somebody asks for. `base` is the version that it was made over."""

    text: str
    note: str
    base: str | None


class Api:
    """The interface over one runtime."""

    def __init__(self, runtime: Runtime, access: Access) -> None:
        self._runtime = runtime
        self._access = access

    def app(self) -> Starlette:
        """The ASGI application, to be mounted at /api."""
        return Starlette(
            routes=[
                Route("/mappings", self._list, methods=["GET"]),
                Route("/mappings/{crm}", self._get, methods=["GET"]),
                Route("/mappings/{crm}", self._put, methods=["PUT"]),
                Route("/mappings/{crm}/versions", self._versions, methods=["GET"]),
                Route("/mappings/{crm}/versions/{number:int}", self._version, methods=["GET"]),
                Route("/why", self._why, methods=["GET"]),
            ],
            exception_handlers={
                Refused: _refused,
                HTTPException: _no_page,
                KidgloveError: _problem,
                sa.exc.OperationalError: _no_database,
                Exception: _broken,
            },
        )

    # -- what is asked

    def _list(self, request: Request) -> Response:
        self._known(request)
        found = [(one, in_force(self._runtime, one)) for one in systems(self._runtime)]
        return JSONResponse(
            {"mappings": [{"system": one, "in_force": now.label} for one, now in found]}
        )

    def _get(self, request: Request) -> Response:
        self._known(request)
        system = self._system(request)
        return JSONResponse(_told(system, in_force(self._runtime, system)))

    def _versions(self, request: Request) -> Response:
        self._known(request)
        system = self._system(request)
        return JSONResponse(
            {
                "system": system,
                "in_force": in_force(self._runtime, system).label,
                "versions": [_line(one) for one in history(self._runtime, system)],
            }
        )

    def _version(self, request: Request) -> Response:
        self._known(request)
        system = self._system(request)
        found = version(self._runtime, system, request.path_params["number"])
        return JSONResponse(_told(system, found))

    def _why(self, request: Request) -> Response:
        self._known(request)
        asked = {
            name: clean(request.query_params.get(name, ""))
            for name in ("system", "record", "field")
        }
        missing = [name for name, value in asked.items() if not value]
        if missing:
            raise Refused(
                400,
                "incomplete",
                f"the address lacks {', '.join(missing)}",
                "Ask /api/why?system=salesforce&record=001...&field=Payment_Status__c.",
            )
        if asked["system"] not in SYSTEMS:
            raise Refused(
                404,
                "no_such_system",
                f"there is no system {asked['system']!r}",
                f"There are {', '.join(SYSTEMS)}.",
            )
        found = why(self._runtime, **asked)
        return JSONResponse(
            {**asked, "writes": [asdict(one) | {"at": one.at.isoformat()} for one in found]}
        )

    # -- what is done

    async def _put(self, request: Request) -> Response:
        known = self._known(request)
        if known.role is not ConsoleRole.ADMIN:
            raise Refused(
                403,
                "not_allowed",
                f"{known.name} may read mappings, not change them",
                "Ask an admin.",
            )
        system = self._system(request)
        wanted = await _wanted(request)
        by = known.name or clean(request.headers.get("x-kidglove-by", ""))[:60] or SHARED
        if known.name is None and self._access.people.is_taken(by):
            raise Refused(403, "name_taken", f"{by} has a token of their own", "Use that.")
        return await run_in_threadpool(self._put_in_force, system, wanted, by)

    def _put_in_force(self, system: str, wanted: Wanted, by: str) -> Response:
        runtime = self._runtime
        refuse_alone(runtime, author=None, by=by)
        found = check(system, wanted.text, name=f"{system}.yaml")
        if errors(found):
            raise Refused(
                422,
                "broken",
                f"the mapping has {len(errors(found))} mistakes, and nothing was changed",
                "Correct the named lines and send it again.",
                findings=[_finding(one) for one in found],
            )
        before = in_force(runtime, system)
        label = runtime.actions.apply_config(
            mapping_name(system), wanted.text, by=by, note=wanted.note, over=wanted.base
        )
        concerned = reach(runtime)
        return JSONResponse(
            {
                "applied": label,
                "is_new": label != before.label,
                "replaces": before.label,
                "by": by,
                "accounts": concerned.accounts,
                "open_cases": concerned.open_cases,
                "findings": [_finding(one) for one in found],
            },
            201 if label != before.label else 200,
        )

    # -- who asks

    def _known(self, request: Request) -> Known:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unknown("no token came with the request")
        try:
            known = self._access.bearer(token.strip())
        except TooManyTries as brake:
            refused = Refused(
                429,
                "too_many_tries",
                "too many wrong tokens",
                f"Try again in {brake.wait} seconds.",
            )
            refused.headers["retry-after"] = str(brake.wait)
            raise refused from brake
        if known is None:
            raise _unknown("this is nobody's token")
        return known

    def _system(self, request: Request) -> str:
        system: str = request.path_params["crm"]
        if system not in systems(self._runtime):
            raise Refused(
                404,
                "no_such_mapping",
                f"there is no mapping for {system!r} here",
                f"There are {', '.join(systems(self._runtime)) or 'none, as no CRM is connected'}.",
            )
        return system


def _unknown(message: str) -> Refused:
    refused = Refused(
        401, "no_token", message, "Send `Authorization: Bearer ...` with a token of the console."
    )
    refused.headers["www-authenticate"] = 'Bearer realm="kidglove"'
    return refused


async def _wanted(request: Request) -> Wanted:
    """The text, the note and the base: a JSON object, or YAML with the rest in the address."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Refused(413, "too_large", "the mapping is too large", "Split it.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    given: Mapping[str, Any]
    if kind == "application/json":
        try:
            given = json.loads(body)
        except ValueError as problem:
            raise Refused(400, "no_json", "the body is no JSON", SHAPE) from problem
        if not isinstance(given, dict):
            raise Refused(400, "no_object", "the body is no JSON object", SHAPE)
    elif kind in YAML or not kind:
        given = {**request.query_params, "text": decoded(body)}
    else:
        raise Refused(415, "no_text", f"a body of the kind {kind} is not read", SHAPE)
    text, note, base = (given.get(name) for name in ("text", "note", "base"))
    if not isinstance(text, str) or not text.strip():
        raise Refused(400, "no_text", "the request has no text of a mapping", SHAPE)
    if not isinstance(note, str) or not clean(note):
        raise Refused(400, "no_note", "the request does not say why", SHAPE)
    if base is not None and not isinstance(base, str):
        raise Refused(400, "no_base", "base is no label of a version", SHAPE)
    return Wanted(text=text, note=clean(note), base=base)


SHAPE = (
    'Send {"text": "the YAML", "note": "why"} as application/json, or the YAML itself as '
    "application/yaml with ?note=why."
)


def _told(system: str, found: Version) -> dict[str, Any]:
    return {
        "system": system,
        "version": found.number,
        "label": found.label,
        "text": found.text,
    }


def _line(one: ConfigVersion) -> dict[str, Any]:
    return {
        "version": one.version,
        "label": one.label,
        "at": one.at.isoformat(),
        "by": one.author,
        "note": one.note,
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {**asdict(one), "severity": one.severity.value}


# -- what goes wrong


def _refused(_: Request, problem: Exception) -> Response:
    if not isinstance(problem, Refused):
        raise problem
    return JSONResponse(problem.body, problem.status, headers=problem.headers)


def _no_page(_: Request, problem: Exception) -> Response:
    if not isinstance(problem, HTTPException):
        raise problem
    return JSONResponse(
        {"error": "not_here", "message": problem.detail, "remedy": "Look at the address."},
        problem.status_code,
        headers=problem.headers,
    )


def _problem(_: Request, problem: Exception) -> Response:
    if not isinstance(problem, KidgloveError):
        raise problem
    status = 404 if isinstance(problem, Gone) else 409
    if not isinstance(problem, Gone | Conflict | NotApplied):
        status = 503
    return JSONResponse(
        {"error": problem.code, "message": problem.message, "remedy": problem.remedy}, status
    )


def _no_database(_: Request, __: Exception) -> Response:
    return JSONResponse(
        {
            "error": "no_database",
            "message": "the database does not answer",
            "remedy": "Nothing was changed; try again in a moment.",
        },
        503,
    )


def _broken(_: Request, __: Exception) -> Response:
    return JSONResponse(
        {
            "error": "broken",
            "message": "a mistake of ours",
            "remedy": "The log of the console says why.",
        },
        500,
    )
