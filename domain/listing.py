"""Everybody whom the payment system knows, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class CustomerPage:
    """Some customers, and after which one the list goes on; None if that was all."""

    customers: tuple[str, ...]
    after: str | None


class ListsCustomers(Protocol):
    """Lists everybody whom the payment system knows, for the first fill."""

    def customers(self, after: str | None) -> CustomerPage:
        """The next page after this customer (None: from the start). One call; asking again is
        free of consequences."""
        ...
