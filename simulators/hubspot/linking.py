"""Associations between records: their types, their two directions, and who is linked to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class LinkType:
    """One association type as seen from one end; `reverse` is its id from the other end."""

    id: int
    reverse: int
    source: str
    target: str
    label: str | None = None
    category: str = "HUBSPOT_DEFINED"

    @property
    def primary(self) -> bool:
        """Whether it marks the one primary company."""
        return self.category == "HUBSPOT_DEFINED" and self.label == "Primary"


_PLAIN = (
    ("contacts", "companies", 279, 280),
    ("contacts", "tickets", 15, 16),
    ("deals", "companies", 341, 342),
    ("deals", "contacts", 3, 4),
    ("tickets", "companies", 339, 340),
    ("tickets", "deals", 28, 27),
    ("tasks", "companies", 192, 191),
    ("tasks", "contacts", 204, 203),
    ("tasks", "deals", 216, 215),
    ("tasks", "tickets", 230, 229),
    ("notes", "companies", 190, 189),
    ("notes", "contacts", 202, 201),
    ("notes", "deals", 214, 213),
    ("notes", "tickets", 228, 227),
    ("calls", "companies", 182, 181),
    ("calls", "contacts", 194, 193),
    ("calls", "deals", 206, 205),
    ("calls", "tickets", 220, 219),
    ("emails", "companies", 186, 185),
    ("emails", "contacts", 198, 197),
    ("emails", "deals", 210, 209),
    ("emails", "tickets", 224, 223),
    ("meetings", "companies", 188, 187),
    ("meetings", "contacts", 200, 199),
    ("meetings", "deals", 212, 211),
    ("meetings", "tickets", 226, 225),
)
_PRIMARY = (
    ("contacts", "companies", 1, 2),
    ("deals", "companies", 5, 6),
    ("tickets", "companies", 26, 25),
)


def link_types() -> Iterator[LinkType]:
    """HubSpot's own association types, each from both ends."""
    for rows, label in ((_PLAIN, None), (_PRIMARY, "Primary")):
        for source, target, forth, back in rows:
            yield LinkType(forth, back, source, target, label)
            yield LinkType(back, forth, target, source, label)


_FIRST_OWN = 36
End = tuple[str, str]
"""An object type and a record id."""


class Links:
    """Which records are linked, and by which types; each link is kept from both ends. `page_size`
    is how many one record shows at once."""

    def __init__(self) -> None:
        self.page_size = 500
        self.types: dict[tuple[str, str], dict[int, LinkType]] = {}
        self._held: dict[End, dict[End, frozenset[int]]] = {}
        for one in link_types():
            self.define(one)

    def define(self, one: LinkType) -> None:
        """Make an association type known, seen from one end."""
        self.types.setdefault((one.source, one.target), {})[one.id] = one

    def add(self, source: str, target: str, label: str, inverse: str) -> tuple[LinkType, LinkType]:
        """A label of the customer's own, as it reads from either end."""
        taken = {id for known in self.types.values() for id in known}
        free = (id for id in range(_FIRST_OWN, 10_000, 2) if not {id, id + 1} & taken)
        forth = next(free)
        back = forth + (source != target)
        made = LinkType(forth, back, source, target, label, "USER_DEFINED")
        other = LinkType(back, forth, target, source, inverse, "USER_DEFINED")
        self.define(made)
        self.define(other)
        return made, other

    def plain(self, source: str, target: str) -> LinkType | None:
        """The unlabelled type of a pair, or None when the pair cannot be linked."""
        known = self.types.get((source, target), {})
        return next((one for one in known.values() if one.label is None), None)

    def primary(self, source: str, target: str) -> LinkType | None:
        """The primary type of a pair, or None."""
        known = self.types.get((source, target), {})
        return next((one for one in known.values() if one.primary), None)

    def between(self, source: End, target: End) -> frozenset[int]:
        """The type ids of a pair as seen from `source`; empty when it is not linked."""
        return self._held.get(source, {}).get(target, frozenset())

    def of(self, source: End, target_type: str | None = None) -> dict[End, frozenset[int]]:
        """Everything linked to a record, oldest link first."""
        return {
            target: ids
            for target, ids in self._held.get(source, {}).items()
            if target_type in (None, target[0])
        }

    def set(self, source: End, target: End, ids: Iterable[int]) -> None:
        """Make `ids` the whole set of types between two records; an empty one unlinks them."""
        kept = frozenset(ids)
        known = self.types[(source[0], target[0])]
        self._place(source, target, kept)
        self._place(target, source, frozenset(known[one].reverse for one in kept))

    def _place(self, source: End, target: End, ids: frozenset[int]) -> None:
        held = self._held.setdefault(source, {})
        if ids:
            held[target] = ids
        else:
            held.pop(target, None)
