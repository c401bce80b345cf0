"""One spelling for each document, so that two versions differ only where they mean something else.

Names stand in the order of the schema, rows sorted by the field they concern, one row a line; what
has no order is sorted, and what says nothing is left out. Comments are not kept: the stored version
has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import unified_diff
from typing import Any

from pydantic import BaseModel

from mappings.mapping_schema import MappingDocument
from mappings.policy_schema import PolicyDocument
from mappings.reading import read_into
from mappings.yaml_source import read_yaml

ORDERED = {"rows": ("theirs", "ours"), "rates": ()}
"""Lists whose order means nothing, and the names that they are sorted by."""
UNORDERED = frozenset(
    "only held released always never is_ countries weekend self_serve_plans".split()
)
"""Lists that are sets: sorted by their own words."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*(?: [A-Za-z0-9_.+-]+)*|->|<->|<-")
_SPECIAL = frozenset("true false yes no on off y n null".split())
_SECTIONS = tuple(dict.fromkeys([*MappingDocument.model_fields, *PolicyDocument.model_fields]))


def canonical(text: str) -> str:
    """The text in its one spelling; a second call changes nothing.

    A text that does not fit the schema (an old version may not) keeps the order of its names.
    ValueError if it is no document at all.
    """
    return "".join(f"{line}\n" for line in _lines(_value(text)))


def written(value: Mapping[str, Any]) -> str:
    """A document of these plain values, in the order that they have, its rows a line each."""
    return "".join(f"{line}\n" for line in _lines(value))


def one_line(value: Any) -> str:
    """One value on one line, as a row stands in its list."""
    return _flow(value)


def as_json(text: str) -> str:
    """The same as sorted JSON, which is read like the YAML."""
    return json.dumps(_value(text), indent=2, ensure_ascii=False, default=_number) + "\n"


def difference(old: str, new: str, *, old_name: str, new_name: str) -> list[str]:
    """What differs between two texts, as the lines of a unified diff; empty if they mean the
    same."""
    before, after = canonical(old).splitlines(), canonical(new).splitlines()
    return list(unified_diff(before, after, old_name, new_name, lineterm="", n=2))


def _value(text: str) -> dict[str, Any]:
    document, _ = read_yaml(text, file="canonical")
    value = document.value if document is not None else None
    if document is None or not isinstance(value, dict):
        raise ValueError("only a checked document has a canonical form")
    schema = PolicyDocument if "policy" in value else MappingDocument
    parsed, _ = read_into(schema, document)
    if parsed is not None:
        value = _told(parsed)
    names = list(value) if parsed else sorted(value, key=lambda name: (_place(name), name))
    return {name: _sorted(name, value[name]) for name in names}


def _told(part: BaseModel) -> dict[str, Any]:
    """What a part of a document says, in the order of its schema."""
    said: dict[str, Any] = {}
    # Of a union whose kinds are told apart by a function, the library warns for nothing.
    plain = part.model_dump(warnings=False)
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        told = _plain(name, value, plain[name])
        is_idle = not told and value == field.get_default(call_default_factory=True)
        if name in part.model_fields_set and not is_idle:
            said[field.alias or name] = told
    return said


def _plain(name: str, value: Any, plain: Any) -> Any:
    """A value of a document as it is written; `plain` is the same without types."""
    match value:
        case BaseModel():
            return _told(value)
        case tuple():
            each = [_plain("", one, beside) for one, beside in zip(value, plain, strict=True)]
            return sorted(each, key=_flow) if name in UNORDERED else each
        case dict():
            return {str(key): _plain("", value[key], plain[key]) for key in sorted(value)}
        case Decimal():
            return int(value) if value == value.to_integral_value() else value.normalize()
        case _:
            return str(plain) if isinstance(plain, str) else plain


def _place(name: str) -> int:
    return _SECTIONS.index(name) if name in _SECTIONS else len(_SECTIONS)


def _sorted(name: str, value: Any) -> Any:
    if name in ORDERED and isinstance(value, list):
        return sorted(value, key=lambda row: tuple(str(row.get(key)) for key in ORDERED[name]))
    if name in ORDERED and isinstance(value, dict):
        return dict(sorted(value.items()))
    return value


def _lines(value: Mapping[str, Any]) -> Iterator[str]:
    for name, one in value.items():
        if isinstance(one, list) and any(isinstance(entry, dict) for entry in one):
            yield f"{_word(name)}:"
            yield from (f"  - {_flow(entry)}" for entry in one)
        elif isinstance(one, dict) and one:
            yield f"{_word(name)}:"
            yield from (f"  {_word(key)}: {_flow(entry)}" for key, entry in one.items())
        else:
            yield f"{_word(name)}: {_flow(one)}"


def _flow(value: Any) -> str:
    match value:
        case dict():
            inside = ", ".join(f"{_word(name)}: {_flow(one)}" for name, one in value.items())
            return f"{{{inside}}}"
        case list():
            return f"[{', '.join(_flow(one) for one in value)}]"
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str():
            return _word(value)
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)


def _word(text: str) -> str:
    """The word as it is, in quotes wherever any reader of YAML could take it for something else."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _SPECIAL:
        return text
    said = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{"".join(map(_sign, said))}"'


def _sign(sign: str) -> str:
    return sign if sign.isprintable() else f"\\U{ord(sign):08x}"


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no value of a document")
