"""Two or more at the same place at the same moment, and the rows that they fight for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

import sqlalchemy as sa

from domain.case import Case, CaseState
from domain.effects import Effect, EffectKind
from domain.ids import AccountId, Ref
from store.unit_of_work import Transaction, UnitOfWork

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
PATIENCE = 20.0
"""Seconds after which a barrier breaks: a lock that nobody releases fails the test, not the run."""
WINS = "wins"


def customer(number: int = 1) -> Ref:
    """A customer of the payment system."""
    return Ref("payments", "customer", f"cus_{number}")


def open_account(store: UnitOfWork, number: int = 1) -> AccountId:
    """A new account."""
    with store.begin() as tx:
        return tx.links.open_account(customer(number), now=NOW)


def at_once(count: int, act: Callable[[int], T]) -> list[T | Exception]:
    """What `act` gave or raised in each of so many threads that start it at the same moment."""
    start = threading.Barrier(count, timeout=PATIENCE)

    def run(number: int) -> T | Exception:
        start.wait()
        try:
            return act(number)
        except Exception as problem:  # noqa: BLE001 # reason: the failure of a loser is the result
            return problem

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def in_open_transactions(
    store: UnitOfWork, count: int, act: Callable[[Transaction, int], T]
) -> list[T | Exception]:
    """The same, each in a transaction that is open before anybody acts."""
    start = threading.Barrier(count, timeout=PATIENCE)

    def run(number: int) -> T:
        with store.begin() as tx:
            tx.connection.execute(sa.text("SELECT 1"))
            start.wait()
            return act(tx, number)

    return at_once(count, run)


def failures(results: Sequence[object]) -> list[type[Exception]]:
    """The kinds of failure among the results."""
    return [type(one) for one in results if isinstance(one, Exception)]


def command(key: str = "quiet_invoice:invoice:in_1:1") -> Effect:
    """Something to do once."""
    return Effect(kind=EffectKind.QUIET_INVOICE, subject="invoice:in_1", key=key)


def projection(value: int) -> Effect:
    """A field that should say so."""
    return Effect(
        kind=EffectKind.WRITE_FIELDS,
        subject="fields:001",
        key=f"fields:001:{value}",
        body={"values": {"amount": value}},
    )


def case(account: AccountId, number: int = 1, *, tier: str = "vip") -> Case:
    """A case that is with a person."""
    return Case(
        account=account,
        number=number,
        key=f"k{account}-{number}",
        state=CaseState.WITH_PERSON,
        opened_at=NOW,
        tier=tier,
    )
