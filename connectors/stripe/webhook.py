"""Proves that a message is Stripe's, and makes it storable without understanding it.

The HMAC is our own over the raw bytes. VENDOR: the SDK's `verify_header` knows only the real
clock, refuses bodies that are not UTF-8, lets any future time pass, and puts the body into its
error (SDK 16.1, `WebhookSignature`); building its event object costs eight times the check.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.kit.signature import SignatureRefused
from domain.ports import Incoming

SOURCE = "stripe"
TOLERANCE = timedelta(seconds=300)
"""Stripe's own; wider lets an attacker replay for longer, narrower punishes a slow clock."""
UNREADABLE = "unreadable"
LONGEST_ID = 255


def verify(body: bytes, header: str | None, secrets: Sequence[str], *, now: datetime) -> Incoming:
    """The message, if one of the secrets proves it and its time is within five minutes of `now`.

    Several secrets are valid during a rotation. Raises `SignatureRefused`. A proven body that
    cannot be read comes back with `problem` and the body's hash as its key: it is kept, not lost.
    VENDOR: docs.stripe.com/webhooks/signature.
    """
    stamp, signatures = _parts(header)
    usable = [secret for secret in secrets if secret.strip()]
    if not any(_proves(secret, stamp, body, signatures) for secret in usable):
        raise SignatureRefused("mismatch", "no signing secret of ours made this signature")
    age = now.timestamp() - int(stamp)
    if age > TOLERANCE.total_seconds():
        raise SignatureRefused("stale", f"the signature is {int(age)} seconds old")
    if age < -TOLERANCE.total_seconds():
        raise SignatureRefused("future", f"the signature is {int(-age)} seconds ahead of us")
    return incoming(body)


def incoming(body: bytes) -> Incoming:
    """A proven body as a storable message; unreadable ones with the problem named."""
    try:
        event = json.loads(body)
    except UnicodeDecodeError:
        return _problem(body, "the body is not UTF-8")
    except (ValueError, RecursionError):
        return _problem(body, "the body is not JSON")
    if not isinstance(event, dict):
        return _problem(body, "the body is no JSON object")
    event_id, topic = _word(event.get("id")), _word(event.get("type"))
    if event_id is None:
        return _problem(body, "the event has no id")
    if topic is None:
        return _problem(body, "the event has no type")
    return Incoming(source=SOURCE, key=event_id, topic=topic, body=body, problem=_odd(event))


def _odd(event: dict[str, Any]) -> str | None:
    if event.get("object") == "v2.core.event":
        return "a thin event: the endpoint must send snapshots"
    details = event.get("data")
    if not isinstance(details, dict) or not isinstance(details.get("object"), dict):
        return "the event carries no object"
    return None


def _problem(body: bytes, why: str) -> Incoming:
    key = hashlib.sha256(body).hexdigest()
    return Incoming(source=SOURCE, key=key, topic=UNREADABLE, body=body, problem=why)


def _parts(header: str | None) -> tuple[str, list[str]]:
    if not header:
        raise SignatureRefused("missing", "there is no Stripe-Signature header")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if not stamps or not signatures:
        raise SignatureRefused("malformed", "the Stripe-Signature header has no time or no v1")
    stamp = stamps[0]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureRefused("malformed", "the Stripe-Signature header's time is no number")
    return stamp, signatures


def _proves(secret: str, stamp: str, body: bytes, signatures: Sequence[str]) -> bool:
    mac = hmac.new(secret.encode(), f"{stamp}.".encode(), hashlib.sha256)
    mac.update(body)
    expected = mac.hexdigest().encode()
    # Compared as bytes: a header may hold any character, and text comparison refuses some.
    return any(hmac.compare_digest(expected, one.encode(errors="replace")) for one in signatures)


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_ID else None
