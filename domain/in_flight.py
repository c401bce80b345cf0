"""What we wrote to the living task and may still be on its way, told apart from what people did.

A write takes seconds, or hours while the CRM is down, and the account is judged meanwhile. Whatever
is seen then is one of three: what was seen before, something of ours that has arrived, or a
person's doing. Only the last is heeded.
"""

from __future__ import annotations

from typing import TypeVar

from domain.case import Case
from domain.facts import WorkItem
from domain.living_text import human_lines, kept_lines, origin

T = TypeVar("T")
KEPT = 6
"""Writes on their way that are remembered; so many only pile up while a CRM takes none of them."""


def is_the_first(seen: T | None, sent: tuple[T, ...]) -> bool:
    """Whether nothing of it was ever written or seen: then it is the CRM's own default."""
    return seen is None and not sent


def is_a_persons(value: T | None, *, seen: T | None, sent: tuple[T, ...]) -> bool:
    """Whether somebody set this value in the CRM, rather than we."""
    return value is not None and value != seen and value not in sent


def still_sent(value: T | None, sent: tuple[T, ...]) -> tuple[T, ...]:
    """What is still on its way once this value is seen."""
    return sent[sent.index(value) + 1 :] if value is not None and value in sent else sent


def with_sent(sent: tuple[T, ...], value: T | None) -> tuple[T, ...]:
    """The writes on their way with one more."""
    return sent if value is None or sent[-1:] == (value,) else (*sent, value)[-KEPT:]


# ---------------------------------------------------------------- the text


def with_text(sent: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Our texts with one more; the first, which people see now, is never forgotten."""
    return (*sent[:1], *sent[1:][-KEPT:], text)


def still_sent_texts(case: Case, task: WorkItem) -> tuple[str, ...]:
    """Our texts from the one on that stands in the CRM now."""
    texts = _texts(case)
    return texts[origin(task.description, texts) :] if texts and task.description else texts


def typed_lines(case: Case, task: WorkItem | None) -> tuple[str, ...]:
    """What people typed into the task, kept across every update of ours.

    What stands in the CRM has the last word: whoever wrote a line may change it and take it away.
    """
    texts = _texts(case)
    if task is None or not task.description or not texts:
        return kept_lines(case.task_text)
    return human_lines(task.description, texts[origin(task.description, texts)])


def has_new_lines(case: Case, task: WorkItem) -> bool:
    """Whether somebody typed something that no text of ours carries yet."""
    known = kept_lines(case.task_text)
    return any(line not in known for line in typed_lines(case, task))


def _texts(case: Case) -> tuple[str, ...]:
    """Our texts that people may be looking at, oldest first."""
    return case.sent_texts or ((case.task_text,) if case.task_text is not None else ())
