"""Which of the records that a CRM answers with surely are an account's, and which no longer are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.errors import KidgloveError
from domain.ids import Ref
from domain.ports import AccountRecord, FoundAccounts
from domain.rows import BY_A_PERSON, Link, LinkState

ACCOUNT = "account"
"""The kind of a CRM record that an account of ours is linked with."""
CUSTOMER = "customer"
"""The kind of record whose first sight opens an account; any other must be linked already."""
Answer = FoundAccounts | KidgloveError | None


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A link that leads nowhere any more, and why. `successor` is where it leads to instead."""

    ref: Ref
    reason: str
    successor: Ref | None = None
    asks: bool = False
    """Whether a person has to look at it: two accounts may be mixed up."""


def is_set_aside(links: Sequence[Link], system: str) -> bool:
    """Whether a record in this CRM was this account's, or may be, and does not count."""
    aside = (LinkState.QUARANTINED, LinkState.REJECTED)
    return any(one.system == system and one.kind == ACCOUNT and one.state in aside for one in links)


def admitted(answers: Mapping[str, Answer], links: Sequence[Link]) -> dict[str, Answer]:
    """The answers without the records that are not this account's: a person has rejected them, or
    they name another customer and no person has said that they are this one's all the same."""
    return {
        system: (
            replace(
                answer,
                records=tuple(one for one in answer.records if not _is_anothers(one, links)),
            )
            if isinstance(answer, FoundAccounts)
            else answer
        )
        for system, answer in answers.items()
    }


def lost(answers: Mapping[str, Answer], links: Sequence[Link]) -> tuple[Lost, ...]:
    """The confirmed links whose record was deleted, merged into another one, or names another
    customer by now. `answers` are what the CRMs said, nothing left out.

    A CRM that did not answer has lost nothing.
    """
    found = []
    for link in links:
        answer = answers.get(link.system)
        is_sure = link.kind == ACCOUNT and link.state is LinkState.CONFIRMED
        if not is_sure or not isinstance(answer, FoundAccounts):
            continue
        ref = Ref(link.system, link.kind, link.external_id)
        records = {one.ref: one for one in answer.records}
        if not records:
            found.append(Lost(ref=ref, reason="the CRM account was deleted"))
        elif ref in records:
            if _is_anothers(records[ref], links):
                found.append(Lost(ref=ref, reason=_names(records[ref]), asks=True))
        elif len(records) == 1:
            ((successor, record),) = records.items()
            reason = f"it was merged into {successor.id}"
            if _is_anothers(record, links):
                found.append(Lost(ref=ref, reason=f"{reason}, and {_names(record)}", asks=True))
            else:
                found.append(Lost(ref=ref, reason=reason, successor=successor))
    return tuple(found)


def _is_anothers(record: AccountRecord, links: Sequence[Link]) -> bool:
    """Whether a record is not this account's, by a person's word or else by its own."""
    known = {(one.system, one.external_id): one for one in links if one.kind == ACCOUNT}
    link = known.get((record.ref.system, record.ref.id))
    if link is not None and link.state is LinkState.REJECTED:
        return True
    is_confirmed = link is not None and link.state is LinkState.CONFIRMED
    if link is not None and is_confirmed and link.reason == BY_A_PERSON:
        return False
    mine = {
        one.external_id
        for one in links
        if one.kind == CUSTOMER and one.state is LinkState.CONFIRMED
    }
    return bool(record.customers) and bool(mine) and mine.isdisjoint(record.customers)


def _names(record: AccountRecord) -> str:
    return f"it names another customer ({', '.join(record.customers)})"
