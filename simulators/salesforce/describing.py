"""Describe answers: global and per object, as the integration user sees them."""

from __future__ import annotations

from typing import Any

from simulators.salesforce.access import Access
from simulators.salesforce.org import Org
from simulators.salesforce.schema import Choice, Field, Kind, SObject

_SOAP = {
    Kind.ID: "tns:ID",
    Kind.REFERENCE: "tns:ID",
    Kind.BOOLEAN: "xsd:boolean",
    Kind.DATE: "xsd:date",
    Kind.DATETIME: "xsd:dateTime",
    Kind.DOUBLE: "xsd:double",
    Kind.CURRENCY: "xsd:double",
    Kind.INT: "xsd:int",
}


class Describing:
    """Answers what the org's objects and fields are like."""

    def __init__(self, org: Org, access: Access) -> None:
        self._org = org
        self._access = access

    def all(self, version: str) -> dict[str, Any]:
        """The global describe."""
        found = [self._access.object(name) for name in self._org.schema]
        return {
            "encoding": "UTF-8",
            "maxBatchSize": 200,
            "sobjects": [self.brief(one, version) for one in found if one is not None],
        }

    def brief(self, one: SObject, version: str) -> dict[str, Any]:
        """One entry of the global describe."""
        url = f"/services/data/v{version}/sobjects/{one.name}"
        return {
            "activateable": False,
            "associateEntityType": None,
            "createable": one.writable,
            "custom": False,
            "deletable": one.writable,
            "keyPrefix": one.prefix,
            "label": one.label,
            "labelPlural": one.plural,
            "layoutable": one.writable,
            "mergeable": one.name in ("Account", "Contact"),
            "name": one.name,
            "queryable": True,
            "replicateable": one.writable,
            "retrieveable": True,
            "searchable": one.writable,
            "triggerable": one.writable,
            "undeletable": one.writable,
            "updateable": one.writable,
            "urls": {
                "sobject": url,
                "describe": f"{url}/describe",
                "rowTemplate": f"{url}/{{ID}}",
            },
        }

    def one(self, one: SObject, version: str) -> dict[str, Any]:
        """The full describe of one object; hidden fields are simply missing."""
        return {
            **self.brief(one, version),
            "childRelationships": [
                {
                    "cascadeDelete": one.name == "Account" and child.object != "Case",
                    "childSObject": child.object,
                    "deprecatedAndHidden": False,
                    "field": child.field,
                    "relationshipName": child.name,
                    "restrictedDelete": child.object == "Case",
                }
                for child in one.children
                if self._access.object(child.object) is not None
            ],
            "fields": [self._field(one, field) for field in self._access.fields(one)],
            "recordTypeInfos": [
                {
                    "active": True,
                    "available": True,
                    "defaultRecordTypeMapping": True,
                    "developerName": "Master",
                    "master": True,
                    "name": "Master",
                    "recordTypeId": "012000000000000AAA",
                }
            ],
            "supportedScopes": [{"label": f"All {one.plural}", "name": "everything"}],
        }

    def choices(self, one: SObject, field: Field) -> tuple[Choice, ...]:
        """The picklist values of a field; Task's two live in tables of their own."""
        table = {"Status": "TaskStatus", "Priority": "TaskPriority"}.get(field.name)
        if one.name != "Task" or table is None:
            return field.choices
        rows = sorted(self._org.live[table].values(), key=lambda row: row["SortOrder"])
        return tuple(
            Choice(row["ApiName"], row["MasterLabel"], bool(row.get("IsDefault"))) for row in rows
        )

    def _field(self, one: SObject, field: Field) -> dict[str, Any]:
        editable = one.writable and self._access.may_edit(one, field)
        texts = _SOAP.get(field.kind) is None
        return {
            "aggregatable": field.filterable,
            "autoNumber": field.name == "CaseNumber",
            "byteLength": field.length * 3 if texts else field.length,
            "calculated": False,
            "caseSensitive": field.case_sensitive,
            "createable": field.createable and editable,
            "custom": field.custom,
            "defaultValue": field.default,
            "defaultedOnCreate": field.default is not None or field.name == "OwnerId",
            "deprecatedAndHidden": False,
            "digits": field.precision if field.kind is Kind.INT else 0,
            "externalId": field.external_id,
            "filterable": field.filterable,
            "groupable": field.filterable,
            "htmlFormatted": False,
            "idLookup": field.external_id or field.kind is Kind.ID,
            "inlineHelpText": None,
            "label": field.label,
            "length": field.length,
            "name": field.name,
            "nameField": field.name == "Name",
            "nillable": not field.required and field.kind is not Kind.BOOLEAN,
            "permissionable": field.custom,
            "picklistValues": [
                {
                    "active": True,
                    "defaultValue": choice.default,
                    "label": choice.label,
                    "validFor": None,
                    "value": choice.value,
                }
                for choice in self.choices(one, field)
            ],
            "polymorphicForeignKey": field.polymorphic,
            "precision": 0 if field.kind is Kind.INT else field.precision,
            "queryByDistance": False,
            "referenceTo": list(field.refers_to),
            "relationshipName": field.relationship,
            "restrictedPicklist": field.restricted,
            "scale": field.scale,
            "soapType": _SOAP.get(field.kind, "xsd:string"),
            "sortable": field.filterable,
            "type": field.kind.value,
            "unique": field.unique,
            "updateable": field.updateable and editable,
            "writeRequiresMasterRead": False,
        }
