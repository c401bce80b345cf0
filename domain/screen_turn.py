"""Whose turn it is, what to do and what happens next: the sentences that ask something."""

from __future__ import annotations

from typing import assert_never

from domain.case import CaseState, Outcome
from domain.decline_table import DeclineClass
from domain.facts import Meaning
from domain.holds import Quiet
from domain.leaf import Known, Missing, value_or
from domain.package import ContextPackage
from domain.policy import TaskKind
from domain.wording import Reader, count, ordinal, sentence

PROMISE_FIELD = "Promise date"
RESOLUTION_WORD = "In Resolution"


def quiet_text(package: ContextPackage, reader: Reader) -> str:
    """The quiet certificate in one sentence, from what was last read back."""
    quiet, system = package.quiet, package.names.payments
    state = value_or(quiet.state, Quiet.UNKNOWN)
    checked = quiet.checked_at
    when = f", checked {reader.clock(checked.value)}" if isinstance(checked, Known) else ""
    match state:
        case Quiet.QUIET:
            invoices = value_or(quiet.invoices, 0)
            subscriptions = value_or(quiet.subscriptions, 0)
            parts = [
                *([count(invoices, "invoice")] if invoices else []),
                *([count(subscriptions, "subscription")] if subscriptions else []),
            ]
            what = f": {', '.join(parts)}" if parts else ""
            return f"{system} is quiet{what}{when}"
        case Quiet.NOT_QUIET:
            return (
                f"{system} is NOT QUIET{when}: it may still write to them or try the card by itself"
            )
        case Quiet.UNKNOWN:
            return (
                f"{system} may NOT BE QUIET: it could not be read back{when}, so expect that it "
                "writes to them or tries the card by itself"
            )
        case Quiet.OFF:
            was_tried = bool(value_or(package.attempts.count, 0))
            if was_tried and isinstance(package.next_attempt.at, Missing):
                return f"{system} plans no further try by itself"
            return f"{system}'s own reminders and tries go on beside you"
        case _:
            assert_never(state)


def open_text(package: ContextPackage) -> str | None:
    """What is still open over all invoices of the case: `$14,200`, `$14,500 on 2 invoices`."""
    open_ = package.invoice.case_open
    if not isinstance(open_, Known) or not open_.value:
        amount = package.failure.amount
        return amount.value.text() if isinstance(amount, Known) else None
    others = value_or(package.invoice.others, ())
    unpaid = 1 + sum(one.status in ("unpaid", "partly paid") for one in others)
    amounts = " + ".join(money.text() for money in open_.value)
    return amounts if unpaid == 1 else f"{amounts} on {unpaid} invoices"


def total_text(package: ContextPackage) -> str:
    """What the closed case came to, cancelled parts left out: `$14,500 on 2 invoices`."""
    totals = value_or(package.invoice.case_total, ())
    if not totals:
        return "the amount"
    amounts = " + ".join(money.text() for money in totals)
    statuses = [value_or(package.invoice.status, "")]
    statuses += [one.status for one in value_or(package.invoice.others, ())]
    number = statuses.count("paid") or len(statuses)
    return amounts if number == 1 else f"{amounts} on {number} invoices"


def name_of(package: ContextPackage, reader: Reader, room: int = 60) -> str:
    """The customer's name as it may stand in a line."""
    name = package.account.name
    return reader.text(name.value, room) if isinstance(name, Known) else "a customer without a name"


def due_text(package: ContextPackage, reader: Reader, *, to_the_hour: bool = False) -> str:
    """By when the person should act, to stand behind the verb; empty if no day is set.

    ` by Wed 25 Nov`; with `to_the_hour` also the hour, if the work goes on to the next on that very
    day; `, due since Wed 25 Nov` once that day is over.
    """
    hand_on, due = package.standing.hand_on_at, package.standing.due_on
    passes_on = reader.local(hand_on).date() if hand_on else None
    day = due or passes_on
    if day is None:
        return ""
    if day < reader.today:
        return f", due since {reader.day(day)}"
    if hand_on and to_the_hour and passes_on == day:
        return f" by {reader.time(hand_on)}"
    return f" by {reader.day(day)}"


def now_text(package: ContextPackage, reader: Reader) -> str:
    """Where it stands: first what is not quiet, then what has just happened, then the money."""
    state = value_or(package.quiet.state, Quiet.UNKNOWN)
    quiet = quiet_text(package, reader)
    is_loud = state in (Quiet.NOT_QUIET, Quiet.UNKNOWN)
    record = package.account.record
    return sentence(
        quiet if is_loud else "",
        f"nothing from {package.names.crm}: {reader.text(record.because)}"
        if isinstance(record, Missing)
        else "",
        *_turn(package, reader),
        _unpaid(package, reader),
        "" if is_loud else quiet,
        "Nothing automated will reach them" if state is Quiet.QUIET else "",
    )


