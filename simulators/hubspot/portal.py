"""The portal's records: kept with their history, changed in transactions, indexed with a delay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulators.clock import SimClock
from simulators.hubspot.linking import Links
from simulators.hubspot.schema import Group, ObjectType, Property
from simulators.hubspot.standard import standard_groups, standard_objects


@dataclass(frozen=True)
class Source:
    """Who wrote: `type` is CRM_UI, INTEGRATION, CALCULATED or MERGE_OBJECTS."""

    type: str
    id: str
    user_id: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class Version:
    """One value that a property had, and who gave it."""

    value: str
    at: datetime
    source: Source


@dataclass(frozen=True)
class Record:
    """One record as it stands; `history` is newest first."""

    type: str
    id: str
    values: Mapping[str, str]
    history: Mapping[str, tuple[Version, ...]]
    created: datetime
    updated: datetime
    archived_at: datetime | None = None

    @property
    def end(self) -> tuple[str, str]:
        """The record as an end of a link."""
        return (self.type, self.id)


@dataclass(frozen=True)
class Change:
    """One committed change that others may be told of; `about` is what only this kind has."""

    kind: str
    type: str
    id: str
    at: datetime
    source: Source
    name: str | None = None
    value: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Owner:
    """Somebody whom records belong to. `id` goes into `hubspot_owner_id`, `user_id` does not."""

    id: str
    user_id: int
    email: str
    first: str
    last: str
    teams: tuple[str, ...]
    created: datetime
    updated: datetime
    active: bool = True


@dataclass(frozen=True)
class Stage:
    """One stage of a pipeline."""

    id: str
    label: str
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Pipeline:
    """The stages that a ticket or a deal goes through."""

    id: str
    label: str
    stages: tuple[Stage, ...]


Rule = Callable[[Mapping[str, str], Mapping[str, str] | None], str | None]
"""Called with the values after and before (None: a new record); returns words to refuse with."""


class Portal:
    """Records, links, definitions and people of one account. Hold `lock`, an RLock, to use it."""

    def __init__(self, clock: SimClock, seed: int, portal_id: int, zone: str) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.portal_id = portal_id
        self.zone = ZoneInfo(zone)
        self.types: dict[str, ObjectType] = standard_objects()
        self.groups: dict[str, dict[str, Group]] = {
            name: standard_groups(one) for name, one in self.types.items()
        }
        self.archived_properties: dict[str, dict[str, Property]] = {name: {} for name in self.types}
        self.records: dict[str, dict[str, Record]] = {name: {} for name in self.types}
        self.merged: dict[tuple[str, str], str] = {}
        self.links = Links()
        self.owners: dict[str, Owner] = {}
        self.teams: dict[str, str] = {}
        self.pipelines: dict[str, dict[str, Pipeline]] = {}
        self.rules: dict[str, list[Rule]] = {}
        self.lag = timedelta(0)
        self.watchers: list[Callable[[list[Change]], None]] = []
        self.born = clock.now()
        self._next = 100_000_001 + seed * 1_000_000
        self._unique: dict[tuple[str, str], dict[str, str]] = {}
        self._past: dict[tuple[str, str], list[tuple[datetime, Record | None]]] = {}
        self._undo: list[Callable[[], None]] = []
        self._told: list[Change] = []
        self._depth = 0

    def now(self) -> datetime:
        """The portal's clock, to the millisecond."""
        moment = self.clock.now()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def mint(self) -> str:
        """A new record id: digits, rising."""
        self._next += 1
        return str(self._next)

    def type_of(self, name: str) -> ObjectType | None:
        """An object type by plural name, singular name or id."""
        found = self.types.get(name)
        if found is None:
            named = (one for one in self.types.values() if name in (one.id, one.singular))
            found = next(named, None)
        return found

    def define(self, type_name: str, one: Property) -> None:
        """Add or replace the definition of a property."""
        old = self.types[type_name]
        self.types[type_name] = replace(old, properties={**old.properties, one.name: one})
        if one.unique:
            for record in self.records[type_name].values():
                self._index(record, one.name, record.archived_at is None)

    def drop_property(self, type_name: str, name: str) -> None:
        """Archive a property: reads and writes no longer know it."""
        old = self.types[type_name]
        kept = dict(old.properties)
        self.archived_properties[type_name][name] = kept.pop(name)
        self.types[type_name] = replace(old, properties=kept)

    def resolve(self, type_name: str, id: str) -> str:
        """The id of the record that a merged id stands for now."""
        while (type_name, id) in self.merged:
            id = self.merged[type_name, id]
        return id

    def get(self, type_name: str, id: str, *, archived: bool = False) -> Record | None:
        """A record by id, or None; an archived one only if asked for."""
        found = self.records[type_name].get(self.resolve(type_name, id))
        return found if found and (found.archived_at is not None) == archived else None

    def holder(self, type_name: str, name: str, value: str) -> str | None:
        """The id of the live record that holds a unique value, or None."""
        return self._unique.get((type_name, name), {}).get(folded(name, value))

    def live(self, type_name: str) -> Iterator[Record]:
        """The records that are not archived, by rising id."""
        return (one for one in list(self.records[type_name].values()) if one.archived_at is None)

    def indexed(self, type_name: str) -> Iterator[Record]:
        """The records as search knows them now: late by the lag, archived ones never."""
        now = self.clock.now()
        for id, record in list(self.records[type_name].items()):
            seen = self._as_indexed((type_name, id), record, now)
            if seen is not None and seen.archived_at is None:
                yield seen

    def put(self, after: Record) -> None:
        """Keep a new version of a record; its unique values must be free."""
        table = self.records[after.type]
        before = table.get(after.id)
        if self.lag:
            past = self._past.setdefault(after.end, [])
            past.append((self.clock.now() + self.lag, before))
        self._place(after.type, after.id, before, after)
        self._undo.append(lambda: self._place(after.type, after.id, after, before))

    def set_links(self, source: tuple[str, str], target: tuple[str, str], ids: set[int]) -> None:
        """Replace the association types between two records."""
        before = self.links.between(source, target)
        self.links.set(source, target, ids)
        self._undo.append(lambda: self.links.set(source, target, before))

    def forget(self, record: Record, survivor: str) -> None:
        """Take a merged record away: its id now stands for `survivor`."""
        self.merged[record.end] = survivor
        self._place(record.type, record.id, record, None)
        self._undo.append(lambda: self._place(record.type, record.id, None, record))
        self._undo.append(lambda: self._unmerge(record))

    def _unmerge(self, record: Record) -> None:
        del self.merged[record.end]

    def tell(self, change: Change) -> None:
        """Note a change for the watchers, who hear of it when the transaction ends well."""
        self._told.append(change)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; the outermost one tells the watchers when it ends well."""
        with self.lock:
            mark, told = len(self._undo), len(self._told)
            self._depth += 1
            try:
                yield
            except BaseException:
                while len(self._undo) > mark:
                    self._undo.pop()()
                del self._told[told:]
                raise
            finally:
                self._depth -= 1
            if self._depth == 0:
                self._undo.clear()
                changes, self._told = self._told, []
                for watcher in self.watchers if changes else []:
                    watcher(changes)

    def changes(self) -> list[Change]:
        """What the open transaction has changed so far."""
        return list(self._told)

    def midnight(self) -> datetime:
        """The next midnight in the account's zone, aware UTC."""
        local = self.clock.now().astimezone(self.zone)
        day = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return day.astimezone(UTC)

    def _place(self, type_name: str, id: str, old: Record | None, new: Record | None) -> None:
        for one in self.types[type_name].properties.values():
            if not one.unique:
                continue
            if old is not None:
                self._index(old, one.name, False)
            if new is not None:
                self._index(new, one.name, new.archived_at is None)
        if new is None:
            self.records[type_name].pop(id, None)
        else:
            self.records[type_name][id] = new

    def _index(self, record: Record, name: str, holds: bool) -> None:
        value = record.values.get(name)
        if not value:
            return
        held = self._unique.setdefault((record.type, name), {})
        if holds:
            held[folded(name, value)] = record.id
        elif held.get(folded(name, value)) == record.id:
            del held[folded(name, value)]

    def _as_indexed(self, end: tuple[str, str], record: Record, now: datetime) -> Record | None:
        waits = self._past.get(end)
        if not waits:
            return record
        for until, before in waits:
            if now < until:
                return before
        del self._past[end]
        return record


def folded(name: str, value: str) -> str:
    """A unique value as it is compared: addresses in lower case, the rest as it stands."""
    return value.lower() if name == "email" else value
