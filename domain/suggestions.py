"""CRM accounts that may be a customer's although nothing on them says so: for a person to judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from domain.ids import Ref
from domain.likeness import mail_domain, plain_name, site_domain

MOST = 5
"""Suggestions for one customer: a person reads them all, and a longer list is a worse guess."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A customer whose CRM account is not known. `domain` is that of its own mail."""

    customer: str
    name: str = ""
    domain: str | None = None

    @property
    def domains(self) -> tuple[str, ...]:
        """The mail's domain and those above it (`billing.acme.example`), the last part alone left
        out: a website under any of them may be the customer's."""
        parts = (self.domain or "").split(".")
        return tuple(".".join(parts[start:]) for start in range(len(parts) - 1))

    @classmethod
    def of(cls, customer: str, *, name: str | None, mail: str | None) -> Wanted:
        """What can be searched for, from what the payment system knows."""
        return cls(customer=customer, name=name or "", domain=mail_domain(mail))


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A CRM account that may be the customer's, and why one might think so."""

    ref: Ref
    name: str
    reason: str


@runtime_checkable
class SuggestsAccounts(Protocol):
    """Searches for accounts that carry no customer's id and look like one of these customers."""

    def suggest(self, wanted: Sequence[Wanted]) -> Mapping[str, tuple[Candidate, ...]]:
        """Candidates by customer, those with the same domain first, at most `MOST` of each.

        In as few calls as the vendor allows; nothing is written. A search may lag and may not see
        everything: that nothing was found says nothing. Raises the error class that says what next.
        """
        ...


def candidate(wanted: Wanted, ref: Ref, *, name: str, site: str | None) -> Candidate | None:
    """The account as a candidate, or None if it does not look like the customer."""
    if (domain := site_domain(site)) in wanted.domains:
        reason = f"its website is at {domain}, and the customer's mail too"
    elif plain_name(wanted.name) and plain_name(name) == plain_name(wanted.name):
        reason = f"its name {name!r} is like the customer's"
    else:
        return None
    return Candidate(ref=ref, name=name, reason=reason)


def best(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Each record once, the same domain before the same name, and not too many."""
    once = {one.ref: one for one in found}
    ordered = sorted(
        once.values(), key=lambda one: (not one.reason.startswith("its website"), one.ref.id)
    )
    return tuple(ordered[:MOST])


def likely(wanted: Wanted, seen: Iterable[tuple[Ref, str, str | None]]) -> tuple[Candidate, ...]:
    """The best candidates among accounts, each given as its ref, name and website."""
    found = (candidate(wanted, ref, name=name, site=site) for ref, name, site in seen)
    return best([one for one in found if one is not None])
