"""Writing what the CRM takes of a record: one refused value does not sink the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.errors import KidgloveError, Misconfigured, Rejected
from domain.ports import FieldsChange, Receipt, TaskChange, WritesCrm

Answer = Receipt | KidgloveError


def write_what_fits(
    crm: WritesCrm, changes: Sequence[TaskChange | FieldsChange]
) -> Sequence[Answer]:
    """Write the changes; where a field is refused by its name, the rest of its record without it.

    The receipt's note says what was refused and why, and `now` lacks it. A record of which nothing
    is taken, or whose refusal names no field of it, answers with the refusal. Each further call
    carries the refused records alone, with a field fewer.
    """
    answers = list(crm.write(changes))
    left: dict[int, FieldsChange] = {
        place: change for place, change in enumerate(changes) if isinstance(change, FieldsChange)
    }
    refused: dict[int, list[str]] = {}
    while smaller := _smaller(left, answers, refused):
        left = smaller
        try:
            again = crm.write(list(left.values()))
        except KidgloveError as problem:
            # What was answered stays answered.
            again = [problem] * len(left)
        for place, answer in zip(left, again, strict=True):
            answers[place] = answer
    return [_noted(answer, refused.get(place, [])) for place, answer in enumerate(answers)]


def _smaller(
    left: dict[int, FieldsChange], answers: Sequence[Answer], refused: dict[int, list[str]]
) -> dict[int, FieldsChange]:
    """The refused changes without the field that was named, if something of them is left."""
    found: dict[int, FieldsChange] = {}
    for place, change in left.items():
        answer = answers[place]
        name = _named(answer)
        if name not in change.values or len(change.values) == 1:
            continue
        assert isinstance(answer, KidgloveError)
        refused.setdefault(place, []).append(f"{name} was refused: {answer.message}")
        values = {one: value for one, value in change.values.items() if one != name}
        found[place] = replace(change, values=values)
    return found


def _named(answer: Answer) -> str | None:
    match answer:
        case Rejected(field=name) | Misconfigured(row=name):
            return name
        case _:
            return None


def _noted(answer: Answer, refused: Sequence[str]) -> Answer:
    if not refused or isinstance(answer, KidgloveError):
        return answer
    return replace(answer, note="; ".join(filter(None, [answer.note, *refused])))
