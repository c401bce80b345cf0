"""The association API: defaults, labels, batches, and the labels themselves."""

from __future__ import annotations

from typing import Any

from simulators.hubspot.access import require
from simulators.hubspot.associating import Associating, not_linked
from simulators.hubspot.batch_api import BatchApi
from simulators.hubspot.calls import Call, Reply
from simulators.hubspot.errors import Refusal, invalid, no_such_path, not_found
from simulators.hubspot.linking import End, LinkType
from simulators.hubspot.portal import Portal
from simulators.hubspot.schema import ObjectType

MOST_READ, MOST_WRITTEN = 1_000, 2_000


class AssociationsApi:
    """Links of one record, and batches."""

    def __init__(self, portal: Portal, associating: Associating, batches: BatchApi) -> None:
        self.lists_on_newest = False
        """Whether `GET .../associations/{type}` exists on the newest version: it is in no file."""
        self._portal = portal
        self._associating = associating
        self._batches = batches

    def of_record(self, call: Call, one: ObjectType) -> Reply:
        """`/{type}/{id}/associations/...`."""
        id, rest = call.parts[1], call.parts[3:]
        reads = call.method == "GET"
        require(call.grant, one.reads if reads else one.writes)
        match call.method, rest:
            case "GET", (name,):
                if call.newest and not self.lists_on_newest:
                    raise no_such_path()
                return Reply(200, self._list(call, (one.name, id), self._type(name)))
            case "PUT", ("default", name, to):
                target = (self._type(name).name, to)
                self._associating.link((one.name, id), target, (), call.work)
                return self._batches.finished(
                    call, self._shown_default((one.name, id), target), [], 200
                )
            case "PUT", (name, to):
                target = (self._type(name).name, to)
                ids = self._labels(one.name, target[0], call.body)
                self._associating.link((one.name, id), target, ids, call.work)
                return Reply(201, self._shown_labels((one.name, id), target))
            case "DELETE", (name, to):
                self._unlink((one.name, id), (self._type(name).name, to), call)
                return Reply(204)
            case _:
                raise no_such_path()

    def answer(self, call: Call) -> Reply:
        """`/crm/associations/{version}/{from}/{to}/...`."""
        if len(call.parts) < 3:
            raise no_such_path()
        source, target = self._type(call.parts[0]), self._type(call.parts[1])
        reads = call.method == "GET" or call.parts[2:] == ("batch", "read")
        require(call.grant, source.reads if reads else source.writes)
        match call.method, call.parts[2:]:
            case "GET", ("labels",):
                return Reply(200, {"results": self._types(source.name, target.name)})
            case "POST", ("labels",):
                return Reply(201, {"results": self._new_label(call, source.name, target.name)})
            case "POST", ("batch", "read"):
                return self._batch_read(call, source.name, target.name)
            case "POST", ("batch", verb):
                return self._batch_write(call, source.name, target.name, verb)
            case "POST", ("batch", "associate", "default"):
                return self._batch_write(call, source.name, target.name, "default")
            case "POST", ("batch", "labels", "archive"):
                return self._batch_write(call, source.name, target.name, "labels")
            case _:
                raise no_such_path()

    def _batch_read(self, call: Call, source: str, target: str) -> Reply:
        self._associating.default(source, target)
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for row in call.inputs(MOST_READ):
            id = self._portal.resolve(source, str(row.get("id")))
            shown, more = self._page((source, id), target, str(row.get("after") or "0"))
            if not shown:
                refusal = not_linked((source, str(row.get("id"))), target)
                errors.append(refusal.in_batch({}))
                continue
            result: dict[str, Any] = {"from": {"id": str(row["id"])}, "to": shown}
            if more:
                result["paging"] = {"next": {"after": more, "link": f"?after={more}"}}
            results.append(result)
        return self._batches.finished(call, results, errors, 200)

    def _batch_write(self, call: Call, source: str, target: str, verb: str) -> Reply:
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for row in call.inputs(MOST_WRITTEN):
            try:
                with self._portal.transaction():
                    results += self._write_row(call, source, target, verb, row)
            except Refusal as refusal:
                if refusal.status != 404:
                    raise
                errors.append(refusal.in_batch({"fromObjectId": [_id(row.get("from"))]}))
        if verb in ("archive", "labels"):
            return Reply(204)
        return self._batches.finished(call, results, errors, 201 if verb == "create" else 200)

    def _write_row(
        self, call: Call, source: str, target: str, verb: str, row: dict[str, Any]
    ) -> list[dict[str, Any]]:
        start = (source, _id(row.get("from")))
        to = row.get("to")
        if verb == "archive":
            for each in to if isinstance(to, list) else [to]:
                self._unlink(start, (target, _id(each)), call)
            return []
        end = (target, _id(to))
        match verb:
            case "create":
                ids = self._labels(source, target, row.get("types"))
                self._associating.link(start, end, ids, call.work)
                return [self._shown_labels(start, end)]
            case "default":
                self._associating.link(start, end, (), call.work)
                return self._shown_default(start, end)
            case "labels":
                ids = self._labels(source, target, row.get("types"))
                self._associating.drop_labels(start, end, ids, call.work)
                return []
            case _:
                raise no_such_path()

    def _unlink(self, source: End, target: End, call: Call) -> None:
        if self._portal.get(*source) is not None and self._portal.get(*target) is not None:
            self._associating.unlink(source, target, call.work)

    def _list(self, call: Call, source: End, target: ObjectType) -> dict[str, Any]:
        record = self._portal.get(*source)
        if record is None:
            raise not_found()
        most = min(call.limit(500, 500), self._portal.links.page_size)
        shown, more = self._page(record.end, target.name, call.query.get("after", "0"), most)
        page: dict[str, Any] = {"results": shown}
        if more:
            page["paging"] = {"next": {"after": more, "link": f"?after={more}"}}
        return page

    def _page(
        self, source: End, target: str, after: str, most: int | None = None
    ) -> tuple[list[dict[str, Any]], str | None]:
        if not after.isdigit():
            raise invalid("Invalid after")
        known = self._portal.links.types[source[0], target]
        held = list(self._portal.links.of(source, target).items())
        first, size = int(after), most or self._portal.links.page_size
        shown = [
            {"toObjectId": id, "associationTypes": [_type(known[one]) for one in sorted(ids)]}
            for (_, id), ids in held[first : first + size]
        ]
        return shown, str(first + size) if first + size < len(held) else None

    def _types(self, source: str, target: str) -> list[dict[str, Any]]:
        known = self._portal.links.types.get((source, target), {})
        return [_type(one) for one in known.values()]

    def _new_label(self, call: Call, source: str, target: str) -> list[dict[str, Any]]:
        body = call.record()
        label = str(body.get("label"))
        inverse = str(body.get("inverseLabel") or label)
        return [_type(one) for one in self._portal.links.add(source, target, label, inverse)]

    def _labels(self, source: str, target: str, given: Any) -> set[int]:
        if not isinstance(given, list) or not given:
            raise invalid("types must be a list with at least one association type")
        ids = {int(one.get("associationTypeId", 0)) for one in given}
        for id in ids:
            self._associating.known(source, target, id)
        return ids

    def _shown_labels(self, source: End, target: End) -> dict[str, Any]:
        known = self._portal.links.types[source[0], target[0]]
        ids = self._portal.links.between(self._now(source), self._now(target))
        labels = [known[id].label for id in sorted(ids)]
        return {
            "fromObjectTypeId": self._portal.types[source[0]].id,
            "fromObjectId": source[1],
            "toObjectTypeId": self._portal.types[target[0]].id,
            "toObjectId": target[1],
            "labels": [label for label in labels if label is not None],
        }

    def _shown_default(self, source: End, target: End) -> list[dict[str, Any]]:
        rows = []
        for start, end in ((source, target), (target, source)):
            one = self._associating.default(start[0], end[0])
            spec = {"associationCategory": one.category, "associationTypeId": one.id}
            rows.append({"from": {"id": start[1]}, "to": {"id": end[1]}, "associationSpec": spec})
        return rows

    def _now(self, end: End) -> End:
        return (end[0], self._portal.resolve(*end))

    def _type(self, name: str) -> ObjectType:
        found = self._portal.type_of(name)
        if found is None:
            raise invalid(f"Unable to infer object type from: {name}")
        return found


def _type(one: LinkType) -> dict[str, Any]:
    return {"category": one.category, "typeId": one.id, "label": one.label}


def _id(given: Any) -> str:
    if not isinstance(given, dict) or "id" not in given:
        raise invalid("from and to must be objects with an id")
    return str(given["id"])
