"""The org's rows: kept, indexed, changed in transactions, and seen with the org's own delay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from simulators.clock import SimClock
from simulators.salesforce.errors import Refusal
from simulators.salesforce.ids import Mint
from simulators.salesforce.schema import Field, SObject
from simulators.salesforce.standard import standard_objects
from simulators.salesforce.values import to_second

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One committed change of one row; `before` or `after` is None when it did not exist."""

    object: str
    id: str
    before: Row | None
    after: Row | None
    user: str


@dataclass(frozen=True)
class RowHarm:
    """An error that a dial has put on some rows of one request."""

    refusal: Refusal
    object: str | None = None
    rows: frozenset[int] | None = None


@dataclass
class Work:
    """Who is writing, and what one request knows: its start, its own rows, its ill luck."""

    user: str
    through_api: bool = False
    audit: bool = False
    seen_up_to: int | None = None
    own: set[str] = field(default_factory=set)
    harms: list[RowHarm] = field(default_factory=list)
    rows_tried: int = 0

    def stumble(self, object_name: str) -> None:
        """Count one row write; Refusal when the dial hits this row."""
        place, self.rows_tried = self.rows_tried, self.rows_tried + 1
        for harm in self.harms:
            if harm.object in (None, object_name) and (harm.rows is None or place in harm.rows):
                raise harm.refusal


