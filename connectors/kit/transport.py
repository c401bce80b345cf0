"""What a request without an answer means: certainly nothing, or nobody knows."""

from __future__ import annotations

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from domain.errors import KidgloveError, Misconfigured, OutcomeUnknown, Transient

NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


def transport_error(
    error: requests.RequestException, *, call: str, is_write: bool
) -> KidgloveError:
    """The error class for a request that brought no answer. `call` names it without its query.

    A connection that never came about did nothing, so that even a write is `Transient`. Anything
    later leaves a write as `OutcomeUnknown`: the request may have arrived.
    """
    if isinstance(error, requests.exceptions.SSLError):
        return Misconfigured(
            f"{call}: the server's certificate is not trusted",
            row="base_url",
            remedy="Check the base address, and whether a proxy intercepts TLS.",
        )
    if isinstance(error, NO_ADDRESS):
        return Misconfigured(
            f"{call}: the address is no URL", row="base_url", remedy="Correct the base address."
        )
    if _never_connected(error):
        return Transient(f"{call}: no connection ({type(error).__name__})")
    if is_write:
        return OutcomeUnknown(f"{call}: no answer ({type(error).__name__})")
    return Transient(f"{call}: no answer ({type(error).__name__})")


def _never_connected(error: requests.RequestException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    inner = error.args[0] if error.args else None
    if isinstance(inner, MaxRetryError):
        inner = inner.reason
    return isinstance(inner, (NewConnectionError, ConnectTimeoutError))
