"""A value that says where it comes from, or why it is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True)
class Known(Generic[T]):
    """A value with its source system and the time at which it was true there."""

    value: T
    source: str
    as_of: datetime | None = None


@dataclass(frozen=True)
class Missing:
    """No value, and the reason a person can act on ("field not mapped", "no access to cases")."""

    because: str


Leaf = Known[T] | Missing


def value_or(leaf: Known[T] | Missing, default: S) -> T | S:
    """The value, or `default` when it is missing."""
    return leaf.value if isinstance(leaf, Known) else default


def mapped(leaf: Known[T] | Missing, change: Callable[[T], S]) -> Known[S] | Missing:
    """The same leaf with its value changed; a missing one stays missing for the same reason."""
    if isinstance(leaf, Missing):
        return leaf
    return Known(change(leaf.value), leaf.source, leaf.as_of)
