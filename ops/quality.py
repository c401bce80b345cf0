"""How good each connector is, computed from what is there and never claimed.

Read from files, without running anything: what a connector's list says is not yet done is not
done, and `make test` says whether the rest passes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from connectors.kit import registry
from connectors.kit.manifest import Capability, Kind, Manifest

ROOT: Final = Path(__file__).resolve().parents[1]
PLACEHOLDER: Final = ".example"
"""What the scaffold writes where a fact is still to be stated."""
EXPECTED: Final[Mapping[Kind, frozenset[Capability]]] = {
    Kind.CRM: frozenset(
        {
            Capability.READS_ACCOUNTS,
            Capability.WRITES_CRM,
            Capability.LISTS_CHANGES,
            Capability.SENDS_SIGNALS,
            Capability.SWEEPS_HOLDS,
            Capability.SURVEYS_ACCOUNTS,
            Capability.DESCRIBES,
            Capability.EXAMINES,
        }
    ),
    Kind.PAYMENTS: frozenset(
        {
            Capability.READS_PAYMENTS,
            Capability.QUIETS,
            Capability.COLLECTS,
            Capability.WRITES_CUSTOMER,
            Capability.MAKES_PAYMENT_LINKS,
            Capability.SURVEYS_CUSTOMERS,
            Capability.LISTS_CHANGES,
            Capability.SENDS_SIGNALS,
            Capability.EXAMINES,
        }
    ),
    Kind.ERP: frozenset({Capability.LISTS_CHANGES, Capability.EXAMINES}),
}
"""The ports that the use cases ask for; with fewer a vendor works, and something is missing."""


class Level(StrEnum):
    """The scale, lowest first. A level is reached with everything of it and of those below."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One thing that is there or not, and the level that asks for it."""

    level: Level
    title: str
    is_there: Callable[[Manifest, Path], bool]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How far one connector is. `missing` is what the next level still asks for."""

    vendor: str
    kind: Kind
    level: Level
    missing: tuple[str, ...] = ()
    not_yet_done: tuple[str, ...] = ()


def _facts(stated: Manifest, root: Path) -> bool:
    named = [*stated.hosts, *stated.docs.values()]
    return bool(stated.hosts and stated.docs and stated.scopes) and not any(
        PLACEHOLDER in one for one in named
    )


def _mapping(stated: Manifest, root: Path) -> bool:
    return stated.kind is not Kind.CRM or (root / f"mappings/{stated.vendor}.yaml").is_file()


EVIDENCE: Final = (
    Evidence(
        level=Level.BRONZE,
        title="a manifest with hosts, documents and scopes",
        is_there=_facts,
    ),
    Evidence(
        level=Level.BRONZE,
        title="a simulator",
        is_there=lambda stated, root: (root / "simulators" / stated.vendor).is_dir(),
    ),
    Evidence(
        level=Level.BRONZE,
        title="a conformance class",
        is_there=lambda stated, root: outstanding(stated.vendor, root) is not None,
    ),
    Evidence(
        level=Level.BRONZE,
        title="a doctor",
        is_there=lambda stated, root: Capability.EXAMINES in stated.capabilities,
    ),
    Evidence(
        level=Level.SILVER,
        title="no conformance check left to do",
        is_there=lambda stated, root: outstanding(stated.vendor, root) == (),
    ),
    Evidence(level=Level.SILVER, title="a mapping, if it is a CRM", is_there=_mapping),
    Evidence(
        level=Level.GOLD,
        title="every capability of its kind",
        is_there=lambda stated, root: EXPECTED[stated.kind] <= stated.capabilities,
    ),
    Evidence(
        level=Level.GOLD,
        title="a set-up document",
        is_there=lambda stated, root: (root / f"docs/setup-{stated.vendor}.md").is_file(),
    ),
)
"""The scale. docs/connector-guide.md repeats it in a table."""


def quality(stated: Manifest, *, root: Path = ROOT) -> Quality:
    """Where a connector stands in the checkout at `root`."""
    reached = Level.NONE
    missing: tuple[str, ...] = ()
    for level in (Level.BRONZE, Level.SILVER, Level.GOLD):
        missing = tuple(
            one.title for one in EVIDENCE if one.level is level and not one.is_there(stated, root)
        )
        if missing:
            break
        reached = level
    return Quality(
        vendor=stated.vendor,
        kind=stated.kind,
        level=reached,
        missing=missing,
        not_yet_done=outstanding(stated.vendor, root) or (),
    )


def qualities() -> list[Quality]:
    """Every connector, in the order of their names."""
    return [quality(registry.manifest(vendor)) for vendor in registry.vendors()]


def outstanding(vendor: str, root: Path) -> tuple[str, ...] | None:
    """The checks that the vendor's conformance class lists as not yet done; None without one."""
    place = root / f"tests/conformance/test_{vendor}.py"
    if not place.is_file():
        return None
    tree = ast.parse(place.read_text(encoding="utf-8"), filename=str(place))
    classes = [one for one in tree.body if isinstance(one, ast.ClassDef)]
    found = [
        node.value
        for one in classes
        for node in one.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and "not_yet_done" in _names(node)
    ]
    if not classes:
        return None
    return tuple(
        str(name) for value in found if value is not None for name in ast.literal_eval(value)
    )


def _names(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [one.id for one in targets if isinstance(one, ast.Name)]
