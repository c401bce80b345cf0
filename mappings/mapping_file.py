"""Field mappings: loaded, checked, and the ones that ship with the product."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from mappings.findings import FileProblems, Finding, beside, errors, in_order
from mappings.mapping import (
    BlastLimits,
    ContextFields,
    FieldMapping,
    FieldRow,
    HoldFields,
    Only,
    OverrideFields,
    TaskFields,
)
from mappings.mapping_check import mapping_findings
from mappings.mapping_schema import ContextShape, MappingDocument, RowShape
from mappings.mapping_words import explain_mapping
from mappings.reading import read_into
from mappings.standing_in import Unsure, read_around
from mappings.templates import written_out
from mappings.vocabulary import System
from mappings.yaml_source import read_yaml

__all__ = [
    "check_mapping",
    "default_mapping",
    "default_mapping_text",
    "explain_mapping",
    "load_mapping",
]

HERE = Path(__file__).parent


def load_mapping(text: str, *, name: str) -> FieldMapping:
    """The mapping in `text`. FileProblems with every finding if it may not be used.

    `name` is the file's name, for the messages.
    """
    mapping, findings = _read(text, name)
    if mapping is None or errors(findings):
        raise FileProblems(name, findings)
    return mapping


def check_mapping(text: str, *, name: str) -> list[Finding]:
    """Everything that is wrong or doubtful in `text`, in the order of its lines. Never raises."""
    return _read(text, name)[1]


def default_mapping_text(system: System | str) -> str:
    """The shipped mapping of a CRM as it is written. KeyError if none ships for it."""
    path = HERE / f"{system}.yaml"
    if str(system) not in list(System) or not path.exists():
        shipped = ", ".join(sorted(one.stem for one in HERE.glob("*.yaml")))
        raise KeyError(f"no mapping ships for {str(system)!r}; there is one for {shipped}")
    return path.read_text(encoding="utf-8")


@lru_cache(maxsize=4)
def default_mapping(system: System | str) -> FieldMapping:
    """The shipped mapping of a CRM. KeyError if none ships for it."""
    return load_mapping(default_mapping_text(system), name=f"{system}.yaml")


def _read(text: str, file: str) -> tuple[FieldMapping | None, list[Finding]]:
    document, findings = read_yaml(text, file=file)
    if document is None:
        return None, findings
    parsed, misfits = read_into(MappingDocument, document)
    findings = [*findings, *beside(findings, misfits)]
    around = (parsed, Unsure(document.unread)) if parsed else read_around(MappingDocument, document)
    if around is not None:
        findings += mapping_findings(around[0], document, around[1])
    usable = None if parsed is None or errors(findings) else _mapping(parsed)
    return usable, in_order(findings)


def _mapping(parsed: MappingDocument) -> FieldMapping:
    return FieldMapping(
        name=parsed.mapping,
        version=parsed.version,
        system=parsed.system,
        object=parsed.object,
        customer_field=parsed.link.customer_id,
        rows=tuple(_row(row, parsed.templates) for row in parsed.rows),
        people=parsed.people,
        hold=HoldFields(
            field=parsed.hold.field,
            held=parsed.hold.words.held,
            released=parsed.hold.words.released,
            until=parsed.hold.until,
            reason=parsed.hold.reason,
        ),
        task=TaskFields(
            key_field=parsed.task.key_field,
            outcome_field=parsed.task.outcome_field,
            outcomes=parsed.task.outcomes,
        ),
        promise=parsed.promise,
        override=(
            OverrideFields(
                field=parsed.override.field,
                always=parsed.override.always,
                never=parsed.override.never,
            )
            if parsed.override
            else None
        ),
        context=_context(parsed.context),
        only=tuple(Only(ours=one.ours, theirs=one.theirs, words=one.is_) for one in parsed.only),
        limits=BlastLimits(**parsed.limits.model_dump()),
    )


def _row(row: RowShape, templates: Mapping[str, str]) -> FieldRow:
    return FieldRow(
        ours=row.ours,
        flow=row.flow,
        theirs=row.theirs,
        wins=row.wins,
        values=row.values,
        convert=row.convert,
        cut=row.cut,
        constant=row.constant,
        template=None if row.template is None else written_out(row.template, templates),
    )


def _context(shape: ContextShape) -> ContextFields:
    return ContextFields(
        health=shape.health.field if shape.health else None,
        health_at=shape.health.at if shape.health else None,
        cs_tier=shape.cs_tier,
        expansion=shape.expansion,
        renewal_call=shape.renewal_call,
        contract=shape.contract,
        contract_end=shape.contract_end,
        seats=shape.seats,
        entities=shape.entities,
        ap_contact=shape.ap_contact,
    )
