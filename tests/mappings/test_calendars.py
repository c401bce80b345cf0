"""Public holidays become days off, for all countries of a policy together."""

from __future__ import annotations

from datetime import date, time

import pytest

from domain.policy import CalendarRules
from domain.workdays import is_working_day
from mappings.calendars import calendar_for, known_countries

YEAR = range(2026, 2027)


def test_thanksgiving_is_no_working_day_in_the_united_states() -> None:
    assert not is_working_day(date(2026, 11, 26), calendar_for(CalendarRules(), YEAR))
    german = calendar_for(CalendarRules(countries=("DE",)), YEAR)
    assert is_working_day(date(2026, 11, 26), german)


def test_a_day_off_in_one_country_is_a_day_off() -> None:
    both = calendar_for(CalendarRules(countries=("US", "DE")), YEAR)
    assert not is_working_day(date(2026, 11, 26), both)
    assert not is_working_day(date(2026, 5, 1), both)


def test_weekend_and_hours_come_from_the_policy() -> None:
    rules = CalendarRules(countries=(), weekend=(4,), day_starts_hour=8, day_ends_hour=18)
    calendar = calendar_for(rules, YEAR)
    assert (calendar.weekend, calendar.day_starts, calendar.day_ends) == (
        frozenset({4}),
        time(8),
        time(18),
    )


def test_the_same_question_is_answered_once() -> None:
    assert calendar_for(CalendarRules(), YEAR) is calendar_for(CalendarRules(), YEAR)


def test_a_country_without_holidays_is_refused() -> None:
    with pytest.raises(KeyError, match="'XX'"):
        calendar_for(CalendarRules(countries=("XX",)), YEAR)


def test_countries_are_two_letters() -> None:
    assert {"US", "DE", "GB", "JP"} <= known_countries()
    assert "USA" not in known_countries()
