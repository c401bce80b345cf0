"""Keeping what a person wrote into a text of ours when we write it anew."""

from __future__ import annotations

import difflib

HEADING = "Written here by people:"
"""Under this line we repeat what was typed into our text, so that an update never eats it."""


def human_lines(current: str, last_written: str | None) -> tuple[str, ...]:
    """The lines that are in the text now and that we did not write, in their order.

    With nothing written before, everything is a person's. Lines that we wrote and that somebody
    deleted do not come back by this.
    """
    ours = _lines(last_written or "")
    theirs = _lines(current)
    added: list[str] = []
    matcher = difflib.SequenceMatcher(a=ours, b=theirs, autojunk=False)
    for verb, _, _, start, end in matcher.get_opcodes():
        if verb in ("insert", "replace"):
            added.extend(theirs[start:end])
    return tuple(line for line in added if line and line != HEADING)


def with_human_lines(text: str, lines: tuple[str, ...]) -> str:
    """Our text with the people's lines kept below it."""
    if not lines:
        return text
    return "\n".join([text.rstrip("\n"), "", HEADING, *lines])


def kept_lines(last_written: str | None) -> tuple[str, ...]:
    """The people's lines that our last text already carried."""
    _, found, below = (last_written or "").partition(f"\n{HEADING}\n")
    return tuple(line for line in below.splitlines() if line.strip()) if found else ()


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
