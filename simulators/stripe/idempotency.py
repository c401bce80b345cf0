"""Idempotency keys: results replayed for 24 hours, other parameters refused, twins turned away."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from simulators.stripe.errors import ApiError
from simulators.stripe.forms import Params

KEPT_FOR = 24 * 3600
"""Seconds on the virtual clock after which a key runs again."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Kept:
    path: str
    print: str
    at: int
    request: str
    answer: Answer | None = None


class Keys:
    """The idempotency keys of one account. The caller holds the world's lock."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def claim(
        self, key: str, path: str, params: Params, *, now: int, request: str
    ) -> Answer | None:
        """The stored answer, or None when this request is to be carried out under the key.

        Raises 400 for a key of another request and 409 while its twin is running.
        """
        if len(key) > 255:
            raise ApiError(400, "Idempotency-Key must be at most 255 characters.")
        print_ = json.dumps(params, sort_keys=True)
        kept = self._kept.get(key)
        if kept is not None and kept.answer is not None and now - kept.at >= KEPT_FOR:
            kept = None
        if kept is None:
            self._kept[key] = _Kept(path, print_, now, request)
            return None
        if kept.path != path:
            raise _mismatch(
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{kept.path}' instead of '{path}'). Try using a key other than "
                f"'{key}' if you meant to execute a different request."
            )
        if kept.print != print_:
            raise _mismatch(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request."
            )
        if kept.answer is None:
            raise twin(key)
        headers = {
            **kept.answer.headers,
            "Idempotent-Replayed": "true",
            "Original-Request": kept.request,
        }
        return Answer(kept.answer.status, kept.answer.body, headers)

    def running(self) -> list[str]:
        """The keys of requests that are being carried out now."""
        return [key for key, kept in self._kept.items() if kept.answer is None]

    def keep(self, key: str, answer: Answer) -> None:
        """The result that every further request with this key gets."""
        self._kept[key].answer = answer

    def forget(self, key: str) -> None:
        """Nothing was carried out: the key is free again."""
        self._kept.pop(key, None)


def twin(key: str) -> ApiError:
    """409 for a request whose twin is still running; safe to try again."""
    return ApiError(
        409,
        f"There is currently another in-progress request using this Idempotent Key ({key}). "
        "Please try again later.",
        type="idempotency_error",
        code="idempotency_key_in_use",
        headers={"Stripe-Should-Retry": "true"},
    )


def _mismatch(message: str) -> ApiError:
    return ApiError(400, message, type="idempotency_error")
