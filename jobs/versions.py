"""The versions of a mapping: which is in force, what each says, and the way back to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import Gone
from jobs.plans import planner
from mappings.findings import Finding, beside, in_order
from mappings.mapping_file import check_mapping, default_mapping_text, load_mapping
from mappings.vocabulary import System
from mappings.yaml_source import read_yaml
from store.system import ConfigVersion
from sync.configs import mapping_name
from sync.planned import HoldCounts
from sync.rollback import Back, as_of_now, fields_to_give_back, give_back

if TYPE_CHECKING:
    from jobs.runtime import Runtime

SHIPPED = 0
"""The number of what ships, before anything was applied."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """One text of a mapping. `number` 0 is the shipped one, which nobody applied."""

    label: str
    number: int
    text: str


@dataclass(frozen=True, kw_only=True)
class WayBack:
    """What going back to a version would do: `backs` are the fields that only later ones wrote."""

    system: str
    version: Version
    over: str
    backs: tuple[Back, ...]
    keeps_values: bool = False

    @property
    def given(self) -> tuple[Back, ...]:
        """The fields that get back what stood there before us."""
        return tuple(one for one in self.backs if one.left is None)

    @property
    def left(self) -> tuple[Back, ...]:
        """The fields that are left alone, each with its reason."""
        return tuple(one for one in self.backs if one.left is not None)

    @property
    def records(self) -> int:
        """How many records are written."""
        return len({one.record for one in self.given})


def in_force(here: Runtime, system: str) -> Version:
    """The newest stored version of a CRM's mapping, else the shipped one."""
    with here.store.begin() as tx:
        stored = tx.system.config(mapping_name(system))
    return _version(stored) if stored is not None else shipped(system)


def shipped(system: str) -> Version:
    """What comes with the product."""
    text = default_mapping_text(system)
    return Version(label=f"{mapping_name(system)}:shipped", number=SHIPPED, text=text)


def history(here: Runtime, system: str) -> list[ConfigVersion]:
    """Every version that was ever applied, the newest first."""
    with here.store.begin() as tx:
        return tx.system.versions(mapping_name(system))


def version(here: Runtime, system: str, number: int) -> Version:
    """The version of this number. `Gone` if there is none."""
    if number == SHIPPED:
        return shipped(system)
    name = mapping_name(system)
    with here.store.begin() as tx:
        found = tx.system.config(name, before=number + 1)
    if found is None or found.version != number:
        raise Gone(f"there is no {name}@{number}", remedy="The history lists them all.")
    return _version(found)


def check(system: str, text: str, *, name: str) -> list[Finding]:
    """Every mistake of a text that is meant for this CRM. Never raises."""
    found = check_mapping(text, name=name)
    document, _ = read_yaml(text, file=name)
    said = document.value.get("system") if document and isinstance(document.value, dict) else None
    if document is None or said == system or said not in list(System):
        return found
    place = document.place(("system",))
    foreign = Finding(
        file=name,
        line=place.line,
        column=place.column,
        message=f"this is the mapping of {system}, not of {said!r}",
        fix=f"Write `system: {system}`, or put it where it belongs.",
    )
    return in_order([*beside([foreign], found), foreign])


def way_back(here: Runtime, system: str, number: int, *, keep_values: bool = False) -> WayBack:
    """What it would mean to go back to a version. Reads the records; writes nothing.

    `Gone` if there is no such version, or none to go back from.
    """
    now = in_force(here, system)
    wanted = version(here, system, number)
    if now.number <= number:
        raise Gone(f"{wanted.label} is no version before {now.label}")
    backs: Sequence[Back] = ()
    if system in here.crms and not keep_values:
        with here.store.begin() as tx:
            written = tx.fields.since(mapping_name(system), number)
        mapping = load_mapping(wanted.text, name=wanted.label)
        backs = fields_to_give_back(written, mapping, here.crms[system])
    return WayBack(
        system=system,
        version=wanted,
        over=now.label,
        backs=tuple(backs),
        keeps_values=keep_values or system not in here.crms,
    )


def holds_after(here: Runtime, way: WayBack) -> HoldCounts:
    """What going back would do to the holds of open cases, by live records. Writes nothing."""
    if way.system not in here.crms:
        return HoldCounts()
    return planner(here).holds(way.system, way.version.text)


def go_back(here: Runtime, way: WayBack, *, note: str, by: str) -> str:
    """Put the version in force again, as a new one, and give the fields back: both or neither. Its
    label.

    What still waits to be written is not sent, and what was written since the way was looked at is
    given back as well. `Conflict` if another version came into force since then.
    """
    name, now = mapping_name(way.system), here.clock.now()
    with here.store.begin() as tx:
        label = here.actions.put_in_force(
            tx, name, way.version.text, by=by, note=note, over=way.over
        )
        if not way.keeps_values:
            mapping = load_mapping(way.version.text, name=way.version.label)
            written = tx.fields.since(name, way.version.number)
            backs = as_of_now(way.backs, written, mapping)
            give_back(tx, backs, crm=way.system, label=label, by=by, now=now)
    return label


def _version(stored: ConfigVersion) -> Version:
    return Version(label=stored.label, number=stored.version, text=stored.text)
