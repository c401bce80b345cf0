"""Batches of records: what one bad row does to the others depends on path, trace ids and dial."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulators.hubspot.access import require
from simulators.hubspot.associating import Associating
from simulators.hubspot.calls import Call, Reply
from simulators.hubspot.errors import Refusal, invalid, no_such_path
from simulators.hubspot.objects_api import ObjectsApi, non_unique, properties_of
from simulators.hubspot.portal import Portal
from simulators.hubspot.schema import ObjectType, iso
from simulators.hubspot.showing import Showing
from simulators.hubspot.writing import Writing

MOST = 100
_Row = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass
class BatchDial:
    """How batches tell of bad rows.

    `partial`: "traced" (a batch whose every input carries `objectWriteTraceId` keeps its good rows,
    any other fails whole), "always" or "never". `status`: the status of a batch with errors; None
    goes by the path (207, and 200 on the newest version).
    """

    partial: str = "traced"
    status: int | None = None


class BatchApi:
    """Answers for `/{type}/batch/{read,create,update,upsert,archive}`."""

    def __init__(
        self, portal: Portal, writing: Writing, associating: Associating, objects: ObjectsApi
    ) -> None:
        self.dial = BatchDial()
        self._portal = portal
        self._writing = writing
        self._associating = associating
        self._objects = objects
        self._showing = Showing(portal)

    def answer(self, call: Call, one: ObjectType) -> Reply:
        """One batch."""
        call.only("POST")
        verb = call.parts[2]
        require(call.grant, one.reads if verb == "read" else one.writes)
        inputs = call.inputs(MOST)
        match verb:
            case "read":
                return self._read(one, inputs, call)
            case "create":
                return self._write(one, inputs, call, lambda row: self._create(one, row, call), 201)
            case "update":
                _no_twins(self._keys(inputs))
                return self._write(one, inputs, call, lambda row: self._update(one, row, call), 200)
            case "upsert":
                _no_twins(self._keys(inputs))
                self._upsertable(one, inputs)
                return self._write(one, inputs, call, lambda row: self._upsert(one, row, call), 200)
            case "archive":
                for row in inputs:
                    record = self._portal.get(one.name, str(row.get("id")))
                    if record is not None:
                        self._writing.archive(record, call.work)
                return Reply(204)
            case _:
                raise no_such_path()

    def finished(
        self, call: Call, results: list[Any], errors: list[dict[str, Any]], status: int
    ) -> Reply:
        """The answer of a batch, with its errors in the way of this path."""
        now = iso(self._portal.now())
        body: dict[str, Any] = {
            "status": "COMPLETE",
            "results": results,
            "requestedAt": now,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
            status = self.dial.status or (200 if call.newest else 207)
        return Reply(status, body)

    def _read(self, one: ObjectType, inputs: list[dict[str, Any]], call: Call) -> Reply:
        body = call.record()
        key = body.get("idProperty")
        asked, history = body.get("properties"), body.get("propertiesWithHistory") or []
        if history and len(inputs) > 50:
            raise invalid("A batch with history holds at most 50 inputs")
        gone = call.flag("archived")
        results, missing = [], []
        seen: set[str] = set()
        for row in inputs:
            id = str(row.get("id"))
            if gone and key is None:
                record = self._portal.get(one.name, id, archived=True)
            else:
                record = self._objects.by_key(one, id, key)
            if record is None:
                missing.append(id)
            elif record.id not in seen:
                seen.add(record.id)
                results.append(self._showing.one(record, asked or None, history=history))
        errors = [_missing(one).in_batch({"ids": missing})] if missing else []
        return self.finished(call, results, errors, 200)

    def _write(
        self,
        one: ObjectType,
        inputs: list[dict[str, Any]],
        call: Call,
        act: _Row,
        status: int,
    ) -> Reply:
        partial = self._partial(one, inputs)
        results, errors, lost = [], [], []
        for place, row in enumerate(inputs):
            try:
                with self._portal.transaction():
                    call.stumble(one.name, place)
                    results.append(act(row))
            except Refusal as refusal:
                if refusal.status == 404:
                    lost.append((refusal, str(row.get("id"))))
                elif partial:
                    errors.append(refusal.in_batch(_named(row)))
                else:
                    raise
        if lost:
            errors.append(lost[0][0].in_batch({"ids": [id for _, id in lost]}))
        if errors and self.dial.partial == "never":
            raise lost[0][0]
        return self.finished(call, results, errors, status)

    def _create(self, one: ObjectType, row: Mapping[str, Any], call: Call) -> dict[str, Any]:
        return self._objects.create(one, row, call)

    def _update(self, one: ObjectType, row: Mapping[str, Any], call: Call) -> dict[str, Any]:
        record = self._objects.by_key(one, str(row.get("id")), row.get("idProperty"))
        if record is None:
            raise _missing(one)
        kept = self._writing.update(one, record, properties_of(row), call.work)
        if kept is not record:
            self._associating.follow(kept, call.work)
        return self._showing.written(kept, row.get("objectWriteTraceId"))

    def _upsert(self, one: ObjectType, row: Mapping[str, Any], call: Call) -> dict[str, Any]:
        name, key = str(row["idProperty"]), str(row["id"])
        record = self._objects.by_key(one, key, name)
        trace = row.get("objectWriteTraceId")
        given = properties_of(row)
        if record is None:
            made = self._objects.create(
                one, {"properties": {name: key, **given}, "objectWriteTraceId": trace}, call
            )
            return {**made, "new": True}
        kept = self._writing.update(one, record, given, call.work)
        if kept is not record:
            self._associating.follow(kept, call.work)
        return {**self._showing.written(kept, trace), "new": False}

    def _upsertable(self, one: ObjectType, inputs: list[dict[str, Any]]) -> None:
        for row in inputs:
            if not row.get("id"):
                raise invalid("Each input of an upsert needs an id")
            name = row.get("idProperty")
            found = one.properties.get(str(name))
            # VENDOR: the record id is no unique property here, though it is one everywhere else.
            if found is None or not found.unique:
                raise non_unique(str(name))

    def _partial(self, one: ObjectType, inputs: list[dict[str, Any]]) -> bool:
        # VENDOR: contacts by e-mail address are upserted all or none (contacts guide).
        if one.name == "contacts" and any(row.get("idProperty") == "email" for row in inputs):
            return False
        if self.dial.partial == "traced":
            return bool(inputs) and all(row.get("objectWriteTraceId") for row in inputs)
        return self.dial.partial == "always"

    @staticmethod
    def _keys(inputs: Iterable[Mapping[str, Any]]) -> list[str]:
        return [str(row.get("id")) for row in inputs]


def _no_twins(keys: list[str]) -> None:
    twins = (
        sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
    )
    if twins:
        raise invalid(
            f"Duplicate IDs found in batch input: [{', '.join(twins)}]. IDs must be unique"
        )


def _missing(one: ObjectType) -> Refusal:
    text = f"Could not get some {one.singular.upper()} objects, they may be deleted or not exist."
    return Refusal(404, "OBJECT_NOT_FOUND", f"{text} Check that ids are valid.")


def _named(row: Mapping[str, Any]) -> dict[str, list[str]]:
    keys = ("id", "objectWriteTraceId")
    return {key: [str(row[key])] for key in keys if row.get(key) is not None}
