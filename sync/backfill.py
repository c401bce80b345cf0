"""The first fill: everybody whom the payment system knows becomes an account and is looked at.

The list is read page by page; each page's accounts, their dirty lanes and the cursor are one
transaction. Whoever is killed loses nothing, and the next run goes on behind the last page. What
follows for each account is judged and written like anything else, behind everything urgent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.ids import Ref
from domain.ports import ListsCustomers
from domain.rows import EVALUATE, Mark, Urgency
from sync.clock import Clock
from sync.durable import Store

CURSOR = "backfill:accounts"
CAUSE = "backfill:accounts"
"""Why these accounts are looked at; it makes every CRM be read, case or no case."""
DONE = "done"
"""The cursor of a list that was read to its end: the next run begins anew."""


@dataclass(frozen=True)
class Listed:
    """What was listed so far: customers, those that were new to us, and calls."""

    seen: int = 0
    new: int = 0
    calls: int = 0


class Backfill:
    """Lists the customers. It may be run twice, at once, late, or be killed half-way."""

    def __init__(
        self, *, store: Store, clock: Clock, payments_system: str, lists: ListsCustomers
    ) -> None:
        self._store = store
        self._clock = clock
        self._system = payments_system
        self._lists = lists

    def count(self, *, again: bool = False) -> Listed:
        """How many customers a run would list. Nothing is written, no cursor moves."""
        found, after = Listed(), self._start(again)
        while True:
            page = self._lists.customers(after)
            with self._store.begin() as tx:
                known = sum(
                    tx.links.account_of(self._ref(one)) is not None for one in page.customers
                )
            found = _more(found, len(page.customers), len(page.customers) - known)
            after = page.after
            if after is None:
                return found

    def run(
        self, *, again: bool = False, progress: Callable[[Listed], None] = lambda _: None
    ) -> Listed:
        """List from where the last run stopped, or from the start if it ended or `again`."""
        found, after = Listed(), self._start(again)
        while True:
            page = self._lists.customers(after)
            now = self._clock.now()
            new = 0
            with self._store.begin() as tx:
                refs = [self._ref(customer) for customer in page.customers]
                known = tx.links.accounts_of(refs)
                # In one order everywhere: each is locked until this transaction ends.
                unseen = set(refs) - known.keys()
                for ref in sorted(unseen - tx.links.refused(unseen), key=str):
                    known[ref] = tx.links.open_account(ref, now=now)
                    new += 1
                listed = list(known.values())
                tx.lanes.mark_all_dirty(dict.fromkeys(listed, Mark(Urgency.BULK, CAUSE)), EVALUATE)
                tx.known.saw(listed, at=now)
                tx.system.set_cursor(CURSOR, page.after or DONE, now=now)
            found = _more(found, len(page.customers), new)
            progress(found)
            after = page.after
            if after is None:
                return found

    def _start(self, again: bool) -> str | None:
        with self._store.begin() as tx:
            stored = tx.system.cursor(CURSOR)
        return None if again or stored == DONE else stored

    def _ref(self, customer: str) -> Ref:
        return Ref(self._system, "customer", customer)


def _more(found: Listed, seen: int, new: int) -> Listed:
    return Listed(found.seen + seen, found.new + new, found.calls + 1)
