"""What a request without an answer means: certainly nothing, or nobody knows."""

from __future__ import annotations

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from domain.errors import KidgloveError, Misconfigured, OutcomeUnknown, Transient


def transport_error(error: HTTPError, *, call: str, is_write: bool) -> KidgloveError:
    """The error class for a request that brought no answer. `call` names it without its query.

    A connection that never came about did nothing, so that even a write is `Transient`. Anything
    later leaves a write as `OutcomeUnknown`: the request may have arrived.
    """
    inner: BaseException | None = error
    if isinstance(inner, MaxRetryError):
        inner = inner.reason or inner
    kind = type(inner).__name__
    if isinstance(inner, SSLError):
        return Misconfigured(
            f"{call}: the server's certificate is not trusted",
            row="api_base",
            remedy="Check the base address, and whether a proxy intercepts TLS.",
        )
    if isinstance(inner, LocationParseError | LocationValueError):
        return Misconfigured(
            f"{call}: the address is no URL", row="api_base", remedy="Correct the base address."
        )
    if isinstance(inner, NewConnectionError | ConnectTimeoutError | ProxyError):
        return Transient(f"{call}: no connection ({kind})")
    if is_write:
        return OutcomeUnknown(f"{call}: no answer ({kind})")
    return Transient(f"{call}: no answer ({kind})")
