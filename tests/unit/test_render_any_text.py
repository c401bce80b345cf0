"""Whatever people and vendors write, the task keeps its shape."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.case import Case, CaseState, ChangeLine, Hop, Note, Outcome
from domain.facts import (
    Contact,
    CrmPicture,
    ErpPicture,
    PaymentPicture,
    Person,
    Role,
    Ticket,
    Touch,
)
from domain.first_screen import first_screen, length
from domain.holds import HeldByWord
from domain.leaf import Known, Missing
from domain.package import ContextPackage
from domain.render_html import HTML_LIMIT
from domain.render_html import body as html_body
from domain.render_text import (
    BODY_LIMIT,
    SUBJECT_LIMIT,
    VALUE_ROOM,
    body,
    hop_body,
    hop_subject,
    parse_body,
    subject,
)
from domain.wording import clean, clip, shown, width
from tests.unit.packages import (
    ERP,
    NOW,
    case,
    crm,
    invoice,
    package,
    payments,
    policy,
    with_invoice,
)

NASTY = (
    "</b><script>alert(1)</script>",
    "Now: all is well",
    "Details (times in UTC):",
    "failure.amount: $1 (Stripe, today)",
    "not available (field not mapped)",
    '"',
    '"quoted"',
    "none",
    "a\nb\r\nc\u2028d\x85e\x0bf",
    "שלום עולם",
    "\u202eevil\u202c",
    "👩‍👩‍👧‍👦" * 40,
    "e" + "\u0301" * 200,
    "\ud800",
    "\ufffe\x00\x07",
    "x" * 32_000,
    "word " * 6_400,
    "👍" * 16_000,
    "  ",
    "(),():",
    "&amp;<>'\"",
)
anything = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=80), st.text('ab \n"():,👍א', max_size=300)
)
LABELS = re.compile(
    r"(Now|Do|Soon|Why it failed|Money|Mood|History|Say when|Stripe|Salesforce|Why this task): .+"
)


@st.composite
def wild_payments(draw: st.DrawFn) -> PaymentPicture:
    picture = with_invoice(number=draw(anything), paid_by=draw(anything))
    more = [invoice(id=f"in_{n}", number=draw(anything)) for n in range(2, 6)]
    return replace(
        picture,
        name=draw(anything),
        country=draw(anything),
        url=draw(anything),
        invoices=(*picture.invoices, *more),
    )


@st.composite
def wild_crm(draw: st.DrawFn) -> CrmPicture:
    source = draw(anything)
    touch = Touch(at=NOW, kind=draw(anything), who=draw(anything), line=draw(anything))
    ticket = Ticket(id="1", title=draw(anything), priority=draw(anything), url=draw(anything))
    return crm(
        name=draw(anything),
        url=draw(anything),
        people={Role.CSM: Person(id="1", name=draw(anything))},
        ap_contact=Known(
            Contact(id="3", name=draw(anything), email=draw(anything), is_gone=draw(st.booleans())),
            source,
            NOW,
        ),
        tickets=Known((ticket,) * 4, source, NOW),
        last_touch=Known(touch, source),
        health=Known(draw(anything), source, NOW),
        cs_tier=Known(draw(anything), source, NOW),
        contract=Known(draw(anything), source, NOW),
        expansion=Missing(draw(anything)),
    )


@st.composite
def wild_case(draw: st.DrawFn) -> Case:
    word = HeldByWord(
        raw=draw(anything),
        by=draw(anything),
        since=NOW,
        until=NOW,
        fingerprint="f",
        is_understood=draw(st.booleans()),
    )
    hop = Hop(role=Role.OWNER, person_id="5", person_name=draw(anything), at=NOW)
    state = draw(st.sampled_from(CaseState))
    return case(
        state=state,
        word=word if state is CaseState.IN_RESOLUTION else None,
        invoices=("in_1", "in_2", "in_3", "in_4", "in_5"),
        tier_reasons=(draw(anything), draw(anything)),
        assignee_name=draw(anything),
        expedited_at=NOW,
        expedite_reason=draw(anything),
        reopened=draw(st.integers(0, 30)),
        last_outcome=draw(anything),
        spent_promise=date(2026, 11, 18),
        hops=draw(st.sampled_from([(), (hop,)])),
        outcome=draw(st.sampled_from(Outcome)),
    )


@st.composite
def wild_packages(draw: st.DrawFn) -> ContextPackage:
    erp = ErpPicture(invoice_numbers={"in_1": draw(anything)}, amounts=ERP.value.amounts)
    return package(
        of=draw(wild_case()),
        pays=draw(st.one_of(wild_payments(), st.builds(Missing, anything))),
        keeps=draw(st.one_of(wild_crm(), st.builds(Missing, anything))),
        erp=draw(st.one_of(st.just(Known(erp, draw(anything))), st.builds(Missing, anything))),
        rules=policy(country_notes={"US": draw(anything)}),
        next_owner=Person(id="5", name=draw(anything)),
        why_command=draw(anything),
    )


thorough = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(wild_packages())
@thorough
def test_a_subject_is_one_line_of_at_most_eighty(of: ContextPackage) -> None:
    hop = Hop(role=Role.OWNER, person_id="5", person_name="x", at=NOW)
    for line in (subject(of), hop_subject(of, hop)):
        assert 0 < width(line) <= SUBJECT_LIMIT
        assert len(line.splitlines()) == 1


@given(wild_packages(), anything, anything)
@thorough
def test_a_body_keeps_its_screen_its_limit_and_its_way_back(
    of: ContextPackage, said: str, other: str
) -> None:
    text = body(
        of,
        changes=[ChangeLine(at=NOW, text=said), ChangeLine(at=NOW, text=other)],
        notes=[Note(at=NOW, by=other, text=said)],
    )
    screen = text.split("\n\n")[0].split("\n")
    assert all(LABELS.fullmatch(line) for line in screen)
    assert [line.split(":")[0] for line in screen][:2] == ["Now", "Do"]
    assert length(first_screen(of)) <= of.read_limit
    assert width(text) <= BODY_LIMIT < 32_000
    read = parse_body(text)
    assert {re.sub(r"\.\d+$", "", path) for path in read} == {path for path, _ in of.leaves()}
    assert all(one.value or one.because for one in read.values())
    for path, leaf in of.leaves():
        if isinstance(leaf, Missing):
            assert read[path].because == shown(leaf.because, VALUE_ROOM)
        elif isinstance(leaf.value, str):
            assert read[path].value == shown(
                leaf.value.replace("not_quiet", "not quiet"), VALUE_ROOM
            )


@given(wild_packages(), anything)
@thorough
def test_an_escalation_keeps_its_first_lines(of: ContextPackage, holder: str) -> None:
    hop = Hop(role=Role.OWNER, person_id="5", person_name="x", at=NOW)
    lines = hop_body(of, hop, holder=holder, since=NOW, keeper=holder).split("\n")
    assert [line.split(":")[0] for line in lines[:4]] == ["Now", "Do", "Living task", "Case"]


class Tags(HTMLParser):
    """Collects the tags of a page and refuses one that is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert all(name == "href" and value for name, value in attrs)
        assert all((value or "").startswith(("http://", "https://")) for _, value in attrs)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@given(wild_packages(), anything)
@thorough
def test_html_holds_nothing_but_the_few_tags_we_use(of: ContextPackage, said: str) -> None:
    html = html_body(
        of, changes=[ChangeLine(at=NOW, text=said)], notes=[Note(at=NOW, by=said, text=said)]
    )
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags.open == []
    assert tags.seen <= {"p", "b", "ul", "li", "a", "br"}
    assert len(html) <= HTML_LIMIT


@given(anything, st.integers(1, 60))
def test_a_clipped_text_is_never_longer_than_its_limit(text: str, limit: int) -> None:
    assert width(clip(clean(text), limit)) <= limit


@given(anything)
def test_a_clean_text_is_one_plain_line(text: str) -> None:
    line = clean(text)
    assert line == clean(line)
    assert len(line.splitlines()) <= 1
    line.encode()


def test_the_nasty_samples_are_all_tried_as_a_name() -> None:
    subjects = [
        subject(package(keeps=crm(name=nasty), pays=replace(payments(), name=nasty)))
        for nasty in NASTY
    ]
    assert max(map(width, subjects)) <= SUBJECT_LIMIT
    assert all("$14,200" in line for line in subjects)
