"""Runs a parsed query over the rows a reader sees, and shapes the records of the answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.access import Access
from simulators.salesforce.derived import value_of
from simulators.salesforce.errors import Refusal, malformed_query
from simulators.salesforce.ids import full_id
from simulators.salesforce.org import Org, Row
from simulators.salesforce.schema import Children, SObject
from simulators.salesforce.soql import (
    Compare,
    Condition,
    Every,
    Literal,
    Path,
    Query,
    Some,
    Within,
    parse,
)
from simulators.salesforce.soql_fields import Reach, Reader
from simulators.salesforce.soql_where import Conditions, folded
from simulators.salesforce.values import show

_MOST_OFFSET = 2000


@dataclass(frozen=True)
class Found:
    """What a query found: records as JSON, or a bare count."""

    total: int
    records: list[dict[str, Any]]


class Queries:
    """Answers SOQL text for the integration user. Callers hold the org's lock."""

    def __init__(self, org: Org, access: Access) -> None:
        self._org = org
        self._access = access

    def run(self, text: str, version: str, *, deleted: bool = False) -> Found:
        """All records of the query, in order; `deleted` makes it a queryAll."""
        return _Run(self._org, self._access, version, deleted).answer(parse(text))


class _Run:
    def __init__(self, org: Org, access: Access, version: str, deleted: bool) -> None:
        self._org = org
        self._version = version
        self._deleted = deleted
        self._access = access
        self._reader = Reader(org, access, self._see)

    def answer(self, query: Query) -> Found:
        one = self._reader.object(query.source)
        if query.offset > _MOST_OFFSET:
            text = "Maximum SOQL offset allowed is 2000"
            raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", text)
        plan = _Plan(self, one, query)
        rows = self._rows(one, query, self._candidates(one, query.where))
        if query.count:
            return Found(len(rows), [])
        return Found(len(rows), [plan.record(row) for row in rows])

    def reach(self, one: SObject, path: Path) -> Reach:
        return self._reader.reach(one, path)

    def child(self, one: SObject, query: Query) -> tuple[Children, SObject]:
        name = str(query.source)
        found = next((c for c in one.children if c.name.lower() == name.lower()), None)
        below = None if found is None else self._access.object(found.object)
        if found is None or below is None:
            text = (
                f"\nERROR at Row:1:Column:{query.source.column}\nDidn't understand relationship"
                f" '{name}' in FROM part of query call. If you are attempting to use a custom"
                " relationship, be sure to append the '__r' after the custom relationship name."
            )
            raise Refusal(400, "INVALID_TYPE", text)
        if query.count or query.offset:
            raise malformed_query("a nested query takes neither COUNT() nor OFFSET here")
        return found, below

    def children(self, below: SObject, link: Children, query: Query) -> dict[str, list[Row]]:
        """The rows of a child query by parent id, each list ordered and limited."""
        grouped: dict[str, list[Row]] = defaultdict(list)
        for row in self._rows(below, query, None, limited=False):
            parent = value_of(self._org, below.name, row, link.field)
            if parent is not None:
                grouped[parent].append(row)
        if query.limit is not None:
            return {parent: rows[: query.limit] for parent, rows in grouped.items()}
        return grouped

    def place(self, one: SObject, record: str) -> dict[str, str]:
        url = f"/services/data/v{self._version}/sobjects/{one.name}/{record}"
        return {"type": one.name, "url": url}

    def nest(self, made: dict[str, Any], one: SObject, row: Row, reach: Reach) -> None:
        here, table, shown, at = made, one, one.name, row
        for step, name in zip(reach.steps, reach.names, strict=False):
            parent = self._reader.parent(table, at, step)
            if parent is None:
                here[name] = None
                return
            table, at, shown = parent
            if not isinstance(here.get(name), dict):
                place = self.place(table, at["Id"])
                if shown == "Name":
                    place = {"type": "Name", "url": place["url"].replace(table.name, "Name")}
                here[name] = {"attributes": place}
            here = here[name]
        value = self._reader.shown_value(table, at, reach.field, shown)
        here[reach.field.name] = show(reach.field, value)

    def _see(self, table: str, record: str) -> Row | None:
        return self._org.look(table, record, deleted=True)

    def _candidates(self, one: SObject, where: Condition | None) -> set[str] | None:
        """The ids that can match at all, when the condition pins them down by id or key."""
        match where:
            case Every(parts):
                pinned = (self._candidates(one, part) for part in parts)
                return next((found for found in pinned if found is not None), None)
            case Some(parts):
                found = [self._candidates(one, part) for part in parts]
                pinned_by = [ids for ids in found if ids is not None]
                return set().union(*pinned_by) if len(pinned_by) == len(found) else None
            case Compare(op="="):
                return self._pinned(one, where.path, [where.value])
            case Within(negated=False, query=None):
                return self._pinned(one, where.path, where.values)
            case _:
                return None

    def _pinned(self, one: SObject, path: Path, values: Sequence[Literal]) -> set[str] | None:
        field = one.find(str(path))
        texts = [str(value.value) for value in values if value.kind == "string" and value.value]
        if field is None or len(texts) != len(values):
            return None
        if field.name == "Id":
            return {full_id(text) or "" for text in texts}
        if field.unique and not self._org.lag:
            held = (self._org.by_key(field, one.name, text, None) for text in texts)
            binned = self._org.bin[one.name] if self._deleted else ()
            return {row["Id"] for rows in held for row in rows}.union(binned)
        return None

    def _rows(
        self, one: SObject, query: Query, only: set[str] | None, *, limited: bool = True
    ) -> list[Row]:
        conditions = Conditions(self._reader, one, self._org.now().date(), self._inner)
        test, sort = conditions.test(query.where), conditions.sorter(query.order)
        if only is not None:
            looked = (self._org.look(one.name, x, deleted=self._deleted) for x in sorted(only))
            rows: Iterable[Row] = [row for row in looked if row is not None]
        else:
            rows = self._org.visible(one.name, deleted=self._deleted)
        found = sort(sorted((row for row in rows if test(row)), key=lambda row: str(row["Id"])))
        if not limited:
            return found
        last = None if query.limit is None else query.offset + query.limit
        return found[query.offset : last]

    def _inner(self, query: Query) -> set[Any]:
        one = self._reader.object(query.source)
        if query.count or len(query.items) != 1 or not isinstance(query.items[0], Path):
            raise malformed_query("an inner query selects exactly one field")
        reach = self._reader.reach(one, query.items[0])
        rows = self._rows(one, query, None)
        return {folded(reach.field, self._reader.value(one, row, reach)) for row in rows} - {None}


class _Plan:
    """The checked SELECT list of one query, ready to shape records."""

    def __init__(self, run: _Run, one: SObject, query: Query) -> None:
        self._run = run
        self._one = one
        self._parts: list[Reach | tuple[str, dict[str, list[Row]], _Plan]] = []
        seen: set[str] = set()
        for item in query.items:
            if isinstance(item, Path):
                name = str(item).lower()
                if name in seen:
                    raise malformed_query(f"duplicate field selected: {item}")
                seen.add(name)
                self._parts.append(run.reach(one, item))
                continue
            link, below = run.child(one, item)
            inner = _Plan(run, below, item)
            self._parts.append((link.name, run.children(below, link, item), inner))

    def record(self, row: Row) -> dict[str, Any]:
        made: dict[str, Any] = {"attributes": self._run.place(self._one, row["Id"])}
        for part in self._parts:
            if isinstance(part, Reach):
                self._run.nest(made, self._one, row, part)
                continue
            name, grouped, inner = part
            below = grouped.get(row["Id"], [])
            records = [inner.record(other) for other in below]
            made[name] = (
                {"totalSize": len(records), "done": True, "records": records} if records else None
            )
        return made
