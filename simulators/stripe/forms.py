"""Stripe's form encoding: nested brackets in, typed values out, unknown names refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from simulators.stripe.errors import invalid, unknown_parameter

Params = dict[str, Any]


def parse_form(text: str) -> Params:
    """`a[b][0]=c` as `{"a": {"b": ["c"]}}`; values stay strings, an empty string stays one."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *rest = name.replace("]", "").split("[")
        node = tree
        path = [head, *rest]
        for part in path[:-1]:
            part = part or str(len(node))
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise invalid(f"Invalid parameter: {name}", param=head)
            node = child
        node[path[-1] or str(len(node))] = value
    return {name: _lists(value, name) for name, value in tree.items()}


def _lists(node: Any, name: str) -> Any:
    if not isinstance(node, dict):
        return node
    if name != "metadata" and node and all(key.isdigit() for key in node):
        return [_lists(node[key], "") for key in sorted(node, key=int)]
    return {key: _lists(value, key) for key, value in node.items()}


def refuse_unknown(params: Mapping[str, Any], allowed: Iterable[str]) -> None:
    """Raise 400 `parameter_unknown` for the first name outside `allowed`.

    A dotted entry allows a name inside a hash: `pause_collection.behavior`. A hash with no
    dotted entry takes anything.
    """
    names = set(allowed) | {"expand"}
    for name in params:
        if name not in names and not any(entry.startswith(name + ".") for entry in names):
            raise unknown_parameter(name)
        _refuse_inside(params[name], name, names)


def _refuse_inside(value: Any, path: str, names: set[str]) -> None:
    inside = {entry for entry in names if entry.startswith(path + ".")}
    if not inside:
        return
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, dict):
            continue
        for key, child in part.items():
            full = f"{path}.{key}"
            if full not in names and not any(entry.startswith(full + ".") for entry in inside):
                shown = path.replace(".", "[", 1).replace(".", "][") + ("]" if "." in path else "")
                raise unknown_parameter(f"{shown}[{key}]")
            _refuse_inside(child, full, names)


def truth(params: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """A boolean parameter."""
    value = params.get(name)
    if value is None:
        return default
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def whole(params: Mapping[str, Any], name: str) -> int | None:
    """An integer parameter, None when absent or unset."""
    value = params.get(name)
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError) as broken:
        raise invalid(
            f"Invalid integer: {value}", param=name, code="parameter_invalid_integer"
        ) from broken


def one_of(params: Mapping[str, Any], name: str, allowed: Iterable[str]) -> str | None:
    """A parameter out of a closed list."""
    value = params.get(name)
    choices = list(allowed)
    if value is None or value == "":
        return None
    if value not in choices:
        raise invalid(
            f"Invalid {name}: must be one of {', '.join(choices[:-1])}, or {choices[-1]}"
            if len(choices) > 1
            else f"Invalid {name}: must be {choices[0]}",
            param=name,
        )
    return str(value)


def required(params: Mapping[str, Any], name: str) -> Any:
    """A parameter that has to be there."""
    value = params.get(name)
    if value is None or value == "":
        raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    return value


def merged_metadata(old: Mapping[str, str], params: Mapping[str, Any]) -> dict[str, str]:
    """Metadata after an update: keys are merged, an empty value removes one, "" removes all."""
    given = params.get("metadata")
    if given is None:
        return dict(old)
    if given == "":
        return {}
    if not isinstance(given, dict):
        raise invalid("Invalid hash", param="metadata")
    both = {**old, **given}
    kept = {key: value for key, value in both.items() if value != ""}
    if len(kept) > 50:
        raise invalid("Metadata can only have 50 keys", param="metadata")
    for key, value in kept.items():
        if len(key) > 40 or len(str(value)) > 500:
            raise invalid("Metadata keys hold 40 and values 500 characters", param="metadata")
    return kept


def in_range(params: Mapping[str, Any], name: str, value: int | None) -> bool:
    """Whether `value` passes the time filter `name` (a number, or gt/gte/lt/lte)."""
    given = params.get(name)
    if given is None:
        return True
    if value is None:
        return False
    if not isinstance(given, dict):
        return value == whole(params, name)
    for bound in given:
        if bound not in ("gt", "gte", "lt", "lte"):
            raise unknown_parameter(f"{name}[{bound}]")
        limit = whole(given, bound)
        if limit is None:
            continue
        passes = {
            "gt": value > limit,
            "gte": value >= limit,
            "lt": value < limit,
            "lte": value <= limit,
        }[bound]
        if not passes:
            return False
    return True
