"""One account is in one pair of hands, and what changed meanwhile is looked at again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import Conflict
from domain.ids import AccountId, Ref
from domain.ports import Hint
from domain.rows import EVALUATE, LeasedLane, Urgency
from store.lanes import LeaseLost
from store.unit_of_work import Transaction, UnitOfWork
from sync.notices import Notice, mark_noticed
from tests.lanes import due_lanes
from tests.races.stage import NOW, at_once, case, failures, in_open_transactions, open_account


def dirty(store: UnitOfWork, account: AccountId, cause: str = "test") -> None:
    with store.begin() as tx:
        tx.lanes.mark_dirty(account, EVALUATE, cause=cause)


def lease(
    store: UnitOfWork, account: AccountId, owner: str = "one", seconds: float = 60
) -> LeasedLane | None:
    with store.begin() as tx:
        return tx.lanes.lease(account, EVALUATE, owner=owner, now=NOW, seconds=seconds)


def leased(store: UnitOfWork, account: AccountId, owner: str = "one") -> LeasedLane:
    lane = lease(store, account, owner)
    assert lane is not None
    return lane


def expire(store: UnitOfWork, account: AccountId) -> None:
    """As if the holder had been gone for longer than its lease."""
    with store.begin() as tx:
        lane = tx.lanes.lease(account, EVALUATE, owner="gone", now=NOW, seconds=-1)
    assert lane is not None


def is_due(store: UnitOfWork) -> bool:
    with store.begin() as tx:
        return bool(due_lanes(tx, NOW))


@pytest.mark.req("R17", partly="the lane only; the whole way is in tests/ingress")
@pytest.mark.parametrize("turn", range(5))
def test_of_eight_workers_that_lease_one_lane_one_gets_it(store: UnitOfWork, turn: int) -> None:
    account = open_account(store)
    dirty(store, account)

    taken = at_once(8, lambda number: lease(store, account, f"worker-{number}"))

    assert failures(taken) == []
    assert len([lane for lane in taken if lane is not None]) == 1


def test_of_eight_open_transactions_that_lease_one_lane_one_gets_it(store: UnitOfWork) -> None:
    account = open_account(store)
    dirty(store, account)

    def take(tx: Transaction, number: int) -> LeasedLane | None:
        return tx.lanes.lease(account, EVALUATE, owner=str(number), now=NOW, seconds=60)

    taken = in_open_transactions(store, 8, take)

    assert failures(taken) == []
    assert len([lane for lane in taken if lane is not None]) == 1


def test_a_lease_that_ran_out_is_taken_by_one_of_eight_with_a_new_fence(
    store: UnitOfWork,
) -> None:
    account = open_account(store)
    dirty(store, account)
    expire(store, account)

    taken = at_once(8, lambda number: lease(store, account, f"worker-{number}"))

    fences = [lane.fence for lane in taken if isinstance(lane, LeasedLane)]
    assert fences == [2]


def test_whoever_lost_the_lease_may_not_write_the_case(store: UnitOfWork) -> None:
    account = open_account(store)
    dirty(store, account)
    with store.begin() as tx:
        late = tx.lanes.lease(account, EVALUATE, owner="late", now=NOW, seconds=-1)
    assert late is not None
    leased(store, account, "successor")

    def write() -> None:
        with store.begin() as tx:
            tx.lanes.hold(late)
            tx.cases.save(case(account), before=None)

    with pytest.raises(LeaseLost):
        write()

    with store.begin() as tx:
        assert tx.cases.latest(account) is None
    assert issubclass(LeaseLost, Conflict)


def test_whoever_lost_the_lease_cannot_give_the_successors_lease_back(store: UnitOfWork) -> None:
    account = open_account(store)
    dirty(store, account)
    with store.begin() as tx:
        late = tx.lanes.lease(account, EVALUATE, owner="late", now=NOW, seconds=-1)
    assert late is not None
    successor = leased(store, account, "successor")

    with store.begin() as tx:
        tx.lanes.release(late, is_done=True)

    with store.begin() as tx:
        tx.lanes.hold(successor)
    assert lease(store, account, "third") is None


def test_a_holder_that_commits_while_another_takes_over_wins_or_loses_but_never_both(
    store: UnitOfWork,
) -> None:
    account = open_account(store)
    dirty(store, account)
    with store.begin() as tx:
        late = tx.lanes.lease(account, EVALUATE, owner="late", now=NOW, seconds=-1)
    assert late is not None

    def act(tx: Transaction, number: int) -> str:
        if number == 0:
            tx.lanes.hold(late)
            tx.lanes.release(late, is_done=True)
            return "late"
        lane = tx.lanes.lease(account, EVALUATE, owner="new", now=NOW, seconds=60)
        return "new" if lane is not None else "nothing"

    results = in_open_transactions(store, 2, act)

    won = [one for one in results if one in ("late", "new")]
    assert len(won) == 1
    assert failures(results) in ([], [LeaseLost])


def test_a_notice_between_read_and_release_keeps_the_lane_dirty(store: UnitOfWork) -> None:
    account = open_account(store)
    dirty(store, account)
    lane = leased(store, account)

    dirty(store, account, "a second event")
    with store.begin() as tx:
        tx.lanes.release(lane, is_done=True)

    assert is_due(store)
    again = leased(store, account)
    assert again.seq == lane.seq + 1
    assert again.cause == "test + a second event"


@pytest.mark.parametrize("turn", range(10))
def test_a_notice_at_the_moment_of_release_is_never_lost(store: UnitOfWork, turn: int) -> None:
    account = open_account(store)
    dirty(store, account)
    lane = leased(store, account)

    def act(tx: Transaction, number: int) -> None:
        if number == 0:
            tx.lanes.release(lane, is_done=True)
        else:
            tx.lanes.mark_dirty(account, EVALUATE, cause="at the same moment")

    assert failures(in_open_transactions(store, 2, act)) == []

    assert is_due(store)


@pytest.mark.parametrize("turn", range(10))
def test_two_sources_that_name_the_same_accounts_in_other_orders_do_not_stop_each_other(
    store: UnitOfWork, turn: int
) -> None:
    accounts = [open_account(store, number) for number in range(50)]
    hint = Hint(ref=Ref("crm", "account", "1"), topic="changed", event_id="1")

    def act(tx: Transaction, number: int) -> None:
        named = accounts if number % 2 else accounts[::-1]
        mark_noticed(
            tx,
            [Notice(account=one, hint=hint, cause=f"source{number}:1 changed") for one in named],
        )

    assert failures(in_open_transactions(store, 8, act)) == []

    assert {leased(store, account).seq for account in accounts} == {8}


def test_sixteen_notices_at_once_are_all_counted(store: UnitOfWork) -> None:
    account = open_account(store)

    def act(tx: Transaction, number: int) -> None:
        tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency(5), cause=str(number))

    assert failures(in_open_transactions(store, 16, act)) == []

    assert leased(store, account).seq == 16


def test_a_notice_wakes_a_lane_that_was_put_off(store: UnitOfWork) -> None:
    account = open_account(store)
    dirty(store, account)
    lane = leased(store, account)
    dirty(store, account, "news")
    with store.begin() as tx:
        tx.lanes.release(lane, is_done=False, not_before=NOW + timedelta(hours=1))

    assert is_due(store)


def test_a_lane_that_was_put_off_before_the_relay_noted_the_sending_is_not_delayed_by_it(
    store: UnitOfWork,
) -> None:
    """The worker is quicker than the relay: it takes the lane and puts it off for a second."""
    account = open_account(store)
    dirty(store, account)
    with store.begin() as tx:
        due = due_lanes(tx, NOW)
    lane = leased(store, account)
    with store.begin() as tx:
        tx.lanes.release(lane, is_done=False, not_before=NOW)

    with store.begin() as tx:
        tx.lanes.mark_sent(due)

    assert is_due(store)


def test_a_lane_that_is_taken_away_stays_taken_until_its_lease_runs_out(store: UnitOfWork) -> None:
    account = open_account(store)
    dirty(store, account)
    lane = leased(store, account)

    with store.begin() as tx:
        tx.lanes.take_away([account], EVALUATE)

    assert lease(store, account, "two") is None
    with pytest.raises(LeaseLost), store.begin() as tx:
        tx.lanes.hold(lane)


def test_a_lane_that_nobody_holds_is_not_taken_away(store: UnitOfWork) -> None:
    account = open_account(store)
    dirty(store, account)

    with store.begin() as tx:
        tx.lanes.take_away([account], EVALUATE)

    assert leased(store, account).fence == 1
