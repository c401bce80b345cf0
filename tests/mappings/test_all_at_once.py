"""Two mistakes in one file are two findings, wherever they stand: neither hides the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import pytest

from mappings.mapping_file import check_mapping
from mappings.mapping_schema import MappingDocument
from mappings.policy_file import check_policy
from mappings.policy_schema import PolicyDocument
from mappings.standing_in import Unsure, read_around
from mappings.yaml_source import Document, read_yaml
from tests.mappings import test_mapping_mistakes as mapping
from tests.mappings import test_policy_mistakes as policy
from tests.mappings.broken import right_file

Mistake = tuple[str, str, str]
SKIPPED = 4
"""Every so manieth pair is tried: there are some hundred, and each takes a while."""
FOLLOWS_FROM = {
    frozenset(one)
    for one in (
        ("ours: payment.ammount_due", "flow: <->, theirs: Amount"),
        ("ours: payment.ammount_due", "Amount_Past_Due__c, wins: newest"),
        ("held: []", "released: [in resolution]"),
        ("held: In Resolution", "released: [in resolution]"),
        ("automation: hedl", "at: never, task"),
        ("at: nver", "at: never, task"),
        ("at: nver", "at: 1/3 of the window, task"),
        ("at: 3/2 of the window", "window_days: 10"),
        ("max_working_days: 0", "warn_working_days: 10"),
        ("at: never, task", "at: 1/3 of the window, task"),
        ("at: after_manual_retry", "window_days: 10"),
    )
}
"""Pairs of which the first takes the ground from the second: nobody can tell what was meant."""


def pairs(mistakes: Sequence[Mistake], right: str) -> Iterator[tuple[Mistake, Mistake]]:
    """Mistakes that can be made in one file at once, and keep its lines where they are."""
    short = [one for one in mistakes if "\n" not in one[0] + one[1]]
    for first, second in list(combinations(short, 2))[::SKIPPED]:
        fits = second[0] in right.replace(first[0], first[1], 1)
        if fits and frozenset((first[1], second[1])) not in FOLLOWS_FROM:
            yield first, second


def said(finding: str) -> tuple[str, str]:
    """The line and the words of a finding; columns move with what stands before them."""
    line, _, words = finding.split(":", 2)
    return line, words.replace("'high'", "'mid'")[:40]


CASES = [
    (kind, check, text, first, second)
    for kind, check, text, mistakes in (
        ("mapping", check_mapping, mapping.RIGHT, mapping.MISTAKES),
        ("policy", check_policy, policy.RIGHT, policy.MISTAKES),
    )
    for first, second in pairs([(one[0], one[1], one[2]) for one in mistakes], text)
]


@pytest.mark.parametrize(
    ("kind", "check", "text", "first", "second"),
    CASES,
    ids=[f"{kind}: {first[1]} beside {second[1]}" for kind, _, _, first, second in CASES],
)
def test_two_mistakes_are_two_findings(
    kind: str, check: Callable[..., list[object]], text: str, first: Mistake, second: Mistake
) -> None:
    wrong = text.replace(first[0], first[1], 1).replace(second[0], second[1], 1)
    found = [str(one).removeprefix("f.yaml:") for one in check(wrong, name="f.yaml")]
    wanted = [one.split("yaml:", 1)[-1] for one in (first[2], second[2])]
    assert sorted(map(said, found)) == sorted(map(said, wanted))


# ---------------------------------------------------------------- what stands in


def document(text: str) -> Document:
    found, _ = read_yaml(text, file="f.yaml")
    assert found is not None
    return found


def test_only_what_does_not_fit_is_stood_in_for() -> None:
    text = right_file("mapping.yaml").replace("wins: stripe, cut: 255", "wins: [], cut: 255")
    around = read_around(MappingDocument, document(text))
    assert around is not None
    read, unsure = around
    assert unsure.paths == {("rows", 5, "wins")}
    assert (read.rows[5].theirs, read.rows[5].cut) == ("Last_Failure_Code__c", 255)


def test_an_unknown_name_is_passed_over_and_what_it_may_mean_is_unsure() -> None:
    text = right_file("mapping.yaml").replace("  outcome_field:", "  outcomefield:")
    text = text.replace("  cs_tier: CS_Tier__c\n", "  cs_tier: CS_Tier__c\n  banana: X\n")
    around = read_around(MappingDocument, document(text))
    assert around is not None
    assert around[1].paths == {("task", "outcome_field")}


def test_what_is_missing_altogether_is_stood_in_for_too() -> None:
    around = read_around(PolicyDocument, document("policy: p\n"))
    assert around is not None
    assert around[1].paths == {("version",), ("tiers",)}


@pytest.mark.parametrize(
    ("path", "is_unsure", "is_within"),
    [
        ((), False, True),
        (("rows",), False, True),
        (("rows", 3), False, True),
        (("rows", 3, "wins"), True, True),
        (("rows", 3, "wins", 0), True, True),
        (("rows", 2), False, False),
    ],
)
def test_a_part_is_unsure_with_all_that_is_in_it(
    path: tuple[str | int, ...], is_unsure: bool, is_within: bool
) -> None:
    unsure = Unsure(frozenset({("rows", 3, "wins")}))
    assert (unsure.of(*path), unsure.within(*path)) == (is_unsure, is_within)
