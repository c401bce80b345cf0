"""What a well-formed mapping may still get wrong: contradictions between its own rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from domain.facts import Role
from mappings.findings import Finding, Severity, nearest, one_of
from mappings.mapping_schema import SOURCES, MappingDocument, RowShape
from mappings.reading import finding
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
    yield from _template_names(mapping, rows, document, broken)
    yield from _one_writer(mapping, rows, document)
    yield from _words(mapping, document)
    yield from _people(mapping, document)
    if ("only",) not in broken:
        yield from _only(mapping, document, broken)


def _row(row: RowShape, document: Document, path: Path) -> Iterator[Finding]:
    given = [name for name in SOURCES if getattr(row, name) is not None]
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
        yield from _ours(row, OURS[row.ours], document, path)
    elif given:
        yield from _said(row, given[0], document, path)


def _ours(row: RowShape, ours: OurField, document: Document, path: Path) -> Iterator[Finding]:
    if row.flow not in ours.flows:
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
    else:
        winners = ours.winners if row.flow is Flow.OUT else WINNERS[row.flow]
        if row.wins not in winners:
            yield finding(
                document,
                (*path, "wins"),
                f"{row.ours} belongs to {ours.owner.value}, so {row.wins.value!r} cannot win"
                if row.flow is Flow.OUT
                else f"{row.wins.value!r} cannot win on the arrow {row.flow.value}",
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
        yield from _cut(row, ours, document, path)
    yield from _values(row, ours.words, document, path)


def _cut(row: RowShape, ours: OurField, document: Document, path: Path) -> Iterator[Finding]:
    """Where `cut` would make a wrong value, or none at all."""
    longer = "Remove `cut`, and choose a field that is long enough."
    if ours.type is not OurType.TEXT:
        why = f"{row.ours} is of the kind {ours.type.value!r}, which cannot be cut without harm"
        fix = longer
    elif row.flow is Flow.BOTH:
        why, fix = f"{row.ours} flows both ways, and what is cut there would come back cut", longer
    elif (row.ours or "").startswith("customer."):
        why = f"{row.ours} is written whole or not at all, so `cut` has no effect"
        fix = "Remove `cut`."
    else:
        return
    yield finding(document, (*path, "cut"), why, fix=fix, of_key=True)


def _said(row: RowShape, kind: str, document: Document, path: Path) -> Iterator[Finding]:
    """What a constant or a template may not have: it is text of ours and flows out only."""
    if row.flow is not Flow.OUT:
        yield finding(
            document,
            (*path, "flow"),
            f"a {kind} is only written, never read",
            fix="Write `flow: ->`.",
            suggestion=Flow.OUT.value,
        )
    elif row.wins not in (winners := (Winner.WORKER, *WINNERS[Flow.OUT])):
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
    mapping: MappingDocument,
    rows: Mapping[int, RowShape],
    document: Document,
    broken: AbstractSet[Path],
) -> Iterator[Finding]:
    if ("templates",) in broken:
        return
    yield from template_findings(mapping.templates, document)
    for number, row in rows.items():
        if row.template is not None and row.template not in mapping.templates:
            yield finding(
                document,
                ("rows", number, "template"),
                f"no template is called {row.template!r}",
                fix=f"Write it under `templates`, as in `{row.template}: ...`.",
                suggestion=nearest(row.template, mapping.templates),
            )
        elif row.template is not None and row.cut is not None:
            yield from _cut_sentence(row.template, mapping.templates, document, number)
    used = {row.template for row in mapping.rows}
    used |= {name for text in mapping.templates.values() for name in places(text)}
    for name in mapping.templates if rows.keys() == set(range(len(mapping.rows))) else ():
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


def _only(
    mapping: MappingDocument, document: Document, broken: AbstractSet[Path]
) -> Iterator[Finding]:
    """Conditions name one thing, and only words that it can be."""
    written = {row.theirs for row in mapping.rows if row.flow is not Flow.IN}
    for number, one in enumerate(mapping.only):
        path: Path = ("only", number)
        if (one.ours is None) == (one.theirs is None):
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
                if word not in words:
                    yield finding(
                        document,
                        (*path, "is", place),
                        f"{one.ours} never is {word!r}",
                        fix=f"It is {one_of(words)}.",
                        suggestion=nearest(word, words),
                    )
        elif one.theirs in written and not broken:
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


def _one_writer(
    mapping: MappingDocument, rows: Mapping[int, RowShape], document: Document
) -> Iterator[Finding]:
    """A field has one writer: two rows, or a row and a person, would take turns for ever."""
    people: dict[str, str] = {mapping.link.customer_id: "says which account it is"}
    for name in _human(mapping):
        people.setdefault(name, "is written by people")
    seen: dict[str, int] = {}
    filled: dict[str, int] = {}
    for number, row in rows.items():
        path: Path = ("rows", number, "theirs")
        if row.ours is not None and row.flow is not Flow.OUT:
            first = filled.setdefault(row.ours, number)
            if first != number:
                line = document.place(("rows", first, "ours")).line
                yield finding(
                    document,
                    ("rows", number, "ours"),
                    f"{row.ours} is filled by the row in line {line} already",
                    fix="Keep one of the two rows.",
                )
        if row.flow is Flow.IN:
            continue
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
    for number, row in rows.items():
        if row.flow is Flow.IN and row.theirs in seen:
            line = document.place(("rows", seen[row.theirs], "theirs")).line
            yield finding(
                document,
                ("rows", number, "theirs"),
                f"{row.theirs} is written by the row in line {line}, so reading it says nothing "
                "that is not ours",
                fix="Read a field that people write.",
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