def _turn(package: ContextPackage, reader: Reader) -> list[str]:
    """Whose turn it is and what has just happened, the newest first."""
    standing = package.standing
    said: list[str] = []
    if standing.state is CaseState.IN_RESOLUTION and standing.word:
        word = standing.word
        by = f" by {reader.text(word.by, 40)}" if word.by else ""
        until = reader.last_day(word.until)
        if word.is_understood:
            said.append(f"noted: in resolution until {until}, set{by} {reader.day(word.since)}")
        else:
            said.append(
                f"the status “{reader.text(word.raw, 40)}” is not known here; "
                f"to be safe we stay silent until {until}"
            )
    elif standing.state is CaseState.PROMISED and standing.promise:
        said.append(f"noted: payment promised for {reader.day(standing.promise.promised)}")
    else:
        if _is_noted(package, reader) and standing.due_on:
            what = reader.text(standing.last_outcome or "done", 60)
            said.append(f"noted: “{what}”; due again on {reader.day(standing.due_on)}")
        elif standing.reopened:
            gave = (
                f" as “{reader.text(standing.last_outcome, 60)}”" if standing.last_outcome else ""
            )
            again = "" if standing.reopened == 1 else f", for the {ordinal(standing.reopened)} time"
            said.append(
                f"this task is back{again}: it was completed{gave}, but the money is still open"
            )
        if standing.word_ran_out:
            said.append("the time set for the fix has run out and the money is not here yet")
        if standing.broken_promise:
            said.append(
                f"the payment promised for {reader.day(standing.broken_promise)} is not here"
            )
        if standing.snoozed_until:
            said.append(f"snoozed until {reader.day(standing.snoozed_until)}")
    said.extend(_handed_on(package, reader))
    return said


def _is_noted(package: ContextPackage, reader: Reader) -> bool:
    """Whether the person said that it moves on, and the day to look again has not come yet."""
    standing = package.standing
    is_later = standing.due_on is not None and standing.due_on > reader.today
    return is_later and standing.last_meaning is Meaning.ADVANCES


def _handed_on(package: ContextPackage, reader: Reader) -> list[str]:
    """Who else has it now, and for how long it was with the one before."""
    standing = package.standing
    if not standing.hops:
        return []
    last = standing.hops[-1]
    before = standing.hops[-2] if len(standing.hops) > 1 else None
    since = before.at if before else standing.assigned_at or standing.opened_at
    holder = before.person_name if before else standing.assignee or "a colleague"
    heir, had = reader.text(last.person_name, 40), reader.length(since, last.at)
    said = [
        f"{heir} has a task for this too since {reader.time(last.at)}",
        f"{reader.text(holder, 40)} had it for {had} before",
    ]
    if standing.is_chain_exhausted:
        said.append("nobody is left to hand it to, so the administrators know")
    return said


def _unpaid(package: ContextPackage, reader: Reader) -> str:
    if not package.standing.has_invoices:
        return "no payment is open"
    if isinstance(package.invoice.status, Missing):
        why = reader.text(package.invoice.status.because)
        return f"take it as unpaid: {package.names.payments} could not tell ({why})"
    amount, open_ = package.failure.amount, package.invoice.open_amount
    others = value_or(package.invoice.others, ())
    more = sum(one.status in ("unpaid", "partly paid") for one in others)
    said = "unpaid"
    if more:
        said = f"{more + 1} invoices are unpaid, {_amounts(package)} together"
    elif isinstance(amount, Known) and isinstance(open_, Known) and open_.value != amount.value:
        said = f"{open_.value.text()} of {amount.value.text()} is unpaid"
    tries = value_or(package.attempts.count, 0)
    which = " of the largest" if more else ""
    return f"{said}, {count(tries, 'try', 'tries')}{which} so far" if tries else said


def _amounts(package: ContextPackage) -> str:
    return " + ".join(money.text() for money in value_or(package.invoice.case_open, ()))


