"""Who uses which CRM field and which word, over the whole of a mapping: each has one use."""

from __future__ import annotations

from collections.abc import Iterator

from domain.facts import Role
from mappings.findings import Finding, Severity
from mappings.mapping_schema import MappingDocument, RowShape
from mappings.reading import finding
from mappings.standing_in import Unsure
from mappings.vocabulary import OURS, Flow, System
from mappings.yaml_source import Document, Path

ASKED = ("hold", "promise", "override", "people")
"""Where people answer us. The context only shows what a field says, so it may show any."""
OBJECTS = {System.SALESFORCE: "Account", System.HUBSPOT: "companies"}
"""The kind of record that the connector reads and writes for an account."""


def use_findings(mapping: MappingDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    """Fields with two writers, fields and words with two meanings, people who are nobody."""
    yield from _object(mapping, document, unsure)
    yield from _one_writer(mapping, document, unsure)
    yield from _one_meaning(mapping, document, unsure)
    yield from _words(mapping, document, unsure)
    yield from _people(mapping, document, unsure)


def same(name: str) -> str:
    """A field's name as it is compared."""
    # VENDOR: Salesforce takes the API name of a field in any case; HubSpot's internal names are in
    # small letters.
    return name.casefold()


def written_fields(mapping: MappingDocument, unsure: Unsure) -> dict[str, int]:
    """The fields that rows write, as they are compared, each with the number of the first row."""
    found: dict[str, int] = {}
    for number, row in enumerate(mapping.rows):
        writes = arrow(row, unsure, number) in (Flow.OUT, Flow.BOTH)
        if writes and not unsure.of("rows", number, "theirs"):
            found.setdefault(same(row.theirs), number)
    return found


def arrow(row: RowShape, unsure: Unsure, number: int) -> Flow | None:
    """The arrow of a row. Where it has none or a wrong one: the only one that it can have, or None
    if there are several."""
    if row.ours is not None:
        can = OURS[row.ours].flows
    else:
        is_known = row.constant is not None or row.template is not None
        can = (Flow.OUT,) if is_known else tuple(Flow)
    if row.flow in can and not unsure.of("rows", number, "flow"):
        return row.flow
    return can[0] if len(can) == 1 else None


def _one_writer(mapping: MappingDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    """A field has one writer: two rows, or a row and a person, would take turns for ever."""
    people = _not_ours(mapping, unsure)
    written = written_fields(mapping, unsure)
    filled: dict[str, int] = {}
    for number, row in enumerate(mapping.rows):
        path: Path = ("rows", number, "theirs")
        flow = arrow(row, unsure, number)
        if row.ours is not None and flow in (Flow.IN, Flow.BOTH):
            first = filled.setdefault(row.ours, number)
            if first != number:
                line = document.place(("rows", first, "ours")).line
                yield finding(
                    document,
                    ("rows", number, "ours"),
                    f"{row.ours} is filled by the row in line {line} already",
                    fix="Keep one of the two rows.",
                )
        if flow is None or unsure.of(*path):
            continue
        first = written.get(same(row.theirs), number)
        line = document.place(("rows", first, "theirs")).line
        if flow is Flow.IN:
            if same(row.theirs) in written:
                yield finding(
                    document,
                    path,
                    f"{row.theirs} is written by the row in line {line}, so reading it says "
                    "nothing that is not ours",
                    fix="Read a field that people write.",
                )
            continue
        if same(row.theirs) in people:
            yield finding(
                document,
                path,
                f"{row.theirs} {people[same(row.theirs)]}, so no row may write it",
                fix="Choose another field for this row.",
            )
        if first != number:
            yield finding(
                document,
                path,
                f"{row.theirs} is written by the row in line {line} already",
                fix="Keep one of the two rows.",
            )


def _not_ours(mapping: MappingDocument, unsure: Unsure) -> dict[str, str]:
    """The fields that no row may write, and why."""
    found: dict[str, str] = {}
    if not unsure.of("link", "customer_id"):
        found[same(mapping.link.customer_id)] = "says which account it is"
    for path, name in _human(mapping):
        if name and not unsure.of(*path):
            found.setdefault(same(name), "is written by people")
    return found


def _human(mapping: MappingDocument) -> Iterator[tuple[Path, str | None]]:
    hold, context = mapping.hold, mapping.context
    yield ("hold", "field"), hold.field
    yield ("hold", "until"), hold.until
    yield ("hold", "reason"), hold.reason
    yield ("promise",), mapping.promise
    if mapping.override:
        yield ("override", "field"), mapping.override.field
    if context.health:
        yield ("context", "health", "field"), context.health.field
        yield ("context", "health", "at"), context.health.at
    for name in type(context).model_fields:
        if name != "health":
            yield ("context", name), getattr(context, name)
    for role, path in mapping.people.items():
        yield ("people", role.value), path.split(".")[0]


def _one_meaning(mapping: MappingDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    """What a person writes in a field means one thing: each of these has a field of its own."""
    task = mapping.task
    link: tuple[Path, str] = (("link", "customer_id"), mapping.link.customer_id)
    account = [(path, name) for path, name in _human(mapping) if name and path[0] in ASKED]
    of_task: list[tuple[Path, str]] = [(("task", "key_field"), task.key_field)]
    if task.outcome_field:
        of_task.append((("task", "outcome_field"), task.outcome_field))
    for fields in ([link, *account], of_task):
        seen: dict[str, Path] = {}
        for path, name in fields:
            if unsure.of(*path):
                continue
            first = seen.setdefault(same(name), path)
            # One person may well have two roles.
            if first != path and not first[0] == path[0] == "people":
                line = document.place(first).line
                yield finding(
                    document,
                    path,
                    f"{name} is `{'.'.join(map(str, first))}` in line {line} already, and cannot "
                    f"mean `{'.'.join(map(str, path))}` too",
                    fix="Name another field for one of the two.",
                )


def _object(mapping: MappingDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    """Accounts stand in one kind of record; another one here would change nothing."""
    wired = OBJECTS.get(mapping.system)
    if wired is None or mapping.object == wired or unsure.of("object") or unsure.of("system"):
        return
    yield finding(
        document,
        ("object",),
        f"accounts are kept in {wired} records of {mapping.system.value}, not in {mapping.object}",
        fix=f"Write `object: {wired}`.",
        suggestion=wired,
    )


def _words(mapping: MappingDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    """The same word cannot mean two things."""
    words = mapping.hold.words
    lists: tuple[tuple[Path, str, tuple[str, ...], str, tuple[str, ...]], ...] = (
        (("hold", "words"), "held", words.held, "released", words.released),
    )
    if mapping.override:
        always, never = mapping.override.always, mapping.override.never
        lists += ((("override",), "always", always, "never", never),)
    for path, one, first, other, second in lists:
        taken = {said(word) for n, word in enumerate(first) if not unsure.of(*path, one, n)}
        for number, word in enumerate(second):
            if said(word) in taken and not unsure.of(*path, other, number):
                yield finding(
                    document,
                    (*path, other, number),
                    f"{word!r} cannot mean {one} and {other}",
                    fix="Keep it in one of the two lists.",
                )
    for kind in ("held", "released"):
        for number, word in enumerate(getattr(mapping.hold.words, kind)):
            if not word.strip() and not unsure.of("hold", "words", kind, number):
                yield finding(
                    document,
                    ("hold", "words", kind, number),
                    "an empty word stands for nothing",
                    fix="Remove it; an empty field always means that nobody asks for quiet.",
                )
    meanings: dict[str, str] = {}
    for word, means in mapping.task.outcomes.items():
        earlier = meanings.setdefault(said(word), word)
        if mapping.task.outcomes[earlier] is not means and not unsure.of("task", "outcomes", word):
            yield finding(
                document,
                ("task", "outcomes", word),
                f"{word!r} and {earlier!r} are the same word and cannot mean two things",
                fix="Keep one of the two lines.",
                of_key=True,
            )
    nowhere = mapping.task.outcome_field is None and not unsure.of("task", "outcome_field")
    if mapping.task.outcomes and nowhere:
        yield finding(
            document,
            ("task", "outcomes"),
            "the outcomes have no field to be read from",
            fix="Add `outcome_field: ...` to `task`.",
            of_key=True,
        )


def said(word: str) -> str:
    """A word as it is compared: blanks around it and capitals mean nothing."""
    return word.strip().casefold()


def _people(mapping: MappingDocument, document: Document, unsure: Unsure) -> Iterator[Finding]:
    if Role.FALLBACK in mapping.people:
        yield finding(
            document,
            ("people", Role.FALLBACK.value),
            "the fallback is one person or queue for all accounts, not a field",
            fix="Remove this line; the fallback is named in the settings of the worker.",
            of_key=True,
        )
    if Role.OWNER not in mapping.people and not unsure.within("people"):
        yield finding(
            document,
            ("people",),
            "no field names the account's owner, so work may have nobody to go to",
            fix="Add `account_owner: OwnerId`.",
            severity=Severity.WARNING,
            of_key=True,
        )
