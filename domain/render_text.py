"""The living task as plain text: its subject, its body, and the way back from the body."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from domain.case import CaseState, ChangeLine, Hop, Note, Outcome
from domain.first_screen import first_screen
from domain.leaf import Known, Missing, value_or
from domain.money import Money
from domain.package import ContextPackage
from domain.package_schema import AttemptPart, OtherInvoice, PayingContact, TicketPart
from domain.policy import TaskKind
from domain.screen_turn import due_text, name_of, open_text, total_text
from domain.wording import Reader, clip, number, shown, width

SUBJECT_LIMIT = 80
"""Lists in both CRMs cut longer subjects, and the cut falls where the date stands."""
BODY_LIMIT = 28_000
"""Under the CRM's 32,000 by so much that lines which people typed still find room below."""
NAME_ROOM = 24
"""A name is not cut shorter than this while there is something less important to leave out."""
MONEY_ROOM = 34
"""Enough for two amounts; with more currencies the rest stands in the body."""
CHANGES_SHOWN = 40
NOTES_SHOWN = 10
NOTE_ROOM = 600
"""Notes and changes beyond these stay in the case's timeline; a task is no archive."""
VALUE_ROOM = 240
"""One value in the details; longer ones can be read where they come from."""
DETAILS = "Details"
MISSING = "not available"


def subject(package: ContextPackage) -> str:
    """One line of at most 80 characters: the money first, then why, then by when."""
    standing = package.standing
    if standing.state is CaseState.CLOSED:
        heads = {Outcome.PAID: "Paid", Outcome.VOIDED: "Cancelled", Outcome.LOST: "Written off"}
        head = heads.get(standing.outcome or Outcome.RELEASED, "Over")
        money = total_text(package) if standing.has_invoices else ""
        return _fitted(head, package, money, [], ["nothing to do"])
    if not standing.has_invoices:
        return _fitted("Kept quiet", package, "no payment open", [], _whens(package))
    money = open_text(package) or "amount not known"
    waits = standing.state in (CaseState.IN_RESOLUTION, CaseState.PROMISED)
    why = value_or(package.failure.headline, "")
    return _fitted("Payment hiccup", package, money, [] if waits else [why], _whens(package))


def _whens(package: ContextPackage) -> list[str]:
    """The end of the subject, the longest form first."""
    reader = Reader(zone=package.zone, as_of=package.as_of)
    standing = package.standing
    if standing.state is CaseState.IN_RESOLUTION and standing.word:
        day = reader.last_day(standing.word.until)
        if not standing.word.is_understood:
            return [f"status not known, quiet until {day}", "status not known"]
        return [f"in resolution until {day}", f"until {day}"]
    if standing.state is CaseState.PROMISED and standing.promise:
        day = reader.day(standing.promise.promised)
        return [f"payment promised for {day}", f"promised for {day}"]
    by = due_text(package, reader)
    verb = {TaskKind.CALL: "call", TaskKind.EMAIL: "write", TaskKind.TODO: "act"}[standing.task]
    return [verb + by, verb + by.removeprefix(" by")] if by.startswith(" by") else [verb]


def _fitted(
    head: str, package: ContextPackage, money: str, whys: list[str], whens: list[str]
) -> str:
    """The fullest form in which the name fits; else the name is cut, and never the money."""
    reader = Reader(zone=package.zone, as_of=package.as_of, room=SUBJECT_LIMIT)
    name = name_of(package, reader, SUBJECT_LIMIT)
    sums = money.partition(" on ")[0]
    amounts = [clip(amount, MONEY_ROOM) for amount in dict.fromkeys((money, sums))]
    forms = [(amount, why, when) for amount in amounts for why in (*whys, "") for when in whens]
    for amount, why, when in forms:
        line = _joined(head, name, amount, why, when)
        if width(line) <= SUBJECT_LIMIT:
            return line
    for amount, why, when in forms:
        room = _room(head, amount, why, when)
        if room >= NAME_ROOM:
            return _joined(head, shown(name, room), amount, why, when)
    return _joined(head, shown(name, _room(head, amounts[-1], "", "")), amounts[-1], "", "")


