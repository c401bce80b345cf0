"""The files that a Salesforce admin deploys: valid, consistent, and what the simulator plays.

No org is at hand, so the schema comes from the Metadata WSDL that simple-salesforce bundles. It
knows structure, order and enumerations; references between files are checked here by name.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from simulators.clock import SimClock
from simulators.salesforce import SalesforceSim
from simulators.salesforce.schema import Field, Kind

PACKAGE = Path(__file__).parents[2] / "connectors/salesforce/package"
MAIN = PACKAGE / "force-app/main/default"
METADATA = "http://soap.sforce.com/2006/04/metadata"
XSD = "{http://www.w3.org/2001/XMLSchema}"
FILES = sorted(PACKAGE.rglob("*.xml"))
FIELD_FILES = sorted(MAIN.glob("objects/*/fields/*.field-meta.xml"))
ORG_OBJECTS = {"Account": ["Account"], "Activity": ["Task", "Event"]}
TYPES = {
    "Text": Kind.STRING,
    "LongTextArea": Kind.TEXTAREA,
    "Date": Kind.DATE,
    "DateTime": Kind.DATETIME,
    "Number": Kind.DOUBLE,
    "Currency": Kind.CURRENCY,
    "Picklist": Kind.PICKLIST,
    "Lookup": Kind.REFERENCE,
    "Url": Kind.URL,
}


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    """The Metadata API's types as elements, so that each may stand at the top of a file."""
    wsdl = etree.parse(str(files("simple_salesforce") / "metadata.wsdl"))
    found = next(s for s in wsdl.iter(XSD + "schema") if s.get("targetNamespace") == METADATA)
    root = etree.fromstring(etree.tostring(found))
    declared = {one.get("name") for one in root.findall(XSD + "element")}
    for one in root.findall(XSD + "complexType"):
        name = str(one.get("name"))
        if name not in declared:
            etree.SubElement(root, XSD + "element", name=name, type=f"tns:{name}")
    return etree.XMLSchema(root)


@pytest.fixture(scope="module")
def org() -> dict[str, dict[str, Field]]:
    """The simulated org's fields by object and name."""
    sim = SalesforceSim(SimClock(datetime(2026, 11, 24, tzinfo=UTC)))
    return {name: dict(one.fields) for name, one in sim.schema().items()}


def read(path: Path) -> etree._Element:
    return etree.parse(str(path)).getroot()


def text(element: etree._Element, path: str) -> str | None:
    found = element.find("/".join(f"{{{METADATA}}}{step}" for step in path.split("/")))
    return None if found is None else found.text


def texts(element: etree._Element, path: str) -> list[str]:
    steps = "/".join(f"{{{METADATA}}}{step}" for step in path.split("/"))
    return [one.text or "" for one in element.findall(steps)]


def only(pattern: str) -> etree._Element:
    (path,) = MAIN.glob(pattern)
    return read(path)


def permissions(name: str) -> dict[str, bool]:
    """Fields that a permission set grants, and whether it lets them be edited."""
    root = only(f"permissionsets/{name}.permissionset-meta.xml")
    return {
        str(text(one, "field")): text(one, "editable") == "true"
        for one in root.findall(f"{{{METADATA}}}fieldPermissions")
    }


def packaged() -> list[tuple[str, str, etree._Element]]:
    """Every field of the package as the org has it: object, name, definition."""
    return [
        (name, path.name.removesuffix(".field-meta.xml"), read(path))
        for path in FIELD_FILES
        for name in ORG_OBJECTS[path.parts[-3]]
    ]


def own_fields() -> set[str]:
    return {f"{name}.{field}" for name, field, _ in packaged()}


