"""What Stripe's refusals mean for us: one table, read from the top, with no hopeful default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from connectors.kit.redaction import redact
from domain.errors import (
    Bug,
    Gone,
    KidgloveError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer of Stripe that is not a success. `call` names the request without its query."""

    call: str
    is_write: bool
    status: int | None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    message: str = ""
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Verdict(StrEnum):
    """The error class of one row. UNWELL differs: a read did nothing, a write may have acted."""

    BUG = "bug"
    CARD = "card"
    GONE = "gone"
    LIMITED = "limited"
    MISCONFIGURED = "misconfigured"
    REJECTED = "rejected"
    TRANSIENT = "transient"
    UNAUTHORIZED = "unauthorized"
    UNWELL = "unwell"


@dataclass(frozen=True)
class Row:
    """One line of the table; None matches everything."""

    status: int | None
    type: str | None
    code: str | None
    verdict: Verdict


TABLE: tuple[Row, ...] = (
    # VENDOR: an object lock answers 429 as well, without spending any rate (rate-limits).
    Row(429, None, "lock_timeout", Verdict.TRANSIENT),
    Row(429, None, None, Verdict.LIMITED),
    Row(400, None, "rate_limit", Verdict.LIMITED),
    Row(400, None, "lock_timeout", Verdict.TRANSIENT),
    # A twin with the same key is under way; nothing of ours was stored (api/idempotent_requests).
    Row(409, None, None, Verdict.TRANSIENT),
    # The same key with other parameters: two different wishes share one key, which is our fault.
    Row(None, "idempotency_error", None, Verdict.BUG),
    Row(401, None, None, Verdict.UNAUTHORIZED),
    Row(400, None, "api_key_expired", Verdict.UNAUTHORIZED),
    Row(400, None, "platform_api_key_expired", Verdict.UNAUTHORIZED),
    Row(400, None, "secret_key_required", Verdict.UNAUTHORIZED),
    Row(403, None, None, Verdict.MISCONFIGURED),
    Row(400, None, "livemode_mismatch", Verdict.MISCONFIGURED),
    Row(400, None, "testmode_charges_only", Verdict.MISCONFIGURED),
    Row(404, None, "url_invalid", Verdict.MISCONFIGURED),
    Row(404, None, "resource_missing", Verdict.GONE),
    Row(400, None, "resource_missing", Verdict.GONE),
    Row(402, None, None, Verdict.CARD),
    Row(400, None, "invoice_payment_intent_requires_action", Verdict.CARD),
    # We built a request that this API version does not know: no value of anybody's is at fault.
    Row(400, None, "parameter_unknown", Verdict.BUG),
    Row(400, None, "parameter_missing", Verdict.BUG),
    Row(400, "invalid_request_error", None, Verdict.REJECTED),
    Row(424, None, None, Verdict.UNWELL),
    Row(500, None, None, Verdict.UNWELL),
    Row(502, None, None, Verdict.UNWELL),
    Row(503, None, None, Verdict.UNWELL),
    Row(504, None, None, Verdict.UNWELL),
)
"""Documents: docs.stripe.com/error-codes, api/errors, rate-limits, api/idempotent_requests."""


class Declined(Rejected):
    """The bank, or Stripe for it, said no to this charge. A payment attempt expects it."""

    code = "declined"


def translate(refusal: Refusal) -> KidgloveError:
    """The error that says what happens next. What no row explains is a `Bug`."""
    verdict = next((row.verdict for row in TABLE if _matches(row, refusal)), Verdict.BUG)
    text = _text(refusal)
    match verdict:
        case Verdict.LIMITED:
            return RateLimited(text, after=retry_after(refusal.headers))
        case Verdict.TRANSIENT:
            return Transient(text)
        case Verdict.UNWELL:
            return OutcomeUnknown(text) if refusal.is_write else Transient(text)
        case Verdict.UNAUTHORIZED:
            return Unauthorized(text, remedy="Give a valid Stripe key, then run the doctor.")
        case Verdict.MISCONFIGURED:
            return _misconfigured(refusal, text)
        case Verdict.GONE:
            return Gone(text)
        case Verdict.CARD:
            return Declined(text)
        case Verdict.REJECTED:
            return Rejected(text, field=refusal.param or "")
        case Verdict.BUG:
            if refusal.is_write and refusal.status is not None and 200 <= refusal.status < 300:
                return OutcomeUnknown(text)
            return Bug(text)
        case _:
            assert_never(verdict)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """The wait that the answer names in whole seconds, or None. Stripe documents no such header."""
    value = headers.get("Retry-After", "")
    return timedelta(seconds=int(value)) if value.isascii() and value.isdigit() else None


def _matches(row: Row, refusal: Refusal) -> bool:
    return (
        (row.status is None or row.status == refusal.status)
        and (row.type is None or row.type == refusal.type)
        and (row.code is None or row.code == refusal.code)
    )


def _text(refusal: Refusal) -> str:
    parts = [f"Stripe answered {refusal.status} to {refusal.call}"]
    parts += [word for word in (refusal.type, refusal.code, refusal.decline_code) if word]
    if refusal.param:
        parts.append(f"field {refusal.param}")
    if refusal.message:
        parts.append(redact(refusal.message)[:300])
    if refusal.request_id:
        parts.append(refusal.request_id)
    return "; ".join(parts)


def _misconfigured(refusal: Refusal, text: str) -> Misconfigured:
    # VENDOR: the 403's message names the restricted key's missing permission (keys).
    found = re.search(r"rak_[a-z_]+", refusal.message)
    if found:
        return Misconfigured(
            text,
            row=found.group(),
            remedy=f"Dashboard > Developers > API keys: give the restricted key {found.group()}.",
        )
    if refusal.status == 403:
        return Misconfigured(
            text, row="stripe.api_key", remedy="Give the key the permission that it lacks."
        )
    return Misconfigured(
        text, row="stripe.api_key", remedy="Check that key and address are of the same mode."
    )
