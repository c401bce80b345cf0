"""Two versions differ only where they mean something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mappings.canonical import as_json, canonical, difference
from mappings.mapping_file import check_mapping, default_mapping_text, load_mapping
from mappings.policy_file import check_policy, load_policy, preset_names, preset_text
from mappings.yaml_source import read_yaml
from tests.mappings.broken import broken, right_file

Load = Callable[..., Any]
SHIPPED: list[tuple[Load, str]] = [
    (load_mapping, default_mapping_text("salesforce")),
    *((load_policy, preset_text(name)) for name in preset_names()),
]
RIGHT = right_file("mapping.yaml")


def unordered(loaded: Any) -> Any:
    """Rows have no order: each writes a field of its own."""
    return {**vars(loaded), "rows": sorted(map(repr, getattr(loaded, "rows", ())))}


@pytest.mark.parametrize(("load", "text"), SHIPPED)
def test_the_canonical_form_means_the_same_and_is_its_own_canonical_form(
    load: Load, text: str
) -> None:
    once = canonical(text)
    assert unordered(load(once, name="c.yaml")) == unordered(load(text, name="f.yaml"))
    assert canonical(once) == once


@pytest.mark.parametrize(("load", "text"), SHIPPED)
def test_the_json_form_is_read_like_the_file(load: Load, text: str) -> None:
    assert unordered(load(as_json(text), name="c.json")) == unordered(load(text, name="f.yaml"))
    json.loads(as_json(text))


def test_comments_blanks_quotes_and_the_order_of_rows_are_no_difference() -> None:
    lines = RIGHT.splitlines()
    rows = [line for line in lines if line.startswith("  - {ours: payment.")]
    other = RIGHT.replace("\n".join(rows[:2]), "\n".join(reversed(rows[:2])))
    other = "# by hand\n" + other.replace("object: Account", 'object:   "Account"')
    assert other != RIGHT
    assert difference(RIGHT, other, old_name="a", new_name="b") == []


def test_a_changed_row_is_one_line_out_and_one_line_in() -> None:
    other = broken(RIGHT, "cut: 255", "cut: 80")
    changed = [
        line
        for line in difference(RIGHT, other, old_name="mapping@1", new_name="mapping@2")
        if line[0] in "+-"
    ]
    row = "  - {ours: payment.last_failure, flow: ->, theirs: Last_Failure_Code__c, wins: stripe, "
    assert changed == [
        "--- mapping@1",
        "+++ mapping@2",
        f"-{row}cut: 255}}",
        f"+{row}cut: 80}}",
    ]


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=12) | st.booleans() | st.integers()))
def test_no_word_changes_its_meaning_in_the_canonical_form(value: dict[str, Any]) -> None:
    before, findings = read_yaml(json.dumps({"context": value}), file="f")
    assume(before is not None and not findings)
    after, _ = read_yaml(canonical(json.dumps({"context": value})), file="f")
    assert before is not None
    assert after is not None
    assert after.value == before.value


def test_what_was_fine_is_fine_in_the_canonical_form() -> None:
    assert check_mapping(canonical(RIGHT), name="m.yaml") == []
    assert check_policy(canonical(preset_text("sequence")), name="p.yaml") == []
