"""Whether what we want in a field and what stands there mean the same."""

from __future__ import annotations

from datetime import UTC, datetime


def is_same(wanted: object, present: object) -> bool:
    """Whether two JSON values mean the same: null equals absent and empty, numbers by value."""
    if wanted in (None, "") and present in (None, ""):
        return True
    if isinstance(wanted, bool) or isinstance(present, bool):
        return wanted is present
    if isinstance(wanted, int | float) and isinstance(present, int | float):
        return abs(float(wanted) - float(present)) < 0.0005
    return _moment(wanted) == _moment(present)


def _moment(value: object) -> object:
    """A time stamp in one spelling, whatever the vendor's; any other value as it is."""
    if isinstance(value, str) and len(value) >= 19 and value[10:11] == "T":
        try:
            return datetime.fromisoformat(value).astimezone(UTC).replace(microsecond=0)
        except ValueError:
            return value
    return value
