"""Creating, changing, deleting and merging rows, with every refusal the org has for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulators.salesforce.access import Access
from simulators.salesforce.derived import closed_status
from simulators.salesforce.errors import Refusal, bad_json, locked
from simulators.salesforce.ids import full_id
from simulators.salesforce.org import Org, Row, Work
from simulators.salesforce.schema import Field, Kind, SObject
from simulators.salesforce.values import read

_AUDIT = frozenset(
    {"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
    | {"CompletedDateTime", "ClosedDate", "IsArchived"}
)


class Writing:
    """The only way rows change. Callers hold a transaction open."""

    def __init__(self, org: Org, access: Access) -> None:
        self._org = org
        self._access = access
        self._case_numbers = 1000

    def create(self, one: SObject, body: Mapping[str, Any], work: Work) -> str:
        """Insert a row; returns its 18-character id."""
        work.stumble(one.name)
        if not one.writable:
            text = f"entity type {one.name} does not support create"
            raise Refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])
        given = self._given_id(one, body, work)
        values = self._read(one, body, work, creating=True)
        row: Row = {"Id": given or self._org.mint.next(one.prefix), **self._defaults(one, work)}
        row.update({name: value for name, value in values.items() if value is not None})
        for name, value in values.items():
            if value is None:
                row.pop(name, None)
        missing = [f.name for f in one.fields.values() if f.required and row.get(f.name) is None]
        if missing:
            text = f"Required fields are missing: [{', '.join(missing)}]"
            raise Refusal(400, "REQUIRED_FIELD_MISSING", text, missing)
        if one.name == "Case":
            self._case_numbers += 1
            row["CaseNumber"] = f"{self._case_numbers:08d}"
        self._check(one, row, None, values)
        self._consequences(one, row, None, values)
        self._org.put(one.name, self._stamped(one, row, work, values, creating=True), work)
        return str(row["Id"])

    def update(
        self,
        one: SObject,
        record: str,
        body: Mapping[str, Any],
        work: Work,
        *,
        unmodified_since: datetime | None = None,
    ) -> None:
        """Change a row by id; 404 when it is missing, 412 when it is newer than asked."""
        work.stumble(one.name)
        before = self.existing(one, record)
        if unmodified_since is not None and before["LastModifiedDate"] > unmodified_since:
            text = "The record was modified after the date in the If-Unmodified-Since header"
            raise Refusal(412, "PRECONDITION_FAILED", text)
        if "Id" in body:
            text = "The Id field should not be specified in the sobject data."
            raise Refusal(400, "INVALID_FIELD", text)
        values = self._read(one, body, work, creating=False)
        emptied = [f for f in values if values[f] is None and one.fields[f].required]
        if emptied:
            text = f"Required fields are missing: [{', '.join(emptied)}]"
            raise Refusal(400, "REQUIRED_FIELD_MISSING", text, emptied)
        row = {**before, **values}
        row = {name: value for name, value in row.items() if value is not None}
        self._check(one, row, before, values)
        self._consequences(one, row, before, values)
        self._org.put(one.name, self._stamped(one, row, work, values, creating=False), work)

    def delete(self, one: SObject, record: str, work: Work) -> None:
        """Move a row and what hangs on it to the recycle bin."""
        work.stumble(one.name)
        row = self.existing(one, record)
        self._unlocked(one, row, None)
        cases = self._org.live["Case"].values()
        if one.name == "Account" and any(c.get("AccountId") == row["Id"] for c in cases):
            text = (
                f"Your attempt to delete {row['Name']} could not be completed because it is"
                " associated with cases."
            )
            raise Refusal(400, "DELETE_FAILED", text, [])
        for child in one.children:
            if child.object == one.name:
                continue
            below = self._org.schema[child.object]
            for other in list(self._org.live[child.object].values()):
                if other.get(child.field) == row["Id"]:
                    self._bin(below, other, work)
        self._bin(one, row, work)

    def upsert(
        self, one: SObject, field: Field, value: str, body: Mapping[str, Any], work: Work
    ) -> tuple[str, bool]:
        """Create or change by external id; returns the id and whether it was created.

        Raises ManyFound when the field is not unique and several rows carry the value.
        """
        for name in body:
            if name == "Id" or name.lower() == field.name.lower():
                text = f"The {name} field should not be specified in the sobject data."
                raise Refusal(400, "INVALID_FIELD", text)
        kept = read(field, value)
        found = self._org.by_key(field, one.name, kept, work)
        if len(found) > 1:
            raise ManyFound([row["Id"] for row in found])
        if found:
            self.update(one, found[0]["Id"], body, work)
            return str(found[0]["Id"]), False
        return self.create(one, {**body, field.name: value}, work), True

    def merge(self, winner: str, loser: str, keep: Mapping[str, Any], work: Work) -> None:
        """Merge two Accounts as a person does: children move, the loser's id disappears."""
        one = self._org.schema["Account"]
        kept, lost = self.existing(one, winner), self.existing(one, loser)
        for child in one.children:
            for row in list(self._org.live[child.object].values()):
                if row.get(child.field) == lost["Id"]:
                    moved = {**row, child.field: kept["Id"]}
                    below = self._org.schema[child.object]
                    self._org.put(child.object, self._stamped(below, moved, work, {}), work)
        self._bin(one, {**lost, "MasterRecordId": kept["Id"]}, work)
        if keep:
            self.update(one, kept["Id"], keep, work)
        else:
            self._org.put("Account", self._stamped(one, dict(kept), work, {}), work)

    def existing(self, one: SObject, record: str) -> Row:
        """The live row, or the refusal that a write to a gone row gets."""
        found = full_id(record)
        if found is None:
            raise Refusal(
                404,
                "NOT_FOUND",
                f"Provided external ID field does not exist or is not accessible: {record}",
            )
        row = self._org.live[one.name].get(found)
        if row is not None:
            return row
        if found in self._org.bin[one.name]:
            raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        raise Refusal(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])

    def _bin(self, one: SObject, row: Row, work: Work) -> None:
        gone = {**row, "IsDeleted": True}
        self._org.put(one.name, self._stamped(one, gone, work, {}), work, to_bin=True)

    def _given_id(self, one: SObject, body: Mapping[str, Any], work: Work) -> str | None:
        if "Id" not in body and "id" not in body:
            return None
        given = full_id(body.get("Id", body.get("id")))
        if not work.audit:
            text = "cannot specify Id in an insert call"
            raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, ["Id"])
        if given is None or not given.startswith(one.prefix):
            raise Refusal(400, "MALFORMED_ID", f"malformed id {body.get('Id')}", ["Id"])
        if given in self._org.live[one.name] or given in self._org.bin[one.name]:
            raise Refusal(400, "DUPLICATE_VALUE", f"the id {given} is taken", ["Id"])
        return given

    def _read(
        self, one: SObject, body: Mapping[str, Any], work: Work, *, creating: bool
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if "attributes" in body and next(iter(body)) != "attributes":
            raise attributes_first()
        for name, raw in body.items():
            if name == "attributes" or (creating and name.lower() == "id"):
                continue
            if isinstance(raw, dict):
                field, raw = self._by_foreign_key(one, name, raw)
            else:
                field = self._field(one, name, work)
            audited = work.audit and field.name in _AUDIT
            allowed = field.createable if creating else field.updateable
            if work.through_api and not self._access.may_edit(one, field):
                allowed = False
            if not allowed and not audited:
                text = (
                    f"Unable to create/update fields: {field.name}. Please check the security"
                    " settings of this field and verify that it is read/write for your profile"
                    " or permission set."
                )
                raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, [field.name])
            values[field.name] = read(field, raw)
        return values

    def _field(self, one: SObject, name: str, work: Work) -> Field:
        field = self._access.field(one, name) if work.through_api else one.find(name)
        if field is None:
            text = f"No such column '{name}' on sobject of type {one.name}"
            raise Refusal(400, "INVALID_FIELD", text)
        return field

    def _by_foreign_key(
        self, one: SObject, name: str, nested: Mapping[str, Any]
    ) -> tuple[Field, str]:
        field = one.by_relationship(name)
        if field is None:
            text = f"No such column '{name}' on sobject of type {one.name}"
            raise Refusal(400, "INVALID_FIELD", text)
        if field.polymorphic and next(iter(nested), "") != "attributes":
            raise attributes_first()
        attributes = nested.get("attributes") or {}
        target = self._org.object(str(attributes.get("type") or field.refers_to[0]))
        keys = [key for key in nested if key != "attributes"]
        key = target.find(keys[0]) if target is not None and len(keys) == 1 else None
        if target is None or key is None or not (key.external_id or key.kind is Kind.ID):
            text = f"{name}: a parent is named by exactly one external id"
            raise Refusal(400, "INVALID_FIELD", text, [])
        value = str(nested[keys[0]])
        if key.kind is Kind.ID:
            return field, value
        found = self._org.by_key(key, target.name, value, None)
        if len(found) != 1:
            text = f"Foreign key external ID: {value} not found for field {key.name} in entity"
            raise Refusal(400, "INVALID_FIELD", f"{text} {target.name}", [])
        return field, found[0]["Id"]

    def _defaults(self, one: SObject, work: Work) -> Row:
        row = {f.name: f.default for f in one.fields.values() if f.default is not None and f.stored}
        if "OwnerId" in one.fields:
            row["OwnerId"] = work.user
        if one.name == "Task":
            row["TaskSubtype"] = "Task"
            for field, table in (("Status", "TaskStatus"), ("Priority", "TaskPriority")):
                for known in self._org.live[table].values():
                    if known.get("IsDefault"):
                        row[field] = known["ApiName"]
        return row

    def _check(self, one: SObject, row: Row, before: Row | None, values: Row) -> None:
        for name in values:
            field = one.fields[name]
            if values[name] is None or (before is not None and before.get(name) == values[name]):
                continue
            if field.kind is Kind.REFERENCE:
                self._check_reference(one, field, values[name])
            if field.unique:
                holder = self._org.holder(field, one.name, values[name])
                if holder not in (None, row["Id"]):
                    text = (
                        f"duplicate value found: {name} duplicates value on record with id:"
                        f" {holder}"
                    )
                    raise Refusal(400, "DUPLICATE_VALUE", text, [])
        self._unlocked(one, row, before)
        for rule in self._org.rules.get(one.name, []):
            words = rule(dict(row), None if before is None else dict(before))
            if words:
                raise Refusal(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", words, [])

    def _check_reference(self, one: SObject, field: Field, target: str) -> None:
        table = self._org.table_of(target)
        if table is None or table not in field.refers_to:
            text = f"{field.label}: id value of incorrect type: {target}"
            raise Refusal(400, "FIELD_INTEGRITY_EXCEPTION", text, [field.name])
        parent = self._org.get(target)
        if parent is None:
            if self._org.deleted(target) is not None:
                raise Refusal(400, "ENTITY_IS_DELETED", "entity is deleted", [])
            text = "invalid cross reference id"
            raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", text, [])
        if field.name != "OwnerId":
            return
        if table == "User" and not parent.get("IsActive"):
            text = (
                f"operation performed with inactive user [{target}] as owner of {one.name.lower()}"
            )
            raise Refusal(400, "INACTIVE_OWNER_OR_USER", text, [])
        if table == "Group" and not any(
            link.get("QueueId") == target and link.get("SobjectType") == one.name
            for link in self._org.live["QueueSobject"].values()
        ):
            text = "Queue not associated with this SObject type"
            raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", text, ["OwnerId"])

    def _unlocked(self, one: SObject, row: Row, before: Row | None) -> None:
        parents = [row["Id"]]
        if one.name in ("Task", "Event"):
            # VENDOR: an activity's insert or update takes its parents' locks.
            for version in (row, before or {}):
                parents += [version[name] for name in ("WhatId", "WhoId") if version.get(name)]
        for record in parents:
            if record in self._org.held_rows:
                raise locked(record)

    def _consequences(self, one: SObject, row: Row, before: Row | None, values: Row) -> None:
        if one.name == "Task" and "CompletedDateTime" not in values:
            was = before is not None and closed_status(self._org, before.get("Status"))
            if not closed_status(self._org, row.get("Status")):
                row.pop("CompletedDateTime", None)
            elif not was:
                row["CompletedDateTime"] = self._org.now()
        if one.name == "Case" and "ClosedDate" not in values:
            if row.get("Status") != "Closed":
                row.pop("ClosedDate", None)
            else:
                row.setdefault("ClosedDate", self._org.now())

    def _stamped(
        self, one: SObject, row: Row, work: Work, values: Row, *, creating: bool = False
    ) -> Row:
        now = self._org.now()
        stamps: Row = {"LastModifiedDate": now, "LastModifiedById": work.user}
        stamps["SystemModstamp"] = now
        if creating:
            stamps |= {"CreatedDate": now, "CreatedById": work.user}
        if "IsDeleted" in one.fields:
            stamps["IsDeleted"] = row.get("IsDeleted", False)
        if work.audit:
            stamps |= {name: values[name] for name in _AUDIT & values.keys()}
        return {**row, **{k: v for k, v in stamps.items() if k in one.fields and v is not None}}


class ManyFound(Exception):
    """An upsert by a non-unique external id met several rows; the answer is 300 with `ids`."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(f"{len(ids)} rows carry this external id")
        self.ids = ids


def attributes_first() -> Refusal:
    """The recorded refusal of a record whose `attributes` is not its first key."""
    return bad_json(
        "Nested object for polymorphic foreign key must have an attributes field before any"
        " other fields."
    )
