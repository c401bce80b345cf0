"""What can go wrong, named by what happens next."""

from __future__ import annotations

from datetime import timedelta


class KidgloveError(Exception):
    """Base of every expected failure: a code, a sentence for a person, and the next step.

    `message` says what happened and to which record; `remedy` says what to do about it. Neither
    ever holds a secret, a body or a person's data.
    """

    code = "error"
    next_step = "Read the message."

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.next_step


class Transient(KidgloveError):
    """The vendor is briefly unwell and certainly did nothing: back off, then a person."""

    code = "transient"
    next_step = "It is tried again by itself; look at the vendor's status page if it lasts."


class RateLimited(KidgloveError):
    """The vendor said stop; `after` says for how long (None: our own back-off decides)."""

    code = "rate_limited"
    next_step = "It is tried again by itself when the vendor's window has passed."

    def __init__(
        self, message: str, *, after: timedelta | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.after = after


class OutcomeUnknown(KidgloveError):
    """The request may have acted: look up by key, never repeat blindly."""

    code = "outcome_unknown"
    next_step = "The record is looked up by its key before anything is sent again."


class Unauthorized(KidgloveError):
    """The credential is refused: open its circuit, pause its effects, alert once."""

    code = "unauthorized"
    next_step = "Renew the credential, then run `kidglove doctor`."


class Misconfigured(KidgloveError):
    """A setting, mapping or permission is wrong: park, and replay when that configuration
    changes. Fields of a mapping are judged anew instead."""

    code = "misconfigured"
    next_step = "Correct the named setting; parked effects are replayed when it changes."

    def __init__(self, message: str, *, row: str = "", remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.row = row


class Rejected(KidgloveError):
    """The vendor refuses this value for good: park with the vendor's own words."""

    code = "rejected"
    next_step = "Change the value or the rule that refuses it, then replay the effect."

    def __init__(self, message: str, *, field: str = "", remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.field = field


class Ambiguous(KidgloveError):
    """Several records claim to be the one: quarantine and ask a person."""

    code = "ambiguous"
    next_step = "Confirm the right link with `kidglove link confirm`."


class Gone(KidgloveError):
    """The record no longer exists there (deleted or merged): link again."""

    code = "gone"
    next_step = "The account is linked anew from its stable ids."


class Conflict(KidgloveError):
    """Somebody changed the record meanwhile: evaluate again at once."""

    code = "conflict"
    next_step = "The account is read and judged again at once."


class Bug(KidgloveError):
    """Nothing in the table explains this: two tries, then the dead letters."""

    code = "bug"
    next_step = "Report it with the effect's id; replay it after the fix."
