"""Two versions differ only where they mean something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mappings.canonical import as_json, canonical, difference, written
from mappings.mapping_file import check_mapping, default_mapping_text, load_mapping
from mappings.policy_file import check_policy, load_policy, preset_names, preset_text
from mappings.yaml_source import read_yaml
from tests.mappings.broken import broken, right_file

Load = Callable[..., Any]
SHIPPED: list[tuple[Load, str]] = [
    (load_mapping, default_mapping_text("salesforce")),
    (load_mapping, default_mapping_text("hubspot")),
    *((load_policy, preset_text(name)) for name in preset_names()),
]
RIGHT = right_file("mapping.yaml")


def unordered(loaded: Any) -> Any:
    """Rows have no order: each writes a field of its own."""
    return {**vars(loaded), "rows": sorted(getattr(loaded, "rows", ()), key=lambda row: row.theirs)}


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


def turned(value: Any) -> Any:
    """The same with the names of every part the other way round."""
    match value:
        case dict():
            return {name: turned(value[name]) for name in reversed(value)}
        case list():
            return [turned(one) for one in value]
        case _:
            return value


@pytest.mark.parametrize(("load", "text"), SHIPPED)
def test_the_order_of_names_is_no_difference(load: Load, text: str) -> None:
    document, _ = read_yaml(text, file="f.yaml")
    assert document is not None
    other = written(turned(document.value))
    assert load(other, name="f.yaml") == load(text, name="f.yaml")
    assert canonical(other) == canonical(text)
    assert as_json(other) == as_json(text)


@pytest.mark.parametrize(("load", "text"), SHIPPED)
def test_both_forms_have_the_same_canonical_form(load: Load, text: str) -> None:
    assert canonical(as_json(text)) == canonical(text)


CONSTANT = "rows:\n  - {constant: SAID, flow: ->, theirs: Source__c, wins: worker}\n"


@pytest.mark.parametrize(
    ("right", "one", "other"),
    [
        ("held: [In Resolution]", "held: [true, In Resolution]", 'held: [In Resolution, "true"]'),
        ("rows:\n", CONSTANT.replace("SAID", "1.10"), CONSTANT.replace("SAID", "'1.10'")),
        ("rows:\n", CONSTANT.replace("SAID", "007"), CONSTANT.replace("SAID", '"007"')),
        ("released: [Released]", "released: []", ""),
        ("promise: Dunning_Promise_Date__c", "promise:", ""),
    ],
)
def test_what_is_read_as_the_same_is_no_difference(right: str, one: str, other: str) -> None:
    first, second = broken(RIGHT, right, one), broken(RIGHT, right, other)
    assert load_mapping(first, name="f").rows == load_mapping(second, name="f").rows
    assert difference(first, second, old_name="a", new_name="b") == []


def test_a_number_that_is_meant_as_text_is_the_same_text_in_every_form() -> None:
    text = broken(RIGHT, "rows:\n", CONSTANT.replace("SAID", "1.10"))
    said = [
        [row.constant for row in load_mapping(one, name="f").rows if row.constant]
        for one in (text, canonical(text), as_json(text))
    ]
    assert said == [["1.10"]] * 3


@pytest.mark.parametrize(
    ("right", "same"),
    [
        ("value: 5000,", "value: 5000.00,"),
        ("due: 1 working day,", "due: 1 business days,"),
        ("countries: [US]", 'countries: ["US"]'),
    ],
)
def test_a_policy_in_other_words_is_no_difference(right: str, same: str) -> None:
    text = preset_text("default")
    assert difference(text, broken(text, right, same), old_name="a", new_name="b") == []


def test_the_order_of_tiers_and_of_the_escalation_is_a_difference() -> None:
    text = preset_text("default")
    other = broken(text, "[csm, account_owner", "[account_owner, csm")
    assert difference(text, other, old_name="a", new_name="b") != []


def test_a_knob_that_is_said_is_kept_even_where_it_says_the_usual() -> None:
    text = broken(RIGHT, "rows:\n", "limits: {tasks_per_hour: 100}\nrows:\n")
    assert "limits:\n  tasks_per_hour: 100\n" in canonical(text)


def test_an_old_version_that_does_not_fit_any_more_has_a_form_too() -> None:
    text = broken(RIGHT, "promise:", "promised:")
    assert canonical(canonical(text)) == canonical(text)
    assert "promised: Dunning_Promise_Date__c" in canonical(text)


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
