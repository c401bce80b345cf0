"""A mapping as sentences, so that nobody has to read the file to know what it does."""

from __future__ import annotations

from collections.abc import Iterator

from domain.facts import Role
from mappings.findings import one_of
from mappings.mapping import FieldMapping, FieldRow, Only
from mappings.vocabulary import OURS, Convert, Flow, Meaning, Winner

_WINNERS = {
    Winner.STRIPE: "Stripe always wins, so whatever a person types there is replaced",
    Winner.WORKER: "Kidglove keeps it, so whatever a person types there is replaced",
    Winner.CRM: "the CRM always wins",
    Winner.ERP: "the ERP always wins",
    Winner.NEWEST: "the newer value wins",
    Winner.IF_BLANK: "it is only filled while it is empty",
    Winner.HUMAN: "a value that a person has written is left alone",
    Winner.ASK: "a person is asked when the two differ",
}
_IF_BOTH = {
    Winner.STRIPE: "if both have changed, Stripe's value wins",
    Winner.CRM: "if both have changed, the CRM's value wins",
    Winner.NEWEST: "if both have changed, the newer value wins",
    Winner.IF_BLANK: "whichever side is empty is filled from the other",
    Winner.HUMAN: "if both have changed, what a person has written in the CRM wins",
    Winner.ASK: "if both have changed, a person is asked",
}
_HEADS = {
    Flow.OUT: "Written by Kidglove:",
    Flow.IN: "Read from the CRM into the payment system:",
    Flow.BOTH: "Kept equal on both sides:",
}
_CONVERSIONS = {
    Convert.MAJOR_UNITS: "as an amount like 14200.50",
    Convert.MINOR_UNITS: "in minor units like 1420050",
    Convert.TEXT: "as text like $14,200.50",
    Convert.DATE: "as a day",
    Convert.DATETIME: "as a day with its time",
}
_ROLES = {
    Role.CSM: "the CSM",
    Role.OWNER: "the account owner",
    Role.ESCALATION: "the escalation owner",
    Role.MANAGER: "the manager",
    Role.FALLBACK: "the fallback",
}
_CONTEXT = {
    "health": "the health score",
    "health_at": "the day of the health score",
    "cs_tier": "the CS tier",
    "expansion": "the expansion in play",
    "renewal_call": "the renewal call",
    "contract": "the kind of contract",
    "contract_end": "the end of the contract",
    "seats": "the number of seats",
    "entities": "the number of entities",
    "ap_contact": "the accounts-payable contact",
}
_MEANINGS = {
    Meaning.ADVANCES: "the case moves on",
    Meaning.ASKS_AGAIN: "nothing is solved yet, and the task comes back unless a date explains it",
    Meaning.NOT_NEEDED: "no work is needed",
    Meaning.WRONG_CONTACT: "another contact has to be found",
}


def explain_mapping(mapping: FieldMapping) -> str:
    """The whole mapping in sentences: what we write, what we read, and what words mean."""
    return "\n".join([*_lines(mapping), ""])


def explain_row(row: FieldRow) -> str:
    """One row as a sentence: what it puts where, and who wins."""
    return _row(row)


def rule_sentence(wins: Winner, flow: Flow = Flow.OUT) -> str:
    """What it means that this side wins on this arrow, in one sentence."""
    said = _IF_BOTH.get(wins) if flow is Flow.BOTH else None
    text = said or _WINNERS[wins]
    return f"{text[0].upper()}{text[1:]}."


def _lines(mapping: FieldMapping) -> Iterator[str]:
    yield (
        f"Mapping {mapping.name}, version {mapping.version}: {mapping.object} records of "
        f"{mapping.system.value.capitalize()} are found by {mapping.customer_field}, which holds "
        "the Stripe customer's id."
    )
    yield ""
    if mapping.only:
        yield "Rows are written only to accounts for which all of this holds:"
        yield from (f"- {_only(one)}" for one in mapping.only)
        yield ""
    for flow, head in _HEADS.items():
        rows = [row for row in mapping.rows if row.flow is flow]
        if rows:
            yield head
            yield from (f"- {_row(row)}" for row in rows)
            yield ""
    yield "Read from people, never written:"
    yield from (f"- {line}" for line in _read(mapping))
    yield ""
    yield "Work goes to:"
    yield from (f"- {_ROLES[role]}: {path}" for role, path in mapping.people.items())
    yield ""
    yield from _task(mapping)
    yield ""
    limits = mapping.limits
    yield (
        f"A person is asked first before more than {limits.tasks_per_hour} tasks within an hour, "
        f"more than {limits.blanked_fields} emptied fields, or changes to more than "
        f"{limits.changed_percent} % of at least {limits.changed_from} accounts: by a plan, or "
        "within an hour without one. Accounts with an open case are not among them."
    )


def _only(one: Only) -> str:
    words = one_of(repr(word) for word in one.words)
    if one.theirs is not None:
        return f"{one.theirs} says {words}."
    return f"{OURS[one.ours or ''].doc} is {words}."


def _wins(row: FieldRow) -> str:
    return _IF_BOTH[row.wins] if row.flow is Flow.BOTH else _WINNERS[row.wins]


def _row(row: FieldRow) -> str:
    if row.ours is not None:
        parts = [f"{row.theirs}: {OURS[row.ours].doc}"]
    elif row.constant is not None:
        parts = [f"{row.theirs}: always {row.constant!r}"]
    else:
        parts = [f"{row.theirs}: the sentence {row.template!r}"]
    if row.convert:
        parts.append(_CONVERSIONS[row.convert])
    if row.cut:
        parts.append(f"cut to {row.cut} characters")
    line = f"{', '.join(parts)}; {_wins(row)}."
    if row.values:
        line += f" It says {one_of(row.values.values())}."
    return line


def _read(mapping: FieldMapping) -> Iterator[str]:
    hold = mapping.hold
    yield (
        f"{hold.field} says {one_of(repr(word) for word in hold.held)}: Stripe is made quiet. "
        "A word that this file does not know does so too, and somebody is asked what it means."
    )
    released = one_of([*(repr(word) for word in hold.released), "nothing"])
    yield f"{hold.field} says {released}: Stripe is put back exactly as it was found."
    if hold.until:
        yield f"{hold.until} says until when; without a day the policy's limit applies."
    if hold.reason:
        yield f"{hold.reason} says why."
    if mapping.promise:
        yield f"{mapping.promise} is the day that the customer promised; the quiet lasts past it."
    if mapping.override:
        always = one_of(repr(word) for word in mapping.override.always)
        never = one_of(repr(word) for word in mapping.override.never)
        yield f"{mapping.override.field} says {always}: a VIP whatever the numbers say."
        yield f"{mapping.override.field} says {never}: no VIP whatever the numbers say."
    mapped = dict(mapping.context.mapped())
    for name, theirs in mapped.items():
        yield f"{theirs} is {_CONTEXT[name]}."
    lacking = [_CONTEXT[name] for name in _CONTEXT if name not in mapped]
    if lacking:
        yield f"Not mapped, and said so in every task: {', '.join(lacking)}."


def _task(mapping: FieldMapping) -> Iterator[str]:
    task = mapping.task
    yield f"A task is found again by {task.key_field}."
    if task.outcome_field:
        yield f"Its outcome is read from {task.outcome_field}:"
        yield from (f"- {word!r}: {_MEANINGS[means]}." for word, means in task.outcomes.items())
