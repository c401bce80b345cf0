"""The last question before a personal mail: is it really quiet, right now?"""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import KidgloveError
from domain.holds import SuppressionState
from domain.ids import AccountId
from domain.ports import InvoiceSetting, Quiets
from domain.rows import EVALUATE, Urgency
from sync.clock import Clock
from sync.deliver_payments import SETTLED
from sync.durable import Store


@dataclass(frozen=True, kw_only=True)
class Clearance:
    """Whether a personal mail may go out now, and if not, why not."""

    may_send: bool
    reasons: tuple[str, ...] = ()


class Gate:
    """Reads every suppressed object afresh. Unknown counts as not quiet."""

    def __init__(self, *, store: Store, quiets: Quiets, clock: Clock) -> None:
        self._store = store
        self._quiets = quiets
        self._clock = clock

    def clear_to_send(self, account: AccountId) -> Clearance:
        """Refuses while anything automatic could still reach the customer.

        A refusal makes the account be judged at once (the hold is put back as the policy says)
        and tells the administrators once for each time that it was switched back.
        """
        with self._store.begin() as tx:
            stance = tx.cases.stance(account)
            rows = [row for row in tx.cases.ledger(account) if row.is_ours]
        reasons: list[str] = []
        if stance is None or not stance.wants_quiet:
            reasons.append("the account is not held")
        answers = self._quiets.read_settings([row.subject for row in rows]) if rows else {}
        for row in rows:
            answer = answers.get(row.subject)
            if row.state is not SuppressionState.QUIET:
                reasons.append(f"{row.subject} is not confirmed quiet yet")
            elif answer is None or isinstance(answer, KidgloveError):
                reasons.append(f"{row.subject} could not be read")
            elif answer.status in SETTLED:
                continue
            elif isinstance(answer, InvoiceSetting):
                if answer.advances is not False:
                    reasons.append(f"{row.subject} was switched back on")
            elif answer.pause_behavior is None:
                reasons.append(f"{row.subject} was switched back on")
        if not reasons:
            return Clearance(may_send=True)
        now = self._clock.now()
        with self._store.begin() as tx:
            tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency.VIP, cause="kidglove:refused")
            tx.audit.note("send.refused", "; ".join(reasons), now=now, account=account)
        return Clearance(may_send=False, reasons=tuple(reasons))
