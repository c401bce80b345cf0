"""Who may look: one token for the room, a session for each visitor, and a brake on guessing."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

COOKIE = "kidglove_console"
SESSION_S = 12 * 3600
"""A working day: shorter asks too often, longer outlives the person at the keyboard."""
WRONG_TRIES = 5
"""Enough for typing mistakes; the token itself is too long to be guessed at this pace."""
WRONG_WINDOW_S = 60
"""After so long a wrong token is forgotten; while the brake is on, the right one waits too."""
SHORTEST_TOKEN = 16
"""Characters of a token that somebody chose; a shorter one could be guessed despite the brake."""
LONGEST_NAME = 60


class TooManyTries(Exception):
    """Too many wrong tokens of late; `wait` is in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many wrong tokens; try again in {wait} s")
        self.wait = wait


@dataclass(frozen=True, kw_only=True)
class Session:
    """One visitor: the name that the audit will carry, and the proof that a form came from us."""

    by: str
    csrf: str
    ends: float


class Access:
    """Opens and knows sessions. They live in this process: a restart asks everybody to log in.

    Made for one event loop; `now` counts seconds and never goes back.
    """

    def __init__(self, token: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._token = _digest(token)
        self._now = now
        self._sessions: dict[str, Session] = {}
        self._wrong: list[float] = []

    def enter(self, token: str, *, by: str) -> str | None:
        """The cookie of a new session, or None for a wrong token.

        Raises `TooManyTries` while the brake is on, for the right token too: otherwise the
        answer would tell it apart.
        """
        now = self._now()
        self._wrong = [at for at in self._wrong if now - at < WRONG_WINDOW_S]
        if len(self._wrong) >= WRONG_TRIES:
            raise TooManyTries(math.ceil(WRONG_WINDOW_S - (now - self._wrong[0])))
        if not hmac.compare_digest(_digest(token), self._token):
            self._wrong.append(now)
            return None
        self._sessions = {key: one for key, one in self._sessions.items() if one.ends > now}
        cookie = secrets.token_urlsafe(32)
        self._sessions[_digest(cookie)] = Session(
            by=by, csrf=secrets.token_urlsafe(32), ends=now + SESSION_S
        )
        return cookie

    def session(self, cookie: str | None) -> Session | None:
        """The session of this cookie, or None if there is none or it is over."""
        found = self._sessions.get(_digest(cookie)) if cookie else None
        return found if found is not None and found.ends > self._now() else None

    def leave(self, cookie: str | None) -> None:
        """End the session; an unknown one is no error."""
        if cookie:
            self._sessions.pop(_digest(cookie), None)


def _digest(secret: str) -> str:
    """Of equal length for every secret, so that a comparison tells nothing, not even the length."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
