"""When an account whose facts could not be read is looked at again."""

from __future__ import annotations

from datetime import timedelta

from domain.errors import OutcomeUnknown, RateLimited, Transient, Unauthorized
from domain.leaf import Known
from sync.refresh import Refreshed, Remembered

RETRY_AFTER = timedelta(seconds=30)
"""The vendor is unwell for a moment, or the credential is being renewed."""
CRM_AFTER = timedelta(minutes=2)
"""Only the CRM is unwell: each look costs calls to the payment system too, for every open case."""
MEND_AFTER = timedelta(hours=1)
"""A person must mend it, and tells nobody when it is done."""
PASSING = (Transient, RateLimited, OutcomeUnknown, Unauthorized)
"""Failures of reading that pass by themselves or with a new credential."""


def read_again_after(before: Remembered, read: Refreshed) -> timedelta | None:
    """The wait before the next look; None if everything that matters was read.

    An account in our hands is never left to the next event: a hold must end, and what it changed
    must be given back, even if nobody calls.
    """
    is_payment_known = isinstance(read.facts.payments, Known)
    if any(isinstance(problem, PASSING) for problem in read.errors):
        told = [one.after for one in read.errors if isinstance(one, RateLimited) and one.after]
        return max([CRM_AFTER if is_payment_known else RETRY_AFTER, *told])
    if is_payment_known or not read.errors:
        return None
    is_open = before.case is not None and before.case.case.is_open
    is_ours = any(row.is_ours for row in before.ledger)
    return MEND_AFTER if is_open or is_ours else None
