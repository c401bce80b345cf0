"""What HubSpot says went wrong, translated into what should happen next, by one table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from connectors.kit.redaction import redact
from domain.errors import (
    Bug,
    Conflict,
    Gone,
    KidgloveError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)

SECOND_PAUSE = timedelta(seconds=1)
WINDOW_PAUSE = timedelta(seconds=10)
DAY_PAUSE = timedelta(minutes=15)
"""The day ends at midnight of the portal's zone; asking four times an hour costs little."""
LOCK_PAUSE = timedelta(seconds=2)
MOVE_PAUSE = timedelta(hours=1)
"""A portal that moves between data centres answers 477 for up to a day."""
LONGEST_WORDS = 240
"""An admin's validation rule is a sentence; longer texts repeat the request."""


class Cause(StrEnum):
    """What a refusal comes down to; each has one error class and one remedy."""

    CREDENTIAL = "credential"
    SCOPE = "scope"
    LIMIT = "limit"
    LOCKED = "locked"
    MOVING = "moving"
    UNWELL = "unwell"
    UNCLEAR = "unclear"
    """The vendor's fault after it may have acted."""
    RACE = "race"
    GONE = "gone"
    PROPERTY = "property"
    """A property is missing, hidden or may not be written."""
    OPTION = "option"
    """The word is not among the options of the property."""
    VALUE = "value"
    RULE = "rule"
    """The portal's own validation refuses the write."""
    VERSION = "version"


CAUSES: Mapping[str, Cause] = {
    "INVALID_AUTHENTICATION": Cause.CREDENTIAL,
    "EXPIRED_AUTHENTICATION": Cause.CREDENTIAL,
    "MISSING_SCOPES": Cause.SCOPE,
    "USER_DOES_NOT_HAVE_PERMISSIONS": Cause.SCOPE,
    "BANNED": Cause.SCOPE,
    "RATE_LIMIT": Cause.LIMIT,
    "RATE_LIMITS": Cause.LIMIT,
    "LOCKED": Cause.LOCKED,
    "MIGRATION_IN_PROGRESS": Cause.MOVING,
    "PROPERTY_DOESNT_EXIST": Cause.PROPERTY,
    "PROPERTY_NOT_FOUND": Cause.PROPERTY,
    "READ_ONLY_VALUE": Cause.PROPERTY,
    "INVALID_OPTION": Cause.OPTION,
    "INVALID_DATE": Cause.VALUE,
    "INVALID_LONG": Cause.VALUE,
    "INVALID_INTEGER": Cause.VALUE,
    "INVALID_NUMBER": Cause.VALUE,
    "INVALID_DOUBLE": Cause.VALUE,
    "INVALID_BOOLEAN": Cause.VALUE,
    "INVALID_OWNER_ID": Cause.VALUE,
    "VALUE_TOO_LONG": Cause.VALUE,
    "PROPERTY_VALUE_TOO_LONG": Cause.VALUE,
    "VALUE_NOT_UNIQUE": Cause.RACE,
    "CONFLICTING_UNIQUE_VALUE": Cause.RACE,
    "OBJECT_ALREADY_EXISTS": Cause.RACE,
    "CONFLICT": Cause.RACE,
    "OBJECT_NOT_FOUND": Cause.GONE,
    "RESOURCE_NOT_FOUND": Cause.GONE,
    "VALIDATION_RULE": Cause.RULE,
    "REQUIRED_PROPERTY_MISSING": Cause.RULE,
    "REQUIRED_FIELD": Cause.RULE,
    "PROPERTY_VALIDATION_FAILED": Cause.RULE,
    "CONDITIONAL_PROPERTY_REQUIRED": Cause.RULE,
    "VALIDATION_ERROR": Cause.RULE,
    "API_SUNSET": Cause.VERSION,
}
"""Every code and category that has a meaning for us; any other is judged by its status."""
BY_STATUS: Mapping[int, Cause] = {
    401: Cause.CREDENTIAL,
    403: Cause.SCOPE,
    404: Cause.GONE,
    409: Cause.RACE,
    410: Cause.VERSION,
    423: Cause.LOCKED,
    429: Cause.LIMIT,
    477: Cause.MOVING,
}
"""What is left to go by where the body says nothing: a proxy's page, or an older endpoint."""
_STATUS_RULES = frozenset({401, 403, 423, 429, 477})
"""Statuses that say it all, whatever stands in the body."""
_LISTED = re.compile(r"\[\{.*\}\]", re.S)
_QUOTED = re.compile(r"[Pp]roperty \"?'?([a-z][a-z0-9_]*)'?\"?")


