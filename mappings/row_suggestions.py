"""Rows that a mapping might have: fields whose names are near to our values, for a person to judge.

The same name often means another thing, so nothing is mapped by it. A suggestion is a row to look
at; it runs only as any other row does, from a draft or a file that somebody planned and applied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from domain.described import DescribedField, FieldKind
from domain.facts import Role
from domain.ports import Finding, Health
from mappings.canonical import one_line
from mappings.fit import row_findings
from mappings.incoming import DETAIL_LENGTH, LONGEST
from mappings.mapping import FieldMapping, FieldRow
from mappings.mapping_schema import LONGEST_CUT, SHORTEST_CUT, RowShape
from mappings.near_names import near
from mappings.vocabulary import (
    CONVERSIONS,
    OURS,
    WINNERS,
    Convert,
    Flow,
    OurField,
    OurType,
    Winner,
)

MOST_OF_A_VALUE = 3
"""Fields suggested for one value: with more, nobody looks at any of them."""
_KNOWN, _SAME = 2.0, 1.0
"""Before every name: here the mapping itself says what the field is. And the very words."""


@dataclass(frozen=True, kw_only=True)
class SuggestedRow:
    """One row that fits, with why. `is_first` of the rows for its value is the likeliest one;
    all first rows together make one good mapping."""

    ours: str
    doc: str
    field: str
    label: str
    said: Mapping[str, Any]
    reason: str
    doubts: tuple[str, ...] = ()
    is_first: bool = True

    @property
    def text(self) -> str:
        """The row in its one spelling."""
        return one_line(dict(self.said))


@dataclass(frozen=True, kw_only=True)
class Impossible:
    """A field that is near by its name and cannot be this value, with the reason."""

    ours: str
    field: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """What may be mapped, what only looks so, and the values for which nothing is near."""

    rows: tuple[SuggestedRow, ...] = ()
    impossible: tuple[Impossible, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Pair:
    ours: str
    field: DescribedField
    score: float
    why: str


def suggestions(mapping: FieldMapping, described: Mapping[str, DescribedField]) -> Suggestions:
    """Fields for each of our values that no row carries, the likeliest first.

    `described` are the live fields of the mapping's object. Pure, and nothing follows from it. A
    field is suggested for one value only.
    """
    carried = {row.ours for row in mapping.rows}
    free = [name for name in OURS if name not in carried]
    pairs = [one for name in free for one in _pairs(name, mapping, described)]
    place = {name: number for number, name in enumerate(free)}
    pairs.sort(key=lambda one: (-one.score, place[one.ours], one.field.name))
    rows: list[SuggestedRow] = []
    impossible: list[Impossible] = []
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    said: set[str] = set()
    for pair in pairs:
        name = pair.field.name
        # Where a field says the very words, those that are only near would be noise.
        is_noise = pair.ours in said and pair.score < _SAME
        if name in taken or is_noise or counts[pair.ours] >= MOST_OF_A_VALUE:
            continue
        if pair.score >= _SAME:
            said.add(pair.ours)
        made = _made(pair, mapping, described)
        if isinstance(made, Impossible):
            impossible.append(made)
            continue
        taken.add(name)
        counts[pair.ours] += 1
        rows.append(_suggested(pair, *made, is_first=counts[pair.ours] == 1))
    rows.sort(key=lambda one: (place[one.ours], not one.is_first))
    impossible.sort(key=lambda one: (place[one.ours], one.field))
    seen = {one.ours for one in rows}
    return Suggestions(
        rows=tuple(rows),
        impossible=tuple(one for one in impossible if one.field not in taken),
        without=tuple(name for name in free if name not in seen),
    )


def _pairs(
    name: str, mapping: FieldMapping, described: Mapping[str, DescribedField]
) -> Iterator[_Pair]:
    known = _known(mapping).get(name)
    if known is not None and known in described:
        why = "the mapping reads this from it already"
        yield _Pair(ours=name, field=described[known], score=_KNOWN, why=why)
        return
    for field in described.values():
        found = near(name, field)
        if found is not None:
            yield _Pair(ours=name, field=field, score=found.score, why=found.reason)


def _known(mapping: FieldMapping) -> Mapping[str, str | None]:
    """The fields that the mapping names for a value outside its rows."""
    return {
        "account.tier": mapping.context.cs_tier,
        "account.vip": mapping.override.field if mapping.override else None,
        "account.owner": mapping.people.get(Role.OWNER),
        "account.csm": mapping.people.get(Role.CSM),
        "account.ap_contact": mapping.context.ap_contact,
        "account.health": mapping.context.health,
        "account.resolution": mapping.hold.field,
        "account.promise": mapping.promise,
    }


def _made(
    pair: _Pair, mapping: FieldMapping, described: Mapping[str, DescribedField]
) -> tuple[dict[str, Any], list[Finding]] | Impossible:
    """The row in the first shape that fits, with what is doubtful; else why none does."""
    ours, field = OURS[pair.ours], pair.field
    why = _taken(field.name, ours, mapping)
    if why is None:
        for said in _shapes(pair.ours, ours, field):
            if not _can_be_written(said):
                why = why or "its name or its choices cannot stand in a mapping"
                continue
            found = row_findings(_row(said), mapping, described)
            wrong = [one for one in found if one.health is Health.WRONG]
            if not wrong:
                return said, found
            # The usual shape comes first, and what is wrong with it is what people know of.
            why = why or wrong[0].detail
        why = why or "none of its choices says what each of our words means"
    return Impossible(ours=pair.ours, field=field.name, why=why)


def _taken(name: str, ours: OurField, mapping: FieldMapping) -> str | None:
    """Why a field is no row's any more."""
    if name == mapping.customer_field:
        return "it says which account a record is"
    if name in mapping.machine_fields:
        return "a row writes it already"
    people = [path.partition(".")[0] for path in mapping.people.values()]
    if ours.flows[0] is Flow.OUT and name in (
        *mapping.human_fields,
        *people,
        mapping.context.ap_contact,
    ):
        return "it is written by people"
    return None


