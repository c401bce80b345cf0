"""The refusal of a message whose signature does not prove who sent it."""

from __future__ import annotations

from domain.errors import KidgloveError


class SignatureRefused(KidgloveError):
    """The message is not proven to be the vendor's, or is too old or too early to be trusted.

    `reason` is a short word for metrics: missing, malformed, mismatch, stale, future. No row is
    stored for such a message.
    """

    code = "signature_refused"
    next_step = "Check that the signing secret is this endpoint's, and that the clocks agree."

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
