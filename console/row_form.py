"""The form of one row: what it offers, and the row that was filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.merge import Flow
from domain.wording import clean
from mappings.mapping_words import rule_sentence
from mappings.row_edit import RawRow
from mappings.vocabulary import OURS, Convert, Winner

NAMES = ("ours", "constant", "template", "flow", "theirs", "wins", "values", "convert", "cut")
FLOWS: Mapping[Flow, str] = {
    Flow.OUT: "-> Kidglove writes the CRM's field",
    Flow.IN: "<- Kidglove reads the CRM's field",
    Flow.BOTH: "<-> both sides are kept equal",
}
WINNERS: Mapping[Winner, str] = {
    one: f"{one.value}: {rule_sentence(one)}" for one in Winner if one is not Winner.ERP
}
CONVERSIONS: Mapping[Convert, str] = {
    Convert.MAJOR_UNITS: "major_units: an amount like 14200.50",
    Convert.MINOR_UNITS: "minor_units: a whole number like 1420050",
    Convert.TEXT: "text: an amount like $14,200.50, for a text field",
    Convert.DATE: "date: the day alone",
    Convert.DATETIME: "datetime: the day with its time",
}


class RowRefused(Exception):
    """What was filled in is no row yet; the text says what to write."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One option of a list."""

    value: str
    text: str


@dataclass(frozen=True, kw_only=True)
class RowForm:
    """What a form shows: the present values as text, and the options of each list. A word that is
    in no list is offered too, as it is written, so that looking at a row never changes it."""

    said: Mapping[str, str]
    ours: tuple[Choice, ...]
    flow: tuple[Choice, ...]
    wins: tuple[Choice, ...]
    convert: tuple[Choice, ...]
    was: str = ""


def form_of(row: RawRow | None, said: Mapping[str, str] | None = None) -> RowForm:
    """The form of a row, or of a new one; `said` is what somebody has filled in already."""
    values = said if said is not None else _said(row)
    return RowForm(
        said=values,
        ours=_with(values["ours"], {name: f"{name}: {one.doc}" for name, one in OURS.items()}),
        flow=_with(values["flow"], {one.value: text for one, text in FLOWS.items()}),
        wins=_with(values["wins"], {one.value: text for one, text in WINNERS.items()}),
        convert=_with(values["convert"], {one.value: text for one, text in CONVERSIONS.items()}),
        was=row.text if row is not None else "",
    )


def filled_in(form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The row that the form says, and what was typed. Only what cannot be written as a row at all
    is refused here; every other mistake is found by the check, with its line."""
    typed = {name: form.get(name, "").strip() for name in NAMES}
    row: dict[str, Any] = {}
    for name in ("ours", "constant", "template", "flow", "theirs", "wins"):
        if clean(typed[name]):
            row[name] = clean(typed[name])
    values = _values(typed["values"])
    if values:
        row["values"] = values
    if typed["convert"]:
        row["convert"] = clean(typed["convert"])
    if typed["cut"]:
        if not typed["cut"].isascii() or not typed["cut"].isdigit() or len(typed["cut"]) > 9:
            raise RowRefused("Cut is a whole number of characters, like 255.")
        row["cut"] = int(typed["cut"])
    if not row.get("theirs"):
        raise RowRefused("Say which field of the CRM the row is about.")
    return row, typed


def typed_of(said: Mapping[str, Any]) -> dict[str, str]:
    """What stands in a row's form, by the names of its controls: `filled_in` reads the same row
    from it."""
    found = {name: "" if said.get(name) is None else str(said[name]) for name in NAMES}
    values = said.get("values")
    if isinstance(values, Mapping):
        found["values"] = "\n".join(f"{ours}: {_text(theirs)}" for ours, theirs in values.items())
    return found


def _values(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        ours, colon, theirs = line.partition(":")
        if not colon or not clean(ours):
            raise RowRefused(
                f"Line {number} of the values: write `our word: their value`, like "
                "`failed: Payment failed`."
            )
        if clean(ours) in found:
            raise RowRefused(f"Line {number} of the values: {clean(ours)} stands there twice.")
        found[clean(ours)] = clean(theirs)
    return found


def _said(row: RawRow | None) -> dict[str, str]:
    if row is None:
        return dict.fromkeys(NAMES, "") | {"flow": Flow.OUT.value}
    return typed_of(row.said)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _with(value: str, options: Mapping[str, str]) -> tuple[Choice, ...]:
    found = [Choice(value=name, text=text) for name, text in options.items()]
    if value and value not in options:
        found.insert(0, Choice(value=value, text=f"{value} (as it is written now)"))
    return tuple(found)
