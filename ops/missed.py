"""Looking for what was missed: what it costs, and doing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil
from typing import TYPE_CHECKING

import sqlalchemy as sa

from domain.errors import KidgloveError
from jobs.crms import connected
from jobs.plans import FAILING_CALLS
from jobs.queues import SURVEY
from jobs.runtime import PAYMENTS_SYSTEM
from sync.reconcile import Found

if TYPE_CHECKING:
    from jobs.runtime import Runtime

BACKFILL = f"backfill:{PAYMENTS_SYSTEM}"
"""The cursor of the backfill, apart from the poll's, so that neither disturbs the other."""
PAYMENT_CALLS = 2
"""Calls per customer with whom nothing is wrong (`connectors.stripe.read`)."""
A_PAGE = 100
"""Accounts that one call lists, glances at, or reads in a CRM."""
KNOWN = sa.text("SELECT count(*) FROM inbox WHERE source = :source AND key = ANY(:keys)")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a look at everything takes."""

    accounts: int
    open_cases: int
    payment_calls: int
    crm_calls: int

    def plain(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Events that were listed, and how many had not arrived before."""

    seen: int
    new: int
    calls: int

    def plain(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


def cost_of_reconcile(here: Runtime, *, whole: bool = False) -> Cost:
    """How many accounts a reconcile looks at, and in how many calls at the most; what it finds is
    read beyond that. With `whole` everybody is read."""
    with here.store.begin() as tx:
        accounts = tx.connection.execute(sa.text("SELECT count(*) FROM accounts")).scalar_one()
        cases = len(tx.cases.all(limit=100_000))
    pages = ceil(accounts / A_PAGE)
    read = FAILING_CALLS * cases + (PAYMENT_CALLS * (accounts - cases) if whole else 0)
    return Cost(
        accounts=accounts,
        open_cases=cases,
        # The lists of open invoices and of drafts, and of the events since the last look.
        payment_calls=pages + read + 3,
        crm_calls=(pages * (1 + whole) + ceil(cases / A_PAGE) + 2) * len(connected(here.settings)),
    )


def run_reconcile(here: Runtime, *, whole: bool = False) -> dict[str, Found]:
    """Run every schedule now, the survey of everybody last and to its end.

    With `whole` every account is read and judged instead of only those that the survey finds.
    """
    names = sorted(here.schedules(), key=lambda name: name == SURVEY)
    found = {name: _to_the_end(here, name) for name in names}
    if whole:
        found["everybody"] = here.reconcile.sweep_everybody()
    return found


def _to_the_end(here: Runtime, name: str) -> Found:
    seen = marked = 0
    problems: dict[str, KidgloveError] = {}
    while True:
        found = here.upkeep(name, now=True)
        seen, marked = seen + found.seen, marked + found.marked
        problems |= {one.message: one for one in found.problems}
        if found.is_done:
            return Found(seen, marked, problems=tuple(problems.values()))


def count_events(here: Runtime, *, again: bool) -> Listed:
    """List the events and count them; nothing is stored, no cursor moves."""
    seen = new = calls = 0
    cursor = None if again else _cursor(here)
    while True:
        page = here.stripe.changes(cursor, now=here.clock.now())
        calls += 1
        seen += len(page.raw)
        keys = [one.key for one in page.raw]
        with here.store.begin() as tx:
            known = tx.connection.execute(
                KNOWN, {"source": PAYMENTS_SYSTEM, "keys": keys}
            ).scalar_one()
        new += len(keys) - known
        cursor = page.cursor
        if page.is_last:
            return Listed(seen=seen, new=new, calls=calls)


def run_backfill(here: Runtime, *, again: bool, progress: Callable[[int], None]) -> Listed:
    """List the events into the inbox, from where the last backfill stopped unless `again`.

    One page per transaction: a kill loses nothing, and the next run goes on behind it.
    """
    seen = new = calls = 0
    cursor = None if again else _cursor(here)
    while True:
        page = here.stripe.changes(cursor, now=here.clock.now())
        now = here.clock.now()
        with here.store.begin() as tx:
            new += tx.inbox.store(page.raw, now)
            tx.system.set_cursor(BACKFILL, page.cursor, now=now)
        calls += 1
        seen += len(page.raw)
        progress(seen)
        cursor = page.cursor
        if page.is_last:
            return Listed(seen=seen, new=new, calls=calls)


def _cursor(here: Runtime) -> str | None:
    with here.store.begin() as tx:
        return tx.system.cursor(BACKFILL)
