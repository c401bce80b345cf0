"""The text of a task: nothing becomes markup, nothing of a person's is lost, and it fits."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape, unescape

import pytest

from connectors.hubspot.bodies import SHORTENED
from domain.living_text import human_lines, with_human_lines
from domain.ports import Receipt
from tests.connectors.hubspot_stage import Stage, kept, receipt, staged


@pytest.fixture
def usual() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


NASTY = 'Now: <script>alert(1)</script> & "quotes"\nDo: שלום 🦊 naïve\nplain - line'


def test_nothing_of_a_customers_becomes_markup_and_the_text_comes_back(usual: Stage) -> None:
    connector = usual.connector()
    answer = receipt(connector.write([kept(usual, text=NASTY)]))
    assert "<script" not in usual.tasks()[0]["hs_task_body"]
    assert answer.now["text"] == NASTY


HTML = (
    "<p><b>Now:</b> $14,200 is open</p><p><b>What changed</b></p><ul><li>20 Nov declined</li></ul>"
    "<p><b>Details (times in UTC):</b><br>a.b: 1 (Stripe, now)</p>"
)
TEXT = (
    "Now: $14,200 is open\n\nWhat changed:\n- 20 Nov declined\n\n"
    "Details (times in UTC):\na.b: 1 (Stripe, now)"
)


def test_the_rich_form_is_written_and_reads_as_the_text_that_we_keep(usual: Stage) -> None:
    answer = receipt(usual.connector().write([kept(usual, text=TEXT, html=HTML)]))
    assert usual.tasks()[0]["hs_task_body"] == HTML
    assert human_lines(answer.now["text"], TEXT) == ()


def test_lines_that_people_typed_stay_below_the_rich_form(usual: Stage) -> None:
    text = with_human_lines(TEXT, ("Ana is back <Monday>",))
    answer = receipt(usual.connector().write([kept(usual, text=text, html=HTML)]))
    assert human_lines(answer.now["text"], text) == ("Ana is back <Monday>",)


def test_what_a_person_types_into_the_task_is_told_apart(usual: Stage) -> None:
    connector = usual.connector()
    task = receipt(connector.write([kept(usual, text=TEXT, html=HTML)])).ref.id
    typed = f'{HTML}<div style=""><p>Called, <b>back</b> on Monday&nbsp;</p></div>'
    usual.sim.human(usual.csm).edit_task(task, hs_task_body=typed)
    [item] = usual.read(connector).tasks
    assert human_lines(item.description, TEXT) == ("Called, back on Monday",)


@pytest.mark.parametrize("sign", ["x", "🦊", "<", "&"])
def test_a_text_of_any_length_fits(usual: Stage, sign: str) -> None:
    text = "\n".join([sign * 500] * 400)
    answer = receipt(usual.connector().write([kept(usual, text=text, subject=sign * 400)]))
    assert answer.was_created
    [row] = usual.tasks()
    assert len(row["hs_task_body"]) < 60_000


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ('See <a href="https://d.example/f?a=1&amp;b=2">here</a>', "https://d.example/f?a=1&b=2"),
        ('<img src="https://d.example/s.png" alt="The screen">', "The screen"),
        ('<img src="https://d.example/s.png" alt="The screen">', "https://d.example/s.png"),
    ],
)
def test_where_a_link_or_a_picture_of_a_persons_leads_outlives_our_next_update(
    usual: Stage, typed: str, line: str
) -> None:
    connector = usual.connector()
    task = receipt(connector.write([kept(usual, text=TEXT, html=HTML)])).ref.id
    usual.sim.human(usual.csm).edit_task(task, hs_task_body=f"{HTML}<p>{typed}</p>")
    [item] = usual.read(connector).tasks
    text = with_human_lines(TEXT, human_lines(item.description, TEXT))
    connector.write([kept(usual, text=text, html=HTML, known_id=task)])
    assert line in unescape(usual.tasks()[0]["hs_task_body"])


def updated(usual: Stage, typed: list[str], *, own: str) -> tuple[str, str, Receipt]:
    """A task into which somebody typed, before and after an update of ours with this text."""
    connector = usual.connector()
    task = receipt(connector.write([kept(usual)])).ref.id
    text = with_human_lines(own, tuple(typed))
    body = "".join(f"<p>{escape(line)}</p>" for line in ["Do: call Ana Lima", *typed])
    usual.sim.human(usual.csm).edit_task(task, hs_task_body=body)
    answer = receipt(connector.write([kept(usual, text=text, known_id=task)]))
    return body, usual.tasks()[0]["hs_task_body"], answer


@pytest.mark.parametrize("typed", [["<" * 10_000, "The last word"], ["Ana <b>"] * 2_000])
def test_what_people_typed_is_whole_when_our_own_text_has_to_be_cut(
    usual: Stage, typed: list[str]
) -> None:
    own = "\n".join(f"{number}: our own line, of which there are many" for number in range(2_000))
    _, after, answer = updated(usual, typed, own=own)
    assert len(after) < 60_000
    assert SHORTENED in after
    assert human_lines(answer.now["text"], own) == tuple(typed)


@pytest.mark.parametrize("typed", [["<" * 16_000, "The last word"], ["x" * 62_000]])
def test_where_people_filled_the_task_it_stays_as_they_left_it(
    usual: Stage, typed: list[str]
) -> None:
    before, after, answer = updated(usual, typed, own="Do: call Ana Lima")
    assert after == before
    assert answer.note == "what people wrote fills the task's text, so that ours was left out"


def test_a_rich_form_that_is_too_long_becomes_a_text_that_keeps_what_people_typed(
    usual: Stage,
) -> None:
    text = with_human_lines(TEXT, ("Ana is back <Monday>",))
    html = HTML + "<p>and more</p>" * 5_000
    answer = receipt(usual.connector().write([kept(usual, text=text, html=html)]))
    assert human_lines(answer.now["text"], text) == ("Ana is back <Monday>",)
