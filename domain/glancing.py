"""What a list shows of many records at once: enough to tell which of them are worth reading whole.

A glance never decides anything. Equal to what the last whole read showed, it says that nothing of
what it covers has changed; different, that the account has to be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from domain.errors import KidgloveError
from domain.ids import Ref

if TYPE_CHECKING:
    from domain.ports import ReadPlan


@dataclass(frozen=True, kw_only=True)
class CustomerGlance:
    """One customer. `digest` equals that of a whole read (`PaymentPicture.glance`) as long as
    nothing that the list shows has changed; `is_settled` says that no invoice is open or drafted.
    """

    digest: str
    is_settled: bool


@dataclass(frozen=True, kw_only=True)
class CustomersPage:
    """Some customers by id, and after which one the list goes on; None if that was all."""

    customers: Mapping[str, CustomerGlance]
    after: str | None


class SurveysCustomers(Protocol):
    """Glances at everybody whom the payment system knows."""

    def survey_customers(self, after: str | None) -> Iterator[CustomersPage]:
        """Page by page, each read when it is asked for, after this customer (None: from the start).

        Customers are newest first; those made meanwhile are left to their events. Raises the error
        class that says what next; asking again is free of consequences.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class AccountGlance:
    """One CRM account: its mapped fields raw, as a whole read shows them (`CrmPicture.fields`)."""

    ref: Ref
    fields: Mapping[str, Any]


class SurveysAccounts(Protocol):
    """Glances at CRM accounts, as many in a call as the vendor allows."""

    def survey_accounts(
        self, *, ids: Sequence[str] = (), customers: Sequence[str] = (), plan: ReadPlan
    ) -> Mapping[str, tuple[AccountGlance, ...] | KidgloveError]:
        """By account id and by payment customer id; answers under what was asked for, and an empty
        tuple for what is not there under exactly this id. Raises what concerns the whole call."""
        ...
