"""Who gets the work: the first in the chain who would see it, and who comes after."""

from __future__ import annotations

from dataclasses import dataclass

from domain.facts import Person, Role
from domain.leaf import Known
from domain.situation import Situation


@dataclass(frozen=True)
class Assignee:
    """One living recipient and the part in which they were chosen."""

    role: Role
    person: Person


def chain(situation: Situation) -> tuple[Assignee, ...]:
    """The recipients in order, each once, people who are away or gone left out.

    The configured fallback comes last. Empty means that nobody is left and the administrators
    must hear of it.
    """
    people = situation.facts.crm.value.people if isinstance(situation.facts.crm, Known) else {}
    found: list[Assignee] = []
    for role in situation.policy.escalation:
        person = people.get(role)
        if person is not None and person.can_take_work:
            found.append(Assignee(role, person))
    if situation.fallback is not None and situation.fallback.can_take_work:
        found.append(Assignee(Role.FALLBACK, situation.fallback))
    seen: set[str] = set()
    unique: list[Assignee] = []
    for assignee in found:
        if assignee.person.id not in seen:
            seen.add(assignee.person.id)
            unique.append(assignee)
    return tuple(unique)


def person_by_id(situation: Situation, id: str) -> Person | None:
    """The colleague with this id among those we know of, or None."""
    people = situation.facts.crm.value.people if isinstance(situation.facts.crm, Known) else {}
    known = [*people.values(), *([situation.fallback] if situation.fallback else [])]
    return next((person for person in known if person.id == id), None)


def next_after(
    situation: Situation, taken: set[str], *, holder: str | None = None
) -> Assignee | None:
    """The next in the chain who has not had it yet, or None when the chain is exhausted.

    It only goes up from a `holder` who is in the chain: whoever gave it to them does not get it
    back from us.
    """
    every = chain(situation)
    ids = [one.person.id for one in every]
    above = every[ids.index(holder) + 1 :] if holder in ids else every
    return next((one for one in above if one.person.id not in taken), None)