def closed_text(package: ContextPackage, reader: Reader) -> str:
    """How it ended, when, and that nothing is left to do."""
    standing = package.standing
    when = f" on {reader.time(standing.closed_at)}" if standing.closed_at else ""
    money = total_text(package)
    match standing.outcome:
        case Outcome.PAID:
            paid_at, paid_by = package.invoice.paid_at, package.invoice.paid_by
            at = f" on {reader.time(paid_at.value)}" if isinstance(paid_at, Known) else when
            how = f" ({reader.text(paid_by.value, 60)})" if isinstance(paid_by, Known) else ""
            said = f"paid: {money} from {name_of(package, reader)} arrived{at}{how}"
        case Outcome.VOIDED:
            said = f"cancelled{when}: {money} is no longer asked for"
        case Outcome.LOST:
            said = f"written off{when}: {money} did not arrive"
        case Outcome.RELEASED | None:
            said = f"over{when}: no payment is open"
        case _:
            assert_never(standing.outcome)
    return sentence(said, "nothing to do")


def do_text(package: ContextPackage, reader: Reader) -> str:
    """The next step of the person who has the task."""
    standing = package.standing
    if standing.state is CaseState.IN_RESOLUTION and standing.word:
        until = reader.last_day(standing.word.until)
        if not standing.word.is_understood:
            return sentence("choose one of the listed values in the status field, or clear it")
        return sentence(
            f"nothing until {until}, unless they answer",
            "clear the status to end this sooner, or change its date",
        )
    if standing.state is CaseState.PROMISED and standing.promise:
        return sentence(
            f"nothing for now: we wait and look again on {reader.day(standing.promise.until)}",
            "change the date if they name another one",
        )
    if standing.state is CaseState.WITH_PERSON and _is_noted(package, reader):
        return sentence(
            f"nothing for now; look again{due_text(package, reader, to_the_hour=True)}",
            f"if they named a day, set “{PROMISE_FIELD}”",
        )
    expedited = ""
    if standing.expedited_at:
        why = f" ({reader.text(standing.expedite_reason)})" if standing.expedite_reason else ""
        day = reader.day(standing.expedited_at)
        expedited = f"please do this first: it was expedited on {day}{why}"
    approach = value_or(package.recommend.approach, "")
    if not standing.has_invoices:
        return sentence(expedited, "nothing: no payment is open, this only keeps things quiet")
    whom = _whom(package, reader)
    match value_or(package.failure.class_, ""):
        case DeclineClass.RISK:
            return sentence(expedited, approach, f"after that, {whom}")
        case DeclineClass.TECHNICAL if isinstance(package.next_attempt.at, Missing):
            # Nobody but a person tries again now, and calling before that asks for nothing.
            system = package.names.payments
            first = f"have it tried once more in {system}: that usually goes through"
            return sentence(expedited, first, f"if it does not, {whom}")
        case DeclineClass.TEST:
            by = due_text(package, reader, to_the_hour=True)
            return sentence(expedited, approach, f"please see to it{by}" if by else "")
        case _:
            return sentence(expedited, whom, approach)


def _whom(package: ContextPackage, reader: Reader) -> str:
    """The first move: which person, on which way, by when."""
    standing, contact = package.standing, package.people.ap_contact
    verb = {TaskKind.CALL: "call", TaskKind.EMAIL: "write to", TaskKind.TODO: "get in touch with"}
    reach = verb[standing.task]
    by = due_text(package, reader, to_the_hour=True)
    if isinstance(contact, Missing):
        record = package.account.record
        is_same = isinstance(record, Missing) and record.because == contact.because
        why = f"see {package.names.crm} above" if is_same else reader.text(contact.because)
        return f"{reach} the customer{by}; contact for invoices not known ({why})"
    name = reader.text(contact.value.name, 60)
    if contact.value.is_gone:
        return (
            f"find out who looks after invoices now ({name}, on file, can no longer be reached), "
            f"then {reach} them{by}"
        )
    return f"{reach} {name} (accounts payable){by}"


def say_when_text(package: ContextPackage, reader: Reader, task: str) -> str:
    """What each field does, `task` being the living one, and what happens if nobody acts."""
    standing = package.standing
    owner = package.people.next_owner
    to = (
        f"goes to {reader.text(owner.value, 60)}"
        if isinstance(owner, Known)
        else ("the administrators hear of it")
    )
    by = standing.hand_on_at
    waits = standing.state in (CaseState.IN_RESOLUTION, CaseState.PROMISED)
    silent = "" if waits else f", “{RESOLUTION_WORD}” = we stay silent"
    return sentence(
        f"on the account, “{PROMISE_FIELD}” = we wait and look again the morning after{silent}",
        f"On {task}, a later due date = back on that day",
        f"Not done by {reader.time(by)} -> {to}" if by and not waits else "",
    )
