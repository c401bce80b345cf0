"""What a mapping file may say, word by word."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema

from domain.facts import Role
from mappings.findings import nearest
from mappings.mapping import BlastLimits
from mappings.reading import Shape, Whole, Word, like, mistake
from mappings.vocabulary import OURS, Convert, Flow, Meaning, System, Winner

SHORTEST_CUT, LONGEST_CUT = 10, 131_072
"""A shorter text says nothing any more; no CRM keeps a longer one."""
_NAME = r"[A-Za-z][A-Za-z0-9_]{0,99}"


def _ours(name: str) -> str:
    if name in OURS:
        return name
    guess = nearest(name, OURS)
    raise mistake(
        f"we have no value called {name!r}", f"Known are {', '.join(OURS)}.", suggestion=guess
    )


OursName = Annotated[
    str, AfterValidator(_ours), WithJsonSchema({"type": "string", "enum": list(OURS)})
]
FieldName = Annotated[
    str,
    *like(_NAME, "the name of a field", "Write the field's API name, like Payment_Status__c."),
]
"""The name of one CRM field, as its interface has it."""
FieldPath = Annotated[
    str,
    *like(
        rf"{_NAME}(\.{_NAME}){{0,3}}",
        "the name of a field, or of one behind a look-up",
        "Write API names, like CSM__c or Owner.ManagerId.",
    ),
]
"""The name of a CRM field, or of one reached over a look-up (`Owner.ManagerId`)."""
MappingName = Annotated[
    str,
    *like(r"[a-z0-9][a-z0-9-]{0,39}", "a mapping's name", "Use small letters, digits and hyphens."),
]
TemplateName = Annotated[
    str,
    *like(r"[a-z][a-z0-9_]{0,39}", "a template's name", "Use small letters, digits and `_`."),
]
Words = Annotated[tuple[Word, ...], Field(min_length=1)]
SOURCES = ("ours", "constant", "template")
"""What a row may carry: exactly one of them."""


class RowShape(Shape):
    """One row: our value, a constant or a template, the arrow, their field, and who wins."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [name]} for name in SOURCES]}
    )

    ours: OursName | None = None
    constant: Word | None = None
    template: TemplateName | None = None
    flow: Flow
    theirs: FieldName
    wins: Winner
    values: dict[str, Word] = Field(default_factory=dict)
    convert: Convert | None = None
    cut: Annotated[Whole, Field(ge=SHORTEST_CUT, le=LONGEST_CUT)] | None = None


class LinkShape(Shape):
    """How an account is found: the field that holds the Stripe customer's id."""

    customer_id: FieldName


class HoldWords(Shape):
    """Which words of the field mean that a person is on it, and which that it is over."""

    held: Words
    released: tuple[Word, ...] = ()


class HoldShape(Shape):
    """The field in which a person says "in resolution"."""

    field: FieldName
    until: FieldName | None = None
    reason: FieldName | None = None
    words: HoldWords


class OverrideShape(Shape):
    """The field in which a person overrules the numbers."""

    field: FieldName
    always: Words
    never: Words


class TaskShape(Shape):
    """The task's own fields."""

    key_field: FieldName
    outcome_field: FieldName | None = None
    outcomes: dict[str, Meaning] = Field(default_factory=dict)


class HealthShape(Shape):
    """The health score and the field that says how old it is."""

    field: FieldName
    at: FieldName | None = None


class ContextShape(Shape):
    """What the context package shows from the CRM; leave out what you do not have."""

    health: HealthShape | None = None
    cs_tier: FieldName | None = None
    expansion: FieldName | None = None
    renewal_call: FieldName | None = None
    contract: FieldName | None = None
    contract_end: FieldName | None = None
    seats: FieldName | None = None
    entities: FieldName | None = None
    ap_contact: FieldName | None = None


class OnlyShape(Shape):
    """A condition: `{ours: payment.status, is: [failed]}` or `{theirs: Type, is: [Customer]}`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["ours"]}, {"required": ["theirs"]}]}
    )

    ours: OursName | None = None
    theirs: FieldName | None = None
    is_: Words = Field(alias="is")


_LIMITS = BlastLimits()


class LimitsShape(Shape):
    """How much may change at once before a person is asked."""

    tasks_per_hour: Annotated[Whole, Field(ge=1, le=100_000)] = _LIMITS.tasks_per_hour
    blanked_fields: Annotated[Whole, Field(ge=0, le=1_000_000)] = _LIMITS.blanked_fields
    changed_percent: Annotated[Whole, Field(ge=1, le=100)] = _LIMITS.changed_percent
    changed_from: Annotated[Whole, Field(ge=1, le=1_000_000)] = _LIMITS.changed_from


class MappingDocument(Shape):
    """A mapping file: which CRM field means what, and which of our values goes where."""

    mapping: MappingName
    version: Annotated[Whole, Field(ge=1)]
    system: System
    object: FieldName
    link: LinkShape
    only: Annotated[tuple[OnlyShape, ...], Field(max_length=20)] = ()
    templates: Annotated[
        dict[TemplateName, Annotated[str, Field(max_length=1_000)]], Field(max_length=50)
    ] = Field(default_factory=dict)
    rows: Annotated[tuple[RowShape, ...], Field(min_length=1, max_length=500)]
    people: Annotated[dict[Role, FieldPath], Field(min_length=1)]
    hold: HoldShape
    promise: FieldName | None = None
    override: OverrideShape | None = None
    task: TaskShape
    context: ContextShape = ContextShape()
    limits: LimitsShape = LimitsShape()