def writers() -> dict[str, str]:
    """Who writes each field, by the first words of its description."""
    return {
        f"{name}.{field}": str(text(root, "description")).split(".")[0].split(";")[0]
        for name, field, root in packaged()
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_passes_the_metadata_schema(schema: etree.XMLSchema, path: Path) -> None:
    assert schema.validate(etree.parse(str(path))), schema.error_log


@pytest.mark.parametrize("path", FIELD_FILES, ids=lambda path: path.name)
def test_a_field_is_named_like_its_file_and_says_who_writes_it(path: Path) -> None:
    root = read(path)

    assert text(root, "fullName") == path.name.removesuffix(".field-meta.xml")
    description = str(text(root, "description"))
    assert description.startswith(("Written by people.", "Written by Kidglove; people read it."))
    assert len(description) <= 1000
    assert len(text(root, "inlineHelpText") or "") <= 510


def test_the_simulator_has_exactly_these_custom_fields(org: dict[str, dict[str, Field]]) -> None:
    simulated = {
        f"{name}.{field}" for name, fields in org.items() for field in fields if "__c" in field
    }

    assert simulated == own_fields()


@pytest.mark.parametrize(
    ("name", "field", "root"), packaged(), ids=[f"{o}.{f}" for o, f, _ in packaged()]
)
def test_the_simulator_plays_the_field_as_it_is_deployed(
    org: dict[str, dict[str, Field]], name: str, field: str, root: etree._Element
) -> None:
    played = org[name][field]

    assert played.label == text(root, "label")
    assert played.kind is TYPES[str(text(root, "type"))]
    assert played.unique is (text(root, "unique") == "true")
    assert played.external_id is (text(root, "externalId") == "true")
    assert played.case_sensitive is (text(root, "caseSensitive") == "true")
    assert played.required is False
    assert text(root, "required") in (None, "false")
    assert list(played.refers_to) == texts(root, "referenceTo")
    assert (played.precision, played.scale) == (
        int(text(root, "precision") or 0),
        int(text(root, "scale") or 0),
    )
    if text(root, "length"):
        assert played.length == int(text(root, "length") or 0)


@pytest.mark.parametrize(
    ("name", "field", "root"), packaged(), ids=[f"{o}.{f}" for o, f, _ in packaged()]
)
def test_the_simulator_plays_the_picklist_as_it_is_deployed(
    org: dict[str, dict[str, Field]], name: str, field: str, root: etree._Element
) -> None:
    values = "valueSet/valueSetDefinition/value"
    played = org[name][field]

    assert [one.value for one in played.choices] == texts(root, f"{values}/fullName")
    assert [one.label for one in played.choices] == texts(root, f"{values}/label")
    assert set(texts(root, f"{values}/default")) <= {"false"}
    assert played.restricted is (text(root, "valueSet/restricted") == "true")


def test_the_simulator_knows_who_writes_each_field(org: dict[str, dict[str, Field]]) -> None:
    words = {True: "Written by people", False: "Written by Kidglove"}
    simulated = {
        f"{name}.{field.name}": words[bool(field.human)]
        for name, fields in org.items()
        for field in fields.values()
        if field.custom
    }

    assert simulated == writers()


def test_people_and_the_integration_edit_disjoint_fields() -> None:
    integration, people = permissions("Kidglove_Integration"), permissions("Kidglove_CSM")
    edited_by_integration = {name for name, edit in integration.items() if edit}
    edited_by_people = {name for name, edit in people.items() if edit}

    assert edited_by_people & edited_by_integration == set()
    assert edited_by_people == {
        name for name, writer in writers().items() if writer == "Written by people"
    }
    assert edited_by_integration & own_fields() == {
        name for name, writer in writers().items() if writer == "Written by Kidglove"
    }


def test_both_read_every_field_of_the_package() -> None:
    assert permissions("Kidglove_CSM").keys() == own_fields()
    assert own_fields() <= permissions("Kidglove_Integration").keys()


def test_the_integration_is_granted_only_standard_fields_that_exist(
    org: dict[str, dict[str, Field]],
) -> None:
    standard = permissions("Kidglove_Integration").keys() - own_fields()

    assert standard <= {f"{name}.{field}" for name, fields in org.items() for field in fields}


def test_the_simulated_integration_user_may_edit_what_its_permission_set_grants() -> None:
    sim = SalesforceSim(SimClock(datetime(2026, 11, 24, tzinfo=UTC)))
    editable = {
        f"{name}.{field['name']}": field["updateable"]
        for name in ("Account", "Task", "Event")
        for field in sim.describe(name)["fields"]
        if field["custom"]
    }
    granted = permissions("Kidglove_Integration")

    assert editable == {name: granted[name] for name in own_fields()}


@pytest.mark.parametrize("name", ["Kidglove_Integration", "Kidglove_CSM"])
def test_a_permission_set_names_no_licence_and_deletes_nothing(name: str) -> None:
    root = only(f"permissionsets/{name}.permissionset-meta.xml")

    assert text(root, "license") is None
    assert set(texts(root, "objectPermissions/allowDelete")) <= {"false"}
    assert set(texts(root, "objectPermissions/modifyAllRecords")) <= {"false"}
    assert set(texts(root, "fieldPermissions/readable")) == {"true"}


def test_the_flow_sends_the_message_that_is_deployed() -> None:
    flow = only("flows/*.flow-meta.xml")
    message = only("workflows/Account.workflow-meta.xml")

    assert text(flow, "actionCalls/actionType") == "outboundMessage"
    name = text(message, "outboundMessages/fullName")
    assert text(flow, "actionCalls/actionName") == f"{text(flow, 'start/object')}.{name}"
    assert text(flow, "start/connector/targetReference") == text(flow, "actionCalls/name")


def test_the_flow_and_the_message_watch_what_people_write() -> None:
    flow = only("flows/*.flow-meta.xml")
    message = only("workflows/Account.workflow-meta.xml")
    sent = set(texts(message, "outboundMessages/fields")) - {"Id", "SystemModstamp"}
    formula = str(text(flow, "start/filterFormula"))

    assert text(flow, "start/recordTriggerType") == "Update"
    assert "Dunning_Status__c" in sent
    assert {writers()[f"Account.{name}"] for name in sent} == {"Written by people"}
    changes = ", ".join(f"ISCHANGED({{!$Record.{name}}})" for name in texts_in_order(message))
    assert formula == f"OR({changes})"


def texts_in_order(message: etree._Element) -> list[str]:
    return [
        name
        for name in texts(message, "outboundMessages/fields")
        if name not in ("Id", "SystemModstamp")
    ]


def test_the_message_sends_no_session() -> None:
    message = only("workflows/Account.workflow-meta.xml")

    assert text(message, "outboundMessages/includeSessionId") == "false"


def test_address_and_user_are_placeholders_that_the_cli_replaces() -> None:
    project = json.loads((PACKAGE / "sfdx-project.json").read_text())
    message = only("workflows/Account.workflow-meta.xml")
    replaced: dict[str, Any] = {
        one["stringToReplace"]: (one["filename"], one["replaceWithEnv"])
        for one in project["replacements"]
    }

    for name in ("endpointUrl", "integrationUser"):
        value = str(text(message, f"outboundMessages/{name}"))
        filename, variable = replaced[value]
        assert ".invalid" in value
        assert (PACKAGE / filename).read_text().count(value) == 1
        assert variable in (PACKAGE / "README.md").read_text()


def test_the_list_view_and_the_path_show_fields_that_exist() -> None:
    view, path = only("objects/Account/listViews/*.xml"), only("pathAssistants/*.xml")
    named = texts(view, "columns") + texts(view, "filters/field")
    named += [*texts(path, "pathAssistantSteps/fieldNames"), str(text(path, "fieldName"))]

    assert text(view, "label") == "Payment cases"
    assert {f"Account.{name}" for name in named if name != "ACCOUNT.NAME"} <= own_fields()


def test_list_view_filters_and_path_steps_are_picklist_values(
    org: dict[str, dict[str, Field]],
) -> None:
    view, path = only("objects/Account/listViews/*.xml"), only("pathAssistants/*.xml")
    fields = texts(view, "filters/field")
    values = [value.split(",") for value in texts(view, "filters/value")]
    pairs = [*zip(fields, values, strict=True)]
    pairs.append(
        (str(text(path, "fieldName")), texts(path, "pathAssistantSteps/picklistValueName"))
    )

    for field, wanted in pairs:
        assert set(wanted) <= {one.value for one in org["Account"][field].choices}


def members(manifest: str) -> set[tuple[str, str]]:
    return {
        (str(text(one, "name")), member)
        for one in read(PACKAGE / "manifest" / manifest).findall(f"{{{METADATA}}}types")
        for member in texts(one, "members")
    }


def test_the_manifests_name_every_part_once() -> None:
    fields = {("CustomField", f"{p.parts[-3]}.{text(read(p), 'fullName')}") for p in FIELD_FILES}
    message = text(only("workflows/Account.workflow-meta.xml"), "outboundMessages/fullName")
    sets = {p.name.split(".")[0] for p in MAIN.glob("permissionsets/*")}

    assert members("package.xml") == fields | {("ListView", "Account.Payment_Cases")} | {
        ("PermissionSet", name) for name in sets
    }
    assert members("notify.xml") == {
        ("Flow", next(MAIN.glob("flows/*")).name.removesuffix(".flow-meta.xml")),
        ("WorkflowOutboundMessage", f"Account.{message}"),
    }
    assert members("path.xml") == {
        ("PathAssistant", next(MAIN.glob("pathAssistants/*")).name.split(".")[0])
    }


def test_one_api_version_everywhere() -> None:
    project = json.loads((PACKAGE / "sfdx-project.json").read_text())
    versions = {str(project["sourceApiVersion"])}
    versions |= {str(text(read(p), "version")) for p in (PACKAGE / "manifest").glob("*.xml")}
    versions.add(str(text(only("flows/*.xml"), "apiVersion")))
    versions.add(str(text(only("workflows/*.xml"), "outboundMessages/apiVersion")))

    assert versions == {"67.0"}
