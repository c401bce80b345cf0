"""What the portal's properties take, told as every CRM's fields are; and the mapping fits them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.described import FieldKind
from mappings.fit import fit_findings
from mappings.mapping_file import default_mapping
from tests.connectors.hubspot_stage import Stage, staged


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def test_the_shipped_mapping_fits_what_the_set_up_makes(stage: Stage) -> None:
    mapping = default_mapping("hubspot")
    said = stage.connector().describe_fields(mapping.object)
    assert list(fit_findings(mapping, said)) == []


def test_kinds_choices_and_rights_are_told(stage: Stage) -> None:
    said = stage.connector().describe_fields("companies")
    shown = {
        name: (said[name].kind, said[name].is_writable, said[name].is_strict, said[name].is_unique)
        for name in (
            "stripe_customer_id",
            "kidglove_quiet_state",
            "kidglove_csm",
            "kidglove_failing_since",
            "kidglove_quiet_until",
            "notes_last_contacted",
        )
    }
    assert shown == {
        "stripe_customer_id": (FieldKind.TEXT, True, False, True),
        "kidglove_quiet_state": (FieldKind.CHOICE, True, True, False),
        "kidglove_csm": (FieldKind.RECORD, True, False, False),
        "kidglove_failing_since": (FieldKind.DAY, True, False, False),
        "kidglove_quiet_until": (FieldKind.MOMENT, True, False, False),
        "notes_last_contacted": (FieldKind.MOMENT, False, False, False),
    }
    assert said["kidglove_quiet_state"].choices == ("quiet", "not_quiet", "unknown", "off")
    assert "computed by HubSpot" in said["notes_last_contacted"].grant
