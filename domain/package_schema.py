"""The parts of the context package: every leaf has a value and its source, or a reason."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from domain.case import CaseState, Hop, Outcome
from domain.facts import Meaning
from domain.holds import HeldByPromise, HeldByWord, Quiet
from domain.leaf import Known, Leaf, Missing
from domain.money import Money
from domain.policy import TaskKind

SCHEMA_ID = "https://kidglove.invalid/package.schema.json"
"""Names the schema; `.invalid` because nothing is ever fetched from there."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who the customer is. `record` is the CRM record; missing means that none is linked."""

    name: Leaf[str]
    record: Leaf[str]
    country: Leaf[str]
    country_note: Leaf[str]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What went wrong with the largest unpaid invoice of the case."""

    at: Leaf[datetime]
    amount: Leaf[Money]
    currency: Leaf[str]
    code: Leaf[str]
    plain_words: Leaf[str]
    class_: Leaf[str]
    fixer: Leaf[str]
    headline: Leaf[str]
    may_tell_customer: Leaf[str]
    likely_causes: Leaf[tuple[str, ...]]
    new_card_at: Leaf[datetime]


@dataclass(frozen=True, kw_only=True)
class OtherInvoice:
    """Another invoice of the same case."""

    id: str
    number: str
    open_amount: Money
    status: str


@dataclass(frozen=True, kw_only=True)
class InvoicePart:
    """The invoice that the task is about, and the others of the case."""

    id: Leaf[str]
    number: Leaf[str]
    erp_number: Leaf[str]
    erp_mismatch: Leaf[bool]
    status: Leaf[str]
    issued: Leaf[datetime]
    due: Leaf[datetime]
    open_amount: Leaf[Money]
    erp_amount: Leaf[Money]
    case_open: Leaf[tuple[Money, ...]]
    case_total: Leaf[tuple[Money, ...]]
    paid_at: Leaf[datetime]
    paid_by: Leaf[str]
    others: Leaf[tuple[OtherInvoice, ...]]


@dataclass(frozen=True, kw_only=True)
class AttemptPart:
    """One try to collect, oldest first in the list."""

    at: datetime
    result: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """All tries so far; `count` is the payment system's own number."""

    count: Leaf[int]
    tries: Leaf[tuple[AttemptPart, ...]]


@dataclass(frozen=True, kw_only=True)
class NextAttempt:
    """The next automatic try, and whether our quiet stands in its way."""

    at: Leaf[datetime]
    by: Leaf[str]
    suppressed: Leaf[bool]


@dataclass(frozen=True, kw_only=True)
class Value:
    """What the account is worth, and what its contract says."""

    arr: Leaf[Money]
    mrr_t3m: Leaf[Money]
    tier: Leaf[str]
    handled_as: Leaf[str]
    tenure_months: Leaf[int]
    seats: Leaf[int]
    expansion_arr: Leaf[Money]
    contract: Leaf[str]
    access: Leaf[str]
    renewal_at: Leaf[date]
    renewal_is_near: Leaf[bool]


@dataclass(frozen=True, kw_only=True)
class Health:
    """The health score as the CRM has it, and how old it is in days."""

    score: Leaf[str]
    source: Leaf[str]
    age: Leaf[int]
    is_stale: Leaf[bool]


@dataclass(frozen=True, kw_only=True)
class TicketPart:
    """One open support ticket."""

    title: str
    priority: Leaf[str]
    url: Leaf[str]


@dataclass(frozen=True, kw_only=True)
class Support:
    """Open support tickets: how many, and up to three of them."""

    open: Leaf[int]
    top3: Leaf[tuple[TicketPart, ...]]


@dataclass(frozen=True, kw_only=True)
class LastTouch:
    """When customer success last spoke with the customer."""

    at: Leaf[datetime]
    who: Leaf[str]
    kind: Leaf[str]
    line: Leaf[str]


@dataclass(frozen=True, kw_only=True)
class History:
    """Earlier payment episodes, the present one left out."""

    earlier_failures: Leaf[int]
    resolved: Leaf[int]
    lost: Leaf[int]
    median_days: Leaf[Decimal]
    line: Leaf[str]


@dataclass(frozen=True, kw_only=True)
class PayingContact:
    """The person at the customer who pays the bills."""

    name: str
    email: Leaf[str]
    is_gone: bool


@dataclass(frozen=True, kw_only=True)
class People:
    """Who is involved, on both sides."""

    ap_contact: Leaf[PayingContact]
    relationship_owner: Leaf[str]
    csm: Leaf[str]
    sender: Leaf[str]
    next_owner: Leaf[str]


@dataclass(frozen=True, kw_only=True)
class QuietPart:
    """The quiet certificate. Only `state` quiet is quiet; unknown counts as not quiet."""

    state: Leaf[Quiet]
    retries_off: Leaf[bool]
    mail_off: Leaf[bool]
    invoices: Leaf[int]
    subscriptions: Leaf[int]
    checked_at: Leaf[datetime]
    until: Leaf[datetime]
    asked_by: Leaf[str]


