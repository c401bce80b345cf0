"""YAML that means what it shows, and a place for everything in it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mappings.yaml_source import MAX_BYTES, Document, read_yaml


def document(text: str) -> Document:
    found, findings = read_yaml(text, file="f.yaml")
    assert findings == []
    assert found is not None
    return found


def test_values_keep_their_meaning() -> None:
    text = """
        whole: 5000
        exact: 5000.10
        yes_is_a_word: yes
        off_is_a_word: off
        norway: NO
        truth: true
        nothing: ~
        empty:
        leading_zero: 007
        day: 2026-11-20
        quoted: "12"
        arrow: ->
    """
    assert document(text).value == {
        "whole": 5000,
        "exact": Decimal("5000.10"),
        "yes_is_a_word": "yes",
        "off_is_a_word": "off",
        "norway": "NO",
        "truth": True,
        "nothing": None,
        "empty": None,
        "leading_zero": "007",
        "day": "2026-11-20",
        "quoted": "12",
        "arrow": "->",
    }


def test_every_value_and_every_key_has_a_place() -> None:
    found = document("tiers:\n  - name: vip\n    any_of: [a, b]\n")
    assert (found.place(("tiers", 0, "any_of", 1)).line, found.place(("tiers", 0)).line) == (3, 2)
    assert found.place(("tiers", 0, "any_of", 1)).column == 17
    assert found.place(("tiers", 0, "any_of"), of_key=True).column == 5


def test_what_is_not_there_has_the_place_of_its_parent() -> None:
    found = document("tiers:\n  - name: vip\n")
    assert found.place(("tiers", 0, "handoff", "at")) == found.place(("tiers", 0))
    assert found.place(("nowhere",)) == found.place(())


def test_nothing_stands_where_its_name_stands() -> None:
    found = document("a:\n\n\nb: 1\n")
    assert found.place(("a",)) == found.place(("a",), of_key=True)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    assert document("\ufeffa: 1\r\nb: 2\r\n").value == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n\t# why\nb: 2\n",
        "a: 1\t# it is one\nb: 2\n",
        "a: 1\n\t\nb: 2\n",
        "a: 1\n  \t # 'why'\t# so\nb: 2 \t#\n",
    ],
)
def test_a_tab_before_a_comment_or_on_an_empty_line_is_none(text: str) -> None:
    assert document(text).value == {"a": 1, "b": 2}


def test_a_tab_inside_a_text_stays() -> None:
    assert document("a: 'x\t# y'\n").value == {"a": "x\t# y"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a:\n\tb: 1\n\tc:\n\t\td: 2\n", {"a": {"b": 1, "c": {"d": 2}}}),
        ("a:\n    b: 1\n\tc: 2\n", {"a": {"b": 1, "c": 2}}),
        ("a:\n  - b: 1\n\t  c: 2\n\t- b: 2\n", {"a": [{"b": 1, "c": 2}, {"b": 2}]}),
        ("a:\n  b: 1\n \t c:\n\td: 3\n", {"a": {"b": 1, "c": {"d": 3}}}),
    ],
)
def test_every_tab_is_named_and_the_rest_is_read_as_it_was_meant(
    text: str, value: dict[str, object]
) -> None:
    found, findings = read_yaml(text, file="f.yaml")
    assert found is not None
    assert found.value == value
    assert [one.line for one in findings] == [
        number for number, line in enumerate(text.splitlines(), start=1) if "\t" in line
    ]
    assert {one.message for one in findings} == {"a tab stands where spaces belong"}


def test_a_place_behind_a_tab_is_that_of_the_file() -> None:
    found, _ = read_yaml("a:\n\tb: 1\n", file="f.yaml")
    assert found is not None
    assert found.place(("a", "b"), of_key=True).column == 2
    assert found.place(("a", "b")).column == 5


def test_more_than_a_hundred_tabs_are_a_hundred_and_one_findings() -> None:
    _, findings = read_yaml("a:\n" + "".join(f"\tb{n}: 1\n" for n in range(300)), file="f.yaml")
    assert len(findings) == 101


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("a: 1\na: 2\n", "f.yaml:2:1: 'a' stands here a second time; the first is in line 1"),
        ("a:\n\tb: 1\n", "f.yaml:2:1: a tab stands where spaces belong"),
        ("a: &x 1\n", "f.yaml:1:4: anchors and aliases (& and *) are not used here"),
        ("a: *x\n", "f.yaml:1:4: anchors and aliases (& and *) are not used here"),
        ("&x a: 1\n", "f.yaml:1:1: anchors and aliases (& and *) are not used here"),
        ("a: !x 1\n", "f.yaml:1:4: the tag !x is not used here"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here"),
        ("? [a]\n: b\n", "f.yaml:1:3: a name before the colon is a single word here"),
        (
            "a: b: c\n",
            "f.yaml:1:5: this cannot be read as YAML: mapping values are not allowed here",
        ),
        ("\x00", "f.yaml:1:1: this cannot be read as YAML: odd characters"),
        ('"\\UFFFFFFFF"', "f.yaml:1:1: this cannot be read as YAML: odd characters"),
        ("- " * 30, "f.yaml:1:43: this is nested too deeply"),
        ("a" * (MAX_BYTES + 1), "f.yaml:1:1: the file is larger than 256 KiB"),
    ],
)
def test_what_would_surprise_people_is_refused_with_its_place(text: str, finding: str) -> None:
    _, findings = read_yaml(text, file="f.yaml")
    assert [str(one) for one in findings] == [finding]
    assert findings[0].fix


def test_the_first_of_two_equal_names_counts() -> None:
    found, _ = read_yaml("a: 1\na: 2\n", file="f.yaml")
    assert found is not None
    assert found.value == {"a": 1}


def test_reading_stops_after_a_hundred_mistakes() -> None:
    found, findings = read_yaml("a: 1\n" * 5000, file="f.yaml")
    assert found is None
    assert len(findings) == 101
    assert findings[-1].message == "there are more than 100 names that stand twice"


def test_an_empty_file_is_nothing_and_no_mistake() -> None:
    assert document("# only a comment\n").value is None