class MissingScope(Misconfigured):
    """The credential lacks a scope: `scopes` names those of which one is needed."""

    def __init__(self, message: str, *, scopes: tuple[str, ...]) -> None:
        self.scopes = scopes
        named = " or ".join(scopes)
        super().__init__(
            message,
            row=scopes[0] if scopes else "hubspot",
            remedy=f"Add the scope {named or 'that the doctor names'} to the service key or app in "
            "HubSpot, then run `kidglove doctor`.",
        )


@dataclass(frozen=True, kw_only=True)
class VendorError:
    """One refusal as HubSpot states it, of a whole call or of some rows of a batch.

    `message` may hold data: it is read, and only that of the portal's own rules is repeated.
    """

    category: str = ""
    message: str = ""
    codes: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    policy: str = ""
    ids: tuple[str, ...] = ()
    """The rows of a batch that it concerns, by record id or by the trace id that we gave."""
    details: tuple[str, ...] = field(default=())

    @property
    def cause(self) -> Cause | None:
        """The first code or category that the table knows."""
        for code in (*self.codes, self.category):
            if (found := CAUSES.get(code.upper())) is not None:
                return found
        return None


def stated(body: Any) -> VendorError:
    """The refusal in a reply body, whichever of HubSpot's shapes it has; empty if it has none.

    # VENDOR: older endpoints put the list of wrong properties as JSON text into `message`, newer
    # ones into `errors` with `code` and `context` (CRM API guide, error handling).
    """
    if not isinstance(body, Mapping):
        return VendorError()
    message = str(body.get("message") or "")
    listed = body.get("errors")
    parts = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    parts += _listed_in(message)
    context = _context(body)
    codes: list[str] = []
    names: list[str] = list(context.get("properties", ())) + list(context.get("propertyName", ()))
    scopes: list[str] = list(context.get("requiredGranularScopes", ()))
    ids: list[str] = []
    for key in ("objectWriteTraceId", "ids", "id", "fromObjectId"):
        ids += context.get(key, ())
    details: list[str] = []
    for part in parts:
        inner = _context(part)
        codes += [str(part[key]) for key in ("code", "error", "subCategory") if part.get(key)]
        names += [*inner.get("propertyName", ()), *inner.get("properties", ())]
        names += [str(part["name"])] if isinstance(part.get("name"), str) else []
        names += [str(part["in"])] if isinstance(part.get("in"), str) else []
        scopes += [*inner.get("requiredGranularScopes", ()), *inner.get("requiredScopes", ())]
        ids += [*inner.get("ids", ()), *inner.get("id", ())]
        details.append(str(part.get("message") or ""))
    if isinstance(body.get("subCategory"), str):
        codes.append(str(body["subCategory"]).rpartition(".")[2])
    if not names and (found := _QUOTED.search(message)) is not None:
        names.append(found.group(1))
    return VendorError(
        category=str(body.get("category") or body.get("errorType") or ""),
        message=message,
        codes=tuple(dict.fromkeys(codes)),
        properties=tuple(dict.fromkeys(names)),
        scopes=tuple(dict.fromkeys(scopes)),
        policy=str(body.get("policyName") or ""),
        ids=tuple(dict.fromkeys(ids)),
        details=tuple(filter(None, details)),
    )


