"""When a person starts: at the first failure, later, or once something has happened."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.case import Case
from domain.facts import AttemptBy, Invoice
from domain.holding import zone_of
from domain.policy import AfterFraction, AfterManualRetry, Never, OnDay, Tier
from domain.situation import Situation
from domain.workdays import span_end


def handoff_at(situation: Situation, case: Case, tier: Tier) -> datetime | None:
    """The time at which a person starts, if nothing calls for one earlier; None if nobody does.

    A manual retry that nobody makes is waited for only as long as anybody else: while it is waited
    for, nothing automated runs and nobody has a task.
    """
    match tier.handoff:
        case OnDay(day):
            return case.opened_at + timedelta(days=day)
        case AfterFraction(numerator, denominator):
            window = tier.window_days or situation.policy.window_assumed_days
            return case.opened_at + timedelta(days=-(-window * numerator // denominator))
        case AfterManualRetry():
            return span_end(case.opened_at, tier.snooze, situation.calendar, zone_of(situation))
        case Never():
            return None


def person_is_due(
    situation: Situation, case: Case, tier: Tier, failing: tuple[Invoice, ...]
) -> bool:
    """Whether it is a person's turn now."""
    if case.expedited_at is not None:
        return True
    if isinstance(tier.handoff, AfterManualRetry) and _was_retried_by_hand(failing):
        return True
    at = handoff_at(situation, case, tier)
    return at is not None and at <= situation.now


def _was_retried_by_hand(failing: tuple[Invoice, ...]) -> bool:
    return any(
        attempt.by is AttemptBy.MANUAL and not attempt.succeeded
        for invoice in failing
        for attempt in invoice.attempts
    )
