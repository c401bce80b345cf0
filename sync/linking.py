"""Which of the records that a CRM answers with surely are an account's, and which no longer are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.errors import KidgloveError
from domain.ids import Ref
from domain.ports import FoundAccounts
from domain.rows import Link, LinkState

ACCOUNT = "account"
"""The kind of a CRM record that an account of ours is linked with."""
Answer = FoundAccounts | KidgloveError | None


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A link that leads nowhere any more, and why. `successor` is where it leads to instead."""

    ref: Ref
    reason: str
    successor: Ref | None = None


def admitted(answers: Mapping[str, Answer], links: Sequence[Link]) -> dict[str, Answer]:
    """The answers without the records that a person has rejected: they are not this account's."""
    no = {(link.system, link.external_id) for link in links if link.state is LinkState.REJECTED}
    return {
        system: (
            replace(
                answer,
                records=tuple(one for one in answer.records if (system, one.ref.id) not in no),
            )
            if isinstance(answer, FoundAccounts)
            else answer
        )
        for system, answer in answers.items()
    }


def lost(answers: Mapping[str, Answer], links: Sequence[Link]) -> tuple[Lost, ...]:
    """The confirmed links whose record was deleted, or merged into another one.

    A CRM that did not answer has lost nothing.
    """
    found = []
    for link in links:
        answer = answers.get(link.system)
        is_sure = link.kind == ACCOUNT and link.state is LinkState.CONFIRMED
        if not is_sure or not isinstance(answer, FoundAccounts):
            continue
        refs = [one.ref for one in answer.records]
        ref = Ref(link.system, link.kind, link.external_id)
        if not refs:
            found.append(Lost(ref=ref, reason="the CRM account was deleted"))
        elif ref not in refs and len(refs) == 1:
            found.append(
                Lost(ref=ref, reason=f"it was merged into {refs[0].id}", successor=refs[0])
            )
    return tuple(found)
