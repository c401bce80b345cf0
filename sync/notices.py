"""What messages and lists tell of accounts, marked for many accounts at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.ids import AccountId
from domain.ports import Hint
from domain.rows import EVALUATE, Mark, Standing, Urgency
from sync.durable import TransactionPort
from sync.linking import CUSTOMER


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One hint whose account is known. `cause` begins with its source."""

    account: AccountId
    hint: Hint
    cause: str


def mark_noticed(tx: TransactionPort, notices: Iterable[Notice]) -> None:
    """Mark the account of each notice to be judged. All must be of one source: of several about
    one account the most urgent counts, and the last is told as the cause."""
    known = list(notices)
    standings = tx.known.standings({notice.account for notice in known})
    marks: dict[AccountId, Mark] = {}
    for notice in known:
        urgency = urgency_of(standings[notice.account], notice.hint)
        before = marks.get(notice.account)
        marks[notice.account] = Mark(
            urgency if before is None else min(urgency, before.urgency), notice.cause
        )
    tx.lanes.mark_all_dirty(marks, EVALUATE)


def urgency_of(standing: Standing, hint: Hint) -> Urgency:
    """An account that people handle goes first; who that is was judged the last time.

    News of a payment may be a failure. News of a CRM record without a case is not: thousands of
    them come at once when somebody imports a list, and nobody's failure waits behind those.
    """
    if standing.wants_quiet:
        return Urgency.VIP
    if hint.ref.kind == CUSTOMER:
        return Urgency.VIP if standing.intercepts else Urgency.NORMAL
    return Urgency.NORMAL if standing.has_case or standing.intercepts else Urgency.BULK
