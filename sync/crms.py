"""The connected CRMs, and which of them an account's people work in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import Gone, KidgloveError
from domain.facts import Person
from domain.ports import ReadsAccounts
from sync.clock import Clock

FALLBACK_FOR = timedelta(minutes=10)
"""How long the last recipient is taken to be there still: each look costs a call."""


@dataclass(frozen=True, kw_only=True)
class Crm:
    """One connected CRM. `title` is how people call it; `fallback_owner` its last recipient."""

    system: str
    title: str
    reads: ReadsAccounts
    fallback_owner: str | None = None


class Crms:
    """Every connected CRM, in the order in which they were configured."""

    def __init__(self, connected: Sequence[Crm], *, clock: Clock) -> None:
        self.connected = tuple(connected)
        self._clock = clock
        self._people: dict[str, Person] = {}
        self._read_at: dict[str, datetime] = {}

    def ordered(self, primary: str | None) -> tuple[Crm, ...]:
        """All of them, the policy's primary one first; a primary that is not connected is none."""
        return tuple(sorted(self.connected, key=lambda one: one.system != primary))

    def fallback(self, crm: Crm | None) -> Person | None:
        """The configured last recipient; None if none is configured or it is gone.

        Read anew every few minutes, because people leave. While the CRM does not answer, as it was
        last read.
        """
        if crm is None or not crm.fallback_owner:
            return None
        now, known = self._clock.now(), self._people.get(crm.system)
        read_at = self._read_at.get(crm.system)
        if known is not None and read_at is not None and now - read_at < FALLBACK_FOR:
            return known
        self._read_at[crm.system] = now
        try:
            person = crm.reads.person(crm.fallback_owner)
        except KidgloveError:
            return known
        if isinstance(person, Person):
            self._people[crm.system] = person
        elif isinstance(person, Gone):
            self._people.pop(crm.system, None)
        return self._people.get(crm.system)
