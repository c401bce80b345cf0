"""The light HTML form of the living task."""

from __future__ import annotations

from html import escape

from domain.case import ChangeLine, Note
from domain.first_screen import first_screen
from domain.render_html import HTML_LIMIT, body
from domain.render_text import details
from tests.unit.packages import NOW, crm, package


def test_html_says_the_same_sentences_as_the_text() -> None:
    html = body(package())
    assert [
        one.text for one in first_screen(package()) if escape(one.text, quote=False) not in html
    ] == []
    assert [line for line in details(package()) if escape(line, quote=False) not in html] == []


def test_links_can_be_clicked() -> None:
    url = "https://example.lightning.force.com/001A"
    assert f'<a href="{url}">{url}</a>' in body(package())


def test_what_people_wrote_is_escaped() -> None:
    html = body(
        package(keeps=crm(name="Aurelius <b>&</b> Partners")),
        changes=[ChangeLine(at=NOW, text="<script>")],
        notes=[Note(at=NOW, by="<i>", text="</li></ul>")],
    )
    assert "Aurelius &lt;b&gt;&amp;&lt;/b&gt; Partners" in html
    assert "<script>" not in html
    assert "&lt;/li&gt;&lt;/ul&gt;" in html


def test_a_body_too_long_for_the_crm_loses_its_details_first() -> None:
    changes = [ChangeLine(at=NOW, text="&" * 240) for _ in range(40)]
    html = body(package(), changes=changes)
    assert len(html) <= HTML_LIMIT
    assert "<b>What changed</b>" in html
