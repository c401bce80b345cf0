"""What is wrong in a file that an admin wrote: where, what, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from domain.errors import Misconfigured


class Severity(StrEnum):
    """An error stops the file from being used; a warning is for a person to judge."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One mistake. Lines and columns count from 1; `fix` says what to write instead.

    A `suggestion` is the word that was probably meant; the message asks for it too.
    """

    file: str
    line: int
    column: int
    message: str
    fix: str = ""
    suggestion: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """`file:line:column: message`, which editors and terminals turn into a link."""
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class FileProblems(Misconfigured):
    """A file cannot be used; every mistake in it is in `findings`, in the order of the lines."""

    code = "file_problems"
    next_step = "Correct the named lines; nothing was changed meanwhile."

    def __init__(self, file: str, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        count = len(self.findings)
        mistakes = "1 mistake" if count == 1 else f"{count} mistakes"
        lines = "\n".join(f"  {one}" for one in self.findings)
        super().__init__(f"{file} has {mistakes}:\n{lines}", row=file)


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None when nothing is near."""
    known = {one.casefold(): one for one in words}
    for one in known:
        if sorted(one) == sorted(word.casefold()):
            return known[one]
    close = get_close_matches(word.casefold(), known, n=1, cutoff=0.6)
    return known[close[0]] if close else None


def one_of(words: Iterable[str]) -> str:
    """`a, b or c`, for the end of a sentence."""
    known = list(words)
    return " or ".join(part for part in (", ".join(known[:-1]), known[-1] if known else "") if part)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By line and column, each finding once."""
    return sorted(set(findings), key=lambda one: (one.line, one.column, one.message))


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Only those that stop the file from being used."""
    return [one for one in findings if one.severity is Severity.ERROR]


def beside(first: Iterable[Finding], more: Iterable[Finding]) -> list[Finding]:
    """Those of `more` at places of which nothing is said yet: a second word there is an echo."""
    told = {(one.line, one.column) for one in first}
    return [one for one in more if (one.line, one.column) not in told]
