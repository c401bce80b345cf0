"""The schemas that editors use are those of the code, and they accept what ships."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import mappings
from mappings.json_schema import FILES, schema_text
from mappings.mapping_file import default_mapping_text
from mappings.policy_file import preset_names, preset_text
from mappings.yaml_source import read_yaml

FOLDER = Path(next(iter(mappings.__path__))) / "schema"


def plain(text: str) -> Any:
    """The document as an editor sees it, with ordinary numbers."""
    document, _ = read_yaml(text, file="f.yaml")
    assert document is not None
    return json.loads(json.dumps(document.value, default=float))


def problems(text: str, file: str) -> list[str]:
    schema = json.loads(schema_text(file))
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    return [one.message for one in checker.iter_errors(plain(text))]


@pytest.mark.parametrize("file", sorted(FILES))
def test_the_schema_in_the_folder_is_the_one_of_the_code(file: str) -> None:
    remedy = f"run: python -m mappings.json_schema {file} > mappings/schema/{file}"
    assert (FOLDER / file).read_text(encoding="utf-8") == schema_text(file), remedy


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_fits_the_schema(name: str) -> None:
    assert problems(preset_text(name), "policy.schema.json") == []


def test_the_shipped_mapping_fits_the_schema() -> None:
    assert problems(default_mapping_text("salesforce"), "mapping.schema.json") == []


def test_the_schema_refuses_what_the_check_refuses() -> None:
    misspelt = preset_text("default").replace("automation: held", "automation: hedl")
    assert problems(misspelt, "policy.schema.json") != []
    unknown = default_mapping_text("salesforce").replace("ours: payment.mrr", "ours: payment.mmr")
    assert problems(unknown, "mapping.schema.json") != []


def test_the_files_that_ship_name_their_schema() -> None:
    head = "# yaml-language-server: $schema="
    assert all(preset_text(name).startswith(f"{head}../schema/") for name in preset_names())
    assert default_mapping_text("salesforce").startswith(f"{head}schema/")


def test_exact_numbers_stay_exact_on_the_way() -> None:
    document, _ = read_yaml("value: 500.10", file="f.yaml")
    assert document is not None
    assert document.value == {"value": Decimal("500.10")}
