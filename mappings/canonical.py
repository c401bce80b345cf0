"""One spelling for each document, so that two versions differ only where they mean something else.

Sections stand in the order of the schema, rows sorted by the field they concern, one row a line.
Comments are not kept: the stored version has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import unified_diff
from typing import Any

from mappings.mapping_schema import MappingDocument
from mappings.policy_schema import PolicyDocument
from mappings.yaml_source import read_yaml

ORDERED = {"rows": ("theirs", "ours"), "rates": ()}
"""Lists whose order means nothing, and the names that they are sorted by."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*(?: [A-Za-z0-9_.+-]+)*|->|<->|<-")
_SPECIAL = frozenset("true false yes no on off y n null".split())
_SECTIONS = tuple(dict.fromkeys([*MappingDocument.model_fields, *PolicyDocument.model_fields]))


def canonical(text: str) -> str:
    """The text in its one spelling. The text must have been checked; a second call changes
    nothing."""
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
    if not isinstance(value, dict):
        raise ValueError("only a checked document has a canonical form")
    names = sorted(value, key=lambda name: (_place(name), name))
    return {name: _sorted(name, value[name]) for name in names}


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
