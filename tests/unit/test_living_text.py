"""What people type into a text of ours is theirs, and ours is never taken for theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.living_text import (
    HEADING,
    human_lines,
    kept_lines,
    origin,
    own_part,
    with_human_lines,
)

OURS = "Now: unpaid.\nDo: call Dana Ruiz.\n\nDetails:\nfailure.code: expired_card"
NEXT = "Now: paid.\nDo: nothing.\n\nDetails:\nfailure.code: expired_card"
WITH = with_human_lines(OURS, ("called Dana", "she asks for an invoice copy"))
typed = st.lists(st.text(alphabet="abc 123-", min_size=1).map(str.strip).filter(bool), max_size=5)


@pytest.mark.parametrize(
    ("current", "lines"),
    [
        pytest.param(OURS, (), id="untouched"),
        pytest.param(f"called Dana\n{OURS}", ("called Dana",), id="above"),
        pytest.param(f"{OURS}\n\ncalled Dana", ("called Dana",), id="below"),
        pytest.param(OURS.replace("Ruiz.", "Ruiz.\nno answer"), ("no answer",), id="between"),
        pytest.param(
            OURS.replace("Ruiz.", "Ruiz. no answer"), ("Do: call Dana Ruiz. no answer",), id="in"
        ),
        pytest.param(OURS.replace("\n", "\r\n"), (), id="line ends of another system"),
        pytest.param(f"{OURS}   \n\n", (), id="space at the end"),
        pytest.param("only this is left", ("only this is left",), id="instead"),
        pytest.param("Now: unpaid.", (), id="ours deleted"),
        pytest.param("", (), id="all deleted"),
    ],
)
def test_lines_of_people_are_found_wherever_they_stand(
    current: str, lines: tuple[str, ...]
) -> None:
    assert human_lines(current, OURS) == lines


def test_lines_that_were_kept_once_are_still_people_s() -> None:
    assert human_lines(WITH, WITH) == ("called Dana", "she asks for an invoice copy")


def test_a_line_that_its_writer_removes_does_not_come_back() -> None:
    current = WITH.replace("\nshe asks for an invoice copy", "")

    assert human_lines(current, WITH) == ("called Dana",)


def test_a_line_that_its_writer_corrects_is_not_kept_twice() -> None:
    current = WITH.replace("called Dana", "called Dana, 14:00")

    assert human_lines(current, WITH) == ("called Dana, 14:00", "she asks for an invoice copy")


def test_removing_everything_below_the_heading_removes_the_heading() -> None:
    lines = human_lines(f"{OURS}\n\n{HEADING}\n", WITH)

    assert with_human_lines(NEXT, lines) == NEXT


def test_a_text_on_its_way_does_not_make_the_one_before_it_a_person_s() -> None:
    written = [OURS, NEXT]

    assert origin(OURS, written) == 0
    assert origin(f"called Dana\n{OURS}", written) == 0
    assert origin(NEXT, written) == 1


def test_of_two_equal_texts_the_newer_is_meant() -> None:
    assert origin(OURS, [OURS, NEXT, OURS]) == 2


@given(typed)
def test_whatever_is_typed_survives_every_update(lines: list[str]) -> None:
    text, current = OURS, f"{OURS}\n" + "\n".join(lines)
    for following in (NEXT, OURS, NEXT):
        kept = human_lines(current, text)
        text = current = with_human_lines(following, kept)

    assert list(kept_lines(current)) == lines
    assert own_part(current) == NEXT
