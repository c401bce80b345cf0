"""Reads a document into its schema; whatever does not fit becomes a finding with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictInt, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from mappings.findings import Finding, Severity, nearest, one_of
from mappings.yaml_source import Document, Key

M = TypeVar("M", bound=BaseModel)


class Shape(BaseModel):
    """A part of a file: unknown names are mistakes, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def mistake(message: str, fix: str = "", suggestion: str | None = None) -> PydanticCustomError:
    """What a validator raises: our own words instead of the library's."""
    context = {"text": message, "fix": fix, "suggestion": suggestion}
    return PydanticCustomError("kidglove", "{text}", context)


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | Decimal) else value


def _amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise mistake(f"{value!r} is not a number", "Write a number like 5000 or 500.50.")
    return Decimal(value)


Word = Annotated[str, BeforeValidator(_word)]
"""Text that may look like something else: a picklist value `true` or `1` is meant as text."""
Amount = Annotated[Decimal, BeforeValidator(_amount)]
"""An exact number in major units; quotes around it are a mistake."""
Whole = StrictInt
"""A whole number; neither `true` nor a text in quotes passes for one."""


def read_into(schema: type[M], document: Document) -> tuple[M | None, list[Finding]]:
    """The document as `schema`, or None and every place where it does not fit."""
    value = {} if document.value is None else document.value
    try:
        return schema.model_validate(value), []
    except ValidationError as problems:
        details = problems.errors(include_url=False)
        return None, [_finding(one, schema, document) for one in details]


def finding(
    document: Document,
    path: Sequence[Key],
    message: str,
    *,
    fix: str = "",
    suggestion: str | None = None,
    severity: Severity = Severity.ERROR,
    of_key: bool = False,
) -> Finding:
    """A finding at the value (or the key) at `path`; a suggestion is asked for in the message."""
    place = document.place(path, of_key=of_key)
    if suggestion is not None:
        message = f"{message}; did you mean {suggestion}?"
    return Finding(
        file=document.file,
        line=place.line,
        column=place.column,
        message=message,
        fix=fix,
        suggestion=suggestion,
        severity=severity,
    )


def _finding(error: ErrorDetails, schema: type[BaseModel], document: Document) -> Finding:
    path = error["loc"]
    given = error["input"]
    context: Mapping[str, Any] = error.get("ctx") or {}
    name = str(next((part for part in reversed(path) if not _is_label(part)), ""))
    match error["type"]:
        case "kidglove":
            return finding(
                document,
                path,
                str(context["text"]),
                fix=str(context["fix"]),
                suggestion=context["suggestion"],
            )
        case "extra_forbidden":
            names = _names(schema, document, path)
            guess = nearest(name, names)
            fix = f"Known here: {', '.join(names)}." if names else "Remove it."
            text = f"nothing here is called {name!r}"
            return finding(document, path, text, fix=fix, suggestion=guess, of_key=True)
        case "missing":
            text = f"{name!r} is missing"
            return finding(document, path, text, fix=f"Add `{name}: ...` here.", of_key=True)
        case "enum" | "literal_error":
            words = _expected(context)
            text = f"{name} cannot be {given!r}"
            guess = nearest(str(given), words)
            return finding(document, path, text, fix=f"Write {one_of(words)}.", suggestion=guess)
        case "model_type" | "model_attributes_type" | "dict_type" | "mapping_type":
            text = f"{name or 'the file'} is {_kind(given)} where names with values belong"
            return finding(document, path, text, fix="Write `name: value` lines here.")
        case "union_tag_not_found" | "union_tag_invalid":
            kinds = [one.strip("<>' ") for one in str(context.get("expected_tags", "")).split(",")]
            text = f"this entry is none of the known kinds: {one_of(kinds) or name}"
            return finding(document, path, text, fix=context.get("fix", "Name one of them first."))
        case "list_type" | "tuple_type":
            text = f"{name} is {_kind(given)} where a list belongs"
            return finding(document, path, text, fix="Write one `- ...` line for each entry.")
        case "int_type":
            text = f"{name} is {_kind(given)} where a whole number belongs"
            return finding(document, path, text, fix="Write a whole number without quotes.")
        case "string_type":
            text = f"{name} is {_kind(given)} where text belongs"
            return finding(document, path, text, fix="Write text; quotes help with odd characters.")
        case "bool_type" | "bool_parsing":
            text = f"{name} cannot be {given!r}"
            return finding(document, path, text, fix="Write true or false.")
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            text = f"{name} cannot be {given}"
            side = "at least" if "ge" in context else "more than"
            if "le" in context or "lt" in context:
                side = "at most" if "le" in context else "less than"
            limit = next(iter(context.values()), "")
            return finding(document, path, text, fix=f"Write a number of {side} {limit}.")
        case "too_short" | "string_too_short":
            return finding(document, path, f"{name} is empty", fix="Write at least one entry.")
        case _:
            text = f"{name} does not fit: {error['msg']}"
            return finding(document, path, text, fix="See the examples that ship with the product.")


def _names(schema: type[BaseModel], document: Document, path: Sequence[Key]) -> list[str]:
    """The names allowed beside an unknown one, found by following its path through the schema."""
    definition = schema.model_json_schema()
    parts: Any = definition
    for part in path[:-1]:
        parts = _resolve(parts, definition)
        if isinstance(part, int):
            parts = parts.get("items", {})
        elif part in parts.get("properties", {}):
            parts = parts["properties"][part]
        else:
            parts = _labelled(parts, definition, str(part)) or parts.get("additionalProperties", {})
    parts = _resolve(parts, definition)
    return list(parts.get("properties", {}))


def _labelled(parts: Any, definition: Any, label: str) -> Any:
    """The member of a union that the validator labelled `label`."""
    for one in [*parts.get("oneOf", []), *parts.get("anyOf", [])]:
        member = _resolve(one, definition)
        if label.strip("<>") in member.get("properties", {}):
            return member
    return None


def _is_label(part: Key) -> bool:
    """Whether it names a kind of entry (`<metric>`) rather than something in the file."""
    return isinstance(part, str) and part.startswith("<") and part.endswith(">")


def _resolve(parts: Any, definition: Any) -> Any:
    while isinstance(parts, dict):
        if "$ref" in parts:
            parts = definition["$defs"][parts["$ref"].rsplit("/", 1)[-1]]
            continue
        options = [one for one in parts.get("anyOf", []) if one.get("type") != "null"]
        if len(options) == 1:
            parts = options[0]
            continue
        break
    return parts if isinstance(parts, dict) else {}


def _expected(context: Mapping[str, Any]) -> list[str]:
    """The words in the library's own "'a', 'b' or 'c'"."""
    return re.findall("'([^']*)'", str(context.get("expected", "")))


def _kind(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | Decimal():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a group of names"
        case _:
            return "something else"


def words(kind: type[StrEnum]) -> list[str]:
    """The words of a closed set, as they are written in files."""
    return [str(one) for one in kind]