def classified(
    status: int,
    error: VendorError,
    *,
    record: str,
    is_write: bool,
    retry_after: timedelta | None = None,
) -> KidgloveError:
    """The error class for a refusal that concerns `record` (our words, no data of a customer)."""
    cause = None if status in _STATUS_RULES else error.cause
    cause = cause or BY_STATUS.get(status)
    if cause is None and (status >= 500 or status < 300):
        cause = Cause.UNCLEAR
    said = ", ".join(filter(None, dict.fromkeys((*error.codes, error.category))))
    named = f" ({', '.join(error.properties)})" if error.properties else ""
    text = f"HubSpot refused {record}: {said or status}{named}"
    first = error.properties[0] if error.properties else ""
    match cause:
        case Cause.CREDENTIAL:
            return Unauthorized(
                text,
                remedy="Give the service key or the app's access token that HubSpot shows now, "
                "then run `kidglove doctor`.",
            )
        case Cause.SCOPE:
            lacking = f"; it needs {' or '.join(error.scopes)}" if error.scopes else ""
            return MissingScope(f"{text}{lacking}", scopes=error.scopes)
        case Cause.LIMIT:
            return _limited(text, error, retry_after)
        case Cause.LOCKED:
            return RateLimited(text, after=retry_after or LOCK_PAUSE)
        case Cause.MOVING:
            return RateLimited(
                text,
                after=retry_after or MOVE_PAUSE,
                remedy="HubSpot is moving the portal; it goes on by itself when that is done.",
            )
        case Cause.UNWELL:
            return Transient(text)
        case Cause.UNCLEAR:
            return OutcomeUnknown(text) if is_write else Transient(text)
        case Cause.RACE:
            return Conflict(text)
        case Cause.GONE:
            return Gone(text)
        case Cause.PROPERTY:
            return Misconfigured(
                text,
                row=first,
                remedy=f"Make {first or 'the property'} writable, or run `kidglove hubspot setup`, "
                "which creates what is missing.",
            )
        case Cause.OPTION:
            return Misconfigured(
                text, row=first, remedy=f"Map {first or 'it'} to an option's internal value."
            )
        case Cause.VALUE:
            return Rejected(text, field=first)
        case Cause.RULE:
            return Rejected(
                f"{text}{_words(error)}",
                field=first,
                remedy="A validation rule or required property of the portal refuses it: adjust "
                "that rule, then replay the effect.",
            )
        case Cause.VERSION:
            return Misconfigured(
                text, row="hubspot", remedy="This API version is no longer served: update Kidglove."
            )
        case None:
            return Bug(text)


def concerns_rows(problem: KidgloveError) -> bool:
    """Whether a refused batch may hide innocent rows: then it is sent again in halves."""
    if isinstance(problem, MissingScope):
        return False
    return isinstance(problem, Conflict | Rejected | Gone | Misconfigured)


def _limited(text: str, error: VendorError, retry_after: timedelta | None) -> RateLimited:
    said = f"{error.policy} {error.message}".lower()
    if "daily" in said:
        return RateLimited(
            f"{text}: the day's calls are used up",
            after=retry_after or DAY_PAUSE,
            remedy="It goes on at midnight of the portal's time zone; find the other consumer in "
            "HubSpot, Development, Monitoring.",
        )
    # "ten_secondly" holds "secondly": the longer word first.
    pause = WINDOW_PAUSE if "ten_secondly" in said or "ten secondly" in said else SECOND_PAUSE
    return RateLimited(text, after=retry_after or pause)


def _words(error: VendorError) -> str:
    """What the portal's own rules say: an admin wrote it, and without it nobody finds the rule."""
    said = "; ".join(dict.fromkeys(error.details)) or error.message
    told = redact(" ".join(said.split()))
    return f": “{told[:LONGEST_WORDS]}”" if told else ""


def _context(part: Mapping[str, Any]) -> dict[str, list[str]]:
    found = part.get("context")
    if not isinstance(found, Mapping):
        return {}
    return {
        str(key): [str(one) for one in value] if isinstance(value, list) else [str(value)]
        for key, value in found.items()
    }


def _listed_in(message: str) -> list[Mapping[str, Any]]:
    found = _LISTED.search(message)
    try:
        items = json.loads(found.group()) if found else []
    except ValueError:
        return []
    return [one for one in items if isinstance(one, Mapping)]
