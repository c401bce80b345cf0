"""Stripe's error envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer that is not 200. `stored` says whether an idempotency key keeps it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        stored: bool = False,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = stored
        self.headers = dict(headers or {})
        error: dict[str, Any] = {"type": type, "message": message}
        if code is not None:
            error["code"] = code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param is not None:
            error["param"] = param
        error.update(extra or {})
        self.error = error


def missing(kind: str, id: str, *, param: str = "id") -> ApiError:
    """404, or 400 when the id came as a parameter of something else."""
    status = 404 if param == "id" else 400
    return ApiError(status, f"No such {kind}: '{id}'", code="resource_missing", param=param)


def unknown_parameter(name: str) -> ApiError:
    """400 for a parameter that this endpoint does not take."""
    return ApiError(
        400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name
    )


def refused(message: str, *, code: str | None = None, param: str | None = None) -> ApiError:
    """400 because of the state of the object: the result of a request that was carried out."""
    return ApiError(400, message, code=code, param=param, stored=True)


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """400 because of the request itself: nothing was carried out, nothing is kept."""
    return ApiError(400, message, code=code, param=param)


def rate_limited(reason: str) -> ApiError:
    """429 with the header that names the limit."""
    return ApiError(
        429,
        "Request rate limit exceeded. Learn more about rate limits here: "
        "https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        headers={"Stripe-Rate-Limited-Reason": reason},
    )


def locked() -> ApiError:
    """429 because another request works on the same object; no rate-limit header."""
    return ApiError(
        429,
        "This object cannot be accessed right now because another API request or Stripe process "
        "is currently accessing it. If you see this error intermittently, retry the request.",
        code="lock_timeout",
        headers={"Stripe-Should-Retry": "true"},
    )
