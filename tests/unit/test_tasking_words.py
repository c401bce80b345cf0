"""What the living task and the tasks of an escalation say, read as the people who get them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from domain.case import Hop
from domain.facts import Attempt, Role
from domain.first_screen import first_screen
from domain.leaf import Missing
from domain.package import ContextPackage
from domain.render_text import body, hop_body, subject
from tests.unit.packages import NOW, case, crm, package, payments, usd, with_invoice


def at(month: int, day: int, hour: int = 17) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


HOP = Hop(role=Role.OWNER, person_id="005F", person_name="Felix Nordstrom", at=at(11, 25))


def line(of: ContextPackage, label: str) -> str:
    return next(str(one) for one in first_screen(of) if one.label == label)


# ---------------------------------------------------------------- by when


def test_the_hour_is_named_where_the_work_goes_on_to_the_next_on_the_due_day() -> None:
    do, say = line(package(), "Do"), line(package(), "Say when")
    assert "by Wed 25 Nov 12:00." in do
    assert "Not done by Wed 25 Nov 12:00 -> goes to Felix Nordstrom." in say
    later = package(of=case(window_ends_at=at(11, 27)))
    assert "by Wed 25 Nov." in line(later, "Do")


def test_a_day_that_is_over_is_no_longer_asked_for() -> None:
    late = package(now=at(11, 26), of=case(window_ends_at=at(11, 27)))

    assert line(late, "Do").startswith(
        "Do: Call Dana Ruiz (accounts payable), due since Wed 25 Nov."
    )
    assert subject(late) == ("Payment hiccup: Aurelius Partners, $14,200, card declined - call")


# ---------------------------------------------------------------- escalation


def test_a_later_escalation_names_who_had_it_and_who_keeps_the_living_task() -> None:
    lines = hop_body(
        package(of=case(hops=(HOP,))), HOP, holder="Ines Okafor", since=NOW, keeper="Ann Lee"
    ).splitlines()

    assert lines[0].endswith("Ines Okafor had it for 5 days before; Ann Lee keeps the living task.")
    assert lines[1].startswith("Do: Agree with Ann Lee who takes it on.")


def test_an_escalation_speaks_to_its_own_reader() -> None:
    given = package(of=case(hops=(HOP,), due_on=date(2026, 11, 23)), now=at(11, 25))

    text = hop_body(
        given, HOP, holder="Ann Lee", since=NOW, keeper="Ann Lee", due_on=date(2026, 11, 26)
    )

    assert "(call, Ann Lee)" in text, "their own name is not 'you' for somebody else"
    assert "Call Dana Ruiz (accounts payable) by Thu 26 Nov." in text
    assert "On the living task, a later due date = back on that day." in text


# ---------------------------------------------------------------- numbers


@pytest.mark.req("R57", partly="they are merged into the draft when the mail room comes")
def test_a_flat_price_billed_once_is_no_seat() -> None:
    flat = replace(payments(), subscriptions=(replace(payments().subscriptions[0], seats=1),))

    money = line(package(pays=flat, keeps=crm(seats=Missing("field not mapped"))), "Money")

    assert "1 seat" not in money
    assert "Not known: seats (field not mapped)." in money


def test_a_try_of_unknown_origin_says_what_is_not_recorded() -> None:
    tried = (Attempt(at=NOW, succeeded=False, code="generic_decline"),)

    text = body(package(pays=with_invoice(attempts=tried)))

    assert "card declined, not recorded who tried" in text


def test_what_no_longer_runs_is_worth_no_zero() -> None:
    over = replace(payments(), subscriptions=(), mrr_now=usd("0"))

    money = line(package(pays=over), "Money")

    assert "$0" not in money
    assert "Not known: yearly value (no subscription runs any more)" in money
