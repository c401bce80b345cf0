"""What Salesforce says went wrong, translated into what should happen next, by one table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from connectors.kit.redaction import redact
from domain.errors import (
    Ambiguous,
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

QUOTA_PAUSE = timedelta(minutes=15)
"""Salesforce names no end of a used-up daily quota; this asks often enough and costs little."""
CONCURRENCY_PAUSE = timedelta(seconds=5)
"""Long calls end within seconds; a longer pause would only idle the workers."""


LONGEST_WORDS = 240
"""Flows put whole stack traces into their message; a rule's own sentence is shorter."""


class Cause(StrEnum):
    """What a refusal comes down to; each has one error class and one remedy."""

    SESSION = "session"
    QUOTA = "quota"
    CONTENTION = "contention"
    UNWELL = "unwell"
    UNCLEAR = "unclear"
    """The vendor's fault after it may have acted."""
    HALTED = "halted"
    """Not carried out because a sibling in the same call failed."""
    STALE = "stale"
    RACE = "race"
    GONE = "gone"
    VALUE = "value"
    RULE = "rule"
    MAPPING = "mapping"
    ACCESS = "access"
    EDITION = "edition"
    FULL = "full"


CAUSES: Mapping[str, Cause] = {
    "INVALID_SESSION_ID": Cause.SESSION,
    "INVALID_AUTH_HEADER": Cause.SESSION,
    "REQUEST_LIMIT_EXCEEDED": Cause.QUOTA,
    "UNABLE_TO_LOCK_ROW": Cause.CONTENTION,
    "SERVER_UNAVAILABLE": Cause.UNWELL,
    "QUERY_TIMEOUT": Cause.UNWELL,
    "REQUEST_RUNNING_TOO_LONG": Cause.UNWELL,
    "INVALID_QUERY_LOCATOR": Cause.UNWELL,
    "UNKNOWN_EXCEPTION": Cause.UNCLEAR,
    "PROCESSING_HALTED": Cause.HALTED,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Cause.HALTED,
    "PRECONDITION_FAILED": Cause.STALE,
    "DUPLICATE_VALUE": Cause.RACE,
    "ENTITY_IS_DELETED": Cause.GONE,
    "NOT_FOUND": Cause.GONE,
    "INVALID_CROSS_REFERENCE_KEY": Cause.GONE,
    "MALFORMED_ID": Cause.GONE,
    "STRING_TOO_LONG": Cause.VALUE,
    "NUMBER_OUTSIDE_VALID_RANGE": Cause.VALUE,
    "INACTIVE_OWNER_OR_USER": Cause.VALUE,
    "DUPLICATES_DETECTED": Cause.RULE,
    "REQUIRED_FIELD_MISSING": Cause.RULE,
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Cause.RULE,
    "FIELD_FILTER_VALIDATION_EXCEPTION": Cause.RULE,
    "FIELD_INTEGRITY_EXCEPTION": Cause.RULE,
    "CANNOT_EXECUTE_FLOW_TRIGGER": Cause.RULE,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Cause.RULE,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Cause.MAPPING,
    "INVALID_TYPE_ON_FIELD_IN_RECORD": Cause.MAPPING,
    "INVALID_FIELD": Cause.ACCESS,
    "INVALID_FIELD_FOR_INSERT_UPDATE": Cause.ACCESS,
    "INVALID_TYPE": Cause.ACCESS,
    "INSUFFICIENT_ACCESS": Cause.ACCESS,
    "INSUFFICIENT_ACCESS_OR_READONLY": Cause.ACCESS,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Cause.ACCESS,
    "API_CURRENTLY_DISABLED": Cause.EDITION,
    "API_DISABLED_FOR_ORG": Cause.EDITION,
    "UNSUPPORTED_API_VERSION": Cause.EDITION,
    "GONE": Cause.EDITION,
    "STORAGE_LIMIT_EXCEEDED": Cause.FULL,
}
"""Every errorCode that has a meaning for us (REST and row-level alike); any other is a `Bug`."""

SETUP_TEXTS: Mapping[str, str] = {
    "not valid for use with the rest api": (
        "Grant the integration user the permission API Enabled and the app the scope api."
    ),
    "connected app is not attached to agent": (
        "Use an External Client App of the integration user, not one that belongs to an agent."
    ),
}
"""Texts of a 401 that no new login cures."""

_FIELD_IN_TEXT = (
    re.compile(r"No such column '([\w.]+)'"),
    re.compile(r"relationship '(\w+)'"),
    re.compile(r"external ID field does not exist or is not accessible: (\w+)"),
    re.compile(r"sObject type '(\w+)' is not supported"),
    re.compile(r"bad value for restricted picklist field: (\w+)"),
)
_ENTITY_IN_TEXT = re.compile(r"on (?:entity|sobject of type) '?(\w+)'?")


class NoAccess(Misconfigured):
    """A field, object or relationship is missing or hidden: `names` says which, of `entity`."""

    def __init__(self, message: str, *, names: tuple[str, ...], entity: str) -> None:
        self.names = names
        self.entity = entity
        field = names[0] if names else ""
        super().__init__(
            message,
            row=field,
            remedy=f"Deploy the package and assign its permission set to the integration user, so "
            f"that {field or 'the field'} is visible and editable; then run `kidglove doctor`.",
        )


