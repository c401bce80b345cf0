"""A row is changed in the text, and everything around it stays as somebody wrote it."""

from __future__ import annotations

import pytest

from mappings.mapping_file import check_mapping, default_mapping_text, load_mapping
from mappings.row_edit import NoRows, raw_rows, with_new_row, with_row, without_row

TEXT = """\
# Ours.
mapping: x
rows:
  # The status.
  - ours: payment.status
    flow: ->
    theirs: Status__c  # said by Ann
    values:
      failed: Failed

  # Money.
  - {ours: payment.mrr, flow: ->, theirs: MRR__c, wins: stripe}  # in euros
  - {ours: payment.arr, flow: ->, theirs: ARR__c, wins: stripe}

people: {csm: CSM__c}
"""
ROW = {"ours": "payment.mrr", "flow": "->", "theirs": "Other__c", "wins": "human"}


def test_rows_know_their_lines_whatever_stands_between_them() -> None:
    found = [(one.number, one.line, one.last_line, one.theirs) for one in raw_rows(TEXT)]

    assert found == [(0, 5, 9, "Status__c"), (1, 12, 12, "MRR__c"), (2, 13, 13, "ARR__c")]


def test_a_changed_row_changes_its_own_line_only() -> None:
    found = with_row(TEXT, 1, ROW)

    assert found == TEXT.replace(
        "{ours: payment.mrr, flow: ->, theirs: MRR__c, wins: stripe}",
        "{ours: payment.mrr, flow: ->, theirs: Other__c, wins: human}",
    )


def test_a_row_of_several_lines_becomes_one_line_and_the_rest_stays() -> None:
    found = with_row(TEXT, 0, ROW)

    assert found.splitlines()[:7] == [
        "# Ours.",
        "mapping: x",
        "rows:",
        "  # The status.",
        "  - {ours: payment.mrr, flow: ->, theirs: Other__c, wins: human}",
        "",
        "  # Money.",
    ]


def test_a_new_row_stands_behind_the_last_one() -> None:
    lines = with_new_row(TEXT, ROW).splitlines()

    assert lines[13] == "  - {ours: payment.mrr, flow: ->, theirs: Other__c, wins: human}"
    assert lines[:13] + lines[14:] == TEXT.splitlines()


def test_a_row_that_is_taken_out_takes_its_lines_with_it() -> None:
    assert without_row(TEXT, 1) == TEXT.replace(
        "  - {ours: payment.mrr, flow: ->, theirs: MRR__c, wins: stripe}  # in euros\n", ""
    )


@pytest.mark.parametrize(
    "text",
    [
        "rows: [{ours: a, theirs: A}, {ours: b, theirs: B}]\nhold: {field: H}\n",
        "rows:\n- ours: a\n  theirs: A\n-\n  ours: b\n  theirs: B\nhold: {field: H}\n",
        "rows:\n  - ours: a\n    theirs: A\n  - ours: b\n    theirs: |\n      B\nhold: {field: H}",
    ],
)
def test_rows_that_are_written_oddly_can_be_edited_too(text: str) -> None:
    changed = with_row(with_new_row(text, ROW), 0, {"ours": "x", "theirs": "true"})
    left = raw_rows(without_row(changed, 1))

    assert [dict(one.said) for one in left] == [{"ours": "x", "theirs": "true"}, ROW]


@pytest.mark.parametrize("text", ["", "rows: 3\n", "- a\n", "rows: [", "\t"])
def test_what_has_no_rows_says_so(text: str) -> None:
    with pytest.raises(NoRows):
        raw_rows(text)
    with pytest.raises(NoRows):
        with_new_row(text, ROW)


@pytest.mark.parametrize("system", ["salesforce", "hubspot"])
def test_every_row_of_what_ships_can_be_written_anew_without_a_change_of_meaning(
    system: str,
) -> None:
    text = default_mapping_text(system)
    before = load_mapping(text, name="x")

    for one in raw_rows(text):
        text = with_row(text, one.number, one.said)

    assert check_mapping(text, name="x") == []
    assert load_mapping(text, name="x") == before
    assert [one for one in text.splitlines() if one.startswith("#")] == [
        one for one in default_mapping_text(system).splitlines() if one.startswith("#")
    ]


def test_a_tab_before_a_comment_moves_nothing() -> None:
    text = TEXT.replace("  # Money.", "\t# Money.").replace("  # in euros", "\t# in euros")

    assert with_row(text, 2, ROW) == text.replace(
        "{ours: payment.arr, flow: ->, theirs: ARR__c, wins: stripe}",
        "{ours: payment.mrr, flow: ->, theirs: Other__c, wins: human}",
    )


def test_rows_behind_a_tab_are_not_edited_one_by_one() -> None:
    with pytest.raises(NoRows):
        raw_rows(TEXT.replace("  - {ours: payment.arr", "\t- {ours: payment.arr"))


@pytest.mark.parametrize(
    "mistake",
    [
        ("people:", "hold: {field: Other, words: {held: [Yes]}}\npeople:"),
        ("promise: ", "promise: *elsewhere  # "),
    ],
)
def test_a_row_edited_beside_a_mistake_leaves_the_mistake_and_what_it_is_about(
    mistake: tuple[str, str],
) -> None:
    text = default_mapping_text("salesforce").replace(*mistake, 1)
    first = raw_rows(text)[0]

    after = with_row(text, first.number, {**first.said, "wins": "if_blank"})

    assert after.count("\n") == text.count("\n") - (first.last_line - first.line)
    assert len(check_mapping(after, name="m")) == len(check_mapping(text, name="m")) > 0
    assert mistake[1] in after


def test_rows_that_cannot_be_cut_out_are_not_written_anew_beside_a_mistake() -> None:
    text = "rows: [{ours: a, theirs: B}]\nhold: {field: One}\nhold: {field: Two}\n"

    with pytest.raises(NoRows, match="before the rest of the text is right"):
        with_row(text, 0, {"ours": "a", "theirs": "C"})
