"""Every closed set has its words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console import words
from domain.case import CaseState, TimerKind
from domain.effects import EffectKind
from domain.holds import Quiet, SuppressionState
from domain.rows import EffectState


@pytest.mark.parametrize(
    ("named", "closed"),
    [
        (words.STAGES, CaseState),
        (words.QUIET, Quiet),
        (words.TONES, Quiet),
        (words.TIMERS, TimerKind),
        (words.EFFECTS, EffectKind),
        (words.STATES, EffectState),
        (words.LEDGER, SuppressionState),
    ],
)
def test_each_member_of_a_closed_set_has_words(named: object, closed: object) -> None:
    assert set(named) == set(closed)  # type: ignore[call-overload]


def test_what_is_not_known_to_be_quiet_looks_like_what_is_not_quiet() -> None:
    assert words.TONES[Quiet.UNKNOWN] == words.TONES[Quiet.NOT_QUIET]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ({"advances": True}, "collected automatically"),
        ({"advances": False}, "not collected automatically"),
        ({"pause": None}, "not paused"),
        ({"pause": "void"}, "paused (void)"),
        ({"pause": {"behavior": "void", "resumes_at": None}}, "paused (void)"),
        ({"other": 1}, "other: 1"),
        ({}, "not read yet"),
    ],
)
def test_a_setting_is_told_as_it_was_found(before: dict[str, object], said: str) -> None:
    assert words.found_before(before) == said


@pytest.mark.parametrize(
    ("every", "said"),
    [
        (timedelta(seconds=30), "30 seconds"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=1), "1 day"),
    ],
)
def test_a_rhythm_is_told_in_its_largest_whole_unit(every: timedelta, said: str) -> None:
    assert words.rhythm(every) == said
