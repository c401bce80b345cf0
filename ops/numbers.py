"""The numbers that say whether the promise is kept, from what the store knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from domain.case import CaseState
from domain.facts import AttemptBy, PaymentPicture
from domain.ids import AccountId
from domain.policy import Policy
from domain.rows import StoredCase
from domain.trouble import failing_invoices
from store.codec import PAYMENTS
from sync.survey import DONE

if TYPE_CHECKING:
    from store.unit_of_work import Transaction

PICTURES = sa.text(
    "SELECT account_id, picture FROM facts WHERE source = 'payments' "
    "AND account_id > :after ORDER BY account_id LIMIT 500"
)
DRIFTS = sa.text("SELECT coalesce(sum((body->>'drifts')::int), 0) FROM suppressions")
SURVEYED = sa.text("SELECT details FROM audit WHERE kind = :kind ORDER BY id DESC LIMIT 1")
NEVER = {"seen": 0, "marked": 0}
CHANGED = sa.text("SELECT count(*) FROM suppressions WHERE state IN ('wanted', 'quiet')")


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """One reading. `robotic` and `silent` are the two that must be zero. `surveyed` and `differed`
    are of the last look at everybody that came to its end."""

    at: datetime
    robotic: int
    silent: int
    drifts: int
    surveyed: int
    differed: int
    settings_changed: int
    open_cases: dict[str, int] = field(default_factory=dict)
    inbox: dict[str, int] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=dict)
    waiting_accounts: dict[str, int] = field(default_factory=dict)
    unread_alerts: int = 0


def numbers(tx: Transaction, policy: Policy, now: datetime) -> Numbers:
    """Count everything once. Vendors are not asked: this is what was last read."""
    cases = {stored.case.account: stored for stored in tx.cases.all(limit=100_000)}
    states: dict[str, int] = {}
    for stored in cases.values():
        states[stored.case.state.value] = states.get(stored.case.state.value, 0) + 1
    surveyed = tx.connection.execute(SURVEYED, {"kind": DONE}).scalar() or NEVER
    robotic = silent = 0
    for account, picture in _pictures(tx):
        stored_case = cases.get(account)
        robotic += robotic_tries(stored_case, picture)
        silent += silent_invoices(stored_case, picture, policy, now)
    return Numbers(
        at=now,
        robotic=robotic,
        silent=silent,
        drifts=int(tx.connection.execute(DRIFTS).scalar_one()),
        surveyed=int(surveyed["seen"]),
        differed=int(surveyed["marked"]),
        settings_changed=int(tx.connection.execute(CHANGED).scalar_one()),
        open_cases=states,
        inbox=tx.inbox.counts(),
        effects=tx.effects.counts(),
        waiting_accounts=tx.lanes.dirty_count(),
        unread_alerts=len(tx.audit.alerts()),
    )


def robotic_tries(stored: StoredCase | None, picture: PaymentPicture) -> int:
    """Automatic tries to collect that came after the hold began; each may have sent a mail.

    Stripe shows its mails to nobody but people in its Dashboard, so the tries are what can be
    counted.
    """
    if stored is None or stored.case.quieted_at is None:
        return 0
    since = stored.case.quieted_at
    return sum(
        attempt.by is AttemptBy.AUTOMATIC and attempt.at > since
        for invoice in picture.invoices
        for attempt in invoice.attempts
    )


def silent_invoices(
    stored: StoredCase | None, picture: PaymentPicture, policy: Policy, now: datetime
) -> int:
    """Failing invoices that nobody deals with although it is time: no case, or no person on it."""
    failing = failing_invoices(picture, now)
    if not failing:
        return 0
    if stored is None:
        return len(failing)
    case = stored.case
    if case.state is not CaseState.WATCHING:
        return 0 if case.assignee_id is not None else len(failing)
    tier = next((one for one in policy.tiers if one.name == case.tier), None)
    if tier is None or tier.window_days is None:
        return 0
    return sum((now - (one.failed_at or now)).days > tier.window_days for one in failing)


def _pictures(tx: Transaction) -> Iterator[tuple[AccountId, PaymentPicture]]:
    after = 0
    while rows := tx.connection.execute(PICTURES, {"after": after}).all():
        after = rows[-1].account_id
        for row in rows:
            yield AccountId(row.account_id), PAYMENTS.load(row.picture)
