"""The JSON Schemas that give completion in editors, made from the types that check the files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from mappings.mapping_schema import MappingDocument
from mappings.policy_schema import PolicyDocument

FILES: Mapping[str, type[BaseModel]] = {
    "mapping.schema.json": MappingDocument,
    "policy.schema.json": PolicyDocument,
}
"""The files in `mappings/schema/`, and the type that each is made from."""


def schema_text(file: str) -> str:
    """The schema as the file in `mappings/schema/` has to hold it. KeyError for another name."""
    shape = FILES[file].model_json_schema(by_alias=True)
    _tidy(shape)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": file}
    return json.dumps({**head, **shape}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> None:
    """Drop titles that only repeat names, and write spans of time as the files write them."""
    if isinstance(node, list):
        for one in node:
            _tidy(one)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str):
        del node["title"]
    match node.get("default"):
        case {"days": days, "hours": 0}:
            node["default"] = f"{days} working {'day' if days == 1 else 'days'}"
        case {"hours": hours, "days": 0}:
            node["default"] = f"{hours} working {'hour' if hours == 1 else 'hours'}"
        case dict():
            del node["default"]  # what is in it stands at its own names already
    for one in node.values():
        _tidy(one)


if __name__ == "__main__":
    # python -m mappings.json_schema policy.schema.json > mappings/schema/policy.schema.json
    sys.stdout.write(schema_text(sys.argv[1]))
