"""Who may look: a session for each visitor with a right token, and a brake on guessing."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from console.people import Known, People, digest
from settings import ConsoleRole

COOKIE = "kidglove_console"
SESSION_S = 12 * 3600
"""A working day: shorter asks too often, longer outlives the person at the keyboard."""
WRONG_TRIES = 5
"""Enough for typing mistakes; the token itself is too long to be guessed at this pace."""
WRONG_WINDOW_S = 60
"""After so long a wrong token is forgotten; while the brake is on, the right one waits too."""


class TooManyTries(Exception):
    """Too many wrong tokens of late; `wait` is in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many wrong tokens; try again in {wait} s")
        self.wait = wait


class NameRefused(Exception):
    """The token is right, and the name that came with it will not do; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One visitor: the name that the audit will carry, what they may do, and the proof that a form
    came from us. `is_named` is false for whoever came with the shared token."""

    by: str
    role: ConsoleRole
    is_named: bool
    csrf: str
    ends: float

    @property
    def is_admin(self) -> bool:
        """Whether they may change mappings."""
        return self.role is ConsoleRole.ADMIN


class Access:
    """Opens and knows sessions. They live in this process: a restart asks everybody to log in.

    Made for one event loop; `now` counts seconds and never goes back.
    """

    def __init__(self, people: People, *, now: Callable[[], float] = time.monotonic) -> None:
        self.people = people
        self._now = now
        self._sessions: dict[str, Session] = {}
        self._at_the_door = _Brake(now)
        self._at_the_api = _Brake(now)

    def enter(self, token: str, *, by: str) -> str | None:
        """The cookie of a new session, or None for a wrong token.

        Raises `TooManyTries` while the brake is on, for the right token too: otherwise the
        answer would tell it apart. `NameRefused` if the shared token comes without a name, or with
        that of somebody who has a token of their own.
        """
        known = self._at_the_door.tried(lambda: self.people.of(token))
        if known is None:
            return None
        name = known.name or by
        if not name:
            raise NameRefused("Say who you are.")
        if known.name is None and self.people.is_taken(name):
            raise NameRefused(f"{name} has a token of their own. Use that, or say another name.")
        now = self._now()
        self._sessions = {key: one for key, one in self._sessions.items() if one.ends > now}
        cookie = secrets.token_urlsafe(32)
        self._sessions[digest(cookie)] = Session(
            by=name,
            role=known.role,
            is_named=known.name is not None,
            csrf=secrets.token_urlsafe(32),
            ends=now + SESSION_S,
        )
        return cookie

    def bearer(self, token: str) -> Known | None:
        """Whose token a program shows, or None for a wrong one. `TooManyTries` as at the door, and
        counted apart from it: a program that fails must not keep people out."""
        return self._at_the_api.tried(lambda: self.people.of(token))

    def session(self, cookie: str | None) -> Session | None:
        """The session of this cookie, or None if there is none or it is over."""
        found = self._sessions.get(digest(cookie)) if cookie else None
        return found if found is not None and found.ends > self._now() else None

    def leave(self, cookie: str | None) -> None:
        """End the session; an unknown one is no error."""
        if cookie:
            self._sessions.pop(digest(cookie), None)


class _Brake:
    """Slows guessing down at one door."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._wrong: list[float] = []
        # Programs are answered from several threads.
        self._lock = threading.Lock()

    def tried(self, look: Callable[[], Known | None]) -> Known | None:
        """What the look finds; nothing found is counted."""
        with self._lock:
            now = self._now()
            self._wrong = [at for at in self._wrong if now - at < WRONG_WINDOW_S]
            if len(self._wrong) >= WRONG_TRIES:
                raise TooManyTries(math.ceil(WRONG_WINDOW_S - (now - self._wrong[0])))
            found = look()
            if found is None:
                self._wrong.append(now)
            return found
