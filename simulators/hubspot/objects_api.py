"""Single records: create, read, list, update, archive, merge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulators.hubspot.access import require
from simulators.hubspot.associating import Associating
from simulators.hubspot.calls import Call, Reply
from simulators.hubspot.errors import invalid, no_such_path, not_found
from simulators.hubspot.merging import Merging
from simulators.hubspot.portal import Portal, Record
from simulators.hubspot.schema import ObjectType
from simulators.hubspot.showing import Showing
from simulators.hubspot.writing import Writing, found_or_refused


class ObjectsApi:
    """Answers for `/crm/objects/{version}/{type}` and `/{type}/{id}`."""

    def __init__(
        self, portal: Portal, writing: Writing, associating: Associating, merging: Merging
    ) -> None:
        self._portal = portal
        self._writing = writing
        self._associating = associating
        self._merging = merging
        self._showing = Showing(portal)

    def answer(self, call: Call, one: ObjectType) -> Reply:
        """One request about one record or one page of records."""
        require(call.grant, one.reads if call.method == "GET" else one.writes)
        match call.method, call.parts[1:]:
            case "POST", ():
                call.stumble(one.name)
                return Reply(201, self.create(one, call.record(), call))
            case "GET", ():
                return Reply(200, self._page(one, call))
            case "POST", ("merge",):
                return Reply(200, self._merge(one, call))
            case "GET", (id,):
                return Reply(200, self._read(one, id, call))
            case "PATCH", (id,):
                return Reply(200, self._update(one, id, call))
            case "DELETE", (id,):
                self._archive(one, id, call)
                return Reply(204)
            case _:
                raise no_such_path()

    def create(self, one: ObjectType, given: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """Make a record and its links, both or neither; the record in wire form."""
        properties = properties_of(given)
        record = self._writing.create(one, properties, call.work)
        for wanted in given.get("associations") or []:
            self._link(record, wanted, call)
        trace = given.get("objectWriteTraceId")
        return self._showing.written(self._portal.records[one.name][record.id], trace)

    def by_key(self, one: ObjectType, key: str, id_property: str | None) -> Record | None:
        """A live record by id or by a unique property; 400 for a property that is not unique."""
        if id_property is None or id_property == "hs_object_id":
            return self._portal.get(one.name, key)
        found = one.properties.get(id_property)
        if found is None or not found.unique:
            raise non_unique(id_property)
        held = self._portal.holder(one.name, id_property, key)
        return None if held is None else self._portal.get(one.name, held)

    def _link(self, record: Record, wanted: Any, call: Call) -> None:
        target_id = str(wanted["to"]["id"])
        for spec in wanted["types"]:
            id = int(spec["associationTypeId"])
            target = self._target_of(record.type, id)
            ids = {id} | self._portal.links.between(record.end, (target, target_id))
            self._associating.link(record.end, (target, target_id), ids, call.work)

    def _target_of(self, source: str, id: int) -> str:
        for (start, target), known in self._portal.links.types.items():
            if start == source and id in known:
                return target
        raise invalid(f"association type {id} is not valid from {source}")

    def _read(self, one: ObjectType, key: str, call: Call) -> dict[str, Any]:
        if call.flag("archived"):
            record = self._portal.get(one.name, key, archived=True)
        else:
            record = self.by_key(one, key, call.query.get("idProperty"))
        return self._shown(one, found_or_refused(record), call)

    def _shown(self, one: ObjectType, record: Record, call: Call) -> dict[str, Any]:
        asked = call.names("properties") if "properties" in call.query else None
        shown = self._showing.one(record, asked, history=call.names("propertiesWithHistory"))
        links: dict[str, Any] = {}
        for name in call.names("associations"):
            target = self._portal.type_of(name)
            if target is None:
                raise invalid(f"Unable to infer object type from: {name}")
            require(call.grant, target.reads)
            found = self._showing.linked(record, target)
            if found["results"]:
                links[target.name] = found
        return {**shown, "associations": links} if links else shown

    def _page(self, one: ObjectType, call: Call) -> dict[str, Any]:
        history = bool(call.names("propertiesWithHistory"))
        most = call.limit(10, 50 if history else 100)
        gone = call.flag("archived")
        after = call.query.get("after", "0")
        if not after.isdigit():
            raise invalid("Invalid after")
        records = sorted(
            (
                record
                for record in self._portal.records[one.name].values()
                if (record.archived_at is not None) == gone and int(record.id) > int(after)
            ),
            key=lambda record: int(record.id),
        )
        page: dict[str, Any] = {
            "results": [self._shown(one, record, call) for record in records[:most]]
        }
        if len(records) > most:
            last = records[most - 1].id
            page["paging"] = {"next": {"after": last, "link": f"?after={last}"}}
        return page

    def _update(self, one: ObjectType, key: str, call: Call) -> dict[str, Any]:
        record = found_or_refused(self.by_key(one, key, call.query.get("idProperty")))
        call.stumble(one.name)
        given = properties_of(call.record())
        kept = self._writing.update(one, record, given, call.work)
        if kept is not record:
            self._associating.follow(kept, call.work)
        return self._showing.written(kept)

    def _archive(self, one: ObjectType, key: str, call: Call) -> None:
        record = self.by_key(one, key, call.query.get("idProperty"))
        # VENDOR: archiving what is not there answers 204 all the same.
        if record is not None:
            self._writing.archive(record, call.work)

    def _merge(self, one: ObjectType, call: Call) -> dict[str, Any]:
        body = call.record()
        winner = self._portal.get(one.name, str(body.get("primaryObjectId")))
        loser = self._portal.get(one.name, str(body.get("objectIdToMerge")))
        if winner is None or loser is None or winner.id == loser.id:
            raise not_found("Could not find both records to merge")
        work = replace(call.work, ruled=False)
        return self._showing.written(self._merging.merge(winner, loser, work))


def properties_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The `properties` of a write; 400 when they are no object."""
    found = given.get("properties", {})
    if not isinstance(found, dict):
        raise invalid("properties must be an object")
    return found


def non_unique(name: str) -> Exception:
    """400: only a property with unique values can name a record."""
    return invalid(f"Unable to perform update/upsert by non-unique property: {name}")
