"""Who wins: a table for every rule and arrow, and no state from which two systems take turns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.merge import ABSENT, Act, Base, Flow, Held, Merged, Rule, is_same, loss, merge

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
VALUES = {"A": "agreed", "B": "ours anew", "C": "theirs anew", "_": None}
STATES = ("AA", "AC", "A_", "BA", "BC", "B_", "_A", "_C", "__")
"""Our side, then theirs: as they agreed, changed since, or emptied."""
SIGNS = {Act.KEEP: "=", Act.WRITE_THEIRS: ">", Act.WRITE_OURS: "<", Act.ASK: "?"}
WINNERS = {
    # arrow, rule, who changed last:        AA AC A_  BA BC B_  _A _C __
    (Flow.OUT, Rule.OURS, "nobody knows"): "=  >  >   >  >  >   >  >  =",
    (Flow.OUT, Rule.THEIRS, "nobody knows"): "=  =  =   =  =  =   =  =  =",
    (Flow.OUT, Rule.NEWEST, "ours"): "=  =  =   >  >  >   >  >  =",
    (Flow.OUT, Rule.NEWEST, "theirs"): "=  =  =   >  =  =   >  =  =",
    (Flow.OUT, Rule.NEWEST, "nobody knows"): "=  =  =   >  =  =   >  =  =",
    (Flow.OUT, Rule.IF_BLANK, "nobody knows"): "=  =  >   =  =  >   =  =  =",
    (Flow.OUT, Rule.HUMAN, "nobody knows"): "=  =  =   >  =  =   >  =  =",
    (Flow.OUT, Rule.ASK, "nobody knows"): "=  ?  ?   >  ?  ?   >  ?  =",
    (Flow.IN, Rule.OURS, "nobody knows"): "=  =  =   =  =  =   =  =  =",
    (Flow.IN, Rule.THEIRS, "nobody knows"): "=  <  <   <  <  <   <  <  =",
    (Flow.IN, Rule.NEWEST, "ours"): "=  <  <   =  =  =   =  =  =",
    (Flow.IN, Rule.NEWEST, "theirs"): "=  <  <   =  <  <   =  <  =",
    (Flow.IN, Rule.NEWEST, "nobody knows"): "=  <  <   =  =  =   =  =  =",
    (Flow.IN, Rule.IF_BLANK, "nobody knows"): "=  =  =   =  =  =   <  <  =",
    (Flow.IN, Rule.HUMAN, "nobody knows"): "=  <  <   =  =  =   =  =  =",
    (Flow.IN, Rule.ASK, "nobody knows"): "=  <  <   ?  ?  ?   ?  ?  =",
    (Flow.BOTH, Rule.OURS, "nobody knows"): "=  <  <   >  >  >   >  >  =",
    (Flow.BOTH, Rule.THEIRS, "nobody knows"): "=  <  <   >  <  <   >  <  =",
    (Flow.BOTH, Rule.NEWEST, "ours"): "=  <  <   >  >  >   >  >  =",
    (Flow.BOTH, Rule.NEWEST, "theirs"): "=  <  <   >  <  <   >  <  =",
    (Flow.BOTH, Rule.NEWEST, "nobody knows"): "=  <  <   >  <  <   >  <  =",
    (Flow.BOTH, Rule.IF_BLANK, "nobody knows"): "=  =  >   =  =  >   <  <  =",
    (Flow.BOTH, Rule.HUMAN, "nobody knows"): "=  <  <   >  <  <   >  <  =",
    (Flow.BOTH, Rule.ASK, "nobody knows"): "=  <  <   >  ?  ?   >  ?  =",
}
FIRST_SIGHT = {
    # arrow, rule: nothing was agreed yet; both blank, only ours, only theirs, two values
    (Flow.OUT, Rule.OURS): "=  >  =  >",
    (Flow.OUT, Rule.THEIRS): "=  =  =  =",
    (Flow.OUT, Rule.NEWEST): "=  >  =  =",
    (Flow.OUT, Rule.IF_BLANK): "=  >  =  =",
    (Flow.OUT, Rule.HUMAN): "=  >  =  =",
    (Flow.OUT, Rule.ASK): "=  >  ?  ?",
    (Flow.IN, Rule.OURS): "=  =  =  =",
    (Flow.IN, Rule.THEIRS): "=  =  <  <",
    (Flow.IN, Rule.NEWEST): "=  =  <  =",
    (Flow.IN, Rule.IF_BLANK): "=  =  <  =",
    (Flow.IN, Rule.HUMAN): "=  =  <  =",
    (Flow.IN, Rule.ASK): "=  ?  <  ?",
    (Flow.BOTH, Rule.OURS): "=  >  <  >",
    (Flow.BOTH, Rule.THEIRS): "=  >  <  <",
    (Flow.BOTH, Rule.NEWEST): "=  >  <  <",
    (Flow.BOTH, Rule.IF_BLANK): "=  >  <  =",
    (Flow.BOTH, Rule.HUMAN): "=  >  <  <",
    (Flow.BOTH, Rule.ASK): "=  >  <  ?",
}


def look(
    flow: Flow, rule: Rule, state: str, *, agreed: bool = True, last: str = "nobody knows"
) -> Merged:
    """One look at a field whose two sides are in this state."""
    times = {"ours": (LATER, NOON), "theirs": (NOON, LATER)}.get(last, (None, None))
    return merge(
        flow=flow,
        rule=rule,
        base=Base(ours="agreed", theirs="agreed") if agreed else None,
        ours=Held(value=VALUES[state[0]], changed_at=times[0]),
        theirs=Held(value=VALUES[state[1]], changed_at=times[1]),
    )


@pytest.mark.req("R20")
@pytest.mark.parametrize(("flow", "rule", "last"), WINNERS, ids=lambda one: str(one))
def test_each_rule_has_its_winner_in_each_of_the_nine_states(
    flow: Flow, rule: Rule, last: str
) -> None:
    found = [SIGNS[look(flow, rule, state, last=last).act] for state in STATES]

    assert found == WINNERS[flow, rule, last].split()


@pytest.mark.req("R20")
@pytest.mark.parametrize(("flow", "rule"), FIRST_SIGHT, ids=lambda one: str(one))
def test_each_rule_has_its_winner_where_nothing_was_agreed_yet(flow: Flow, rule: Rule) -> None:
    states = ("__", "B_", "_C", "BC")
    found = [SIGNS[look(flow, rule, state, agreed=False).act] for state in states]

    assert found == FIRST_SIGHT[flow, rule].split()


@pytest.mark.parametrize(
    ("flow", "rule", "state", "does"),
    [
        (Flow.OUT, Rule.OURS, "_C", Act.WRITE_THEIRS),
        (Flow.IN, Rule.THEIRS, "B_", Act.WRITE_OURS),
        (Flow.OUT, Rule.THEIRS, "_C", Act.KEEP),
    ],
)
def test_what_only_we_say_is_cleared_at_first_sight_too(
    flow: Flow, rule: Rule, state: str, does: Act
) -> None:
    ours, theirs = (Held(value=VALUES[one]) for one in state)

    merged = merge(flow=flow, rule=rule, base=None, ours=ours, theirs=theirs, clears=True)

    assert merged.act is does


@pytest.mark.parametrize("stands", ["ours", "theirs"])
@pytest.mark.parametrize("flow", Flow)
def test_the_answer_of_a_person_ends_the_question(flow: Flow, stands: str) -> None:
    held = {"ours": Held(value="B"), "theirs": Held(value="C")}
    said = {name: ABSENT if name == stands else one.value for name, one in held.items()}

    first = merge(
        flow=flow,
        rule=Rule.ASK,
        base=Base(ours=said["ours"], theirs=said["theirs"]),
        ours=held["ours"],
        theirs=held["theirs"],
    )

    loser = Act.WRITE_THEIRS if stands == "ours" else Act.WRITE_OURS
    allowed = {Flow.OUT: Act.WRITE_THEIRS, Flow.IN: Act.WRITE_OURS}.get(flow, loser)
    assert (first.act, first.settles) == ((loser, False) if allowed is loser else (Act.KEEP, True))


@pytest.mark.parametrize(("flow", "said"), [(Flow.OUT, (7, ABSENT)), (Flow.IN, (ABSENT, 7))])
def test_an_answer_about_another_value_is_asked_for_anew(
    flow: Flow, said: tuple[object, object]
) -> None:
    base = Base(ours=said[0], theirs=said[1])
    merged = merge(
        flow=flow, rule=Rule.ASK, base=base, ours=Held(value="B"), theirs=Held(value="C")
    )
    assert merged.act is Act.ASK


def test_every_rule_and_arrow_stands_in_both_tables() -> None:
    everything = {(flow, rule) for flow in Flow for rule in Rule}

    assert {(flow, rule) for flow, rule, _ in WINNERS} == set(FIRST_SIGHT) == everything


@pytest.mark.req("R20")
@pytest.mark.parametrize(
    ("flow", "state", "loses"),
    [
        (Flow.OUT, "AC", "theirs anew"),
        (Flow.OUT, "A_", ABSENT),
        (Flow.IN, "BA", "ours anew"),
        (Flow.BOTH, "BC", "theirs anew"),
        (Flow.OUT, "AA", ABSENT),
    ],
)
def test_a_value_that_is_written_over_is_named(flow: Flow, state: str, loses: object) -> None:
    rule = Rule.THEIRS if flow is Flow.IN else Rule.OURS

    assert look(flow, rule, state).loses == loses


@pytest.mark.parametrize("flow", Flow)
@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("value", [None, "", "B", 7])
def test_what_cannot_be_read_neither_fills_nor_empties(
    flow: Flow, rule: Rule, value: object
) -> None:
    for ours, theirs in ((ABSENT, value), (value, ABSENT)):
        merged = merge(
            flow=flow, rule=rule, base=None, ours=Held(value=ours), theirs=Held(value=theirs)
        )
        assert merged == Merged(act=Act.KEEP, why="one side cannot be read")


# ---------------------------------------------------------------- a world of one field

words = st.one_of(
    st.none(), st.just(""), st.booleans(), st.integers(-9, 9), st.text("abc 1.0", max_size=6)
)
moments = st.one_of(st.none(), st.sampled_from([NOON, LATER]))
flows, rules = st.sampled_from(Flow), st.sampled_from(Rule)
bases = st.one_of(st.none(), st.builds(Base, ours=words, theirs=words))
KEEPERS: dict[str, Callable[[Any], object]] = {
    "as it is": lambda value: value,
    "cut": lambda value: value[:2] if isinstance(value, str) else value,
    "as text": lambda value: None if value is None else str(value).casefold(),
    "nothing": lambda _: None,
    "another word": lambda _: "Other",
}
"""What systems make of what they are given."""


class Sides:
    """One field in two systems, each of which keeps what it is given in its own way."""

    def __init__(
        self, flow: Flow, rule: Rule, base: Base | None, ours: Held, theirs: Held, keeper: str
    ) -> None:
        self.flow, self.rule, self.base = flow, rule, base
        self.ours, self.theirs = ours, theirs
        self.keep = KEEPERS[keeper]

    def round(self) -> Act:
        """Look once and do what follows."""
        merged = merge(
            flow=self.flow, rule=self.rule, base=self.base, ours=self.ours, theirs=self.theirs
        )
        if merged.act is Act.WRITE_THEIRS:
            self.theirs = Held(value=self.keep(self.ours.value))
        if merged.act is Act.WRITE_OURS:
            self.ours = Held(value=self.keep(self.theirs.value))
        if merged.settles or merged.act in (Act.WRITE_THEIRS, Act.WRITE_OURS):
            self.base = Base(ours=self.ours.value, theirs=self.theirs.value)
        return merged.act


@pytest.mark.req("R19")
@pytest.mark.req("R20")
@settings(max_examples=300, deadline=None)
@given(
    flow=flows,
    rule=rules,
    base=bases,
    ours=st.builds(Held, value=words, changed_at=moments),
    theirs=st.builds(Held, value=words, changed_at=moments),
    keeper=st.sampled_from(sorted(KEEPERS)),
)
def test_from_any_state_one_round_is_enough_whatever_the_systems_make_of_a_value(
    flow: Flow, rule: Rule, base: Base | None, ours: Held, theirs: Held, keeper: str
) -> None:
    sides = Sides(flow, rule, base, ours, theirs, keeper)

    first = sides.round()
    at_rest = sides.ours.value, sides.theirs.value
    again = [sides.round() for _ in range(3)]

    assert again == [Act.ASK if first is Act.ASK else Act.KEEP] * 3
    assert (sides.ours.value, sides.theirs.value) == at_rest


@settings(max_examples=200, deadline=None)
@given(
    flow=flows,
    rule=rules,
    base=bases,
    ours=st.builds(Held, value=words, changed_at=moments),
    theirs=st.builds(Held, value=words, changed_at=moments),
)
def test_the_side_that_the_arrow_does_not_point_at_is_never_written(
    flow: Flow, rule: Rule, base: Base | None, ours: Held, theirs: Held
) -> None:
    merged = merge(flow=flow, rule=rule, base=base, ours=ours, theirs=theirs)

    never = {Flow.OUT: Act.WRITE_OURS, Flow.IN: Act.WRITE_THEIRS}.get(flow)
    assert merged.act is not never


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (None, "", True),
        (None, "  ", True),
        (None, 0, False),
        (None, False, False),
        (ABSENT, ABSENT, False),
        (ABSENT, None, False),
        (600, "600.00", True),
        (600.5, 600.49, False),
        (14200.5, 14200.5000001, True),
        (True, "true", True),
        (True, 1, False),
        ("600", "600.0", False),
        ("2026-11-20T06:02:05.000+0000", "2026-11-20T06:02:05Z", True),
        ("2026-11-20T06:02:05Z", "2026-11-20T06:02:06Z", False),
        ("no time at all T but long", "no time at all T but long", True),
        ("nan", 5, False),
    ],
)
def test_two_spellings_of_one_value_are_the_same(one: object, other: object, same: bool) -> None:
    assert (is_same(one, other), is_same(other, one)) == (same, same)


@pytest.mark.parametrize(
    ("sent", "kept", "said"),
    [
        ("abc", "abc", None),
        (600, "600", None),
        ("abcdef", "abc", "was cut from 6 to 3 characters"),
        (600.55, 600.5, "was rounded"),
        ("Gold", None, "was not kept"),
        ("Gold", "Other", "was changed into something else"),
    ],
)
def test_what_a_system_made_of_a_value_is_said(sent: object, kept: object, said: str) -> None:
    assert loss(sent, kept) == said
