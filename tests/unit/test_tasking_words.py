"""What the living task and the tasks of an escalation say, read as the people who get them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from domain.case import CaseState, Hop
from domain.facts import Attempt, Decline, Role
from domain.first_screen import first_screen
from domain.holds import HeldByWord
from domain.leaf import Missing, value_or
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


# ---------------------------------------------------------------- odd cases


def test_an_invoice_that_waits_for_a_transfer_asks_nothing_about_a_card() -> None:
    sent = with_invoice(
        is_charged_automatically=False,
        attempted=False,
        attempt_count=0,
        attempts=(),
        decline=None,
        due_at=at(11, 17),
    )

    waiting = package(pays=sent)

    assert "card" not in line(waiting, "Do")
    assert "Ask whether the invoice has reached the right person" in line(waiting, "Do")
    assert value_or(waiting.recommend.rule_id, "") == "transfer"


def test_a_technical_hiccup_is_tried_again_before_anybody_is_called() -> None:
    tried = package(pays=with_invoice(decline=Decline(code="processing_error")))

    assert line(tried, "Do") == (
        "Do: Have it tried once more in Stripe: that usually goes through. If it does not, call "
        "Dana Ruiz (accounts payable) by Wed 25 Nov 12:00."
    )


def test_a_word_that_nobody_knows_is_not_called_in_resolution() -> None:
    word = HeldByWord(
        raw="Talking to CFO",
        by=None,
        since=NOW,
        until=at(12, 5, 5),
        fingerprint="unknown|Talking to CFO|",
        is_understood=False,
    )
    held = package(of=case(state=CaseState.IN_RESOLUTION, word=word))

    assert subject(held) == "Payment hiccup: Aurelius Partners, $14,200 - status not known"
    brief = package(of=case(state=CaseState.IN_RESOLUTION, word=word), keeps=crm(name="Halberd"))
    assert subject(brief) == (
        "Payment hiccup: Halberd, $14,200 - status not known, quiet until Fri 4 Dec"
    )


def test_a_quiet_account_without_a_failure_has_no_reason_and_no_invoice_to_name() -> None:
    quiet = package(of=case(state=CaseState.IN_RESOLUTION, invoices=()))

    labels = [one.label for one in first_screen(quiet)]
    assert "Why it failed" not in labels
    assert "Invoice not known" not in line(quiet, "Money")
