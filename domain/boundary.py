"""No call leaves the house while a database transaction is open: the flag both sides share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from domain.errors import Bug

_open_transaction: ContextVar[str | None] = ContextVar("open_transaction", default=None)


class HttpInTransaction(Bug):
    """A vendor was about to be called with a transaction open: locks would be held for seconds."""

    code = "http_in_transaction"
    next_step = "Commit first, call then; report where this came from."


@contextmanager
def transaction_open(name: str = "transaction") -> Iterator[None]:
    """Mark this thread (or task) as inside a database transaction until the block ends.

    The unit of work sets it; blocks may nest. A thread started inside does not inherit it.
    """
    token = _open_transaction.set(name)
    try:
        yield
    finally:
        _open_transaction.reset(token)


def assert_no_transaction(target: str) -> None:
    """Raise `HttpInTransaction` if a transaction is open here. `target` names the call refused."""
    name = _open_transaction.get()
    if name is not None:
        raise HttpInTransaction(f"{target} was about to be called while {name} was open")
