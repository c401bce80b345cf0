"""Why it failed, what is at stake, how they feel, what went before: the background sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.case import CaseState
from domain.decline_table import DeclineClass
from domain.leaf import Known, Missing, value_or
from domain.money import Money
from domain.package import ContextPackage
from domain.package_relation import NO_TALK
from domain.wording import Reader, count, listed, sentence

OTHERS_SHOWN = 3
"""More invoices than this are counted here and listed in the details."""


def soon_text(package: ContextPackage, reader: Reader) -> str:
    """A renewal call that is near; empty if none is."""
    at, near = package.value.renewal_at, package.value.renewal_is_near
    if not isinstance(at, Known) or not value_or(near, False):
        return ""
    days = (at.value - reader.today).days
    when = "today" if days == 0 else f"in {count(days, 'day')}"
    return sentence(f"the renewal call is on {reader.day(at.value)}, {when}")


def why_text(package: ContextPackage, reader: Reader) -> str:
    """Why it failed in plain words, and the likely causes that something on record supports."""
    failure = package.failure
    words = failure.plain_words
    said = words.value if isinstance(words, Known) else f"not known ({reader.text(words.because)})"
    causes = value_or(failure.likely_causes, ())
    only = value_or(failure.class_, "") in (DeclineClass.RISK, DeclineClass.CARD_GONE)
    new_card, note = failure.new_card_at, package.account.country_note
    where = value_or(package.account.country, "there")
    return sentence(
        said,
        f"likely cause: {'; '.join(causes)}" if causes else "",
        f"a new card was added on {reader.day(new_card.value)}"
        if isinstance(new_card, Known)
        else "",
        f"to the customer say only: “{failure.may_tell_customer.value}”"
        if only and isinstance(failure.may_tell_customer, Known)
        else "",
        f"In {reader.text(where, 20)}: {reader.text(note.value)}"
        if isinstance(note, Known)
        else "",
    )


def money_text(package: ContextPackage, reader: Reader) -> str:
    """The invoice, what the account is worth, its contract, and what is not known of these."""
    value = package.value
    return sentence(
        _invoice(package, reader) if package.standing.has_invoices else "",
        _others(package, reader),
        _mismatch(package),
        f"worth {value.arr.value.text()} a year" if isinstance(value.arr, Known) else "",
        _tenure(value.tenure_months.value) if isinstance(value.tenure_months, Known) else "",
        value.access.value if isinstance(value.access, Known) else "",
        f"{count(value.seats.value, 'seat')}" if isinstance(value.seats, Known) else "",
        f"success tier {reader.text(value.tier.value, 40)}"
        if isinstance(value.tier, Known)
        else "",
        f"{value.expansion_arr.value.text()} a year of expansion in play"
        if isinstance(value.expansion_arr, Known)
        else "",
        f"country {reader.text(package.account.country.value, 20)}"
        if isinstance(package.account.country, Known)
        else "",
        unknown(
            package,
            reader,
            [
                ("yearly value", value.arr),
                ("how long a customer", value.tenure_months),
                ("access", value.access),
                ("seats", value.seats),
                ("success tier", value.tier),
                ("expansion", value.expansion_arr),
                ("country", package.account.country),
            ],
        ),
    )


def unknown(
    package: ContextPackage, reader: Reader, leaves: Sequence[tuple[str, Known[Any] | Missing]]
) -> str:
    """`Not known: seats and success tier (field not mapped)`; empty if everything is known.

    What is missing because the whole CRM record is gets a short word, as the first line has the
    reason.
    """
    record = package.account.record
    by_reason: dict[str, list[str]] = {}
    for name, leaf in leaves:
        if isinstance(leaf, Missing):
            has_no_record = isinstance(record, Missing) and leaf.because == record.because
            why = f"see {package.names.crm} above" if has_no_record else leaf.because
            by_reason.setdefault(why, []).append(name)
    groups = [f"{listed(names)} ({reader.text(why)})" for why, names in by_reason.items()]
    return f"not known: {'; '.join(groups)}" if groups else ""


def _tenure(months: int) -> str:
    return f"customer for {count(months, 'month')}" if months else "customer for less than a month"


def _invoice(package: ContextPackage, reader: Reader) -> str:
    invoice, amount = package.invoice, package.failure.amount
    if isinstance(amount, Missing):
        return f"invoice not known ({reader.text(amount.because)})"
    number = next(
        (one.value for one in (invoice.erp_number, invoice.number) if isinstance(one, Known)), ""
    )
    label = reader.text(number, 60) if number else "invoice without a number"
    if isinstance(invoice.due, Known):
        when = f", due {reader.day(invoice.due.value)}"
    else:
        issued = invoice.issued
        when = f", billed {reader.day(issued.value)}" if isinstance(issued, Known) else ""
    return f"{label}, {amount.value.text()}{when}"


def _mismatch(package: ContextPackage) -> str:
    amount, erp = package.failure.amount, package.invoice.erp_amount
    if not value_or(package.invoice.erp_mismatch, False):
        return ""
    if not isinstance(amount, Known) or not isinstance(erp, Known):
        return ""
    ledger: Money = erp.value
    erp_name = package.names.show(package.names.erp)
    return (
        f"the amounts differ: {ledger.text()} in {erp_name}, {amount.value.text()} in "
        f"{package.names.payments}; ask finance before you name one"
    )


def _others(package: ContextPackage, reader: Reader) -> str:
    others = value_or(package.invoice.others, ())
    if not others:
        return ""
    shown = [
        f"{reader.text(one.number, 40)} {one.open_amount.text()} ({one.status})"
        for one in others[:OTHERS_SHOWN]
    ]
    more = len(others) - OTHERS_SHOWN
    return f"also in this case: {listed([*shown, *([f'{more} more'] if more > 0 else [])])}"


def mood_text(package: ContextPackage, reader: Reader) -> str:
    """Health, tickets, the last talk, and what is not known of these."""
    at, touch = package.value.renewal_at, package.last_touch.at
    is_later = isinstance(at, Known) and not value_or(package.value.renewal_is_near, False)
    has_no_talk = isinstance(touch, Missing) and touch.because == NO_TALK
    return sentence(
        _health(package, reader),
        _tickets(package, reader),
        "no talk on record" if has_no_talk else _last_talk(package, reader),
        f"renewal call {reader.day(at.value)}" if isinstance(at, Known) and is_later else "",
        unknown(
            package,
            reader,
            [
                ("health score", package.health.score),
                ("support tickets", package.support.open),
                *([] if has_no_talk else [("last talk", touch)]),
                ("renewal call", at),
            ],
        ),
    )


def _health(package: ContextPackage, reader: Reader) -> str:
    health = package.health
    if isinstance(health.score, Missing):
        return ""
    said = f"health {reader.text(health.score.value, 40)}"
    source = reader.text(package.names.show(health.score.source), 40)
    if isinstance(health.age, Missing):
        return f"{said} ({source}, age unknown)"
    days = health.age.value
    age = "from today" if days == 0 else f"{count(days, 'day')} old"
    stale = ", too old to rely on" if value_or(health.is_stale, False) else ""
    return f"{said} ({source}, {age}{stale})"


def _tickets(package: ContextPackage, reader: Reader) -> str:
    support = package.support
    if isinstance(support.open, Missing):
        return ""
    if not support.open.value:
        return "no open support ticket"
    titles = [reader.text(one.title, 60) for one in value_or(support.top3, ())]
    more = support.open.value - len(titles)
    which = f" ({listed([*titles, *([f'{more} more'] if more > 0 else [])])})" if titles else ""
    return f"{count(support.open.value, 'open support ticket')}{which}"


def _last_talk(package: ContextPackage, reader: Reader) -> str:
    touch = package.last_touch
    if isinstance(touch.at, Missing):
        return ""
    who = value_or(touch.who, "")
    is_reader = bool(who) and who == package.standing.assignee
    by = ", you" if is_reader else f", {reader.text(who, 40)}" if who else ""
    kind = reader.text(value_or(touch.kind, "talk"), 30)
    line = touch.line
    about = f": “{reader.text(line.value)}”" if isinstance(line, Known) else ""
    return f"last talk {reader.day(touch.at.value)} ({kind}{by}){about}"


def history_text(package: ContextPackage, reader: Reader) -> str:
    """Earlier hiccups, the tries so far, and the next one."""
    line = package.history.line
    return sentence(
        line.value
        if isinstance(line, Known)
        else f"earlier payments not known: {reader.text(line.because)}",
        _tries(package, reader),
        _next_try(package, reader) if package.standing.state is not CaseState.CLOSED else "",
    )


def _tries(package: ContextPackage, reader: Reader) -> str:
    tries = value_or(package.attempts.tries, ())
    if not tries:
        return ""
    shown = [f"{reader.time(one.at)} {one.result}" for one in tries[-3:]]
    number = max(len(tries), value_or(package.attempts.count, 0))
    label = "tries so far" if number <= 3 else f"last {len(shown)} of {number} tries"
    return f"{label}: {', '.join(shown)}"


def _next_try(package: ContextPackage, reader: Reader) -> str:
    planned = package.next_attempt.at
    if isinstance(package.invoice.id, Missing):
        return ""
    if isinstance(planned, Missing):
        return f"next try: {reader.text(planned.because)}"
    at: datetime = planned.value
    if value_or(package.next_attempt.suppressed, False):
        return f"the try planned for {reader.time(at)} is held back"
    return f"next try: {reader.time(at)}, by itself"