@dataclass(frozen=True, kw_only=True)
class VendorError:
    """One error as Salesforce states it. `message` may hold data: it is read, and only that of
    the org's own rules is repeated."""

    code: str
    message: str = ""
    fields: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The fields, objects or relationships that it names, in its list or in its text."""
        if self.fields:
            return self.fields
        return tuple(
            found.group(1)
            for pattern in _FIELD_IN_TEXT
            if (found := pattern.search(self.message)) is not None
        )

    @property
    def entity(self) -> str:
        """The object that its text names, or nothing."""
        found = _ENTITY_IN_TEXT.search(self.message)
        return found.group(1) if found else ""


def stated(content: Any) -> tuple[VendorError, ...]:
    """The errors in a reply body, whichever of the two shapes it has; empty if it has neither.

    # VENDOR: a single call says `errorCode`, a row of a collection says `statusCode`
    # (REST API Developer Guide, Status Codes and Error Responses; Collections).
    """
    items = content if isinstance(content, list) else [content]
    found: list[VendorError] = []
    for item in items:
        if not isinstance(item, Mapping):
            continue
        code = item.get("errorCode") or item.get("statusCode")
        if isinstance(code, str):
            named = item.get("fields")
            found.append(
                VendorError(
                    code=code,
                    message=str(item.get("message") or ""),
                    fields=tuple(map(str, named)) if isinstance(named, list) else (),
                )
            )
    return tuple(found)


def classified(
    status: int, errors: tuple[VendorError, ...], *, record: str, is_write: bool
) -> KidgloveError:
    """The error class for a refusal that concerns `record` (our words, no data of a customer).

    The errorCode decides, never the status: a lock may come as 500 and a quota as 403. Without
    any errorCode (a proxy's page) the status is all there is.
    """
    if not errors:
        return _by_status(status, record=record, is_write=is_write)
    first = errors[0]
    codes = ", ".join(dict.fromkeys(error.code for error in errors))
    named = tuple(dict.fromkeys(one for error in errors for one in error.named))
    where = f" ({', '.join(named)})" if named else ""
    said = f"Salesforce refused {record}: {codes}{where}"
    field = named[0] if named else ""
    match CAUSES.get(first.code):
        case Cause.SESSION:
            return _session(said, first.message)
        case Cause.QUOTA:
            return _quota(said, first.message)
        case Cause.CONTENTION:
            return Transient(
                said, remedy="Another transaction holds the record; it is tried again by itself."
            )
        case Cause.UNWELL | Cause.HALTED:
            return Transient(said)
        case Cause.UNCLEAR:
            return OutcomeUnknown(said) if is_write else Transient(said)
        case Cause.STALE | Cause.RACE:
            return Conflict(said)
        case Cause.GONE if "external ID field" in first.message:
            return NoAccess(said, names=named, entity=first.entity)
        case Cause.GONE:
            return Gone(said)
        case Cause.VALUE:
            return Rejected(said, field=field)
        case Cause.RULE:
            return Rejected(
                f"{said}{_words(errors)}",
                field=field,
                remedy="A rule, flow or required field of the org refuses it: adjust that rule for "
                "the integration user, then replay the effect.",
            )
        case Cause.MAPPING:
            return Misconfigured(
                said, row=field, remedy=f"Map {field or 'the field'} to a value that the org knows."
            )
        case Cause.ACCESS:
            return NoAccess(said, names=named, entity=first.entity)
        case Cause.EDITION:
            return Misconfigured(
                said,
                row="salesforce",
                remedy="The org's edition or API version does not allow this: run "
                "`kidglove doctor`; Professional edition needs the API add-on.",
            )
        case Cause.FULL:
            return Misconfigured(
                said, row="storage", remedy="Free data storage in the org, then replay."
            )
        case None:
            return Bug(said)


def setup_fault(errors: tuple[VendorError, ...]) -> Misconfigured | None:
    """The fault behind a 401 that a new token would not cure, or None."""
    for error in errors:
        for text, remedy in SETUP_TEXTS.items():
            if text in error.message.lower():
                return Misconfigured(
                    f"Salesforce refuses the integration user: {error.code}",
                    row="salesforce",
                    remedy=remedy,
                )
    return None


def _words(errors: tuple[VendorError, ...]) -> str:
    """What the org's own rules say: an admin wrote it, and without it nobody finds the rule."""
    told = dict.fromkeys(redact(" ".join(error.message.split())) for error in errors)
    said = "; ".join(filter(None, told))
    return f": “{said[:LONGEST_WORDS]}”" if said else ""


def _session(said: str, message: str) -> KidgloveError:
    fault = setup_fault((VendorError(code="INVALID_SESSION_ID", message=message),))
    return fault or Unauthorized(said)


def _quota(said: str, message: str) -> RateLimited:
    if "concurrent" in message.lower():
        return RateLimited(
            f"{said}: too many long calls at once",
            after=CONCURRENCY_PAUSE,
            remedy="It is tried again in seconds; run fewer Salesforce workers if it lasts.",
        )
    return RateLimited(
        f"{said}: the org's daily API calls are used up",
        after=QUOTA_PAUSE,
        remedy="It goes on when the rolling 24 hours allow; buy calls or find the other consumer "
        "in Setup, System Overview, API Usage.",
    )


def _by_status(status: int, *, record: str, is_write: bool) -> KidgloveError:
    said = f"Salesforce answered {status} about {record}"
    if status == 300:
        return Ambiguous(f"{said}: several records have this key")
    if status == 401:
        return Unauthorized(said)
    if status == 404:
        return Gone(said)
    if status == 412:
        return Conflict(said)
    if status >= 500 or status < 300:
        return OutcomeUnknown(said) if is_write else Transient(said)
    return Bug(said)
