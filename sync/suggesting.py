"""Suggesting CRM accounts for customers that no CRM record names; a person confirms or rejects."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from domain.errors import KidgloveError
from domain.ids import AccountId, Ref
from domain.ports import FoundAccounts
from domain.rows import Link, LinkState
from domain.suggestions import Candidate, SuggestsAccounts, Wanted
from mappings.translate import read_plan
from sync.clock import Clock
from sync.configs import Configs
from sync.crms import Crm
from sync.durable import Store
from sync.linking import ACCOUNT

AT_ONCE = 100
"""Customers that are looked for by one call each."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """One record that may be an account's, and why."""

    account: AccountId
    customer: str
    ref: Ref
    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Suggested:
    """What came of one search.

    `named` accounts have a record that carries their customer's id: they link by themselves at
    their next look. `unread` could not be asked about. `shared` records fit several accounts and
    are suggested to none of them; `refused` ones a person has decided about before.
    """

    found: tuple[Suggestion, ...] = ()
    named: int = 0
    unread: int = 0
    shared: tuple[Ref, ...] = ()
    refused: int = 0


@dataclass(frozen=True, kw_only=True)
class Unlinked:
    """The accounts without a record in a CRM; `unknown` ones were never looked at."""

    wanted: dict[AccountId, Wanted] = field(default_factory=dict)
    unknown: int = 0


class Suggest:
    """Searches when a person asks, never by itself. A second run finds the same.

    Only the customer's id on a record makes a link; a search decides nothing, and that it finds
    nothing says nothing. Nothing is written to any system, before or after.
    """

    def __init__(
        self, *, store: Store, configs: Configs, clock: Clock, payments_system: str
    ) -> None:
        self._store = store
        self._configs = configs
        self._clock = clock
        self._payments = payments_system

    def unlinked(self, system: str) -> Unlinked:
        """The accounts for which a search would look, by what the last look at Stripe said of
        them. No call is made."""
        found, unknown = Unlinked(), 0
        for account, customer, picture in self._without(system):
            if not isinstance(picture, dict):
                unknown += 1
                continue
            details = picture.get("details") or {}
            found.wanted[account] = Wanted.of(
                customer, name=picture.get("name"), mail=details.get("customer.email")
            )
        return Unlinked(wanted=found.wanted, unknown=unknown)

    def run(
        self, crm: Crm, search: SuggestsAccounts, unlinked: Unlinked, *, keep: bool
    ) -> Suggested:
        """Search for these accounts, and with `keep` write the suggestions down as such."""
        nobodys, unread = self._nobodys(crm, unlinked)
        candidates: dict[AccountId, tuple[Candidate, ...]] = {}
        for some in _slices(list(nobodys.items())):
            said = search.suggest([wanted for _, wanted in some])
            candidates |= {account: said.get(one.customer, ()) for account, one in some}
        owners: dict[Ref, set[AccountId]] = {}
        for account, likely in candidates.items():
            for one in likely:
                owners.setdefault(one.ref, set()).add(account)
        with self._store.begin() as tx:
            known = {Ref(one.system, one.kind, one.external_id): one for one in tx.links.all()}
        found = [
            Suggestion(
                account=account,
                customer=nobodys[account].customer,
                ref=one.ref,
                name=one.name,
                reason=one.reason,
            )
            for account, likely in candidates.items()
            for one in likely
            if len(owners[one.ref]) == 1
        ]
        free = [one for one in found if _is_free(known.get(one.ref))]
        if keep:
            self._keep(crm.system, free, unread=unread)
        return Suggested(
            found=tuple(free),
            named=len(unlinked.wanted) - len(nobodys) - len(unread),
            unread=len(unread),
            shared=tuple(ref for ref, some in owners.items() if len(some) > 1),
            refused=len(found) - len(free),
        )

    def _without(self, system: str) -> Iterator[tuple[AccountId, str, object]]:
        """Accounts with a customer and without a sure record: number, customer, last picture."""
        after: AccountId | None = None
        while True:
            with self._store.begin() as tx:
                batch = tx.cases.accounts(after=after, limit=500)
                found = []
                for account in batch:
                    sure = [one for one in tx.links.of(account) if one.state is LinkState.CONFIRMED]
                    customer = _in(sure, self._payments, "customer")
                    if customer is not None and _in(sure, system, ACCOUNT) is None:
                        found.append((account, customer, tx.system.picture(account, "payments")))
            yield from found
            if not batch:
                return
            after = batch[-1]

    def _nobodys(
        self, crm: Crm, unlinked: Unlinked
    ) -> tuple[dict[AccountId, Wanted], set[AccountId]]:
        """Those whose customer's id no record carries, and those of whom that is not known: what
        could not be read is not missing."""
        with self._store.begin() as tx:
            config = self._configs.current(tx, self._clock.now())
        plan = read_plan(config.mappings[crm.system])
        found: dict[AccountId, Wanted] = {}
        unread: set[AccountId] = set()
        for some in _slices(list(unlinked.wanted.items())):
            answers = crm.reads.read_accounts(
                customers=[wanted.customer for _, wanted in some], plan=plan
            )
            for account, wanted in some:
                answer: FoundAccounts | KidgloveError | None = answers.get(wanted.customer)
                if not isinstance(answer, FoundAccounts):
                    unread.add(account)
                elif not answer.records:
                    found[account] = wanted
        return found, unread

    def _keep(
        self, system: str, found: Sequence[Suggestion], *, unread: Collection[AccountId]
    ) -> None:
        """What was suggested before and is not any more goes; where nothing could be asked, it
        stays."""
        now = self._clock.now()
        with self._store.begin() as tx:
            for old in tx.links.all(LinkState.SUGGESTED):
                if old.system == system and old.account is not None and old.account not in unread:
                    tx.links.forget_suggestions(old.account, system)
            for one in found:
                tx.links.suggest(one.account, one.ref, reason=one.reason, now=now)


def _is_free(known: Link | None) -> bool:
    return known is None or known.state is LinkState.SUGGESTED


def _in(links: Sequence[Link], system: str, kind: str) -> str | None:
    return next(
        (one.external_id for one in links if one.system == system and one.kind == kind), None
    )


def _slices(
    items: list[tuple[AccountId, Wanted]],
) -> Iterator[list[tuple[AccountId, Wanted]]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
