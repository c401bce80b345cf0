"""One transaction per step: all of it or nothing, and no call leaves the house meanwhile."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from domain.boundary import HttpInTransaction, assert_no_transaction
from domain.errors import Conflict
from domain.ids import Ref
from store.migrate import upgrade
from store.tables import metadata
from store.unit_of_work import Deadlocked, UnitOfWork
from tests.races.stage import NOW, at_once, failures, open_account


class Fails(Exception):
    """Something went wrong in the middle of a step."""


def accounts(store: UnitOfWork) -> int:
    with store.begin() as tx:
        return len(tx.cases.accounts())


def test_a_step_that_ends_well_is_kept(store: UnitOfWork) -> None:
    with store.begin() as tx:
        tx.links.open_account(Ref("s", "customer", "1"), now=NOW)

    assert accounts(store) == 1


@pytest.mark.parametrize("failure", [Fails, KeyboardInterrupt, SystemExit])
def test_a_step_that_raises_leaves_nothing_behind(
    store: UnitOfWork, failure: type[BaseException]
) -> None:
    def step() -> None:
        with store.begin() as tx:
            tx.links.open_account(Ref("s", "customer", "1"), now=NOW)
            raise failure

    with pytest.raises(failure):
        step()

    assert accounts(store) == 0


def test_a_vendor_that_is_called_within_a_step_is_refused(store: UnitOfWork) -> None:
    def step() -> None:
        with store.begin():
            assert_no_transaction("a vendor")

    with pytest.raises(HttpInTransaction):
        step()
    assert_no_transaction("a vendor")


def test_the_loser_of_a_deadlock_is_told_so_and_left_nothing(store: UnitOfWork) -> None:
    both = [open_account(store, number) for number in range(2)]
    has_first = threading.Barrier(2, timeout=30)

    def act(number: int) -> None:
        mine, other = both[number], both[1 - number]
        with store.begin() as tx:
            tx.links.name(mine, f"by {number}")
            has_first.wait()
            tx.links.name(other, f"by {number}")

    (lost,) = failures(at_once(2, act))

    assert lost is Deadlocked
    assert issubclass(lost, Conflict)
    with store.begin() as tx:
        names = [tx.cases.account_name(account) for account in both]
    assert len(set(names)) == 1, "one of them wrote both"


def test_a_pool_whose_connections_were_cut_is_used_again_without_an_error(
    store: UnitOfWork, database_url: str
) -> None:
    assert accounts(store) == 0
    other = UnitOfWork(database_url)
    with other.begin() as tx:
        tx.connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    other.close()

    assert accounts(store) == 0


# ------------------------------------------------------------ migrations


def test_migrations_lead_to_the_tables_that_the_code_knows(database_url: str) -> None:
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    found = sa.inspect(engine)

    for table in metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}, table.name
        indexes = {index["name"] for index in found.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes, table.name


def test_migrating_again_changes_nothing(database_url: str) -> None:
    store = UnitOfWork(database_url)
    with store.begin() as tx:
        tx.links.open_account(Ref("s", "customer", "1"), now=NOW)

    upgrade(database_url)

    assert accounts(store) == 1
    store.close()


def test_two_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    results = at_once(2, lambda _: upgrade(empty_database_url))

    assert failures(results) == []
    store = UnitOfWork(empty_database_url)
    assert accounts(store) == 0
    store.close()
