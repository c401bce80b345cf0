"""Public holidays as a working calendar; the only room that knows where holidays come from."""

from __future__ import annotations

from datetime import date, time
from functools import lru_cache

import holidays

from domain.policy import CalendarRules
from domain.workdays import Calendar


@lru_cache(maxsize=32)
def calendar_for(rules: CalendarRules, years: range) -> Calendar:
    """The calendar of a policy for these years; a day off in any of its countries is a day off.

    Ask for every year that may be touched: a day outside `years` has no holidays. The same
    arguments give the same calendar without computing it again. KeyError for a country that the
    policy check refuses.
    """
    off: set[date] = set()
    for country in rules.countries:
        if country not in known_countries():
            raise KeyError(f"no holidays are known for country {country!r}")
        off.update(holidays.country_holidays(country, years=years))
    return Calendar(
        holidays=frozenset(off),
        weekend=frozenset(rules.weekend),
        day_starts=time(rules.day_starts_hour),
        day_ends=time(rules.day_ends_hour),
    )


@lru_cache(maxsize=1)
def known_countries() -> frozenset[str]:
    """The two-letter codes of the countries whose holidays are known."""
    return frozenset(code for code in holidays.list_supported_countries() if len(code) == 2)
