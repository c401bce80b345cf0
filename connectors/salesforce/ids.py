"""Record ids in their one true form: 18 characters, the last three a checksum of letter case."""

from __future__ import annotations

import re

from domain.errors import Misconfigured
from domain.ids import Ref

SYSTEM = "salesforce"
"""The name of this vendor in every `Ref`."""
_ID = re.compile(r"[A-Za-z0-9]{15}([A-Z0-5]{3})?")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def checksum(id15: str) -> str:
    """The three characters that make a case-sensitive id safe where case is lost."""
    parts = (id15[0:5], id15[5:10], id15[10:15])
    return "".join(
        _LETTERS[sum(1 << place for place, sign in enumerate(part) if "A" <= sign <= "Z")]
        for part in parts
    )


def to_18(id: str) -> str:
    """The 18-character form of an id as the vendor sent it. ValueError for anything else."""
    if not _ID.fullmatch(id):
        raise ValueError(f"{id[:20]!r} is no Salesforce id")
    return id[:15] + checksum(id[:15])


def is_same(one: str, other: str) -> bool:
    """Whether two ids of 15 or 18 characters name the same record."""
    return one[:15] == other[:15]


def admitted(id: str, *, where: str) -> str:
    """An id that a person typed: 18 characters with a right checksum, else `Misconfigured`.

    A 15-character id is refused: a spreadsheet may already have changed its letter case, which
    makes it name another record, and only the checksum would show that.
    """
    if len(id) == 18 and _ID.fullmatch(id) and id[15:] == checksum(id[:15]):
        return id
    what = "has 15 characters" if len(id) == 15 else "is not a valid 18-character id"
    raise Misconfigured(
        f"the Salesforce id in {where} {what}",
        row=where,
        remedy="Give the 18-character id (in a formula or report: CASESAFEID(Id)).",
    )


def account(id: str) -> Ref:
    """The `Ref` of an account."""
    return Ref(SYSTEM, "account", to_18(id))


def task(id: str) -> Ref:
    """The `Ref` of a task."""
    return Ref(SYSTEM, "task", to_18(id))