class Org:
    """Tables and their indexes. Every public method is safe under `lock`, an RLock."""

    def __init__(self, clock: SimClock, seed: int) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.schema: dict[str, SObject] = standard_objects()
        self.mint = Mint(seed)
        self.live: dict[str, dict[str, Row]] = {name: {} for name in self.schema}
        self.bin: dict[str, dict[str, Row]] = {name: {} for name in self.schema}
        self.feed: list[dict[str, Any]] = []
        self.rules: dict[str, list[Callable[[Row, Row | None], str | None]]] = {}
        self.held_rows: set[str] = set()
        self.lag = timedelta(0)
        self.watchers: list[Callable[[list[Change]], None]] = []
        self.born: dict[str, int] = {}
        self.sequence = 0
        self._version = 0
        self._remembered: dict[str, tuple[int, Any]] = {}
        self._unique: dict[tuple[str, str], dict[str, str]] = {}
        self._waiting: dict[str, list[tuple[datetime, Row | None]]] = {}
        self._journal: list[Change] = []
        self._depth = 0

    def now(self) -> datetime:
        """The org's clock, to the second."""
        return to_second(self.clock.now())

    def object(self, name: str) -> SObject | None:
        """The object of that name, whatever its case."""
        found = self.schema.get(name)
        if found is None:
            lower = name.lower()
            found = next((o for key, o in self.schema.items() if key.lower() == lower), None)
        return found

    def replace_field(self, object_name: str, changed: Field) -> None:
        """Change the definition of one field."""
        old = self.schema[object_name]
        fields = {**old.fields, changed.name: changed}
        self.schema[object_name] = replace(old, fields=fields, _lower={})

    def add_field(self, object_name: str, made: Field) -> None:
        """Add a field of the customer's own; KeyError when the name is taken."""
        if made.name in self.schema[object_name].fields:
            raise KeyError(f"{object_name} has a field {made.name} already")
        self.replace_field(object_name, made)

    def remembered(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` returns, made anew only after a row has changed."""
        version, value = self._remembered.get(name, (-1, None))
        if version != self._version:
            value = make()
            self._remembered[name] = (self._version, value)
        return value

    def table_of(self, record: str) -> str | None:
        """The object that a record id belongs to, by its key prefix."""
        for name, one in self.schema.items():
            if one.prefix == record[:3]:
                return name
        return None

    def get(self, record: str) -> Row | None:
        """The newest live version of a row, or None."""
        name = self.table_of(record)
        return None if name is None else self.live[name].get(record)

    def deleted(self, record: str) -> Row | None:
        """A row in the recycle bin, or None."""
        name = self.table_of(record)
        return None if name is None else self.bin[name].get(record)

    def visible(self, object_name: str, *, deleted: bool = False) -> Iterator[Row]:
        """The rows that a reader sees now: without what is committed but not yet visible."""
        for record, row in list(self.live[object_name].items()):
            seen = self._as_seen(record, row)
            if seen is not None:
                yield seen
        for record, row in list(self.bin[object_name].items()):
            seen = self._as_seen(record, row)
            if seen is not None and (deleted or not seen.get("IsDeleted")):
                yield seen

    def look(self, object_name: str, record: str, *, deleted: bool = False) -> Row | None:
        """One row as a reader sees it now, or None."""
        row = self.live[object_name].get(record) or self.bin[object_name].get(record)
        seen = None if row is None else self._as_seen(record, row)
        return None if seen is None or (seen.get("IsDeleted") and not deleted) else seen

    def by_key(self, one: Field, object_name: str, value: str, work: Work | None) -> list[Row]:
        """Live rows whose external id equals `value`, as a request that began earlier saw them."""
        record: str | None
        if one.unique:
            record = self._unique.get((one.shared_on or object_name, one.name), {}).get(
                self._folded(one, value)
            )
            row = None if record is None else self.live[object_name].get(record)
            found = [] if row is None else [row]
        else:
            wanted = self._folded(one, value)
            found = [
                row
                for row in self.live[object_name].values()
                if row.get(one.name) is not None and self._folded(one, row[one.name]) == wanted
            ]
        return [row for row in found if self._was_there(row["Id"], work)]

    def holder(self, one: Field, object_name: str, value: str) -> str | None:
        """The id that holds a unique value now, whichever object of the shared field it is on."""
        held = self._unique.get((one.shared_on or object_name, one.name), {})
        return held.get(self._folded(one, value))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; the outermost one tells the watchers when it ends well."""
        with self.lock:
            mark, feed_mark = len(self._journal), len(self.feed)
            self._depth += 1
            try:
                yield
            except BaseException:
                self._undo(mark)
                del self.feed[feed_mark:]
                raise
            finally:
                self._depth -= 1
            if self._depth == 0:
                changes, self._journal = self._journal, []
                for watcher in self.watchers if changes else []:
                    watcher(changes)

    def uncommitted(self) -> list[str]:
        """The ids that the open transaction has changed so far."""
        return [change.id for change in self._journal]

    def put(self, object_name: str, after: Row, work: Work, *, to_bin: bool = False) -> None:
        """Keep a new version of a row; its unique values must be free (checked by the caller)."""
        record = after["Id"]
        before = self.live[object_name].get(record)
        if self.lag and not work.through_api:
            until = self.clock.now() + self.lag
            self._waiting.setdefault(record, []).append((until, before))
        elif work.through_api:
            self._waiting.pop(record, None)
        if before is None:
            self.sequence += 1
            self.born[record] = self.sequence
            work.own.add(record)
        self._journal.append(
            Change(object_name, record, before, None if to_bin else after, work.user)
        )
        self._place(object_name, record, before, None if to_bin else after)
        if to_bin:
            self.bin[object_name][record] = after

    def pending_until(self, record: str) -> datetime | None:
        """When the newest change of a row becomes visible, or None if it is."""
        waits = self._waiting.get(record)
        return waits[-1][0] if waits and waits[-1][0] > self.clock.now() else None

    def _was_there(self, record: str, work: Work | None) -> bool:
        # Two requests that both began before either wrote both look the key up in vain; the
        # later insert then fails with DUPLICATE_VALUE, as it does in Salesforce.
        if work is None or work.seen_up_to is None or record in work.own:
            return True
        return self.born.get(record, 0) <= work.seen_up_to

    def _as_seen(self, record: str, row: Row | None) -> Row | None:
        waits = self._waiting.get(record)
        if not waits:
            return row
        now = self.clock.now()
        for until, before in waits:
            if now < until:
                return before
        del self._waiting[record]
        return row

    def _undo(self, mark: int) -> None:
        while len(self._journal) > mark:
            change = self._journal.pop()
            self.bin[change.object].pop(change.id, None)
            self._place(change.object, change.id, change.after, change.before)

    def _place(self, name: str, record: str, old: Row | None, new: Row | None) -> None:
        self._version += 1
        for one in self.schema[name].fields.values():
            if not one.unique:
                continue
            held = self._unique.setdefault((one.shared_on or name, one.name), {})
            if old is not None and old.get(one.name) is not None:
                held.pop(self._folded(one, old[one.name]), None)
            if new is not None and new.get(one.name) is not None:
                held[self._folded(one, new[one.name])] = record
        if new is None:
            self.live[name].pop(record, None)
        else:
            self.live[name][record] = new

    @staticmethod
    def _folded(one: Field, value: str) -> str:
        return value if one.case_sensitive else value.casefold()
