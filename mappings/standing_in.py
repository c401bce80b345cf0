"""A document read although parts of it do not fit, so that all the others are judged in one run."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mappings.findings import nearest
from mappings.reading import misfits
from mappings.schema_walk import example, is_label, is_optional, names_beside
from mappings.yaml_source import MOST, Document, Key, Path

M = TypeVar("M", bound=BaseModel)
ROUNDS = 24
"""Far more than a file is deep: each round stands in for more, until what is left fits."""


@dataclass(frozen=True)
class Unsure:
    """The parts of a file of which nobody knows what was meant: nothing may be said about them."""

    paths: frozenset[Path] = frozenset()

    def of(self, *path: Key) -> bool:
        """Whether a part, or what it stands in, is unsure."""
        return any(path[:length] in self.paths for length in range(len(path) + 1))

    def within(self, *path: Key) -> bool:
        """The same, and also if something inside the part is."""
        return self.of(*path) or any(one[: len(path)] == path for one in self.paths)


def read_around(schema: type[M], document: Document) -> tuple[M, Unsure] | None:
    """The document with a stand-in for each value that does not fit, and those places.

    What may be left out is left out. Where a stand-in does not help, one stands in for what the
    value stands in. None if nothing helps, and where more is wrong than anybody reads in one go.
    """
    value = deepcopy(document.value)
    if not isinstance(value, dict):
        return None
    unsure = set(document.unread)
    tried: set[tuple[Key, ...]] = set()
    for _ in range(ROUNDS):
        try:
            return schema.model_validate(value), Unsure(frozenset(unsure))
        except ValidationError as problems:
            wrong = misfits(problems)
            if len(wrong) > MOST:
                return None
            for one in wrong:
                unsure |= _mend(value, one, schema, tried)
    return None


def _mend(
    value: dict[str, Any], error: ErrorDetails, schema: type[BaseModel], tried: set[Path]
) -> set[Path]:
    """Make one place fit; the paths that are unsure from then on."""
    where = tuple(error["loc"])
    if error["type"] == "extra_forbidden" or where[-1:] == ("[key]",):
        return _without(value, where, schema)
    while where and (where in tried or is_label(where[-1])):
        where = where[:-1]
    tried.add(where)
    path = _path(where)
    parent = _at(value, path[:-1])
    if not path or not _has_room(parent, path[-1]):
        return set()
    if is_optional(schema, where):
        parent.pop(path[-1], None)
    else:
        parent[path[-1]] = example(schema, where)
    return {path}


def _without(value: dict[str, Any], where: Path, schema: type[BaseModel]) -> set[Path]:
    """Take out a name that is not known. What it may have been meant for is unsure."""
    path = _path(where)
    parent = _at(value, path[:-1])
    if not isinstance(parent, dict):
        return set()
    parent.pop(path[-1], None)
    if where[-1] == "[key]":
        return {path}
    meant = nearest(str(path[-1]), names_beside(schema, where))
    return {(*path[:-1], meant)} if meant is not None and meant not in parent else set()


def _path(where: Sequence[Key]) -> Path:
    return tuple(part for part in where if not is_label(part))


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part] if _has_room(value, part) else None
    return value


def _has_room(value: Any, part: Key) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and (part in value or isinstance(part, str))
