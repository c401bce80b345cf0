"""Reads a document into its schema; whatever does not fit becomes a finding with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictInt,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from mappings.findings import Finding, Severity, nearest, one_of
from mappings.schema_walk import is_label, names_beside
from mappings.yaml_source import MOST, Document, Key

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


Word = Annotated[
    str, BeforeValidator(_word), WithJsonSchema({"type": ["string", "boolean", "number"]})
]
"""Text that may look like something else: a picklist value `true` or `1` is meant as text."""
Amount = Annotated[Decimal, BeforeValidator(_amount), WithJsonSchema({"type": "number"})]
"""An exact number in major units; quotes around it are a mistake."""
Whole = StrictInt
"""A whole number; neither `true` nor a text in quotes passes for one."""


def like(pattern: str, what: str, fix: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Text of a given shape: the check with our own words, and the shape for editors."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise mistake(f"{value[:80]!r} is not {what}", fix)
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def read_into(schema: type[M], document: Document) -> tuple[M | None, list[Finding]]:
    """The document as `schema`, or None and every place where it does not fit."""
    value = {} if document.value is None else document.value
    try:
        return schema.model_validate(value), []
    except ValidationError as problems:
        details = misfits(problems)
        found = [_finding(one, schema, document) for one in details[:MOST]]
        return None, [*found, *_too_many(details, document)]


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


def misfits(problems: ValidationError) -> list[ErrorDetails]:
    """Every place that does not fit. A list is not too short because its only entry is wrong: that
    has a line of its own."""
    found = problems.errors(include_url=False)
    return [one for one in found if not (one["type"] == "too_short" and bool(one["input"]))]


def _too_many(details: Sequence[ErrorDetails], document: Document) -> list[Finding]:
    if len(details) <= MOST:
        return []
    path = [part for part in details[MOST]["loc"] if not is_label(part)]
    fix = "Correct the first ones, then look again."
    return [finding(document, path, f"there are more than {MOST} mistakes of this kind", fix=fix)]


def _finding(error: ErrorDetails, schema: type[BaseModel], document: Document) -> Finding:
    path = tuple(part for part in error["loc"] if not is_label(part))
    name = _name(path)
    given = error["input"]
    context: Mapping[str, Any] = error.get("ctx") or {}
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
            names = names_beside(schema, error["loc"])
            return finding(
                document,
                path,
                f"nothing here is called {name!r}",
                fix=f"Known here: {', '.join(names)}.",
                suggestion=nearest(name, names),
                of_key=True,
            )
        case "missing":
            fix = f"Add `{name}: ...` here."
            return finding(document, path, f"{name!r} is missing", fix=fix, of_key=True)
        case "enum" | "literal_error":
            words = re.findall("'([^']*)'", str(context.get("expected", "")))
            is_name = error["loc"][-1] == "[key]"
            return finding(
                document,
                path,
                f"nothing here is called {given!r}"
                if is_name
                else f"{name} cannot be {_said(given)}",
                fix=f"Write {one_of(words)}.",
                suggestion=nearest(str(given), words),
                of_key=is_name,
            )
        case _:
            text, fix = _misfit(error["type"], name, given, context)
            return finding(document, path, text, fix=fix)


def _misfit(kind: str, name: str, given: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong and what to write, where no word was misspelt."""
    match kind:
        case "model_type" | "model_attributes_type" | "dict_type" | "mapping_type":
            where = "where names with values belong"
            return f"{name} is {_kind(given)} {where}", "Write `name: value` lines here."
        case "list_type" | "tuple_type":
            where = "where a list belongs"
            return f"{name} is {_kind(given)} {where}", "Write one `- ...` line for each entry."
        case "int_type":
            where = "where a whole number belongs"
            return f"{name} is {_kind(given)} {where}", "Write a whole number without quotes."
        case "string_type":
            where = "where text belongs"
            return f"{name} is {_kind(given)} {where}", "Write text, in quotes if need be."
        case "bool_type":
            return f"{name} cannot be {_said(given)}", "Write true or false."
        case "greater_than_equal" | "greater_than" | "less_than_equal":
            sides = {"ge": "at least", "gt": "more than", "le": "at most"}
            limit, side = next((context[one], sides[one]) for one in sides if one in context)
            return f"{name} cannot be {_said(given)}", f"Write a number of {side} {limit}."
        case "too_short" | "string_too_short":
            return f"{name} is empty", "Write at least one entry."
        case "too_long" | "string_too_long":
            return f"{name} is too long", f"Keep it within {context.get('max_length')}."
        case _:
            return f"{name} does not fit", "Compare it with the files that ship with the product."


def _name(path: Sequence[Key]) -> str:
    """What to call a place: its name, or its number in the list of that name."""
    match list(path):
        case [*_, str(parent), int(number)]:
            return f"entry {number + 1} of {parent}"
        case [*_, last]:
            return str(last)
        case _:
            return "the file"


def _said(value: Any) -> str:
    return str(value) if isinstance(value, int | Decimal) else repr(value)[:80]


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
