"""Takes secrets, mail addresses and bearer links out of whatever is about to be written down."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

MASK = "[redacted]"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*-----|$)", re.S), MASK),
    # Stripe keys and signing secrets; the prefix stays, because it says which kind leaked.
    (re.compile(r"\b((?:sk|rk|pk|ek)_(?:live|test)_|whsec_)[A-Za-z0-9_+/=]+"), rf"\1{MASK}"),
    (re.compile(r"\b((?:pi|seti|in)_[A-Za-z0-9]+_secret_)[A-Za-z0-9_]+"), rf"\1{MASK}"),
    # HubSpot private-app tokens, Salesforce session ids, any JSON web token.
    (re.compile(r"\bpat-[a-z0-9]+-[0-9a-fA-F-]{8,}"), f"pat-{MASK}"),
    (re.compile(r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]+"), f"00D{MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"), MASK),
    (re.compile(r"(?i)\b(bearer|basic|oauth)\s+[A-Za-z0-9._~+/!=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)\b(oauth_[a-z_]*|token(?:_id|_secret)?)=\"[^\"]*\""), rf'\1="{MASK}"'),
    # A password inside a database or Redis address.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    # Bearer links: whoever holds one acts as the customer.
    (
        re.compile(r"https?://billing\.stripe\.com/(?!\[)[^\s\"'<>)\]]+"),
        f"https://billing.stripe.com/{MASK}",
    ),
    (
        re.compile(r"https?://invoice\.stripe\.com/(?!\[)[^\s\"'<>)\]]+"),
        f"https://invoice.stripe.com/{MASK}",
    ),
    (re.compile(r"https?://[^\s\"'<>/]+/p/(?:session|login|link)/[^\s\"'<>)\]]+"), MASK),
    (
        re.compile(
            r"(?i)([?&](?:access_token|refresh_token|id_token|token|client_secret|assertion|code"
            r"|signature|api_key|apikey|password|secret|sid)=)[^&\s\"'#]+"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "[mail]"),
)
_SECRET_NAMES = re.compile(
    r"(?i)(password|passwd|secret|authorization|cookie|assertion|private_key|api_?key|signature"
    r"|access_token|refresh_token|id_token|session_id|^token$|^dsn$|e?mail(_?address)?$|^body$"
    r"|^payload$|portal_?url|^portal$|^link$)"
)
"""Names whose values are masked whatever they look like; a false hit costs a grep."""


def redact(text: str) -> str:
    """The text without secrets, tokens, mail addresses and bearer links. Safe to call twice."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_event(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor. It stands after the one that turns exceptions into text."""
    for name, value in list(event.items()):
        event[name] = _clean(name, value)
    return event


def _clean(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if _SECRET_NAMES.search(name):
        return MASK
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _clean(str(key), one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean("", one) for one in value]
    if isinstance(value, (bytes, bytearray)):
        return f"[{len(value)} bytes]"
    return redact(str(value))
