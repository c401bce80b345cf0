"""One line of the doctor, for every check alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.ports import Finding, Health


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the doctor. `id` is what `doctor confirm` takes."""

    id: str
    health: Health
    detail: str
    remedy: str = ""

    @classmethod
    def of(cls, system: str, finding: Finding) -> Line:
        """The line of a connector's finding."""
        return cls(
            id=line_id(system, finding.check),
            health=finding.health,
            detail=finding.detail,
            remedy=finding.remedy if finding.health is not Health.OK else "",
        )


def line_id(system: str, check: str) -> str:
    """`stripe/failure-mails`: the system, and the check in letters that need no quotes."""
    short = check.removeprefix(f"{system}.")
    return f"{system}/{re.sub(r'[^A-Za-z0-9_.]+', '-', short).strip('-')}"


def ok(id: str, detail: str) -> Line:
    """A line that is fine."""
    return Line(id=id, health=Health.OK, detail=detail)


def wrong(id: str, detail: str, remedy: str) -> Line:
    """A line that is not, with what to do."""
    return Line(id=id, health=Health.WRONG, detail=detail, remedy=remedy)


def worst(lines: Sequence[Line]) -> Health:
    """The health of the whole: wrong if one line is, unknown if one is, else fine."""
    found = {line.health for line in lines}
    for one in (Health.WRONG, Health.UNKNOWN):
        if one in found:
            return one
    return Health.OK
