"""Billing periods: months that clamp to their last day, counted from a fixed anchor."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta


def boundary(anchor: int, interval: str, count: int, steps: int) -> int:
    """The moment `steps` periods of `count` intervals after `anchor`, in Unix seconds."""
    if interval in ("day", "week"):
        return anchor + steps * count * (86400 if interval == "day" else 7 * 86400)
    months = steps * count * (12 if interval == "year" else 1)
    return add_months(anchor, months)


def add_months(moment: int, months: int) -> int:
    """`moment` moved by whole months; the day clamps to the length of the month."""
    start = datetime.fromtimestamp(moment, UTC)
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def length_in_months(interval: str, count: int) -> float:
    """How many months one period lasts, roughly; for counting past periods."""
    return {"day": 12 / 365, "week": 12 / 52, "month": 1.0, "year": 12.0}[interval] * count


def days(number: float) -> timedelta:
    """A number of days, fractions allowed."""
    return timedelta(seconds=round(number * 86400))
