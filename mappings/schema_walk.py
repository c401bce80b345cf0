"""The way through a file's schema: what belongs at a place, and something that fits there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

Node = Mapping[str, Any]


def is_label(part: str | int) -> bool:
    """Whether it is the validator's own (`<metric>`, `[key]`) and stands nowhere in the file."""
    return isinstance(part, str) and (part == "[key]" or (part[:1] == "<" and part[-1:] == ">"))


def names_beside(schema: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The names that are known where the last part of the path stands."""
    return list(_node(schema, path[:-1]).get("properties", {}))


def is_optional(schema: type[BaseModel], path: Sequence[str | int]) -> bool:
    """Whether the part may simply be left out: a name that is known there and not required."""
    beside = _node(schema, path[:-1])
    return path[-1] in beside.get("properties", {}) and path[-1] not in beside.get("required", ())


def example(schema: type[BaseModel], path: Sequence[str | int]) -> Any:
    """The simplest value that fits at a place; a new one with each call."""
    return _example(_node(schema, path), _definition(schema))


@lru_cache(maxsize=8)
def _definition(schema: type[BaseModel]) -> Node:
    return schema.model_json_schema()


def _node(schema: type[BaseModel], path: Sequence[str | int]) -> Node:
    definition = _definition(schema)
    here: Any = definition
    for part in path:
        here = _resolve(here, definition)
        if isinstance(part, int):
            here = here.get("items", {})
        elif part == "[key]":
            continue
        elif is_label(part):
            options = [_resolve(one, definition) for one in here.get("oneOf", [])]
            wanted = part.strip("<>")
            here = next((one for one in options if wanted in one["properties"]), {})
        else:
            here = here.get("properties", {}).get(part) or here.get("additionalProperties", {})
    return _resolve(here, definition)


def _resolve(here: Any, definition: Node) -> Node:
    """The definition behind a reference or an optional part."""
    while isinstance(here, dict):
        options = [one for one in here.get("anyOf", []) if one.get("type") != "null"]
        if "$ref" in here:
            here = definition["$defs"][here["$ref"].rsplit("/", 1)[-1]]
        elif len(options) == 1:
            here = options[0]
        else:
            return here
    return {}


def _example(node: Any, definition: Node) -> Any:
    node = _resolve(node, definition)
    for fixed in ("examples", "enum"):
        if node.get(fixed):
            return node[fixed][0]
    for several in ("oneOf", "anyOf"):
        if several in node and "properties" not in node:
            return _example(node[several][0], definition)
    match node.get("type"):
        case "object":
            return {
                name: _example(node["properties"][name], definition)
                for name in node.get("required", ())
            } or _entries(node, definition)
        case "array":
            return [_example(node["items"], definition)] if node.get("minItems") else []
        case "integer" | "number":
            return node.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return node.get("const", "x")


def _entries(node: Node, definition: Node) -> dict[str, Any]:
    """The entries of an object with names of its own choice: one if it may not be empty."""
    if not node.get("minProperties"):
        return {}
    name = _example(node.get("propertyNames", {}), definition)
    return {str(name): _example(node["additionalProperties"], definition)}