def _room(head: str, money: str, why: str, when: str) -> int:
    """How long the name may be beside the rest."""
    return SUBJECT_LIMIT - width(_joined(head, "", money, why, when)) - len(", ") - 1


def _joined(head: str, name: str, money: str, why: str, when: str) -> str:
    what = ", ".join(part for part in (name, money, why) if part)
    return f"{head}: {what}{' - ' + when if when else ''}"


def body(
    package: ContextPackage,
    *,
    changes: Sequence[ChangeLine] = (),
    notes: Sequence[Note] = (),
) -> str:
    """The whole text: the first screen, what changed (newest first), notes, then the details.

    At most 28,000 characters. `parse_body` reads the details back.
    """
    reader = Reader(zone=package.zone, as_of=package.as_of)
    top = [str(line) for line in first_screen(package)]
    end = details(package)
    changed, noted = change_lines(changes, reader), note_lines(notes, reader)
    while True:
        text = "\n\n".join(
            "\n".join(block)
            for block in (
                top,
                ["What changed:", *(f"- {line}" for line in changed)] if changed else [],
                ["Notes:", *(f"- {line}" for line in noted)] if noted else [],
                end,
            )
            if block
        )
        if width(text) <= BODY_LIMIT:
            return text
        if noted:
            noted.pop()
        elif changed:
            changed.pop()
        else:
            return clip(text, BODY_LIMIT)


def change_lines(changes: Sequence[ChangeLine], reader: Reader) -> list[str]:
    """What changed, newest first."""
    newest = list(reversed(changes))[:CHANGES_SHOWN]
    return [f"{reader.time(one.at)} {shown(one.text, VALUE_ROOM)}" for one in newest]


def note_lines(notes: Sequence[Note], reader: Reader) -> list[str]:
    """What people noted, newest first."""
    newest = list(reversed(notes))[:NOTES_SHOWN]
    return [
        f"{reader.time(one.at)}, {shown(one.by, 60) or 'somebody'}: {shown(one.text, NOTE_ROOM)}"
        for one in newest
    ]


def details(package: ContextPackage) -> list[str]:
    """Every leaf of the package on a line of its own, below a heading."""
    reader = Reader(zone=package.zone, as_of=package.as_of, room=VALUE_ROOM)
    lines = [f"{DETAILS} (times in {reader.zone_name}):"]
    for path, leaf in package.leaves():
        if isinstance(leaf, Missing):
            lines.append(f"{path}: {MISSING} ({shown(leaf.because, VALUE_ROOM)})")
            continue
        where = re.sub(r"[(),]", " ", package.names.show(leaf.source))
        source = f"({shown(where, 60)}, {reader.age(leaf.as_of)})"
        if not isinstance(leaf.value, tuple):
            lines.append(f"{path}: {_quoted(_said(leaf.value, reader))} {source}")
        elif not leaf.value:
            lines.append(f"{path}: none {source}")
        else:
            lines.extend(
                f"{path}.{place}: {_quoted(_said(one, reader))} {source}"
                for place, one in enumerate(leaf.value[:20], start=1)
            )
    return lines


def _quoted(text: str) -> str:
    """Somebody else's text in quotes where it could be read as words of ours."""
    return f'"{text}"' if text.startswith((MISSING, '"', "none")) else text


def _said(value: Any, reader: Reader) -> str:
    """One value in words."""
    match value:
        case str() if not isinstance(value, Enum):
            return shown(value, VALUE_ROOM)
        case bool():
            return "yes" if value else "no"
        case Money():
            return value.text()
        case Decimal():
            return number(value)
        case datetime():
            return reader.time(value)
        case date():
            return reader.day(value)
        case Enum():
            return str(value.value).replace("_", " ")
        case AttemptPart():
            return f"{reader.time(value.at)} {value.result}, {value.by}"
        case OtherInvoice():
            return f"{shown(value.number, 60)}, {value.open_amount.text()}, {value.status}"
        case TicketPart():
            parts = [value_or(value.priority, ""), value_or(value.url, "")]
            return shown(" - ".join([shown(value.title, 80), *filter(None, parts)]), VALUE_ROOM)
        case PayingContact():
            mail = value_or(value.email, "")
            gone = " - has left" if value.is_gone else ""
            return shown(f"{shown(value.name, 80)}{gone}{' - ' + mail if mail else ''}", VALUE_ROOM)
        case _:
            return shown(str(value), VALUE_ROOM)


