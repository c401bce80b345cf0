"""The last question before a personal mail: is it really quiet, right now?"""

from __future__ import annotations

from dataclasses import dataclass

from domain.certifying import sounds
from domain.errors import KidgloveError
from domain.facts import PaymentPicture
from domain.ids import AccountId
from domain.ports import ReadsPayments
from domain.rows import EVALUATE, Link, LinkState, Urgency
from sync.clock import Clock
from sync.durable import Store
from sync.linking import CUSTOMER


@dataclass(frozen=True, kw_only=True)
class Clearance:
    """Whether a personal mail may go out now, and if not, why not."""

    may_send: bool
    reasons: tuple[str, ...] = ()


class Gate:
    """Reads the whole customer afresh: what we never changed can make a sound as well."""

    def __init__(self, *, store: Store, system: str, payments: ReadsPayments, clock: Clock) -> None:
        self._store = store
        self._system = system
        self._payments = payments
        self._clock = clock

    def clear_to_send(self, account: AccountId) -> Clearance:
        """Refuses while anything automatic could still reach the customer; unknown counts as that.

        A refusal makes the account be judged at once (the hold is put back as the policy says);
        that judgement tells the administrators once for each time that it was switched back.
        """
        with self._store.begin() as tx:
            stance = tx.cases.stance(account)
            customer = _customer(tx.links.of(account), self._system)
        reasons: list[str] = []
        if stance is None or not stance.wants_quiet:
            reasons.append("the account is not held")
        reasons += self._sounds(customer)
        if not reasons:
            return Clearance(may_send=True)
        now = self._clock.now()
        with self._store.begin() as tx:
            tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency.VIP, cause="kidglove:refused")
            tx.audit.note("send.refused", "; ".join(reasons), now=now, account=account)
        return Clearance(may_send=False, reasons=tuple(reasons))

    def _sounds(self, customer: str | None) -> list[str]:
        if customer is None:
            return ["no payment customer is linked"]
        try:
            answer = self._payments.read_payments([customer]).get(customer)
        except KidgloveError as problem:
            answer = problem
        if not isinstance(answer, PaymentPicture):
            because = answer.message if answer is not None else "no answer"
            return [f"customer {customer} could not be read: {because}"]
        return [f"{subject} is not quiet" for subject in sounds(answer)]


def _customer(links: list[Link], system: str) -> str | None:
    return next(
        (
            link.external_id
            for link in links
            if link.system == system and link.kind == CUSTOMER and link.state is LinkState.CONFIRMED
        ),
        None,
    )
