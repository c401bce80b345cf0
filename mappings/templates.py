"""Sentences with our values in them: `{payment.status} since {payment.failing_since}`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

from domain.leaf import Known, Leaf, Missing
from domain.money import Money
from mappings.findings import Finding, nearest
from mappings.reading import finding
from mappings.vocabulary import OURS, Flow
from mappings.yaml_source import Document, Path

LONGEST = 4_000
"""Characters of a template with everything in it written out; a text field takes no more."""

_PLACE = re.compile(r"\{([^{}]*)\}")
_OUT = tuple(name for name, one in OURS.items() if Flow.OUT in one.flows)


def places(text: str) -> tuple[str, ...]:
    """The names in braces, in their order, each once."""
    return tuple(dict.fromkeys(found.strip() for found in _PLACE.findall(text)))


def written_out(name: str, templates: Mapping[str, str]) -> str:
    """A template with those that it uses inside it; only our values are left in braces.

    The templates must have been checked: a circle never ends.
    """

    def inner(found: re.Match[str]) -> str:
        used = found[1].strip()
        return written_out(used, templates) if used in templates else f"{{{used}}}"

    return _PLACE.sub(inner, templates[name])


def inside(name: str, templates: Mapping[str, str]) -> tuple[str, ...]:
    """Our values that a template shows, by way of others too, each once; names that stand for
    nothing are passed over, and a circle ends where it began."""
    seen: dict[str, None] = {}
    left = [name]
    while left:
        one = left.pop(0)
        if one not in seen:
            seen[one] = None
            left += places(templates[one]) if one in templates else ()
    return tuple(one for one in seen if one in OURS and one not in templates)


def rendered(text: str, ours: Mapping[str, Leaf[object]]) -> Leaf[object]:
    """The sentence; a value that is missing makes the whole sentence missing, nothing is blank."""
    for name in places(text):
        leaf = ours.get(name, Missing("not known now"))
        if isinstance(leaf, Missing):
            return Missing(f"{name}: {leaf.because}")
    said = _PLACE.sub(lambda found: _said(ours[found[1].strip()]), text)
    return Known(" ".join(said.split()), "kidglove")


def _said(leaf: Leaf[object]) -> str:
    match leaf:
        case Known(None) | Missing():
            return ""
        case Known(Money() as amount):
            return amount.text()
        case Known(datetime() as moment):
            return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case Known(date() as day):
            return day.isoformat()
        case Known(value):
            return str(value).replace("_", " ")


def template_findings(templates: Mapping[str, str], document: Document) -> Iterator[Finding]:
    """What is wrong in the templates: unknown names, stray braces, circles, endless growth."""
    for name, text in templates.items():
        yield from _own(name, text, templates, document)
    circles = _circles(templates)
    for name, way in circles.items():
        by_way = f", by way of {' and '.join(way)}" if way else ""
        yield finding(
            document,
            ("templates", name),
            f"the template {name!r} uses itself{by_way}",
            fix="Take one of these uses out.",
        )
    if circles:
        return
    lengths: dict[str, int] = {}
    for name in templates:
        if _length(name, templates, lengths) > LONGEST:
            yield finding(
                document,
                ("templates", name),
                f"the template {name!r} is longer than {LONGEST} characters when it is written out",
                fix="Use other templates fewer times in it.",
            )


def _own(
    name: str, text: str, templates: Mapping[str, str], document: Document
) -> Iterator[Finding]:
    path: Path = ("templates", name)
    rest = _PLACE.sub("", text)
    if "{" in rest or "}" in rest:
        yield finding(
            document,
            path,
            f"a brace in the template {name!r} has no partner",
            fix="Write a value as {payment.status}; other braces are not used here.",
        )
    if not text.strip():
        yield finding(document, path, f"the template {name!r} is empty", fix="Write a sentence.")
    known = (*_OUT, *templates)
    for used in places(text):
        if used not in known:
            yield finding(
                document,
                path,
                f"the template {name!r} uses {used!r}, which is no value of ours and no template",
                fix=f"Known are {', '.join(known)}.",
                suggestion=nearest(used, known),
            )


def _circles(templates: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The templates that use themselves, each with the others on its way."""
    found = {}
    for name in templates:
        if (way := _way(name, name, templates, set())) is not None:
            found[name] = way
    return found


def _way(
    here: str, goal: str, templates: Mapping[str, str], seen: set[str]
) -> tuple[str, ...] | None:
    """The templates between `here` and `goal`; None if there is no way."""
    for used in places(templates[here]):
        if used == goal:
            return ()
        if used in templates and used not in seen:
            seen.add(used)
            if (rest := _way(used, goal, templates, seen)) is not None:
                return (used, *rest)
    return None


def _length(name: str, templates: Mapping[str, str], known: dict[str, int]) -> int:
    if name not in known:
        text = templates[name]
        inside = (found.strip() for found in _PLACE.findall(text))
        known[name] = len(text) + sum(
            _length(used, templates, known) for used in inside if used in templates
        )
    return known[name]
