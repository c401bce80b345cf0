"""Looking at live accounts to say what another configuration would make of them: nothing is
written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.case import Case
from domain.decide import decide
from domain.errors import Gone
from domain.ids import AccountId
from domain.leaf import Missing
from domain.situation import Decision, Names, Situation
from sync.clock import Clock
from sync.configs import Config, Configs
from sync.durable import Store
from sync.planned import HoldChange
from sync.recalling import recall
from sync.refresh import Refresh, Refreshed, Remembered

BATCH = 100
"""Accounts read at once: what the CRMs answer in one call."""
CAUSE = "mapping:plan"
"""Any cause but the payment system's own makes `Refresh` read the CRM for every account."""
EVERY_CASE = 1_000_000
"""All open cases are looked at: one that is left out would be held or released unannounced."""


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Why an account cannot be looked at: a fact about it, such as that it is not in this CRM, or
    a failure, after which nobody knows what would become of it."""

    because: str
    is_failure: bool = False


class Looking:
    """Reads accounts and judges them, as the workers do, under a configuration that is given."""

    def __init__(
        self, *, store: Store, refresh: Refresh, configs: Configs, clock: Clock, names: Names
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._configs = configs
        self._clock = clock
        self._names = names

    def in_force(self) -> Config:
        """The configuration in force."""
        with self._store.begin() as tx:
            return self._configs.current(tx, self._clock.now())

    def one(self, account: AccountId) -> Remembered:
        """What the store knows of one account."""
        with self._store.begin() as tx:
            return recall(tx, account, cause=CAUSE)

    def batches(self, limit: int | None = None) -> Iterator[list[Remembered]]:
        """Every account, or the first `limit` of them, as many at once as are read together."""
        after: AccountId | None = None
        left = limit
        while left is None or left > 0:
            size = BATCH if left is None else min(BATCH, left)
            with self._store.begin() as tx:
                accounts = tx.cases.accounts(after=after, limit=size)
                remembered = [recall(tx, account, cause=CAUSE) for account in accounts]
            if not accounts:
                return
            yield remembered
            after = accounts[-1]
            left = left - len(accounts) if left is not None else None

    def open_batches(self) -> Iterator[list[Remembered]]:
        """The accounts that have an open case."""
        with self._store.begin() as tx:
            accounts = [stored.case.account for stored in tx.cases.all(limit=EVERY_CASE)]
        for start in range(0, len(accounts), BATCH):
            with self._store.begin() as tx:
                some = [recall(tx, one, cause=CAUSE) for one in accounts[start : start + BATCH]]
            yield some

    def read(self, batch: Sequence[Remembered], config: Config) -> Mapping[AccountId, Refreshed]:
        """The live facts of each account."""
        return self._refresh.read(batch, config)

    def situation(self, one: Remembered, read: Refreshed, config: Config) -> Situation:
        """What the workers would decide from."""
        return Situation(
            account=one.account,
            case=one.case.case if one.case else None,
            facts=read.facts,
            ledger=one.ledger,
            policy=config.policy,
            calendar=config.calendar,
            now=self._clock.now(),
            names=self._names,
            fallback=self._refresh.crms.fallback(read.crm),
            was_intercepting=one.was_intercepting,
        )

    def decided(self, one: Remembered, read: Refreshed, config: Config) -> Decision:
        """What the workers would decide."""
        return decide(self.situation(one, read, config))


def unread_gap(read: Refreshed, gap: Missing) -> Unread:
    """Why there is no picture. What is gone is gone; another error tells nothing of the account."""
    errors = [one for one in read.errors if not isinstance(one, Gone)]
    return Unread(because=gap.because, is_failure=any(one.message == gap.because for one in errors))


def hold_change(before: Case | None, after: Case | None) -> HoldChange | None:
    """What becomes of the hold of a case that is open by now; one that only opens is no change."""
    if before is None or not before.is_open:
        return None
    was, would = _is_held(before), after is not None and after.is_open and _is_held(after)
    if was == would:
        return None
    return HoldChange.STARTS if would else HoldChange.ENDS


def _is_held(case: Case) -> bool:
    return case.word is not None or case.promise is not None
