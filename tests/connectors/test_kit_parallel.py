"""A few calls at once: in order, in the caller's context, and stopped by the first failure."""

from __future__ import annotations

import threading

import pytest

from connectors.kit.parallel import in_parallel
from domain.boundary import HttpInTransaction, assert_no_transaction, transaction_open


def test_answers_come_in_the_order_of_the_items() -> None:
    assert in_parallel(lambda one: one * 2, range(50), at_once=4) == [2 * n for n in range(50)]


def test_items_are_under_way_at_the_same_time_and_never_more_than_allowed() -> None:
    meet = threading.Barrier(3, timeout=10)
    lock = threading.Lock()
    running: list[int] = []
    most = 0

    def call(one: int) -> None:
        nonlocal most
        with lock:
            running.append(one)
            most = max(most, len(running))
        meet.wait()
        with lock:
            running.remove(one)

    in_parallel(call, range(9), at_once=3)

    assert most == 3


def test_the_first_failure_is_raised_and_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def call(one: int) -> None:
        begun.append(one)
        if one == 0:
            raise ValueError("no")
        threading.Event().wait(0.05)

    with pytest.raises(ValueError, match="no"):
        in_parallel(call, range(1_000), at_once=2)

    assert len(begun) < 1_000


def test_a_transaction_that_is_open_is_seen_in_every_call() -> None:
    with transaction_open("a test"), pytest.raises(HttpInTransaction):
        in_parallel(lambda _: assert_no_transaction("GET"), range(2), at_once=2)


def test_one_item_needs_no_thread() -> None:
    [name] = in_parallel(lambda _: threading.current_thread().name, ["one"], at_once=4)
    assert name == threading.current_thread().name
