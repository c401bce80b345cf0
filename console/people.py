"""Who may come in, and what each may do: people with tokens of their own, and one shared token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from domain.wording import clean
from settings import ConsolePerson, ConsoleRole, Settings

SHORTEST_TOKEN = 16
"""Characters of a token that somebody chose; a shorter one could be guessed despite the brake."""
LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class Known:
    """Whoever shows a token. `name` is None for the shared one, whose bearer says a name."""

    name: str | None
    role: ConsoleRole


class People:
    """Everybody with a token. A wrong one takes as long to refuse as a right one to accept."""

    def __init__(self, *, shared: str = "", people: Sequence[ConsolePerson] = ()) -> None:
        self._by_token = [
            (digest(one.token.get_secret_value()), Known(name=one.name, role=one.role))
            for one in people
        ]
        if shared:
            self._by_token.append((digest(shared), Known(name=None, role=ConsoleRole.ADMIN)))
        self._names = {one.name.casefold() for one in people}

    @property
    def is_named(self) -> bool:
        """Whether anybody has a token of their own."""
        return bool(self._names)

    def of(self, token: str) -> Known | None:
        """Whose token this is, or None."""
        shown, found = digest(token), None
        for kept, known in self._by_token:
            if hmac.compare_digest(shown, kept):
                found = known
        return found

    def is_taken(self, name: str) -> bool:
        """Whether somebody with a token of their own has this name: nobody else may say it."""
        return name.casefold() in self._names


def digest(secret: str) -> str:
    """Of equal length for every secret, so that a comparison tells nothing, not even the length."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def refusal(settings: Settings) -> str | None:
    """Why the console must not start with these people and tokens; None if it may."""
    shared = settings.console_token.get_secret_value()
    if shared and len(shared) < SHORTEST_TOKEN:
        return f"KIDGLOVE_CONSOLE_TOKEN has {len(shared)} characters; use {SHORTEST_TOKEN} or more"
    seen_tokens = {shared: "KIDGLOVE_CONSOLE_TOKEN"} if shared else {}
    seen_names: set[str] = set()
    for number, one in enumerate(settings.console_people, start=1):
        where = f"KIDGLOVE_CONSOLE_PEOPLE, entry {number}"
        token = one.token.get_secret_value()
        if not clean(one.name) or clean(one.name) != one.name or len(one.name) > LONGEST_NAME:
            return f"{where}: give a name of 1 to {LONGEST_NAME} characters on one line"
        if one.name.casefold() in seen_names:
            return f"{where}: {one.name} is named twice; the audit could not tell them apart"
        if len(token) < SHORTEST_TOKEN:
            return (
                f"{where}: the token of {one.name} has {len(token)} characters; "
                f"use {SHORTEST_TOKEN} or more"
            )
        if token in seen_tokens:
            return f"{where}: {one.name} has the same token as {seen_tokens[token]}"
        seen_names.add(one.name.casefold())
        seen_tokens[token] = one.name
    admins = sum(one.role is ConsoleRole.ADMIN for one in settings.console_people)
    if settings.two_person_mappings and admins < 2:  # reason: it is the setting's own number
        return (
            "KIDGLOVE_TWO_PERSON_MAPPINGS needs two admins in KIDGLOVE_CONSOLE_PEOPLE, and there "
            f"{'is 1' if admins == 1 else f'are {admins}'}"
        )
    return None
