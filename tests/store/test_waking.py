"""The relay is woken for what somebody waits for, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest

from domain.ids import AccountId
from domain.rows import EVALUATE, LeasedLane, Urgency
from store.lanes import CHANNEL
from store.unit_of_work import UnitOfWork
from tests.races.stage import NOW, open_account

Woken = Callable[[], bool]


@pytest.fixture
def woken(database_url: str) -> Iterator[Woken]:
    """Whether the relay was woken since the last question."""
    plain = database_url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}".encode())

        def ask() -> bool:
            # A round trip brings what was sent before it.
            listener.execute("SELECT 1")
            return bool(list(listener.notifies(timeout=0)))

        yield ask


def mark(store: UnitOfWork, account: AccountId, urgency: Urgency) -> None:
    with store.begin() as tx:
        tx.lanes.mark_dirty(account, EVALUATE, urgency=urgency, cause="test")


def lease(store: UnitOfWork, account: AccountId) -> LeasedLane:
    with store.begin() as tx:
        lane = tx.lanes.lease(account, EVALUATE, owner="test", now=NOW, seconds=60)
    assert lane is not None
    return lane


def test_an_urgent_and_an_ordinary_account_wake_it_and_bulk_work_does_not(
    store: UnitOfWork, woken: Woken
) -> None:
    asked = {}
    for number, urgency in enumerate(Urgency):
        mark(store, open_account(store, number), urgency)
        asked[urgency] = woken()

    assert asked == {Urgency.VIP: True, Urgency.NORMAL: True, Urgency.BULK: False}


def test_a_lane_that_is_done_or_put_off_wakes_nobody(store: UnitOfWork, woken: Woken) -> None:
    account = open_account(store)
    mark(store, account, Urgency.VIP)
    lane = lease(store, account)
    assert woken()
    with store.begin() as tx:
        tx.lanes.release(lane, is_done=False, not_before=NOW + timedelta(hours=1))
    assert not woken()

    mark(store, account, Urgency.VIP)
    lane = lease(store, account)
    assert woken()
    with store.begin() as tx:
        tx.lanes.release(lane, is_done=True)
    assert not woken()


def test_a_lane_of_which_there_is_news_wakes_it_when_it_is_released(
    store: UnitOfWork, woken: Woken
) -> None:
    account = open_account(store)
    mark(store, account, Urgency.VIP)
    lane = lease(store, account)
    mark(store, account, Urgency.VIP)
    assert woken()

    with store.begin() as tx:
        tx.lanes.release(lane, is_done=True)

    assert woken()


def test_a_lane_that_was_left_undone_wakes_it_at_once(store: UnitOfWork, woken: Woken) -> None:
    account = open_account(store)
    mark(store, account, Urgency.VIP)
    lane = lease(store, account)
    assert woken()

    with store.begin() as tx:
        tx.lanes.release(lane, is_done=False)

    assert woken()