@dataclass(frozen=True, kw_only=True)
class Recommend:
    """The approach that the rule table recommends, and the rule's id."""

    approach: Leaf[str]
    rule_id: Leaf[str]
    why: Leaf[str]


@dataclass(frozen=True, kw_only=True)
class Links:
    """Where to look further. A live portal link is never among them."""

    portal: Leaf[str]
    payments: Leaf[str]
    crm: Leaf[str]
    erp: Leaf[str]
    why: Leaf[str]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where the case itself stands. Here absent means that it does not apply."""

    key: str
    number: int
    state: CaseState
    task: TaskKind
    has_invoices: bool
    opened_at: datetime
    assigned_at: datetime | None
    due_on: date | None
    hand_on_at: datetime | None
    assignee: str | None
    hops: tuple[Hop, ...]
    is_chain_exhausted: bool
    word: HeldByWord | None
    promise: HeldByPromise | None
    word_ran_out: bool
    broken_promise: date | None
    snoozed_until: date | None
    expedited_at: datetime | None
    expedite_reason: str | None
    reopened: int
    last_outcome: str | None
    last_meaning: Meaning | None
    outcome: Outcome | None
    closed_at: datetime | None


def encode(value: Any) -> Any:
    """The JSON form of a value: money in minor units, decimals as text, times in ISO 8601."""
    match value:
        case Missing():
            return {"missing_because": value.because}
        case Known():
            as_of = value.as_of.isoformat() if value.as_of else None
            return {"value": encode(value.value), "source": value.source, "as_of": as_of}
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case tuple():
            return [encode(one) for one in value]
        case Mapping():
            return {key: encode(one) for key, one in value.items()}
        case _ if is_dataclass(value):
            return {path_name(one.name): encode(getattr(value, one.name)) for one in fields(value)}
        case _:
            return value


def decode(kind: Any, document: Any) -> Any:
    """The value of type `kind` that `encode` made `document` from; ValueError if it is none."""
    try:
        return _decode(kind, document)
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"this is no {kind.__name__} document: {error!r}") from error


def _decode(kind: Any, document: Any) -> Any:
    options = _options(kind)
    if Missing in options:
        if "missing_because" in document:
            return Missing(document["missing_because"])
        (inner,) = get_args(next(one for one in options if one is not Missing))
        as_of = datetime.fromisoformat(document["as_of"]) if document["as_of"] else None
        return Known(_decode(inner, document["value"]), document["source"], as_of)
    if type(None) in options:
        (inner,) = (one for one in options if one is not type(None))
        return None if document is None else _decode(inner, document)
    if get_origin(kind) is tuple:
        return tuple(_decode(get_args(kind)[0], one) for one in document)
    if get_origin(kind) is Mapping:
        return dict(document)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        values = {one.name: document[path_name(one.name)] for one in fields(kind)}
        return kind(**{name: _decode(hints[name], value) for name, value in values.items()})
    if kind in (datetime, date):
        return kind.fromisoformat(document)
    return kind(document) if kind is Decimal or issubclass(kind, Enum) else document


def schema_of(kind: type, title: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of everything that `encode` makes from a `kind`."""
    definitions: dict[str, Any] = {
        "missing": {
            "description": Missing.__doc__,
            "type": "object",
            "properties": {"missing_because": _SAID},
            "required": ["missing_because"],
            "additionalProperties": False,
        }
    }
    top = _schema(kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": title,
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


_SAID = {"type": "string", "pattern": "\\S"}
_PLAIN: dict[Any, dict[str, Any]] = {
    str: _SAID,
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    Decimal: {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
}


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    options = _options(kind)
    if Missing in options:
        (inner,) = get_args(next(one for one in options if one is not Missing))
        as_of = {"anyOf": [_PLAIN[datetime], {"type": "null"}]}
        known = {"value": _schema(inner, definitions), "source": _SAID, "as_of": as_of}
        return {"oneOf": [_object(known), {"$ref": "#/$defs/missing"}]}
    if type(None) in options:
        (inner,) = (one for one in options if one is not type(None))
        return {"anyOf": [_schema(inner, definitions), {"type": "null"}]}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(get_args(kind)[0], definitions)}
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": _SAID}
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if issubclass(kind, Enum):
        return {"enum": [one.value for one in kind]}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}
        hints = get_type_hints(kind)
        properties = {
            path_name(one.name): _schema(hints[one.name], definitions) for one in fields(kind)
        }
        definitions[kind.__name__] = {"description": kind.__doc__, **_object(properties)}
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()


def path_name(attribute: str) -> str:
    """The published name of an attribute: `class_` is `class`."""
    return attribute.rstrip("_")
