"""Working days and working hours: when "three working days later" really is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.policy import Span

DEFAULT_ZONE = "America/New_York"
"""Used when neither the person's zone nor the policy's is known; most of our users sit there."""
ONE_DAY = timedelta(days=1)
FAR = 3660
"""Days we look ahead before we call a calendar empty: no holiday list may hang a worker."""


@dataclass(frozen=True)
class Calendar:
    """Which days are worked, and from when to when, in whatever zone it is asked for.

    The holidays come in as data: the one place that knows where they are from is
    `mappings/calendars.py`.
    """

    holidays: frozenset[date] = frozenset()
    weekend: frozenset[int] = frozenset({5, 6})
    day_starts: time = time(9)
    day_ends: time = time(17)

    def __post_init__(self) -> None:
        if not self.day_starts < self.day_ends:
            raise ValueError(f"a working day cannot end at {self.day_ends} before it starts")
        if self.weekend >= frozenset(range(7)):
            raise ValueError("a calendar in which every day is a weekend has no working day")


def is_working_day(day: date, calendar: Calendar) -> bool:
    """Whether people work on this day."""
    return day.weekday() not in calendar.weekend and day not in calendar.holidays


def next_working_day(day: date, calendar: Calendar, n: int = 1) -> date:
    """The `n`th working day strictly after `day` (n >= 1)."""
    if n < 1:
        raise ValueError(f"the next working day is at least 1 away, not {n}")
    return add_working_days(day, n, calendar)


def add_working_days(day: date, n: int, calendar: Calendar) -> date:
    """`n` working days after `day`; before it when `n` is negative.

    `day` itself is never counted, so Saturday plus 1 is Monday. With 0 it is `day`, or the next
    working day when `day` is none.
    """
    step = -ONE_DAY if n < 0 else ONE_DAY
    left = abs(n)
    if left == 0:
        if is_working_day(day, calendar):
            return day
        left = 1
    barren = 0
    while left:
        day += step
        if is_working_day(day, calendar):
            left -= 1
            barren = 0
        else:
            barren += 1
            if barren > FAR:
                raise ValueError(f"no working day within {FAR} days of {day}")
    return day


@lru_cache(maxsize=1024)
def _zone(name: str | None, default_zone: str) -> ZoneInfo:
    for candidate in (name, default_zone):
        try:
            if candidate:
                return ZoneInfo(candidate)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            # OSError: "America" alone is a directory of the zone database.
            continue
    raise ValueError(f"neither {name!r} nor the default {default_zone!r} is a time zone")


def is_zone(name: str) -> bool:
    """Whether the zone database knows this name."""
    try:
        return bool(name) and ZoneInfo(name) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def local_date(moment: datetime, zone: str | None, *, default_zone: str = DEFAULT_ZONE) -> date:
    """The calendar day of a moment for somebody in this zone; an unknown zone is the default."""
    return _aware(moment).astimezone(_zone(zone, default_zone)).date()


def at_local(
    day: date, hour: int | time, zone: str | None, *, default_zone: str = DEFAULT_ZONE
) -> datetime:
    """The UTC moment at which it is `hour` o'clock on `day` in this zone.

    An hour that the clock change leaves out is the same moment as the hour after it; one that
    comes twice is the first.
    """
    wall = hour if isinstance(hour, time) else time(hour)
    return datetime.combine(day, wall, _zone(zone, default_zone)).astimezone(UTC)


def at_work(
    moment: datetime, calendar: Calendar, zone: str | None, *, default_zone: str = DEFAULT_ZONE
) -> datetime:
    """The moment itself while people work, else the next opening."""
    return _hours_later(_aware(moment).astimezone(UTC), 0, calendar, zone or "", default_zone)


def span_end(
    start: datetime,
    span: Span,
    calendar: Calendar,
    zone: str | None,
    *,
    default_zone: str = DEFAULT_ZONE,
) -> datetime:
    """When the working time `span` that begins at `start` is over, in UTC.

    Whole days come first: the same local time so many working days later. A start outside
    working hours counts from the next opening, and its last day then ends when work ends, so
    nobody is ever given less than the full span. Hours are working hours of that zone and pass
    only while people work. An empty span ends where it starts.
    """
    moment = _aware(start).astimezone(UTC)
    if span.days:
        moment = _days_later(moment, span.days, calendar, zone or default_zone, default_zone)
    if span.hours:
        moment = _hours_later(moment, span.hours, calendar, zone or default_zone, default_zone)
    return moment


def _days_later(
    moment: datetime, days: int, calendar: Calendar, zone: str, default_zone: str
) -> datetime:
    local = moment.astimezone(_zone(zone, default_zone))
    day, clock = local.date(), local.time()
    if is_working_day(day, calendar) and calendar.day_starts <= clock < calendar.day_ends:
        later = add_working_days(day, days, calendar)
        return at_local(later, clock, zone, default_zone=default_zone)
    before_work = is_working_day(day, calendar) and clock < calendar.day_starts
    first = day if before_work else add_working_days(day, 1, calendar)
    last = add_working_days(first, days - 1, calendar)
    return at_local(last, calendar.day_ends, zone, default_zone=default_zone)


def _hours_later(
    moment: datetime, hours: int, calendar: Calendar, zone: str, default_zone: str
) -> datetime:
    left = timedelta(hours=hours)
    day = add_working_days(local_date(moment, zone, default_zone=default_zone), 0, calendar)
    while True:
        opens = at_local(day, calendar.day_starts, zone, default_zone=default_zone)
        closes = at_local(day, calendar.day_ends, zone, default_zone=default_zone)
        begins = max(opens, moment)
        if begins < closes:
            if begins + left <= closes:
                return begins + left
            left -= closes - begins
        day = add_working_days(day, 1, calendar)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; moments are aware UTC")
    return moment
