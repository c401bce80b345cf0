"""`sobjects/...`: describe, single rows, rows by external id, updated and deleted."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from simulators.salesforce.access import Access
from simulators.salesforce.calls import Call, Reply, http_date, not_allowed
from simulators.salesforce.derived import value_of
from simulators.salesforce.describing import Describing
from simulators.salesforce.errors import Refusal, missing_resource
from simulators.salesforce.ids import full_id
from simulators.salesforce.org import Org, Row
from simulators.salesforce.schema import Field, Kind, SObject
from simulators.salesforce.values import read_moment, show, show_moment
from simulators.salesforce.writing import ManyFound, Writing

_ROW_METHODS = "DELETE,GET,HEAD,PATCH,POST"
_HORIZON = timedelta(days=30)


class RowsApi:
    """Answers calls below `sobjects`."""

    def __init__(self, org: Org, access: Access, writing: Writing, describing: Describing) -> None:
        self._org = org
        self._access = access
        self._writing = writing
        self._describing = describing
        self.schema_changed_at = org.now()

    def answer(self, call: Call) -> Reply:
        """The reply; Refusal for everything the org says no to."""
        parts = [unquote(part) for part in call.rest.split("/") if part][1:]
        if not parts:
            self._only(call, "GET")
            return Reply(200, self._describing.all(call.version))
        one = self._access.object(parts[0])
        if one is None:
            raise missing_resource()
        match parts[1:]:
            case []:
                return self._collection(call, one)
            case ["describe"]:
                return self._describe(call, one)
            case ["updated"]:
                return self._updated(call, one)
            case ["deleted"]:
                return self._deleted(call, one)
            case [record]:
                return self._row(call, one, record)
            case [field, *value]:
                return self._keyed(call, one, field, "/".join(value))
            case _:
                raise missing_resource()

    def _collection(self, call: Call, one: SObject) -> Reply:
        if call.method == "GET":
            return Reply(
                200,
                {"objectDescribe": self._describing.brief(one, call.version), "recentItems": []},
            )
        self._only(call, "POST", allowed="GET,HEAD,POST")
        record = self._writing.create(one, call.record(), call.work)
        place = self._place(call, one, record)
        return Reply(201, {"id": record, "success": True, "errors": []}, {"Location": place})

    def _describe(self, call: Call, one: SObject) -> Reply:
        self._only(call, "GET")
        since = call.moment("If-Modified-Since")
        headers = {"Last-Modified": http_date(self.schema_changed_at)}
        if since is not None and self.schema_changed_at <= since:
            return Reply(304, None, headers)
        return Reply(200, self._describing.one(one, call.version), headers)

    def _row(self, call: Call, one: SObject, record: str) -> Reply:
        if call.method in ("GET", "HEAD"):
            return self._get(call, one, self._found(one, record))
        if call.method == "PATCH":
            self._guard(call, one, record)
            self._writing.update(
                one,
                record,
                call.record(),
                call.work,
                unmodified_since=call.moment("If-Unmodified-Since"),
            )
            return Reply(204)
        self._only(call, "DELETE", allowed=_ROW_METHODS)
        self._writing.delete(one, record, call.work)
        return Reply(204)

    def _guard(self, call: Call, one: SObject, record: str) -> None:
        tag = call.headers.get("if-match")
        if tag is None or one.name != "Account":
            return
        if self._tag(self._writing.existing(one, record)) != tag:
            text = "The record does not match the If-Match header"
            raise Refusal(412, "PRECONDITION_FAILED", text)

    def _keyed(self, call: Call, one: SObject, name: str, value: str) -> Reply:
        field = self._access.field(one, name)
        if field is None or not (field.external_id or field.kind is Kind.ID):
            text = f"Provided external ID field does not exist or is not accessible: {name}"
            raise Refusal(404, "NOT_FOUND", text)
        if call.method == "PATCH":
            return self._upsert(call, one, field, value)
        rows = self._org.by_key(field, one.name, value, None)
        if not rows:
            raise missing_resource()
        if len(rows) > 1:
            return Reply(300, [self._place(call, one, row["Id"]) for row in rows])
        if call.method in ("GET", "HEAD"):
            return self._get(call, one, self._found(one, rows[0]["Id"]))
        self._only(call, "DELETE", allowed=_ROW_METHODS)
        self._writing.delete(one, rows[0]["Id"], call.work)
        return Reply(204)

    def _upsert(self, call: Call, one: SObject, field: Field, value: str) -> Reply:
        try:
            record, created = self._writing.upsert(one, field, value, call.record(), call.work)
        except ManyFound as many:
            return Reply(300, [self._place(call, one, record) for record in many.ids])
        body = {"id": record, "success": True, "errors": [], "created": created}
        if created:
            return Reply(201, body, {"Location": self._place(call, one, record)})
        return Reply(200, body)

    def _get(self, call: Call, one: SObject, row: Row) -> Reply:
        headers = {}
        modified = row.get("LastModifiedDate")
        if isinstance(modified, datetime):
            headers["Last-Modified"] = http_date(modified)
            since = call.moment("If-Modified-Since")
            if since is not None and modified <= since:
                return Reply(304, None, headers)
        if one.name == "Account":
            headers["ETag"] = self._tag(row)
            if call.headers.get("if-none-match") == headers["ETag"]:
                return Reply(304, None, headers)
        wanted = [name for name in call.query.get("fields", "").split(",") if name]
        return Reply(200, self.shown(one, row, call.version, wanted), headers)

    def shown(
        self, one: SObject, row: Row, version: str, names: list[str] | None = None
    ) -> dict[str, Any]:
        """A row as JSON: `attributes` first, then the asked or all visible fields."""
        fields = self._access.fields(one)
        if names:
            fields = []
            for name in names:
                field = self._access.field(one, name.strip())
                if field is None:
                    text = f"No such column '{name}' on sobject of type {one.name}"
                    raise Refusal(400, "INVALID_FIELD", text)
                fields.append(field)
        url = f"/services/data/v{version}/sobjects/{one.name}/{row['Id']}"
        return {"attributes": {"type": one.name, "url": url}} | {
            field.name: show(field, value_of(self._org, one.name, row, field.name))
            for field in fields
        }

    def _found(self, one: SObject, record: str) -> Row:
        wanted = full_id(record)
        row = None if wanted is None else self._org.look(one.name, wanted, deleted=True)
        if row is None:
            text = f"Provided external ID field does not exist or is not accessible: {record}"
            raise missing_resource() if wanted else Refusal(404, "NOT_FOUND", text)
        if row.get("IsDeleted"):
            raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        return row

    def _updated(self, call: Call, one: SObject) -> Reply:
        start, end = self._window(call)
        ids = [
            row["Id"] for row in self._org.visible(one.name) if start <= row["SystemModstamp"] < end
        ]
        return Reply(
            200, {"ids": sorted(ids), "latestDateCovered": show_moment(self._covered(end))}
        )

    def _deleted(self, call: Call, one: SObject) -> Reply:
        start, end = self._window(call)
        gone = [
            {"id": row["Id"], "deletedDate": show_moment(row["SystemModstamp"])}
            for row in self._org.visible(one.name, deleted=True)
            if row.get("IsDeleted") and start <= row["SystemModstamp"] < end
        ]
        return Reply(
            200,
            {
                "deletedRecords": gone,
                "earliestDateAvailable": show_moment(self._org.now() - _HORIZON),
                "latestDateCovered": show_moment(self._covered(end)),
            },
        )

    def _covered(self, end: datetime) -> datetime:
        # VENDOR: latestDateCovered stays behind transactions that are still under way.
        return min(end, (self._org.now() - self._org.lag).replace(second=0))

    def _window(self, call: Call) -> tuple[datetime, datetime]:
        self._only(call, "GET")
        start, end = (read_moment(call.query.get(name, "")) for name in ("start", "end"))
        if start is None or end is None:
            text = "start and end must be dates in the form YYYY-MM-DDThh:mm:ss+hh:mm"
            raise Refusal(400, "INVALID_REPLICATION_DATE", text)
        # VENDOR: seconds are ignored in both dates.
        start, end = start.replace(second=0), end.replace(second=0)
        if start >= end:
            raise Refusal(400, "INVALID_REPLICATION_DATE", "startDate must be before endDate")
        if start < self._org.now() - _HORIZON - timedelta(minutes=1):
            text = "startDate before org replication enabled date or 30 days in the past"
            raise Refusal(400, "INVALID_REPLICATION_DATE", text)
        return start, end

    @staticmethod
    def _tag(row: Row) -> str:
        seen = repr(sorted((name, str(value)) for name, value in row.items()))
        return f'"{hashlib.sha256(seen.encode()).hexdigest()[:40]}"'

    @staticmethod
    def _place(call: Call, one: SObject, record: str) -> str:
        return f"/services/data/v{call.version}/sobjects/{one.name}/{record}"

    @staticmethod
    def _only(call: Call, method: str, *, allowed: str | None = None) -> None:
        if call.method != method and not (method == "GET" and call.method == "HEAD"):
            raise not_allowed(call.method, allowed or f"{method},HEAD")
