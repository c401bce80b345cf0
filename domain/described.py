"""What a CRM says about its own fields, in words that every vendor's can be told in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class FieldKind(StrEnum):
    """What a field takes."""

    TEXT = "text"
    NUMBER = "number"
    DAY = "day"
    MOMENT = "moment"
    FLAG = "flag"
    CHOICE = "choice"
    RECORD = "record"
    """The id of another record."""
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class DescribedField:
    """One field, as our own credential sees it.

    `length` counts characters of a text, `decimals` those of a number; None is not said. `choices`
    are the values (not labels) of a choice; a strict choice refuses every other. `grant` says how
    to give us the right to write, where we have none.
    """

    name: str
    kind: FieldKind
    is_writable: bool
    label: str = ""
    length: int | None = None
    decimals: int | None = None
    is_unique: bool = False
    choices: tuple[str, ...] = ()
    is_strict: bool = False
    grant: str = ""


@runtime_checkable
class Describes(Protocol):
    """Says what the fields of the records that hold accounts are like."""

    def describe_fields(self, object: str) -> Mapping[str, DescribedField]:
        """Every field that we can see, by its name; one that is hidden from us is not in it.

        One call. Raises the error class that says what next; a second call says the same.
        """
        ...
