"""Record ids: 15 case-sensitive characters, and a checksum that makes 18."""

from __future__ import annotations

import random
import re
import threading

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")


def checksum(fifteen: str) -> str:
    """The three letters that say which of the fifteen characters are capitals."""
    return "".join(
        _CHECK[sum(1 << place for place in range(5) if "A" <= fifteen[start + place] <= "Z")]
        for start in (0, 5, 10)
    )


def full_id(text: object) -> str | None:
    """The 18-character form of a 15- or 18-character id, or None if it is not an id."""
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        return None
    fifteen = text[:15]
    full = fifteen + checksum(fifteen)
    return full if len(text) == 15 or full == text else None


class Mint:
    """Makes ids, rising per key prefix, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(f"salesforce ids {seed}")
        self._pod = "".join(
            dice.choice("ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz") for _ in "xy"
        )
        self._start = dice.randrange(62**4, 62**5)
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def next(self, prefix: str) -> str:
        """A new 18-character id; later ids of a prefix sort after earlier ones."""
        with self._lock:
            count = self._counts.get(prefix, 0) + 1
            self._counts[prefix] = count
        rest = self._start + count
        digits = ""
        for _ in range(9):
            rest, digit = divmod(rest, 62)
            digits = _DIGITS[digit] + digits
        fifteen = f"{prefix}{self._pod}0{digits}"
        return fifteen + checksum(fifteen)
