"""Why it failed, what is at stake, how they feel, what went before: the background sentences."""

from __future__ import annotations

from datetime import datetime

from domain.case import CaseState
from domain.decline_table import DeclineClass
from domain.leaf import Known, Missing, value_or
from domain.money import Money
from domain.package import ContextPackage
from domain.wording import Reader, count, listed, sentence

OTHERS_SHOWN = 3
"""More invoices than this are counted here and listed in the details."""


def soon_text(package: ContextPackage, reader: Reader) -> str:
    at, near = package.value.renewal_at, package.value.renewal_is_near
    if not isinstance(at, Known) or not value_or(near, False):
        return ""
    days = (at.value - reader.today).days
    when = "today" if days == 0 else f"in {count(days, 'day')}"
    return sentence(f"the renewal call is on {reader.day(at.value)}, {when}")


def why_text(package: ContextPackage, reader: Reader) -> str:
    failure = package.failure
    words = failure.plain_words
    said = words.value if isinstance(words, Known) else f"not known ({reader.text(words.because)})"
    causes = value_or(failure.likely_causes, ())
    only = value_or(failure.class_, "") in (DeclineClass.RISK, DeclineClass.CARD_GONE)
    new_card, note = failure.new_card_at, package.account.country_note
    where = value_or(package.account.country, "there")
    return sentence(
        said,
        f"on record: {listed(causes)}" if causes else "",
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
    value = package.value
    return sentence(
        _invoice(package, reader),
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
        reader.unknown(
            [
                ("yearly value", value.arr),
                ("how long a customer", value.tenure_months),
                ("access", value.access),
                ("seats", value.seats),
                ("success tier", value.tier),
                ("expansion", value.expansion_arr),
                ("country", package.account.country),
            ]
        ),
    )


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
    value = package.value
    renewal = ""
    if isinstance(value.renewal_at, Missing):
        renewal = reader.unknown([("renewal call", value.renewal_at)])
    elif not value_or(value.renewal_is_near, False):
        renewal = f"renewal call {reader.day(value.renewal_at.value)}"
    return sentence(
        _health(package, reader), _tickets(package, reader), _last_talk(package, reader), renewal
    )


def _health(package: ContextPackage, reader: Reader) -> str:
    health = package.health
    if isinstance(health.score, Missing):
        return f"no health score: {reader.text(health.score.because)}"
    said = f"health {reader.text(health.score.value, 40)}"
    if isinstance(health.age, Missing):
        return f"{said} (age unknown)"
    days = health.age.value
    age = "from today" if days == 0 else f"{count(days, 'day')} old"
    stale = ", too old to rely on" if value_or(health.is_stale, False) else ""
    return f"{said} ({age}{stale})"


def _tickets(package: ContextPackage, reader: Reader) -> str:
    support = package.support
    if isinstance(support.open, Missing):
        return f"support tickets not known: {reader.text(support.open.because)}"
    if not support.open.value:
        return "no open support ticket"
    titles = [reader.text(one.title, 60) for one in value_or(support.top3, ())]
    more = support.open.value - len(titles)
    which = f" ({listed([*titles, *([f'{more} more'] if more > 0 else [])])})" if titles else ""
    return f"{count(support.open.value, 'open support ticket')}{which}"


def _last_talk(package: ContextPackage, reader: Reader) -> str:
    touch = package.last_touch
    if isinstance(touch.at, Missing):
        return f"last talk: {reader.text(touch.at.because)}"
    who = value_or(touch.who, "")
    is_reader = bool(who) and who == package.standing.assignee
    by = " by you" if is_reader else f" by {reader.text(who, 40)}" if who else ""
    kind = reader.text(value_or(touch.kind, "talk"), 30)
    line = touch.line
    about = f": “{reader.text(line.value)}”" if isinstance(line, Known) else ""
    return f"last talk {reader.day(touch.at.value)} ({kind}{by}){about}"


def history_text(package: ContextPackage, reader: Reader) -> str:
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
    label = "tries so far" if len(tries) <= 3 else f"last 3 of {len(tries)} tries"
    return f"{label}: {', '.join(shown)}"


def _next_try(package: ContextPackage, reader: Reader) -> str:
    planned = package.next_attempt.at
    if isinstance(planned, Missing):
        return f"next try: {reader.text(planned.because)}"
    at: datetime = planned.value
    if value_or(package.next_attempt.suppressed, False):
        return f"the try planned for {reader.time(at)} is held back"
    return f"next try: {reader.time(at)}, by itself"
