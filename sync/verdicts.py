"""What happens next after an effect has failed: the error classes as a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from domain.errors import (
    Ambiguous,
    Bug,
    Conflict,
    Gone,
    KidgloveError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)
from domain.rows import EffectState

TRIES = 14
"""Attempts before a person is asked: with the back-off below about thirty hours."""
AT_ONCE = timedelta(seconds=1)
"""How soon a first conflict is tried again: the judgement that it asks for takes no longer, where
everybody answers. If it does not help, more tries a second apart would be gone within a minute."""
BUG_TRIES = 2
"""What nothing explains is tried once more, then it is a dead letter."""
LONGEST = timedelta(hours=12)
"""The longest wait between two attempts."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The next state of the effect. `wait` is set when it is tried again."""

    state: EffectState
    wait: timedelta | None = None
    opens_circuit: bool = False
    judge_again: bool = False
    tell: bool = False


def backoff(attempts: int, key: str) -> timedelta:
    """15 s doubled with each attempt, capped, spread by up to a fifth by the effect's own key."""
    # A limit of the vendor may be met any number of times; the power must not outgrow a timedelta.
    base = timedelta(seconds=15) * 2.0 ** min(max(attempts - 1, 0), TRIES)
    spread = 1 + (sum(key.encode()) % 21) / 100
    return min(base * spread, LONGEST)


def verdict(error: KidgloveError, *, attempts: int, key: str) -> Verdict:
    """What to do after this error, the given number of attempts having been made."""
    again = Verdict(state=EffectState.WAITING, wait=backoff(attempts, key))
    dead = Verdict(state=EffectState.DEAD, tell=True)
    match error:
        case RateLimited():
            return Verdict(state=EffectState.WAITING, wait=error.after or backoff(attempts, key))
        case Unauthorized():
            return Verdict(state=EffectState.WAITING, wait=timedelta(minutes=5), opens_circuit=True)
        case Transient() | OutcomeUnknown():
            return again if attempts < TRIES else dead
        case Misconfigured() | Rejected() | Ambiguous():
            return Verdict(state=EffectState.PARKED, tell=True)
        case Gone():
            return Verdict(state=EffectState.WITHDRAWN, judge_again=True)
        case Conflict():
            if attempts >= TRIES:
                return dead
            wait = AT_ONCE if attempts <= 1 else backoff(attempts, key)
            return Verdict(state=EffectState.WAITING, wait=wait, judge_again=True)
        case Bug():
            return again if attempts < BUG_TRIES else dead
        case _:
            return again if attempts < BUG_TRIES else dead
