"""Keeping what a person wrote into a text of ours when we write it anew."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence

HEADING = "Written here by people:"
"""Under this line we repeat what was typed into our text, so that an update never eats it."""


def human_lines(current: str, written: str) -> tuple[str, ...]:
    """The lines that people put into a text of ours that we wrote as `written`, in their order.

    Those that stand under the heading are theirs too: whoever changes or removes one there has the
    last word on it. With nothing written, everything is a person's. Lines of ours that somebody
    deleted do not come back by this.
    """
    ours, theirs = _lines(own_part(written)), _lines(current)
    added: list[str] = []
    matcher = difflib.SequenceMatcher(a=ours, b=theirs, autojunk=False)
    for verb, _, _, start, end in matcher.get_opcodes():
        if verb in ("insert", "replace"):
            added.extend(theirs[start:end])
    return tuple(line for line in added if line and line != HEADING)


def origin(current: str, written: Sequence[str]) -> int:
    """Which of the texts that we wrote is the one that `current` was made from; the newest of
    equals. What we wrote last may still be on its way while people see an older one."""
    present = Counter(_lines(current))
    shared = [sum((present & Counter(_lines(text))).values()) for text in written]
    return max(range(len(written)), key=lambda place: (shared[place], place))


def with_human_lines(text: str, lines: tuple[str, ...]) -> str:
    """Our text with the people's lines kept below it."""
    if not lines:
        return text
    return "\n".join([text.rstrip("\n"), "", HEADING, *lines])


def kept_lines(written: str | None) -> tuple[str, ...]:
    """The people's lines that a text of ours carries."""
    _, _, below = _parted(written or "")
    return tuple(line for line in below.splitlines() if line.strip())


def own_part(written: str) -> str:
    """A text of ours without the people's lines below it."""
    return _parted(written)[0]


def _parted(text: str) -> tuple[str, str, str]:
    return text.partition(f"\n\n{HEADING}\n")


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
