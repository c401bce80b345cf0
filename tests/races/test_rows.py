"""Two at once write the same thing: there is one row, and nobody sees an error for it."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from domain.case import Timer, TimerKind
from domain.effects import Effect
from domain.errors import Conflict
from domain.ids import AccountId, CaseId
from domain.ports import Incoming
from domain.rows import EffectState, InboxState, StoredCase
from store.tables import accounts, cases, effects
from store.unit_of_work import Transaction, UnitOfWork
from tests.races.stage import (
    NOW,
    at_once,
    case,
    command,
    customer,
    failures,
    in_open_transactions,
    open_account,
    projection,
)


def add(tx: Transaction, account: AccountId, effect: Effect) -> bool:
    return tx.effects.add(
        account,
        effect,
        case_id=None,
        system="crm",
        state=EffectState.WAITING,
        cause="test",
        config_version="policy@1",
        now=NOW,
    )


def take_in(tx: Transaction) -> int:
    rows = tx.inbox.take_new("s", 10)
    for row in rows:
        tx.inbox.finish(row.id, InboxState.DONE, now=NOW)
    return len(rows)


def states(store: UnitOfWork) -> list[str]:
    with store.begin() as tx:
        return sorted(tx.connection.execute(sa.select(effects.c.state)).scalars())


def count(store: UnitOfWork, table: sa.Table) -> int:
    with store.begin() as tx:
        return tx.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_sixteen_first_sights_of_one_customer_make_one_account(store: UnitOfWork) -> None:
    def act(tx: Transaction, number: int) -> AccountId:
        return tx.links.open_account(customer(), now=NOW, name=f"name {number}")

    results = in_open_transactions(store, 16, act)

    assert failures(results) == []
    assert len(set(results)) == 1
    assert count(store, accounts) == 1


def test_first_sights_of_two_customers_do_not_wait_for_each_other(store: UnitOfWork) -> None:
    def act(tx: Transaction, number: int) -> AccountId:
        return tx.links.open_account(customer(number), now=NOW)

    results = in_open_transactions(store, 2, act)

    assert failures(results) == []
    assert len(set(results)) == 2


def test_a_command_that_is_written_sixteen_times_at_once_is_one_row(store: UnitOfWork) -> None:
    account = open_account(store)

    results = in_open_transactions(store, 16, lambda tx, _: add(tx, account, command()))

    assert failures(results) == []
    assert sorted(results, key=bool) == [False] * 15 + [True]
    assert states(store) == ["waiting"]


def test_a_command_that_was_done_is_not_written_again_by_any_of_eight(store: UnitOfWork) -> None:
    account = open_account(store)
    with store.begin() as tx:
        add(tx, account, command())
        (effect,) = tx.effects.open_for(account, "crm")
        tx.effects.finish(effect.id, EffectState.DONE, now=NOW)

    results = in_open_transactions(store, 8, lambda tx, _: add(tx, account, command()))

    assert results == [False] * 8
    assert states(store) == ["done"]


def test_projections_that_are_written_at_once_leave_one_waiting(store: UnitOfWork) -> None:
    account = open_account(store)

    results = in_open_transactions(
        store, 8, lambda tx, number: add(tx, account, projection(number))
    )

    assert failures(results) == []
    assert states(store) == ["superseded"] * 7 + ["waiting"]


def test_a_projection_beside_one_that_is_being_sent_waits_for_its_turn(store: UnitOfWork) -> None:
    account = open_account(store)
    with store.begin() as tx:
        add(tx, account, projection(0))
        (running,) = tx.effects.open_for(account, "crm")
        tx.effects.start([running.id])

    results = in_open_transactions(
        store, 8, lambda tx, number: add(tx, account, projection(number + 1))
    )

    assert failures(results) == []
    assert states(store) == ["sending"] + ["superseded"] * 7 + ["waiting"]


def test_of_two_judges_of_one_account_one_opens_the_case(store: UnitOfWork) -> None:
    account = open_account(store)

    def act(tx: Transaction, number: int) -> CaseId:
        return tx.cases.save(case(account, tier=f"tier {number}"), before=None)

    results = in_open_transactions(store, 2, act)

    assert failures(results) == [Conflict]
    assert count(store, cases) == 1


def test_the_database_itself_refuses_a_second_open_case(store: UnitOfWork) -> None:
    account = open_account(store)
    with store.begin() as tx:
        tx.cases.save(case(account, 1), before=None)

    results = in_open_transactions(
        store, 1, lambda tx, _: tx.connection.execute(_second_case(account))
    )

    assert failures(results) == [IntegrityError]
    assert count(store, cases) == 1


def _second_case(account: AccountId) -> sa.Insert:
    return cases.insert().values(
        account_id=account,
        number=2,
        key="another",
        state="with_person",
        tier="vip",
        body={},
        opened_at=NOW,
    )


def test_of_two_writers_over_the_same_version_of_a_case_one_gets_a_conflict(
    store: UnitOfWork,
) -> None:
    account = open_account(store)
    with store.begin() as tx:
        tx.cases.save(case(account), before=None)
    with store.begin() as tx:
        read = tx.cases.latest(account)
    assert isinstance(read, StoredCase)

    results = in_open_transactions(
        store, 2, lambda tx, number: tx.cases.save(case(account, tier=f"t{number}"), before=read)
    )

    assert failures(results) == [Conflict]
    with store.begin() as tx:
        after = tx.cases.latest(account)
    assert after is not None
    assert after.version == read.version + 1


def test_a_schedule_is_claimed_by_one_of_two_relays_however_many_ticks_were_missed(
    store: UnitOfWork,
) -> None:
    with store.begin() as tx:
        tx.system.schedule("sweep", every=timedelta(minutes=5), now=NOW - timedelta(days=1))

    results = in_open_transactions(store, 2, lambda tx, _: tx.system.take_due_schedules(NOW))

    assert sorted(results, key=str) == [["sweep"], []]
    with store.begin() as tx:
        assert tx.system.take_due_schedules(NOW + timedelta(minutes=4)) == []
        assert tx.system.take_due_schedules(NOW + timedelta(minutes=5)) == ["sweep"]


def test_a_timer_is_taken_by_one_of_eight(store: UnitOfWork) -> None:
    account = open_account(store)
    with store.begin() as tx:
        tx.cases.replace_timers(account, [Timer(kind=TimerKind.REMINDER, due=NOW)])

    results = in_open_transactions(store, 8, lambda tx, _: tx.cases.take_due_timers(NOW, 10))

    assert failures(results) == []
    assert sorted(results, key=str)[0] == [(account, TimerKind.REMINDER)]
    assert sum(len(one) for one in results if isinstance(one, list)) == 1


def test_of_eight_relays_that_stand_for_leader_one_leads(store: UnitOfWork) -> None:
    results = in_open_transactions(
        store, 8, lambda tx, number: tx.system.lead("relay", owner=f"r{number}", seconds=10)
    )

    assert failures(results) == []
    assert sorted(results, key=bool) == [False] * 7 + [True]


def test_a_message_is_taken_in_by_one_of_eight(store: UnitOfWork) -> None:
    with store.begin() as tx:
        tx.inbox.store([Incoming(source="s", key="k", topic="t", body=b"{}")], NOW)

    results = in_open_transactions(store, 8, lambda tx, _: take_in(tx))

    assert sorted(results, key=str) == [0] * 7 + [1]


def test_sixteen_deliveries_of_one_message_at_once_are_one_row(store: UnitOfWork) -> None:
    message = Incoming(source="s", key="k", topic="t", body=b"{}")

    results = in_open_transactions(store, 16, lambda tx, _: tx.inbox.store([message], NOW))

    assert failures(results) == []
    assert sorted(results, key=str) == [0] * 15 + [1]


def test_two_administrators_who_store_a_policy_at_once_make_two_versions_or_one_error(
    store: UnitOfWork,
) -> None:
    def act(number: int) -> int:
        with store.begin() as tx:
            stored = tx.system.add_config("policy", f"v{number}", author="a", note="", now=NOW)
            return stored.version

    results = at_once(2, act)

    versions = [one for one in results if isinstance(one, int)]
    assert len(set(versions)) == len(versions)
    assert versions
