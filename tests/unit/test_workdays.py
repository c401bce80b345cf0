"""When working time is over, across weekends, holidays, zones and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import CalendarRules, Span
from domain.workdays import (
    Calendar,
    add_working_days,
    at_local,
    is_working_day,
    is_zone,
    local_date,
    next_working_day,
    span_end,
)
from mappings.calendars import calendar_for

PLAIN = Calendar()
US = calendar_for(CalendarRules(), range(2026, 2028))
NEW_YORK = "America/New_York"


def utc(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# ---------------------------------------------------------------- days


@pytest.mark.req("R105", partly="the retry that follows on that day")
def test_three_working_days_after_the_mail_of_28_april() -> None:
    tuesday = date(2026, 4, 28)
    assert add_working_days(tuesday, 3, PLAIN) == date(2026, 5, 1)
    labour_day = Calendar(holidays=frozenset({date(2026, 5, 1)}))
    assert add_working_days(tuesday, 3, labour_day) == date(2026, 5, 4)


@pytest.mark.req("R105", partly="the retry that follows on that day")
def test_three_working_days_after_a_mail_before_thanksgiving() -> None:
    assert add_working_days(date(2026, 11, 24), 3, US) == date(2026, 11, 30)


def test_the_day_itself_is_never_counted() -> None:
    assert add_working_days(date(2026, 11, 21), 1, PLAIN) == date(2026, 11, 23)
    assert next_working_day(date(2026, 11, 20), PLAIN) == date(2026, 11, 23)
    assert next_working_day(date(2026, 11, 20), PLAIN, 2) == date(2026, 11, 24)


def test_no_working_days_is_today_or_the_next_working_day() -> None:
    assert add_working_days(date(2026, 11, 20), 0, PLAIN) == date(2026, 11, 20)
    assert add_working_days(date(2026, 11, 21), 0, PLAIN) == date(2026, 11, 23)


def test_working_days_can_be_counted_back() -> None:
    assert add_working_days(date(2026, 11, 30), -3, US) == date(2026, 11, 24)


def test_a_weekend_need_not_be_saturday_and_sunday() -> None:
    gulf = Calendar(weekend=frozenset({4, 5}))
    assert not is_working_day(date(2026, 11, 20), gulf)
    assert is_working_day(date(2026, 11, 22), gulf)


@given(
    day=st.dates(min_value=date(2020, 1, 1), max_value=date(2030, 1, 1)),
    n=st.integers(min_value=1, max_value=60),
)
def test_counting_forth_and_back_ends_where_it_began(day: date, n: int) -> None:
    start = add_working_days(day, 0, US)
    assert add_working_days(add_working_days(start, n, US), -n, US) == start


def test_a_calendar_without_a_working_day_is_refused() -> None:
    with pytest.raises(ValueError, match="no working day"):
        Calendar(weekend=frozenset(range(7)))
    with pytest.raises(ValueError, match="cannot end"):
        Calendar(day_starts=time(17), day_ends=time(9))


def test_a_calendar_of_nothing_but_holidays_does_not_hang() -> None:
    first = date(2026, 1, 1)
    off = Calendar(holidays=frozenset(first + timedelta(days=one) for one in range(4000)))
    with pytest.raises(ValueError, match="no working day within"):
        next_working_day(first, off)


def test_next_working_day_is_at_least_one_away() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        next_working_day(date(2026, 11, 20), PLAIN, 0)


# ---------------------------------------------------------------- spans


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        # Friday 20 November, 10:00 in New York: within the day.
        (utc(11, 20, 15), 4, utc(11, 20, 19)),
        # 15:00: two hours on Friday, two on Monday.
        (utc(11, 20, 20), 4, utc(11, 23, 16)),
        # 13:00: exactly until work ends.
        (utc(11, 20, 18), 4, utc(11, 20, 22)),
        # 01:02 at night: from the opening.
        (utc(11, 20, 6, 2), 4, utc(11, 20, 18)),
        # Wednesday 16:00 before Thanksgiving: one hour, then Friday.
        (utc(11, 25, 21), 4, utc(11, 27, 17)),
        # More than a day: Monday 10:00 plus 20 hours.
        (utc(11, 16, 15), 20, utc(11, 18, 19)),
    ],
)
def test_working_hours_pass_only_while_people_work(
    start: datetime, hours: int, end: datetime
) -> None:
    assert span_end(start, Span(hours=hours), US, NEW_YORK) == end


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        # Within working hours: the same time on the next working day.
        (utc(11, 20, 19), 1, utc(11, 23, 19)),
        (utc(11, 25, 19), 1, utc(11, 27, 19)),
        # Before work: that whole day counts.
        (utc(11, 20, 6, 2), 1, utc(11, 20, 22)),
        # After work and on a Saturday: the whole of Monday counts.
        (utc(11, 20, 23), 1, utc(11, 23, 22)),
        (utc(11, 21, 19), 1, utc(11, 23, 22)),
        (utc(11, 21, 19), 3, utc(11, 25, 22)),
    ],
)
def test_working_days_give_nobody_less_than_the_full_time(
    start: datetime, days: int, end: datetime
) -> None:
    assert span_end(start, Span(days=days), US, NEW_YORK) == end


def test_days_come_before_hours() -> None:
    assert span_end(utc(11, 20, 21), Span(days=1, hours=2), US, NEW_YORK) == utc(11, 24, 15)


def test_an_empty_span_ends_where_it_starts() -> None:
    assert span_end(utc(11, 21, 3), Span(), US, NEW_YORK) == utc(11, 21, 3)


def test_the_same_local_time_survives_the_clock_change() -> None:
    # New York leaves summer time on 1 November 2026: 15:00 is 19:00 UTC before and 20:00 after.
    assert span_end(utc(10, 30, 19), Span(days=1), US, NEW_YORK) == utc(11, 2, 20)
    # And enters it on 8 March.
    assert span_end(utc(3, 6, 20), Span(days=1), US, NEW_YORK) == utc(3, 9, 19)


def test_working_hours_across_the_clock_change() -> None:
    # Friday 16:00 and two hours: one on Friday, one on Monday, which is an hour later in UTC.
    assert span_end(utc(10, 30, 20), Span(hours=2), US, NEW_YORK) == utc(11, 2, 15)


def test_a_night_shift_over_the_clock_change_counts_real_hours() -> None:
    round_the_clock = Calendar(weekend=frozenset(), day_starts=time(0), day_ends=time(23))
    # 25 October 2026 in Berlin has 25 hours; from 00:00 to 06:00 seven of them pass.
    start = at_local(date(2026, 10, 25), 0, "Europe/Berlin")
    end = span_end(start, Span(hours=7), round_the_clock, "Europe/Berlin")
    assert end == at_local(date(2026, 10, 25), 6, "Europe/Berlin")


@given(
    minutes=st.integers(min_value=0, max_value=525_600),
    hours=st.integers(min_value=0, max_value=40),
    zone=st.sampled_from([NEW_YORK, "Asia/Tokyo", "Europe/Berlin", "Asia/Kathmandu"]),
)
def test_a_span_ends_within_working_hours_and_never_before_its_start(
    minutes: int, hours: int, zone: str
) -> None:
    start = utc(1, 1, 0) + timedelta(minutes=minutes)
    end = span_end(start, Span(hours=hours, days=1), US, zone)
    assert end - start >= timedelta(hours=hours)
    day = local_date(end, zone)
    assert is_working_day(day, US)
    assert at_local(day, 9, zone) <= end <= at_local(day, 17, zone)


@given(
    minutes=st.integers(min_value=0, max_value=525_600),
    later=st.integers(min_value=0, max_value=20_000),
    span=st.builds(Span, days=st.integers(0, 5), hours=st.integers(0, 12)),
)
def test_who_starts_later_is_never_due_earlier(minutes: int, later: int, span: Span) -> None:
    start = utc(1, 1, 0) + timedelta(minutes=minutes)
    assert span_end(start, span, US, NEW_YORK) <= span_end(
        start + timedelta(minutes=later), span, US, NEW_YORK
    )


# ---------------------------------------------------------------- zones


def test_the_local_day_differs_from_the_utc_day() -> None:
    assert local_date(utc(11, 21, 3), NEW_YORK) == date(2026, 11, 20)
    assert local_date(utc(11, 20, 16), "Asia/Tokyo") == date(2026, 11, 21)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", None, "../etc/passwd", "America", "\x00"])
def test_an_unknown_zone_is_the_default(zone: str | None) -> None:
    day = date(2026, 11, 20)
    assert at_local(day, 9, zone) == utc(11, 20, 14)
    assert at_local(day, 9, zone, default_zone="Asia/Tokyo") == utc(11, 20, 0)
    assert local_date(utc(11, 21, 3), zone) == day
    assert span_end(utc(11, 20, 15), Span(hours=1), PLAIN, zone) == utc(11, 20, 16)


def test_an_unknown_default_is_said() -> None:
    with pytest.raises(ValueError, match="neither 'Mars' nor the default 'Venus'"):
        at_local(date(2026, 11, 20), 9, "Mars", default_zone="Venus")


def test_is_zone_knows_zones_and_nothing_else() -> None:
    assert is_zone(NEW_YORK)
    assert not any(is_zone(name) for name in ["", "Mars/Olympus", "America", "/etc", "\x00"])


def test_an_hour_that_the_clock_change_leaves_out_is_the_hour_after_it() -> None:
    assert at_local(date(2026, 3, 8), time(2, 30), NEW_YORK) == utc(3, 8, 7, 30)


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 11, 20, 15)  # noqa: DTZ001 - the mistake that this test is about
    with pytest.raises(ValueError, match="no time zone"):
        local_date(naive, NEW_YORK)
    with pytest.raises(ValueError, match="no time zone"):
        span_end(naive, Span(days=1), PLAIN, NEW_YORK)
