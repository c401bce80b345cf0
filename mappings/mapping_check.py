"""What a well-formed mapping may still get wrong: contradictions between its own rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mappings.field_uses import arrow, same, use_findings, written_fields
from mappings.findings import Finding, Severity, nearest, one_of
from mappings.mapping_schema import SOURCES, MappingDocument, OnlyShape, RowShape
from mappings.reading import finding
from mappings.standing_in import Unsure
from mappings.templates import inside, places, template_findings
from mappings.vocabulary import (
    CONVERSIONS,
    OURS,
    WHOLE,
    WINNERS,
    Flow,
    OurField,
    OurType,
    Winner,
)
from mappings.yaml_source import Document, Path


def mapping_findings(
    mapping: MappingDocument, document: Document, unsure: Unsure
) -> Iterator[Finding]:
    """Everything wrong or doubtful in a mapping that has the right shape.

    Of the unsure parts, which something stands in for, nothing is said, and nothing follows from
    them.
    """
    for number, row in enumerate(mapping.rows):
        if not unsure.of("rows", number):
            yield from _row(row, document, number, unsure)
    yield from _template_names(mapping, document, unsure)
    yield from use_findings(mapping, document, unsure)
    yield from _only(mapping, document, unsure)


def _row(row: RowShape, document: Document, number: int, unsure: Unsure) -> Iterator[Finding]:
    path: Path = ("rows", number)
    given = _given(row, SOURCES, path, unsure)
    if not given:
        yield finding(
            document,
            path,
            "this row carries nothing",
            fix="Write `ours: ...` for a value of ours, `constant: ...` or `template: ...`.",
        )
    for name in given[1:]:
        yield finding(
            document,
            (*path, name),
            f"a row carries one thing, and {given[0]!r} is it already",
            fix=f"Remove `{name}`, or make it a row of its own.",
            of_key=True,
        )
    if row.ours is not None:
        yield from _ours(row, OURS[row.ours], document, number, unsure)
    elif given and "ours" not in given:
        yield from _said(row, given[0], document, path, unsure)


def _given(
    shape: RowShape | OnlyShape, names: Sequence[str], path: Path, unsure: Unsure
) -> list[str]:
    """Which of these names are there, or may be meant by what is there."""
    return [name for name in names if getattr(shape, name) is not None or unsure.of(*path, name)]


def _ours(
    row: RowShape, ours: OurField, document: Document, number: int, unsure: Unsure
) -> Iterator[Finding]:
    path: Path = ("rows", number)
    flow = arrow(row, unsure, number)
    if row.flow not in ours.flows and not unsure.of(*path, "flow"):
        is_fact = ours.flows == (Flow.OUT,)
        yield finding(
            document,
            (*path, "flow"),
            f"{row.ours} is a fact that the CRM cannot change"
            if is_fact
            else f"{row.ours} is said by the CRM, so it is only read there",
            fix=f"Write {one_of(f'`flow: {one.value}`' for one in ours.flows)}.",
            suggestion=ours.flows[0].value,
        )
    winners = _winners(ours, flow)
    if row.wins not in winners and not unsure.of(*path, "wins"):
        yield finding(
            document,
            (*path, "wins"),
            f"{row.ours} belongs to {ours.owner.value}, so {row.wins.value!r} cannot win"
            if flow is None or flow is Flow.OUT
            else f"{row.wins.value!r} cannot win on the arrow {flow.value}",
            fix=f"Write {one_of(f'`wins: {one.value}`' for one in winners)}.",
            suggestion=winners[0].value,
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
    if row.cut is not None:
        yield from _cut(row, ours, flow, document, path)
    if not unsure.of(*path, "values"):
        yield from _values(row, ours.words, document, path)


def _winners(ours: OurField, flow: Flow | None) -> tuple[Winner, ...]:
    """Who may win on an arrow; on any that the value can have, if that is not known."""
    if flow is None:
        return tuple(dict.fromkeys(one for each in ours.flows for one in _winners(ours, each)))
    return ours.winners if flow is Flow.OUT else WINNERS[flow]


def _cut(
    row: RowShape, ours: OurField, flow: Flow | None, document: Document, path: Path
) -> Iterator[Finding]:
    """Where `cut` would make a wrong value, or none at all."""
    longer = "Remove `cut`, and choose a field that is long enough."
    if ours.type is not OurType.TEXT:
        why = f"{row.ours} is of the kind {ours.type.value!r}, which cannot be cut without harm"
        fix = longer
    elif flow is Flow.BOTH:
        why, fix = f"{row.ours} flows both ways, and what is cut there would come back cut", longer
    elif flow is Flow.IN and (row.ours or "").startswith("customer."):
        why = f"{row.ours} is written whole or not at all, so `cut` has no effect"
        fix = "Remove `cut`."
    else:
        return
    yield finding(document, (*path, "cut"), why, fix=fix, of_key=True)


def _said(
    row: RowShape, kind: str, document: Document, path: Path, unsure: Unsure
) -> Iterator[Finding]:
    """What a constant or a template may not have: it is text of ours and flows out only."""
    if row.flow is not Flow.OUT and not unsure.of(*path, "flow"):
        yield finding(
            document,
            (*path, "flow"),
            f"a {kind} is only written, never read",
            fix="Write `flow: ->`.",
            suggestion=Flow.OUT.value,
        )
    winners = (Winner.WORKER, *WINNERS[Flow.OUT])
    if row.wins not in winners and not unsure.of(*path, "wins"):
        yield finding(
            document,
            (*path, "wins"),
            f"a {kind} belongs to worker, so {row.wins.value!r} cannot win",
            fix=f"Write {one_of(f'`wins: {one.value}`' for one in winners)}.",
            suggestion=Winner.WORKER.value,
        )
    for name in ("values", "convert"):
        if getattr(row, name):
            yield finding(
                document,
                (*path, name),
                f"a {kind} is text already, so `{name}` has no effect",
                fix=f"Remove `{name}`.",
                of_key=True,
            )


def _template_names(
    mapping: MappingDocument, document: Document, unsure: Unsure
) -> Iterator[Finding]:
    if unsure.of("templates"):
        return
    yield from template_findings(mapping.templates, document)
    for number, row in enumerate(mapping.rows):
        if row.template is None or unsure.of("templates", row.template):
            continue
        if row.template not in mapping.templates:
            yield finding(
                document,
                ("rows", number, "template"),
                f"no template is called {row.template!r}",
                fix=f"Write it under `templates`, as in `{row.template}: ...`.",
                suggestion=nearest(row.template, mapping.templates),
            )
        elif row.cut is not None:
            yield from _cut_sentence(row.template, mapping.templates, document, number)
    rows_are_sure = not any(unsure.of("rows", n, "template") for n in range(len(mapping.rows)))
    if not rows_are_sure or unsure.within("templates"):
        return
    used = {row.template for row in mapping.rows}
    used |= {name for text in mapping.templates.values() for name in places(text)}
    for name in mapping.templates:
        if name not in used:
            yield finding(
                document,
                ("templates", name),
                f"the template {name!r} is used nowhere",
                fix="Use it in a row, or remove it.",
                severity=Severity.WARNING,
                of_key=True,
            )


def _cut_sentence(
    name: str, templates: Mapping[str, str], document: Document, number: int
) -> Iterator[Finding]:
    """A sentence may be shortened only where the sign of it cannot fall into an amount or an id."""
    whole = [one for one in inside(name, templates) if OURS[one].type in WHOLE]
    if whole:
        yield finding(
            document,
            ("rows", number, "cut"),
            f"the template {name!r} has {' and '.join(whole)} in it, which cannot be cut without "
            "harm",
            fix="Remove `cut`, and choose a field that is long enough; or take the value out of "
            "the template.",
            of_key=True,
        )


def _only(mapping: MappingDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    """Conditions name one thing, and only words that it can be."""
    written = written_fields(mapping, unsure)
    for number, one in enumerate(mapping.only):
        path: Path = ("only", number)
        if unsure.of(*path):
            continue
        if len(_given(one, ("ours", "theirs"), path, unsure)) != 1:
            yield finding(
                document,
                path,
                "a condition names `ours` or `theirs`, one of the two",
                fix="Write `{ours: payment.status, is: [failed]}` or "
                "`{theirs: Type, is: [Customer]}`.",
            )
        elif one.ours is not None:
            words = OURS[one.ours].words
            if not words:
                yield finding(
                    document,
                    (*path, "ours"),
                    f"{one.ours} has no fixed words, so nothing can be asked of it here",
                    fix="Ask one of those with fixed words: "
                    f"{one_of(name for name, ours in OURS.items() if ours.words)}.",
                )
            for place, word in enumerate(one.is_ if words else ()):
                if word not in words and not unsure.of(*path, "is", place):
                    yield finding(
                        document,
                        (*path, "is", place),
                        f"{one.ours} never is {word!r}",
                        fix=f"It is {one_of(words)}.",
                        suggestion=nearest(word, words),
                    )
        elif one.theirs is not None and same(one.theirs) in written:
            yield finding(
                document,
                (*path, "theirs"),
                f"{one.theirs} is written by a row, which would switch its own condition",
                fix="Ask a field that people write.",
            )


def _values(
    row: RowShape, words: Sequence[str], document: Document, path: Path
) -> Iterator[Finding]:
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
