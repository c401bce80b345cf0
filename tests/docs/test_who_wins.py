"""The page about who wins says what the merge does, cell by cell."""

from __future__ import annotations

import pytest

from domain.merge import Act, Base, Flow, Held, merge
from mappings.mapping import RULES
from mappings.vocabulary import OURS, WINNERS, Winner
from tests.docs.documents import Document, documents

PAGE: Document = next(one for one in documents("docs/*.md") if one.path == "docs/who-wins.md")
SAID = {
    "put back": {Act.WRITE_THEIRS},
    "written": {Act.WRITE_THEIRS},
    "left": {Act.KEEP},
    "a person is asked": {Act.ASK},
}


def tables() -> list[list[list[str]]]:
    """The rows of each table of the page, heads left out."""
    found: list[list[list[str]]] = [[]]
    for line in PAGE.text.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip().strip("|").split(" | ")])
        elif found[-1]:
            found.append([])
    return [table[2:] for table in found if table]


def act(flow: Flow, wins: Winner, ours: str | None, theirs: str | None) -> Act:
    return merge(
        flow=flow,
        rule=RULES[wins],
        base=Base(ours="agreed", theirs="agreed"),
        ours=Held(value=ours),
        theirs=Held(value=theirs),
    ).act


@pytest.mark.parametrize("row", tables()[1], ids=lambda row: row[0])
def test_an_arrow_one_way_does_what_the_page_says(row: list[str]) -> None:
    name, typed, emptied, changed = row
    wins = Winner.STRIPE if "owner" in name else Winner(name.strip("`"))

    states = ((typed, "agreed", "person"), (emptied, "agreed", None), (changed, "new", "agreed"))
    for cell, ours, theirs in states:
        assert act(Flow.OUT, wins, ours, theirs) in SAID[cell.partition(",")[0]]


def test_an_arrow_both_ways_does_what_the_page_says() -> None:
    said = {Winner(one.strip(" `")) for row in tables()[2] for one in row[0].split(",")}
    assert said == set(WINNERS[Flow.BOTH])
    found = {wins: act(Flow.BOTH, wins, "ours", "theirs") for wins in said}
    assert found == {
        Winner.STRIPE: Act.WRITE_THEIRS,
        Winner.CRM: Act.WRITE_OURS,
        Winner.HUMAN: Act.WRITE_OURS,
        Winner.NEWEST: Act.WRITE_OURS,
        Winner.IF_BLANK: Act.KEEP,
        Winner.ASK: Act.ASK,
    }


def test_the_names_on_our_side_are_under_the_arrows_that_they_may_have() -> None:
    listed = {row[0].strip("`"): row[2] for row in tables()[0]}
    for flow in Flow:
        heads = {name.partition(".")[0] for name, ours in OURS.items() if flow in ours.flows}
        assert {head for head in heads if f"`{head}.`" not in listed[flow.value]} == set()


def test_only_the_rules_of_the_page_may_stand_on_an_arrow_one_way() -> None:
    named = {row[0].strip("`") for row in tables()[1] if "owner" not in row[0]}
    assert named == {one.value for one in WINNERS[Flow.OUT]}
