"""How single things are said: names, days, times, counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.wording import (
    LEFT_TO_RIGHT,
    Reader,
    clean,
    clip,
    count,
    listed,
    number,
    ordinal,
    safe_url,
    sentence,
    shown,
)

READER = Reader(zone="America/New_York", as_of=datetime(2026, 11, 20, 14, 58, tzinfo=UTC))


def test_days_carry_their_weekday_in_the_readers_zone() -> None:
    assert READER.day(datetime(2026, 11, 26, 3, tzinfo=UTC)) == "Wed 25 Nov"
    assert READER.time(datetime(2026, 11, 25, 17, tzinfo=UTC)) == "Wed 25 Nov 12:00"


def test_a_day_far_away_shows_its_year() -> None:
    assert READER.day(date(2027, 4, 30)) == "Fri 30 Apr"
    assert READER.day(date(2027, 11, 30)) == "Tue 30 Nov 2027"


def test_a_hold_that_ends_at_midnight_ends_on_the_day_before() -> None:
    assert READER.last_day(datetime(2026, 12, 5, 5, tzinfo=UTC)) == "Fri 4 Dec"
    assert READER.last_day(datetime(2026, 12, 4, 22, tzinfo=UTC)) == "Fri 4 Dec"


def test_a_time_of_today_needs_no_day() -> None:
    assert READER.clock(datetime(2026, 11, 20, 14, 58, tzinfo=UTC)) == "09:58"
    assert READER.clock(datetime(2026, 11, 19, 14, 58, tzinfo=UTC)) == "Thu 19 Nov 09:58"


def test_a_zone_that_does_not_exist_is_shown_as_what_it_becomes() -> None:
    lost = Reader(zone="Mars/Olympus", as_of=READER.as_of)
    assert lost.zone_name == "UTC"
    assert lost.clock(READER.as_of) == "14:58"


@pytest.mark.parametrize(
    ("hours", "said"), [(0.5, "30 minutes"), (1, "1 hour"), (47, "47 hours"), (72, "3 days")]
)
def test_how_long_somebody_had_it(hours: float, said: str) -> None:
    until = datetime.fromtimestamp(READER.as_of.timestamp() + hours * 3600, UTC)
    assert READER.length(READER.as_of, until) == said


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        (None, "age unknown"),
        (datetime(2026, 11, 20, 6, tzinfo=UTC), "today"),
        (datetime(2026, 11, 19, 6, tzinfo=UTC), "1 day old"),
        (datetime(2026, 11, 21, 6, tzinfo=UTC), "today"),
    ],
)
def test_how_old_a_value_is(as_of: datetime | None, said: str) -> None:
    assert READER.age(as_of) == said


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("Aurelius Partners", 17, "Aurelius Partners"),
        ("Aurelius Partners", 16, "Aurelius…"),
        ("Donaudampfschiff", 10, "Donaudamp…"),
        ("one two, three", 9, "one two…"),
        ("👍👍👍", 4, "👍…"),
        ("👩‍👩‍👧 family", 7, "…"),
        ("e\u0301e\u0301e\u0301", 5, "e\u0301e\u0301…"),
        ("anything", 0, ""),
    ],
)
def test_a_text_is_cut_between_words_and_never_inside_a_character(
    text: str, limit: int, cut: str
) -> None:
    assert clip(text, limit) == cut


def test_direction_controls_and_line_breaks_do_not_survive() -> None:
    assert clean("a\u202eb\nc\u2028d\x00e\ufeff") == "ab c d e"


def test_a_joined_emoji_survives() -> None:
    assert clean("👩‍👩‍👧") == "👩‍👩‍👧"


def test_right_to_left_text_does_not_pull_the_amount_along() -> None:
    assert shown("שלום", 40) == f"שלום{LEFT_TO_RIGHT}"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.com/a?b=1#c", "https://example.com/a?b=1#c"),
        ("javascript:alert(1)", None),
        ("https://exa mple.com", None),
        ("https://[::1", None),
        ("https://", None),
        ("https://example.com/" + "a" * 500, None),
        (None, None),
        ("", None),
    ],
)
def test_only_plain_web_addresses_become_links(url: str | None, safe: str | None) -> None:
    assert safe_url(url) == safe


def test_counts_lists_and_numbers() -> None:
    assert [count(1, "try", "tries"), count(2, "try", "tries"), count(0, "day")] == [
        "1 try",
        "2 tries",
        "0 days",
    ]
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [ordinal(one) for one in (1, 2, 3, 4, 11, 12, 21, 112)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "21st",
        "112th",
    ]
    assert [number(Decimal(one)) for one in ("4.0", "4.50", "100", "0")] == ["4", "4.5", "100", "0"]


def test_sentences_begin_large_and_end_once() -> None:
    assert sentence("one", "", "two.", "three…", "“four?”") == "One. Two. Three… “four?”"