@dataclass(frozen=True, kw_only=True)
class ReadLeaf:
    """One leaf as read back: a value with source and age, or the reason why there is none."""

    value: str | None = None
    source: str | None = None
    age: str | None = None
    because: str | None = None


_HEADING = re.compile(rf"{DETAILS} \(times in [^()]+\):")
_MISSING = re.compile(rf"(?P<path>[a-z0-9_.]+): {MISSING} \((?P<because>.*)\)")
_KNOWN = re.compile(
    r"(?P<path>[a-z0-9_.]+): (?P<value>.*) \((?P<source>[^(),]*), (?P<age>[a-z0-9 ]+)\)"
)


def parse_body(text: str) -> dict[str, ReadLeaf]:
    """The details of a body by path; an element of a list is `group.leaf.1`.

    ValueError names a line that cannot be read. Lines above and below the details do not matter.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    start = next((at for at, line in enumerate(lines) if _HEADING.fullmatch(line.strip())), None)
    if start is None:
        raise ValueError("the text has no details")
    found: dict[str, ReadLeaf] = {}
    for line in lines[start + 1 :]:
        if not line.strip():
            break
        known, missing = _KNOWN.fullmatch(line.strip()), _MISSING.fullmatch(line.strip())
        if missing:
            found[missing["path"]] = ReadLeaf(because=missing["because"])
        elif known:
            value = known["value"]
            if value.startswith('"') and value.endswith('"') and len(value) > 1:
                value = value[1:-1]
            found[known["path"]] = ReadLeaf(value=value, source=known["source"], age=known["age"])
        else:
            raise ValueError(f"this line of the details cannot be read: {line[:80]!r}")
    return found


def hop_subject(package: ContextPackage, hop: Hop) -> str:
    """The subject of the task that escalation gives to somebody: neutral, money first."""
    reader = Reader(zone=package.zone, as_of=package.as_of)
    day = reader.day(hop.at)
    return _fitted(
        "Payment hiccup",
        package,
        open_text(package) or "amount not known",
        [value_or(package.failure.headline, "")],
        [f"with you too since {day}", f"with you since {day}"],
    )


def hop_body(
    package: ContextPackage,
    hop: Hop,
    *,
    holder: str,
    since: datetime,
    keeper: str,
    due_on: date | None = None,
    task_url: str | None = None,
) -> str:
    """Who had it, for how long, what to do, and where the living task is. Nobody is blamed.

    `holder` had it since `since`; `keeper` has the living task; `due_on` is this task's own day.
    """
    reader = Reader(zone=package.zone, as_of=package.as_of)
    crm = package.links.crm
    url = task_url or (crm.value if isinstance(crm, Known) else None)
    place = url or f"in {package.names.crm}, on the account"
    had, who = reader.length(since, hop.at), shown(holder, 60) or "a colleague"
    has = shown(keeper, 60) or "a colleague"
    standing = replace(
        package.standing, hops=(), due_on=due_on, assignee=hop.person_name or "a colleague"
    )
    own = replace(package, standing=standing)
    now, do, *rest = first_screen(own, task="the living task")
    keeps = ", and keeps the living task" if has == who else f"; {has} keeps the living task"
    before = f"{who} had it for {had} before{keeps}."
    lines = [
        f"Now: With you too since {reader.time(hop.at)}. {before}",
        f"Do: Agree with {has} who takes it on. Next step: {do.text}",
        f"Living task: {place} (key {package.standing.key}). It always says where things stand.",
        f"Case: {now.text}",
        *map(str, rest),
    ]
    return _within(lines)


def _within(lines: Sequence[str]) -> str:
    """The lines as one text within the body's limit."""
    kept = list(lines)
    while width("\n".join(kept)) > BODY_LIMIT:
        kept.pop()
    return "\n".join(kept)