def _shapes(name: str, ours: OurField, field: DescribedField) -> Iterator[dict[str, Any]]:
    """The row in each shape that the value can have, the usual one first; the keys in the order
    in which every row has them."""
    flow = ours.flows[0]
    wins = ours.winners[0] if flow is Flow.OUT else WINNERS[flow][0]
    plain = {"ours": name, "flow": flow.value, "theirs": field.name, "wins": wins.value}
    if ours.type is OurType.WORD:
        values = _values(ours.words, field)
        if values is not None:
            yield {**plain, "values": values}
        return
    is_cut = (
        flow is Flow.OUT
        and ours.type is OurType.TEXT
        and field.kind is FieldKind.TEXT
        and field.length is not None
        and field.length >= SHORTEST_CUT
    )
    yield {**plain, "cut": min(field.length or 0, LONGEST_CUT)} if is_cut else plain
    if flow is Flow.OUT:
        for convert in CONVERSIONS.get(ours.type, ())[1:]:
            yield {**plain, "convert": convert.value}


def _values(words: Sequence[str], field: DescribedField) -> dict[str, str] | None:
    """A translation of each word: into a choice that says it, or plainly into a text."""
    if field.kind is not FieldKind.CHOICE:
        return {one: one.replace("_", " ").capitalize() for one in words}
    found = {one: _choice(one, field.choices) for one in words}
    told = {word: choice for word, choice in found.items() if choice is not None}
    return told if len(told) == len(words) else None


def _choice(word: str, choices: Sequence[str]) -> str | None:
    """The choice that is this word, else the only one that has it among others."""
    wanted = set(word.split("_"))
    words = {one: set(one.casefold().replace("_", " ").split()) for one in choices}
    same = [one for one in choices if words[one] == wanted]
    wider = [one for one in choices if words[one] > wanted]
    if same:
        return same[0]
    return wider[0] if len(wider) == 1 else None


def _can_be_written(said: Mapping[str, Any]) -> bool:
    """Whether the row has the shape that every row of a file has."""
    try:
        RowShape.model_validate(dict(said))
    except ValidationError:
        return False
    return True


def _row(said: Mapping[str, Any]) -> FieldRow:
    return FieldRow(
        ours=said["ours"],
        flow=Flow(said["flow"]),
        theirs=said["theirs"],
        wins=Winner(said["wins"]),
        values=said.get("values", {}),
        convert=Convert(said["convert"]) if "convert" in said else None,
        cut=said.get("cut"),
    )


def _suggested(
    pair: _Pair, said: dict[str, Any], found: Sequence[Finding], *, is_first: bool
) -> SuggestedRow:
    field = pair.field
    verb = "takes" if said["flow"] == Flow.OUT.value else "holds"
    kind = "the id of a record" if field.kind is FieldKind.RECORD else f"a {field.kind.value}"
    doubts = [f"{one.detail}: {one.remedy}" for one in found] + list(_too_long(pair))
    return SuggestedRow(
        ours=pair.ours,
        doc=OURS[pair.ours].doc,
        field=field.name,
        label=field.label,
        said=said,
        reason=f"{pair.why}, and it {verb} {kind}",
        doubts=tuple(doubts),
        is_first=is_first,
    )


def _too_long(pair: _Pair) -> Iterator[str]:
    """Half an address is a wrong one, so a longer one is not written at all."""
    if not pair.ours.startswith("customer."):
        return
    longest = LONGEST.get(pair.ours, DETAIL_LENGTH)
    length = pair.field.length
    if length is not None and length > longest:
        yield f"what has more than {longest} characters is not written"
