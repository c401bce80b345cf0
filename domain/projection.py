"""Our values that may be written into other systems, by the names the mapping uses."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from domain.case import Case, CaseState, Outcome
from domain.declines import explain
from domain.facts import AccountFacts, Card, Invoice, PaymentPicture
from domain.holds import QuietCertificate
from domain.leaf import Known, Leaf, Missing
from domain.money import Money, total
from domain.policy import Policy
from domain.tiers import worth
from domain.trouble import failing_invoices
from domain.workdays import at_local, local_date

OURS = "kidglove"


def our_values(
    facts: AccountFacts,
    case: Case | None,
    certificate: QuietCertificate,
    now: datetime,
    *,
    policy: Policy,
    zone: str = "UTC",
) -> Mapping[str, Leaf[object]]:
    """Every value a mapping row may send, each a known value (None clears the field) or missing.

    `zone` is that of the responsible person: their day begins anew for fields and task at once.
    """
    quiet: dict[str, Leaf[object]] = {
        "quiet.state": Known(certificate.state.value, OURS, certificate.checked_at),
        "quiet.checked_at": _or_none(
            _day_start(certificate.checked_at, zone), certificate.checked_at
        ),
        "quiet.until": _or_none(certificate.until, certificate.checked_at),
        "sync.problem": _or_none(_problems(facts), None),
    }
    quiet |= {name: Known(value, OURS) for name, value in _case_values(case, zone).items()}
    if isinstance(facts.payments, Missing):
        return quiet
    picture = facts.payments.value
    read_at = picture.read_at
    failing = failing_invoices(picture, now)
    newest = _newest(failing)
    amount = _main([invoice.remaining for invoice in failing], policy)
    starts = [invoice.failed_at for invoice in failing if invoice.failed_at]
    next_attempts = [
        invoice.next_attempt_at
        for invoice in failing
        if invoice.next_attempt_at and invoice.advances is not False
    ]
    return quiet | {
        "payment.status": Known(_status(failing, case, now), OURS, read_at),
        "payment.amount_due": _or_none(amount, read_at),
        "payment.currency": _or_none(amount.currency if amount else None, read_at),
        "payment.failing_since": _or_none(min(starts) if starts else None, read_at),
        "payment.last_failure_at": _or_none(_last_failure(newest), read_at),
        "payment.last_failure": _or_none(_plain(newest), read_at),
        "payment.next_attempt_at": _or_none(min(next_attempts) if next_attempts else None, read_at),
        "payment.mrr": _or_none(picture.mrr_now, read_at),
        "payment.arr": _or_none(
            Money(picture.mrr_now.minor * 12, picture.mrr_now.currency)
            if picture.mrr_now
            else None,
            read_at,
        ),
        "payment.customer_id": Known(picture.customer.id, OURS, read_at),
        "payment.cancel_on": _or_none(_cancel_on(picture), read_at),
        "payment.card_expires": _or_none(_card_expires(picture.card), read_at),
        "payment.customer_url": _or_none(picture.url, read_at),
        **{name: Known(said, OURS, read_at) for name, said in picture.details.items()},
    }


STATES = {
    CaseState.WATCHING: "Watching",
    CaseState.WITH_PERSON: "With a person",
    CaseState.IN_RESOLUTION: "In resolution",
    CaseState.PROMISED: "Promised",
}
"""How people read where a case stands."""


def _case_values(case: Case | None, zone: str) -> Mapping[str, str | None]:
    if case is None:
        return dict.fromkeys(("case.state", "case.key", "hold.answer"))
    ended = f"Closed, {case.outcome.value}" if case.outcome else "Closed"
    return {
        "case.state": STATES.get(case.state, ended),
        "case.key": case.key,
        "hold.answer": _answer(case, zone) if case.is_open else None,
    }


def _answer(case: Case, zone: str) -> str | None:
    """What was made of a person's word or of the customer's promise."""
    if case.word is not None:
        ends = f"Quiet until {_said(local_date(case.word.until, zone))}"
        if not case.word.is_understood:
            return f"{ends}: nobody told us what {case.word.raw!r} means"
        return f"{ends}: {case.word.raw}, seen on {_said(local_date(case.word.since, zone))}"
    if case.promise is not None:
        return f"Quiet until the morning after {_said(case.promise.promised)}, as promised"
    return None


def _said(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _cancel_on(picture: PaymentPicture) -> date | None:
    """The first day, in the payment system's own time, on which a live subscription ends."""
    ends = [one.cancel_at for one in picture.subscriptions if one.status.is_live and one.cancel_at]
    return min(ends).date() if ends else None


def _card_expires(card: Card | None) -> date | None:
    """A card is good to the last day of its month."""
    if card is None or not 1 <= card.exp_month <= 12:
        return None
    return date(card.exp_year, card.exp_month, monthrange(card.exp_year, card.exp_month)[1])


def _problems(facts: AccountFacts) -> str | None:
    """What could not be understood on the account, for the person who can correct it there."""
    if isinstance(facts.crm, Missing) or not facts.crm.value.problems:
        return None
    return "; ".join(facts.crm.value.problems)


def _status(failing: tuple[Invoice, ...], case: Case | None, now: datetime) -> str:
    if failing:
        overdue = any(invoice.due_at and invoice.due_at < now for invoice in failing)
        return "past_due" if overdue else "failed"
    if case is not None and not case.is_open and case.outcome is not None:
        return {Outcome.PAID: "paid", Outcome.LOST: "lost"}.get(case.outcome, "current")
    return "current"


def _newest(failing: tuple[Invoice, ...]) -> Invoice | None:
    return max(failing, key=lambda one: _last_failure(one) or one.created_at, default=None)


def _last_failure(invoice: Invoice | None) -> datetime | None:
    if invoice is None:
        return None
    failures = [attempt.at for attempt in invoice.attempts if not attempt.succeeded]
    if failures:
        return max(failures)
    return invoice.decline.at if invoice.decline else None


def _plain(invoice: Invoice | None) -> str | None:
    if invoice is None or invoice.decline is None:
        return None
    return explain(invoice.decline.code, invoice.decline.advice).plain


def _main(owed: Sequence[Money], policy: Policy) -> Money | None:
    """What is owed in the currency that matters most; several are never added up.

    By the policy's rates that is the largest sum. If one of the currencies has no rate, it is the
    currency of most of the invoices, and at a tie the first by the alphabet: bare numbers would
    rank 100,000 yen before 5,000 dollars.
    """
    sums = total(list(owed))
    rated = {one: found for one in sums if (found := worth(sums[one], policy)) is not None}
    counted = Counter(one.currency for one in owed)
    ranks = rated if len(rated) == len(sums) else counted
    return min(sums.values(), key=lambda one: (-ranks[one.currency], one.currency), default=None)


def _day_start(moment: datetime | None, zone: str) -> datetime | None:
    """The day only: a time that moves with every look would be written with every look."""
    return at_local(local_date(moment, zone), 0, zone) if moment else None


def _or_none(value: object, as_of: datetime | None) -> Leaf[object]:
    return Known(value, OURS, as_of)
