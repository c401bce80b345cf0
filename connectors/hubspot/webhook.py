"""Proves that a message is HubSpot's by its v3 signature, and takes it apart into its events."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.hubspot import ids
from connectors.kit.signature import SignatureRefused
from domain.ports import Incoming

TOLERANCE = timedelta(minutes=5)
"""HubSpot's own limit for an old stamp (request validation guide); the same for a future one."""
LARGEST = 8 * 1024 * 1024
"""A hundred events are about 40 kB; but each carries its new value, a long text of up to 64 kB."""
_DECODED: Mapping[str, str] = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
"""What HubSpot decodes in the address before it signs, and nothing else (request validation)."""
_ENCODED = re.compile("|".join(_DECODED), re.IGNORECASE)


def verify(
    body: bytes,
    *,
    signature: str | None,
    timestamp: str | None,
    secrets: Sequence[str],
    url: str,
    now: datetime,
    portal_id: str = "",
    method: str = "POST",
) -> list[Incoming]:
    """The events of a message, one `Incoming` each as it came; those of another portal left out.

    `url` is the address as it is configured at HubSpot, never one that is made from headers, which
    a stranger could choose. Several secrets may be valid while one is being replaced. A key is made
    of the event and not of the attempt, so that an event that is sent again is the same event, in
    whatever order and company it comes. Raises `SignatureRefused`; a message that is proven and no
    list of events goes to quarantine as it came.
    """
    _proven(body, signature, timestamp, secrets, url=url, now=now, method=method)
    events = _events(body)
    if events is None:
        return [
            Incoming(
                source=ids.SYSTEM,
                key=f"message:{hashlib.sha256(body).hexdigest()[:40]}",
                topic="unknown",
                body=body,
                problem="the message is no list of events",
            )
        ]
    ours = [one for one in events if not portal_id or str(one.get("portalId")) == portal_id]
    return list({one.key: one for one in map(_incoming, ours)}.values())


def signature_of(secret: str, *, method: str, url: str, body: bytes, timestamp: str) -> str:
    """The v3 signature of a request: base64 of HMAC-SHA256 over method, address, body and stamp."""
    signed = f"{method}{decoded(url)}".encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def decoded(url: str) -> str:
    """The address as HubSpot signs it: twelve signs decoded, all others left as they are."""
    return _ENCODED.sub(lambda found: _DECODED[found.group().upper()], url)


def event_key(event: Mapping[str, Any]) -> str:
    """What makes an event the one that it is, whichever attempt brings it.

    # VENDOR: `eventId` is not unique, and each attempt counts `attemptNumber` up (webhooks guide).
    """
    parts = {name: value for name, value in event.items() if name != "attemptNumber"}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _proven(
    body: bytes,
    signature: str | None,
    timestamp: str | None,
    secrets: Sequence[str],
    *,
    url: str,
    now: datetime,
    method: str,
) -> None:
    if not signature or not timestamp:
        raise SignatureRefused("missing", "the message carries no v3 signature or no timestamp")
    if len(body) > LARGEST:
        raise SignatureRefused("malformed", "the message is too large")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 16):
        raise SignatureRefused("malformed", "the timestamp is no number")
    # Bytes, because a header may hold any sign and a comparison of texts fails on most of them.
    given = signature.encode("utf-8", "surrogateescape")
    matches = [
        hmac.compare_digest(
            given,
            signature_of(one, method=method, url=url, body=body, timestamp=timestamp).encode(),
        )
        for one in secrets
        if one
    ]
    if not any(matches):
        raise SignatureRefused("mismatch", "the signature does not match any secret")
    sent = datetime.fromtimestamp(int(timestamp) / 1000, UTC)
    if now - sent > TOLERANCE:
        raise SignatureRefused("stale", "the message was signed more than five minutes ago")
    if sent - now > TOLERANCE:
        raise SignatureRefused("future", "the message was signed in the future")


def _events(body: bytes) -> list[Mapping[str, Any]] | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    items = said if isinstance(said, list) else [said]
    events = [one for one in items if isinstance(one, Mapping)]
    return events if events and len(events) == len(items) else None


def _incoming(event: Mapping[str, Any]) -> Incoming:
    kind = event.get("subscriptionType") or event.get("eventType")
    is_known = isinstance(kind, str)
    return Incoming(
        source=ids.SYSTEM,
        key=f"event:{event_key(event)[:40]}",
        topic=str(kind) if is_known else "unknown",
        body=json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        ),
        problem=None if is_known else "the event does not say what happened",
    )
