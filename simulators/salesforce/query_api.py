"""`query` and `queryAll`: pages, locators that grow stale, and the length cap of a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulators.salesforce.calls import Call, Reply, not_allowed
from simulators.salesforce.errors import Refusal, malformed_query
from simulators.salesforce.org import Org
from simulators.salesforce.soql_run import Queries

_LOCATOR_LIFE = timedelta(days=2)
_LONGEST = 100_000


@dataclass(frozen=True)
class _Cursor:
    records: list[dict[str, Any]]
    made: datetime


class QueryApi:
    """Runs queries page by page. `page_size` is the org's default; a header may ask for less."""

    def __init__(self, org: Org, queries: Queries) -> None:
        self.page_size = 2000
        self._org = org
        self._queries = queries
        self._cursors: dict[str, _Cursor] = {}

    def forget_locators(self) -> None:
        """Make every query locator stale."""
        self._cursors.clear()

    def answer(self, call: Call) -> Reply:
        """The first or a later page."""
        if call.method not in ("GET", "HEAD"):
            raise not_allowed(call.method, "GET,HEAD")
        kind, _, locator = call.rest.partition("/")
        if locator:
            return self._next(call, kind, locator)
        text = call.query.get("q", "")
        if not text.strip():
            raise malformed_query("unexpected token: '<EOF>'")
        if len(text) > _LONGEST:
            raise malformed_query("SOQL statements cannot be longer than 100000 characters.")
        found = self._queries.run(text, call.version, deleted=kind == "queryAll")
        size = self._size(call)
        if len(found.records) <= size:
            return Reply(200, {"totalSize": found.total, "done": True, "records": found.records})
        name = self._org.mint.next("0r8")
        self._cursors[name] = _Cursor(found.records, self._org.now())
        return self._page(call, kind, name, 0, size)

    def _next(self, call: Call, kind: str, locator: str) -> Reply:
        name, _, start = locator.rpartition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not start.isdigit() or self._org.now() - cursor.made > _LOCATOR_LIFE:
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, kind, name, int(start), self._size(call))

    def _page(self, call: Call, kind: str, name: str, start: int, size: int) -> Reply:
        records = self._cursors[name].records
        upto = start + size
        body: dict[str, Any] = {"totalSize": len(records), "done": upto >= len(records)}
        if upto < len(records):
            body["nextRecordsUrl"] = f"/services/data/v{call.version}/{kind}/{name}-{upto}"
        return Reply(200, {**body, "records": records[start:upto]})

    def _size(self, call: Call) -> int:
        asked = re.search(r"batchSize\s*=\s*(\d+)", call.headers.get("sforce-query-options", ""))
        return min(self.page_size, max(200, int(asked.group(1)))) if asked else self.page_size
