"""A mapping held against the live CRM: what does not fit, and what else might be mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.described import Describes
from domain.ports import Finding, Health
from mappings.fit import fit_findings
from mappings.mapping import FieldMapping
from mappings.row_suggestions import Suggestions, suggestions

if TYPE_CHECKING:
    from jobs.runtime import Runtime

PARTS = ("login", "org", "account", "field", "fields", "task", "properties", "property")
"""What concerns a mapping, of everything that a connector examines."""


def examine_mapping(here: Runtime, system: str, mapping: FieldMapping) -> list[Finding]:
    """Every finding about this mapping in a connected CRM. Changes nothing."""
    connector = here.crm_with(system, mapping)
    found = [
        one
        for one in connector.examine()
        if one.check.startswith(tuple(f"{system}.{part}" for part in PARTS))
    ]
    if not isinstance(connector, Describes):
        return found
    fits = list(fit_findings(mapping, connector.describe_fields(mapping.object)))
    # What both looks say of a field is told once, in the words that know its row.
    told = {one.check for one in fits}
    rest = [one for one in found if one.check.removeprefix(f"{system}.") not in told]
    fine = Finding(
        check="fit", health=Health.OK, detail=f"{len(mapping.rows)} rows fit into their fields"
    )
    return [*rest, *(fits or [fine])]


def suggest_rows(here: Runtime, system: str, mapping: FieldMapping) -> Suggestions:
    """Rows that this mapping might have, by the live fields of a connected CRM: one call.

    Changes nothing, and nothing follows from it. A CRM that describes no fields suggests none.
    """
    connector = here.crm_with(system, mapping)
    if not isinstance(connector, Describes):
        return suggestions(mapping, {})
    return suggestions(mapping, connector.describe_fields(mapping.object))
