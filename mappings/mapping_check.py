"""What a well-formed mapping may still get wrong: contradictions between its own rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from domain.facts import Role
from mappings.findings import Finding, Severity, nearest, one_of
from mappings.mapping_schema import MappingDocument, RowShape
from mappings.reading import finding
from mappings.vocabulary import CONVERSIONS, OURS, Flow, OurType
from mappings.yaml_source import Document, Path

CUTTABLE = (OurType.TEXT, OurType.MONEY)
"""Kinds of values that a text field may shorten; a shortened id or link is a wrong one."""


def mapping_findings(
    mapping: MappingDocument, document: Document, *, broken: AbstractSet[Path] = frozenset()
) -> Iterator[Finding]:
    """Everything wrong or doubtful in a mapping that has the right shape.

    Of the `broken` parts, which something stands in for, nothing is said.
    """
    rows = {
        number: row
        for number, row in enumerate(mapping.rows)
        if not broken & {("rows",), ("rows", number)}
    }
    for number, row in rows.items():
        yield from _row(row, document, ("rows", number))
    yield from _one_writer(mapping, rows, document)
    yield from _words(mapping, document)
    yield from _people(mapping, document)


def _row(row: RowShape, document: Document, path: Path) -> Iterator[Finding]:
    ours = OURS[row.ours]
    if row.flow is not Flow.OUT:
        yield finding(
            document,
            (*path, "flow"),
            f"{row.ours} is a fact that the CRM cannot change",
            fix="Write `flow: ->`.",
            suggestion=Flow.OUT.value,
        )
    elif row.wins is not ours.owner:
        yield finding(
            document,
            (*path, "wins"),
            f"{row.ours} belongs to {ours.owner.value}, so {row.wins.value!r} cannot win",
            fix=f"Write `wins: {ours.owner.value}`.",
            suggestion=ours.owner.value,
        )
    allowed = CONVERSIONS.get(ours.type, ())
    if row.convert is not None and row.convert not in allowed:
        fix = f"Write {one_of(one.value for one in allowed)}." if allowed else "Remove `convert`."
        yield finding(
            document,
            (*path, "convert"),
            f"{row.ours} is of the kind {ours.type.value!r} and cannot become "
            f"{row.convert.value!r}",
            fix=fix,
        )
    if row.cut is not None and ours.type not in CUTTABLE:
        yield finding(
            document,
            (*path, "cut"),
            f"{row.ours} is of the kind {ours.type.value!r}, which cannot be cut without harm",
            fix="Remove `cut`, and choose a field that is long enough.",
            of_key=True,
        )
    yield from _values(row, document, path)


def _values(row: RowShape, document: Document, path: Path) -> Iterator[Finding]:
    words = OURS[row.ours].words
    for word in row.values:
        if word not in words:
            text = f"{row.ours} never is {word!r}"
            fix = f"It is {one_of(words)}." if words else "Remove `values`; it has no fixed words."
            here: Path = (*path, "values", word)
            yield finding(
                document, here, text, fix=fix, suggestion=nearest(word, words), of_key=True
            )
    lacking = [word for word in words if word not in row.values]
    if lacking:
        yield finding(
            document,
            (*path, "values"),
            f"{row.ours} has no translation for {one_of(lacking)}",
            fix="Add each of them under `values`, as in `failed: Payment failed`.",
            of_key=True,
        )


def _one_writer(
    mapping: MappingDocument, rows: Mapping[int, RowShape], document: Document
) -> Iterator[Finding]:
    """A field has one writer: two rows, or a row and a person, would take turns for ever."""
    people: dict[str, str] = {mapping.link.customer_id: "says which account it is"}
    for name in _human(mapping):
        people.setdefault(name, "is written by people")
    seen: dict[str, int] = {}
    for number, row in rows.items():
        path: Path = ("rows", number, "theirs")
        if row.theirs in people:
            yield finding(
                document,
                path,
                f"{row.theirs} {people[row.theirs]}, so no row may write it",
                fix="Choose another field for this row.",
            )
        first = seen.setdefault(row.theirs, number)
        if first != number:
            line = document.place(("rows", first, "theirs")).line
            yield finding(
                document,
                path,
                f"{row.theirs} is written by the row in line {line} already",
                fix="Keep one of the two rows.",
            )


def _human(mapping: MappingDocument) -> Iterator[str]:
    hold, context = mapping.hold, mapping.context
    named = [hold.field, hold.until, hold.reason, mapping.promise]
    named.append(mapping.override.field if mapping.override else None)
    if context.health:
        named += [context.health.field, context.health.at]
    named += [getattr(context, name) for name in type(context).model_fields if name != "health"]
    named += [path.split(".")[0] for path in mapping.people.values()]
    yield from (name for name in named if name)


def _words(mapping: MappingDocument, document: Document) -> Iterator[Finding]:
    """The same word cannot mean two things."""
    held = {word.strip().casefold() for word in mapping.hold.words.held}
    for number, word in enumerate(mapping.hold.words.released):
        if word.strip().casefold() in held:
            yield finding(
                document,
                ("hold", "words", "released", number),
                f"{word!r} cannot mean held and released",
                fix="Keep it in one of the two lists.",
            )
    for kind in ("held", "released"):
        for number, word in enumerate(getattr(mapping.hold.words, kind)):
            if not word.strip():
                yield finding(
                    document,
                    ("hold", "words", kind, number),
                    "an empty word stands for nothing",
                    fix="Remove it; an empty field always means that nobody asks for quiet.",
                )
    if mapping.override:
        always = {word.strip().casefold() for word in mapping.override.always}
        for number, word in enumerate(mapping.override.never):
            if word.strip().casefold() in always:
                yield finding(
                    document,
                    ("override", "never", number),
                    f"{word!r} cannot mean always and never",
                    fix="Keep it in one of the two lists.",
                )
    if mapping.task.outcomes and mapping.task.outcome_field is None:
        yield finding(
            document,
            ("task", "outcomes"),
            "the outcomes have no field to be read from",
            fix="Add `outcome_field: ...` to `task`.",
            of_key=True,
        )


def _people(mapping: MappingDocument, document: Document) -> Iterator[Finding]:
    if Role.FALLBACK in mapping.people:
        yield finding(
            document,
            ("people", Role.FALLBACK.value),
            "the fallback is one person or queue for all accounts, not a field",
            fix="Remove this line; the fallback is named in the settings of the worker.",
            of_key=True,
        )
    if Role.OWNER not in mapping.people:
        yield finding(
            document,
            ("people",),
            "no field names the account's owner, so work may have nobody to go to",
            fix="Add `account_owner: OwnerId`.",
            severity=Severity.WARNING,
            of_key=True,
        )
