"""The tries to collect one invoice, from its charges and from Stripe's own counter."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.stripe.declines import NOTHING_SENT_AFTER, charge_decline
from connectors.stripe.wire import Charge
from domain.facts import Attempt, AttemptBy


def attempts(charges: Sequence[Charge], *, counted: int, is_marked: bool) -> tuple[Attempt, ...]:
    """One attempt per finished charge, oldest first. `counted` is the invoice's attempt_count.

    VENDOR: the counter takes the first try and the automatic retries, never a retry by hand
    (invoices/pay). Charges beyond the counter were therefore made by hand; how many is exact,
    which ones is not told, and the newest are named. After a reason that stops Stripe from asking
    the bank the counter runs ahead, so that later tries are of unknown origin. The first try is
    automatic unless the invoice carries our mark: then we may have made it.
    """
    done = sorted(
        (one for one in charges if one.status in ("failed", "succeeded")),
        key=lambda one: (one.created, one.id),
    )
    by_hand = max(0, len(done) - max(1, counted))
    found: list[Attempt] = []
    is_counter_sure = True
    for number, charge in enumerate(done):
        failed = charge.status == "failed"
        code = charge_decline(charge).code if failed else None
        if number == 0:
            by = AttemptBy.UNKNOWN if is_marked else AttemptBy.AUTOMATIC
        elif number >= len(done) - by_hand:
            by = AttemptBy.MANUAL
        else:
            by = AttemptBy.AUTOMATIC if is_counter_sure else AttemptBy.UNKNOWN
        found.append(Attempt(at=charge.created, succeeded=not failed, code=code, by=by))
        is_counter_sure = is_counter_sure and code not in NOTHING_SENT_AFTER
    return tuple(found)
