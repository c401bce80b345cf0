"""A judge that costs nothing, over the real lanes: it leases, writes down that it ran, releases."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import sqlalchemy as sa

from domain.ids import AccountId, Ref
from domain.rows import EVALUATE
from jobs.runtime import Runtime
from store.lanes import LeaseLost
from store.unit_of_work import UnitOfWork

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
LEASE_SECONDS = 1.0
"""Much longer than a job, and short enough that a killed worker's lane is free again in a test."""
SECONDS_OF_WORK = 0.003


class FrozenClock:
    """The clock of these tests; leases and resending go by the database's own."""

    def now(self) -> datetime:
        """Always the same moment."""
        return NOW


class LanesWork:
    """What `jobs.tasks` finds as its runtime. `began` holds every start, `ran` every finished job.

    The finished job is written in the transaction that releases the lane, as the real judge's
    decision is.
    """

    def __init__(self, database_url: str) -> None:
        self.store = UnitOfWork(database_url, pool_size=2)
        self.evaluate = self

    def as_runtime(self) -> Runtime:
        """Itself, for `jobs.runtime.install`."""
        return cast(Runtime, self)

    def follow(self) -> None:
        """Lanes without a vendor know no mapping."""

    def run(self, accounts: Sequence[AccountId]) -> None:
        """Judge these accounts; a lane that somebody else holds is left to them."""
        for account in accounts:
            with self.store.begin() as tx:
                lane = tx.lanes.lease(
                    account, EVALUATE, owner=str(os.getpid()), now=NOW, seconds=LEASE_SECONDS
                )
                if lane is None:
                    continue
                tx.connection.execute(
                    sa.text("INSERT INTO began VALUES (:account, :seq)"),
                    {"account": account, "seq": lane.seq},
                )
            self.work(account)
            try:
                with self.store.begin() as tx:
                    tx.lanes.hold(lane)
                    tx.connection.execute(
                        sa.text("INSERT INTO ran VALUES (:account, :seq)"),
                        {"account": account, "seq": lane.seq},
                    )
                    tx.lanes.release(lane, is_done=True)
            except LeaseLost:
                continue

    def work(self, account: AccountId) -> None:
        """What takes its time outside of any transaction."""
        time.sleep(SECONDS_OF_WORK)


def prepare(store: UnitOfWork, accounts: int) -> list[AccountId]:
    """So many dirty accounts, and the two tables in which the work is written down."""
    with store.begin() as tx:
        tx.connection.execute(sa.text("CREATE TABLE began (account bigint, seq bigint)"))
        tx.connection.execute(sa.text("CREATE TABLE ran (account bigint, seq bigint)"))
        made = [
            tx.links.open_account(Ref("payments", "customer", f"cus_{number}"), now=NOW)
            for number in range(accounts)
        ]
    mark_dirty(store, made)
    return made


def mark_dirty(store: UnitOfWork, accounts: Sequence[AccountId]) -> None:
    """Something happened to each of them."""
    with store.begin() as tx:
        for account in accounts:
            tx.lanes.mark_dirty(account, EVALUATE, cause="test")


def rows(store: UnitOfWork, table: str) -> list[tuple[int, int]]:
    """What was written down: account and sequence, in order."""
    with store.begin() as tx:
        found = tx.connection.execute(sa.text(f"SELECT account, seq FROM {table} ORDER BY 1, 2"))
        return [(row.account, row.seq) for row in found]


def is_at_rest(store: UnitOfWork) -> bool:
    """Whether no lane waits or runs."""
    with store.begin() as tx:
        return not tx.lanes.dirty_count()
