"""A mapping as people read it: its rows with owners, rules and mistakes, filtered and found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from jobs.versions import check
from mappings.findings import FileProblems, Finding, errors
from mappings.mapping import FieldMapping, FieldRow
from mappings.mapping_file import explain_mapping, load_mapping
from mappings.mapping_words import explain_row, rule_sentence
from mappings.row_edit import NoRows, RawRow, raw_rows
from mappings.vocabulary import OURS, Flow, Winner

ARROWS: Mapping[Flow, tuple[str, str]] = {
    Flow.OUT: ("\u2192", "is written to"),
    Flow.IN: ("\u2190", "is read from"),
    Flow.BOTH: ("\u2194", "is kept equal with"),
}
"""What an arrow looks like, and what it says to whoever hears the page."""
OWNERS: Mapping[Winner, str] = {
    Winner.STRIPE: "Stripe-owned",
    Winner.WORKER: "Kidglove-owned",
    Winner.ERP: "ERP-owned",
}
E_ = TypeVar("E_", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)
class RowView:
    """One row. What cannot be understood is shown as it is written."""

    number: int
    field: str
    carries: str
    """Our value's name, or the constant or the sentence itself."""
    kind: str
    doc: str
    arrow: str
    arrow_said: str
    wins: str
    rule: str
    owner: str
    details: tuple[str, ...]
    sentence: str
    line: int
    raw: RawRow
    findings: tuple[Finding, ...] = ()

    @property
    def is_broken(self) -> bool:
        """Whether a mistake in it stops the mapping from being used."""
        return bool(errors(self.findings))

    def has(self, word: str) -> bool:
        """Whether the filter's word stands anywhere in it."""
        told = " ".join([self.field, self.carries, self.doc, self.wins, self.owner, *self.details])
        return word.casefold() in told.casefold()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One text of a mapping, read once. `rows` is None where they cannot be told apart, `mapping`
    where it may not be used."""

    text: str
    findings: tuple[Finding, ...]
    mapping: FieldMapping | None
    rows: tuple[RowView, ...] | None

    @property
    def is_usable(self) -> bool:
        """Whether nothing in it stops it from being used."""
        return self.mapping is not None

    def of_field(self, name: str) -> tuple[RowView, ...]:
        """The rows of a CRM's field; a field may be read by several."""
        return tuple(one for one in self.rows or () if one.field == name)

    def about(self, name: str) -> list[str]:
        """What the rest of the mapping says of a field, as sentences."""
        if self.mapping is None:
            return []
        told = {one.sentence for one in self.rows or ()}
        lines = (line.removeprefix("- ") for line in explain_mapping(self.mapping).splitlines())
        return [line for line in lines if line not in told and name in _words(line)]

    def filtered(self, word: str) -> tuple[RowView, ...]:
        """The rows with this word in them; all without one."""
        rows = self.rows or ()
        return tuple(one for one in rows if one.has(word)) if word else rows


@lru_cache(maxsize=32)
def reading(system: str, title: str, text: str, name: str) -> Reading:
    """Everything that a page shows of a text. `title` is how people call the CRM."""
    findings = tuple(check(system, text, name=name))
    mapping: FieldMapping | None = None
    if not errors(findings):
        try:
            mapping = load_mapping(text, name=name)
        except FileProblems:  # pragma: no cover
            mapping = None
    try:
        raw = raw_rows(text)
    except NoRows:
        return Reading(text=text, findings=findings, mapping=mapping, rows=None)
    good = {(one.theirs, one.ours or ""): one for one in mapping.rows} if mapping else {}
    rows = tuple(_row(one, findings, good, title) for one in raw)
    return Reading(text=text, findings=findings, mapping=mapping, rows=rows)


def _row(
    raw: RawRow, findings: Sequence[Finding], good: Mapping[tuple[str, str], FieldRow], title: str
) -> RowView:
    said = raw.said
    flow, wins = _member(Flow, said.get("flow")), _member(Winner, said.get("wins"))
    kind = next((one for one in ("ours", "constant", "template") if said.get(one)), "ours")
    known = OURS.get(str(said.get("ours")))
    arrow, arrow_said = ARROWS.get(flow, (str(said.get("flow") or ""), "")) if flow else ("?", "")
    read = good.get((raw.theirs, str(said.get("ours") or "")))
    return RowView(
        number=raw.number,
        field=raw.theirs,
        carries=str(said.get(kind) or ""),
        kind=kind,
        doc=known.doc
        if known
        else {"constant": "always this text", "template": "a sentence"}.get(kind, ""),
        arrow=arrow,
        arrow_said=arrow_said,
        wins=str(said.get("wins") or ""),
        rule=rule_sentence(wins, flow or Flow.OUT) if wins else "",
        owner=owner(flow, wins, title),
        details=tuple(_details(said)),
        sentence=explain_row(read) if read is not None else "",
        line=raw.line,
        raw=raw,
        findings=tuple(one for one in findings if raw.line <= one.line <= raw.last_line),
    )


def owner(flow: Flow | None, wins: Winner | None, title: str) -> str:
    """Whose field it is: who alone may write it, or that both may."""
    if flow is Flow.IN:
        return f"{title}-owned"
    if flow is Flow.OUT and wins is not None:
        return OWNERS.get(wins, "Shared")
    return "Shared"


def _details(said: Mapping[str, Any]) -> list[str]:
    values = said.get("values")
    found = []
    if isinstance(values, Mapping):
        found = [f"{ours}: {theirs}" for ours, theirs in values.items()]
    if said.get("convert"):
        found.append(f"as {said['convert']}")
    if said.get("cut"):
        found.append(f"cut to {said['cut']} characters")
    return found


def _member(kind: type[E_], value: object) -> E_ | None:
    return kind(value) if isinstance(value, str) and value in set(kind) else None


def _words(line: str) -> set[str]:
    """The names in a sentence, a path over look-ups with its parts."""
    found = re.findall(r"\w+(?:\.\w+)*", line)
    return {*found, *(part for one in found for part in one.split("."))}
