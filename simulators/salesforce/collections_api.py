"""`composite/sobjects`: up to 200 rows in one call, HTTP 200 even when rows fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.salesforce.access import Access
from simulators.salesforce.calls import Call, Reply, not_allowed
from simulators.salesforce.errors import Refusal, missing_resource, rolled_back_row
from simulators.salesforce.ids import full_id
from simulators.salesforce.org import Org
from simulators.salesforce.rows_api import RowsApi
from simulators.salesforce.schema import Field, SObject
from simulators.salesforce.writing import ManyFound, Writing, attributes_first

_MOST = 200
Act = Callable[[], dict[str, Any]]


class CollectionsApi:
    """Creates, changes, upserts, deletes and reads many rows at once."""

    def __init__(self, org: Org, access: Access, writing: Writing, rows: RowsApi) -> None:
        self._org = org
        self._access = access
        self._writing = writing
        self._rows = rows

    def answer(self, call: Call) -> Reply:
        """The reply: one result per row, in order."""
        parts = call.rest.split("/")[2:]
        match (call.method, parts):
            case ("GET" | "POST", [name]):
                return self._read(call, name)
            case ("POST" | "PATCH", []):
                records = self._records(call)
                create = call.method == "POST"
                acts = [self._act(call, record, create=create) for record in records]
                return self._all(acts, bool(call.record().get("allOrNone", False)))
            case ("PATCH", [name, key]):
                return self._upserts(call, name, key)
            case ("DELETE", []):
                ids = [part for part in call.query.get("ids", "").split(",") if part]
                self._few(len(ids))
                every = call.query.get("allOrNone", "false").lower() == "true"
                return self._all([self._deletion(call, record) for record in ids], every)
            case _:
                raise not_allowed(call.method, "DELETE,GET,HEAD,PATCH,POST")

    def _all(self, acts: list[Act], every: bool) -> Reply:
        results: list[dict[str, Any]] = []
        failed = False
        try:
            with self._org.transaction():
                for act in acts:
                    results.append(self._try(act))
                    failed = failed or not results[-1]["success"]
                if failed and every:
                    raise _Undone
        except _Undone:
            undone = {"success": False, "errors": [rolled_back_row().in_row()]}
            results = [result if not result["success"] else undone for result in results]
        return Reply(200, results)

    def _try(self, act: Act) -> dict[str, Any]:
        try:
            with self._org.transaction():
                return act()
        except Refusal as refusal:
            if refusal.code == "JSON_PARSER_ERROR":
                raise
            return {"success": False, "errors": [refusal.in_row()]}

    def _act(self, call: Call, record: dict[str, Any], *, create: bool) -> Act:
        one = self._typed(record)

        def created() -> dict[str, Any]:
            made = self._writing.create(one, record, call.work)
            return {"id": made, "success": True, "errors": []}

        def changed() -> dict[str, Any]:
            body = {name: value for name, value in record.items() if name.lower() != "id"}
            named = record.get("id", record.get("Id"))
            if named is None:
                text = "Id not specified in an update call"
                raise Refusal(400, "MISSING_ARGUMENT", text, [])
            self._writing.update(one, str(named), body, call.work)
            return {"id": full_id(named), "success": True, "errors": []}

        return created if create else changed

    def _upserts(self, call: Call, name: str, key: str) -> Reply:
        one = self._access.object(name)
        if one is None:
            raise missing_resource()
        field = self._access.field(one, key)
        if field is None or not field.external_id:
            text = f"Provided external ID field does not exist or is not accessible: {key}"
            raise Refusal(404, "NOT_FOUND", text)
        acts = [self._upsert(call, one, field, record) for record in self._records(call)]
        return self._all(acts, bool(call.record().get("allOrNone", False)))

    def _upsert(self, call: Call, one: SObject, field: Field, record: dict[str, Any]) -> Act:
        if self._typed(record).name != one.name:
            raise Refusal(400, "INVALID_TYPE", f"all records of this call must be {one.name}")

        def act() -> dict[str, Any]:
            key = next((name for name in record if name.lower() == field.name.lower()), None)
            if key is None or record[key] in (None, ""):
                text = f"{field.name} not specified"
                raise Refusal(400, "MISSING_ARGUMENT", text, [])
            body = {name: value for name, value in record.items() if name != key}
            try:
                made, created = self._writing.upsert(one, field, str(record[key]), body, call.work)
            except ManyFound as many:
                text = f"{field.name}: more than one record found for external id: {many.ids}"
                raise Refusal(400, "DUPLICATE_EXTERNAL_ID", text, []) from None
            return {"id": made, "success": True, "errors": [], "created": created}

        return act

    def _deletion(self, call: Call, record: str) -> Act:
        def act() -> dict[str, Any]:
            found = full_id(record)
            table = None if found is None else self._org.table_of(found)
            if found is None or table is None:
                raise Refusal(400, "MALFORMED_ID", f"bad id {record}", [])
            self._writing.delete(self._org.schema[table], found, call.work)
            return {"id": found, "success": True, "errors": []}

        return act

    def _read(self, call: Call, name: str) -> Reply:
        one = self._access.object(name)
        if one is None:
            raise missing_resource()
        asked = call.body if call.method == "POST" and isinstance(call.body, dict) else None
        if asked is None:
            ids = [part for part in call.query.get("ids", "").split(",") if part]
            fields = [part for part in call.query.get("fields", "").split(",") if part]
        else:
            ids, fields = list(asked.get("ids", [])), list(asked.get("fields", []))
        if not fields:
            raise Refusal(400, "MISSING_ARGUMENT", "fields must be given")
        found = []
        for record in ids:
            full = full_id(record)
            row = None if full is None else self._org.look(one.name, full)
            found.append(None if row is None else self._rows.shown(one, row, call.version, fields))
        return Reply(200, found)

    def _records(self, call: Call) -> list[dict[str, Any]]:
        records = call.record().get("records")
        if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
            raise Refusal(400, "JSON_PARSER_ERROR", "records must be an array of objects")
        self._few(len(records))
        return records

    def _typed(self, record: dict[str, Any]) -> SObject:
        if next(iter(record), "") != "attributes":
            raise attributes_first()
        attributes = record["attributes"]
        name = attributes.get("type") if isinstance(attributes, dict) else None
        one = self._access.object(str(name))
        if one is None:
            raise Refusal(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return one

    @staticmethod
    def _few(count: int) -> None:
        if count > _MOST:
            text = (
                f"record limit reached. cannot submit more than {_MOST} records in this operation"
            )
            raise Refusal(400, "EXCEEDED_ID_LIMIT", text)


class _Undone(Exception):
    pass
