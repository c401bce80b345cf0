"""What a CSM reads in every state of the living task."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.case import CaseState, ChangeLine, Hop, Note, Outcome
from domain.facts import Attempt, Contact, CrmPicture, Decline, InvoiceStatus, Role, Ticket
from domain.first_screen import first_screen, length
from domain.holds import HeldByPromise, HeldByWord, Quiet, QuietCertificate
from domain.ids import Ref
from domain.leaf import Missing
from domain.package import ContextPackage
from domain.policy import TaskKind
from domain.render_text import BODY_LIMIT, body, hop_body, hop_subject, parse_body, subject
from domain.wording import width
from tests.unit.package_document import DOCUMENT, with_sample
from tests.unit.packages import (
    ANN,
    ERP,
    NOW,
    VIP,
    case,
    crm,
    invoice,
    known,
    package,
    payments,
    policy,
    usd,
    with_invoice,
)


def at(month: int, day: int, hour: int = 17, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


WORD = HeldByWord(
    raw="In Resolution",
    by="Ann Lee",
    since=NOW,
    until=datetime(2026, 12, 5, 5, tzinfo=UTC),
    fingerprint="held|In Resolution|2026-12-04",
    dated_by_person=True,
)
PROMISE = HeldByPromise(promised=date(2026, 12, 1), since=NOW, until=at(12, 2, 14))
HOP = Hop(role=Role.OWNER, person_id="005F", person_name="Felix Nordstrom", at=at(11, 25))
PAID = with_invoice(
    status=InvoiceStatus.PAID,
    remaining=usd("0"),
    settled_at=at(11, 26, 19, 3),
    paid_by="Visa ending in 4242",
)
BARE = CrmPicture(
    account=Ref("salesforce", "account", "001A"), read_at=NOW, name="Northgate Capital"
)


def in_resolution(**word: object) -> ContextPackage:
    return package(of=case(state=CaseState.IN_RESOLUTION, word=replace(WORD, **word)))  # type: ignore[arg-type]


def promised() -> ContextPackage:
    return package(of=case(state=CaseState.PROMISED, promise=PROMISE))


def closed(outcome: Outcome = Outcome.PAID) -> ContextPackage:
    return package(
        of=case(state=CaseState.CLOSED, outcome=outcome, closed_at=at(11, 26, 19, 4)),
        pays=PAID if outcome is Outcome.PAID else payments(),
        certificate=QuietCertificate(state=Quiet.OFF),
    )


def with_quiet(state: Quiet) -> ContextPackage:
    return package(certificate=QuietCertificate(state=state, checked_at=NOW))


def line(of: ContextPackage, label: str) -> str:
    return next(str(one) for one in first_screen(of) if one.label == label)


# ---------------------------------------------------------------- subject


def test_the_subject_says_money_reason_and_day() -> None:
    assert subject(package()) == (
        "Payment hiccup: Aurelius Partners, $14,200, card declined - call by Wed 25 Nov"
    )


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        (
            "Halberd Cybersecurity",
            "expired_card",
            "Payment hiccup: Halberd Cybersecurity, $14,200, card expired - call Wed 25 Nov",
        ),
        (
            "Northgate Capital",
            "incorrect_zip",
            "Payment hiccup: Northgate Capital, $14,200 - call by Wed 25 Nov",
        ),
        (
            "The Very Long Holding Company of Northern Europe and Its Many Subsidiaries",
            "generic_decline",
            "Payment hiccup: The Very Long Holding Company of…, $14,200 - call by Wed 25 Nov",
        ),
    ],
)
def test_a_long_subject_loses_the_least_important_part_first(
    name: str, code: str, line: str
) -> None:
    long = package(keeps=crm(name=name), pays=with_invoice(decline=Decline(code=code)))
    assert subject(long) == line
    assert width(line) <= 80


@pytest.mark.parametrize(
    ("of", "line"),
    [
        (
            in_resolution(),
            "Payment hiccup: Aurelius Partners, $14,200 - in resolution until Fri 4 Dec",
        ),
        (
            promised(),
            "Payment hiccup: Aurelius Partners, $14,200 - payment promised for Tue 1 Dec",
        ),
        (closed(), "Paid: Aurelius Partners, $14,200 - nothing to do"),
        (closed(Outcome.VOIDED), "Cancelled: Aurelius Partners, $14,200 - nothing to do"),
        (closed(Outcome.LOST), "Written off: Aurelius Partners, $14,200 - nothing to do"),
        (closed(Outcome.RELEASED), "Over: Aurelius Partners, $14,200 - nothing to do"),
        (
            package(of=case(state=CaseState.IN_RESOLUTION, word=WORD, invoices=())),
            "Kept quiet: Aurelius Partners, no payment open - in resolution until Fri 4 Dec",
        ),
        (
            package(pays=Missing("no answer")),
            "Payment hiccup: Aurelius Partners, amount not known - call by Wed 25 Nov",
        ),
        (
            package(keeps=Missing("not linked"), pays=replace(payments(), name=None)),
            "Payment hiccup: a customer without a name, $14,200 - call by Wed 25 Nov",
        ),
        (
            package(tier=replace(VIP, task=TaskKind.EMAIL)),
            "Payment hiccup: Aurelius Partners, $14,200, card declined - write by Wed 25 Nov",
        ),
    ],
)
def test_the_subject_of_every_state(of: ContextPackage, line: str) -> None:
    assert subject(of) == line


def test_amounts_in_two_currencies_stand_side_by_side() -> None:
    euro = replace(usd("300"), currency="eur")
    both = package(
        of=case(invoices=("in_1", "in_2")),
        pays=replace(
            payments(),
            invoices=(*payments().invoices, invoice(id="in_2", total=euro, remaining=euro)),
        ),
    )
    assert subject(both) == (
        "Payment hiccup: Aurelius Partners, $14,200 + €300 - call by Wed 25 Nov"
    )


# ---------------------------------------------------------------- first screen


@pytest.mark.req("R54")
def test_the_first_screen_answers_in_the_agreed_order() -> None:
    assert [one.label for one in first_screen(package())] == [
        "Now",
        "Do",
        "Soon",
        "Why it failed",
        "Money",
        "Mood",
        "History",
        "Say when",
        "Stripe",
        "Salesforce",
        "Why this task",
    ]


def test_the_two_lines_that_a_phone_shows_say_where_it_stands_and_what_to_do() -> None:
    now, do = body(package()).splitlines()[:2]
    assert now == (
        "Now: Unpaid, 1 try so far. Stripe is quiet: 2 invoices, 1 subscription, checked 09:58. "
        "Nothing automated will reach them."
    )
    assert do == (
        "Do: Call Dana Ruiz (accounts payable) by Wed 25 Nov 12:00. Keep it short and easy: they "
        "have put this right before and know the way. Suggest a word with their bank, or another "
        "card."
    )


@pytest.mark.req("R52")
def test_a_difference_between_ledger_and_payment_system_is_named() -> None:
    other = replace(ERP, value=replace(ERP.value, amounts={"in_1": usd("14000")}))
    assert (
        "The amounts differ: $14,000 in NetSuite, $14,200 in Stripe; ask finance before you name "
        "one." in line(package(erp=other), "Money")
    )


@pytest.mark.req("R59", partly="the ERP gives no address to link to yet")
def test_the_first_screen_stays_within_the_read_limit() -> None:
    assert length(first_screen(package())) <= 3000
    long = crm(tickets=known(tuple(Ticket(id=str(n), title="word " * 900) for n in range(3))))
    short = package(keeps=long, rules=policy(max_read_characters=1400))
    assert length(first_screen(short)) <= 1400


@pytest.mark.req("R50", partly="that it happens within one job cycle is shown by a journey")
def test_a_paid_case_says_payer_time_and_that_nothing_is_to_do() -> None:
    now, do = body(closed()).splitlines()[:2]
    assert now == (
        "Now: Paid: $14,200 from Aurelius Partners arrived on Thu 26 Nov 14:03 "
        "(Visa ending in 4242). Nothing to do."
    )
    assert do == "Do: Nothing, this task closes itself. A message half written can be dropped."


def test_a_case_of_which_a_part_was_cancelled_is_paid_by_the_rest() -> None:
    void = invoice(id="in_2", status=InvoiceStatus.VOID, total=usd("99000"))
    other = invoice(
        id="in_3", status=InvoiceStatus.PAID, total=usd("300"), remaining=usd("0"), settled_at=NOW
    )
    both = package(
        of=case(state=CaseState.CLOSED, outcome=Outcome.PAID, invoices=("in_1", "in_2", "in_3")),
        pays=replace(PAID, invoices=(void, *PAID.invoices, other)),
    )
    assert subject(both) == "Paid: Aurelius Partners, $14,500 on 2 invoices - nothing to do"


def test_quiet_that_is_not_there_is_said_first_and_loudly() -> None:
    assert line(with_quiet(Quiet.NOT_QUIET), "Now").startswith(
        "Now: Stripe is NOT QUIET, checked 09:58: it may still write to them or try the card"
    )
    assert line(with_quiet(Quiet.UNKNOWN), "Now").startswith("Now: Stripe may NOT BE QUIET")


def test_without_a_hold_the_reminders_go_on_and_the_task_says_so() -> None:
    off = QuietCertificate(state=Quiet.OFF)
    planned = with_invoice(next_attempt_at=at(11, 23))
    assert line(package(certificate=off, pays=planned), "Now").endswith(
        "Stripe's own reminders and tries go on beside you."
    )
    assert line(package(certificate=off), "Now").endswith("Stripe plans no further try by itself.")


def test_in_resolution_is_acknowledged_with_its_last_day() -> None:
    assert line(in_resolution(), "Now").startswith(
        "Now: Noted: in resolution until Fri 4 Dec, set by Ann Lee Fri 20 Nov."
    )
    assert line(in_resolution(), "Do").startswith("Do: Nothing until Fri 4 Dec")


def test_a_status_that_we_do_not_know_is_kept_quiet_and_asked_about() -> None:
    asked = in_resolution(raw="Handling", is_understood=False)
    assert line(asked, "Now").startswith("Now: The status “Handling” is not known here;")
    assert line(asked, "Do") == (
        "Do: Choose one of the listed values in the status field, or clear it."
    )


def test_a_promise_is_noted_with_the_day_on_which_we_look_again() -> None:
    assert line(promised(), "Now").startswith("Now: Noted: payment promised for Tue 1 Dec.")
    assert "look again on Wed 2 Dec" in line(promised(), "Do")


def test_a_snoozed_task_says_until_when() -> None:
    assert "Snoozed until Mon 30 Nov." in line(package(snoozed_until=date(2026, 11, 30)), "Now")


def test_a_task_that_came_back_says_why() -> None:
    back = package(of=case(reopened=2, last_outcome="left voicemail"))
    assert (
        "This task is back, for the 2nd time: it was completed as “left voicemail”, but the money "
        "is still open." in line(back, "Now")
    )


def test_a_hold_that_ran_out_is_said() -> None:
    assert "The time set for the fix has run out" in line(
        package(of=case(spent_word="held|In Resolution|")), "Now"
    )


def test_a_promise_that_passed_is_said_without_blame() -> None:
    assert "The payment promised for Wed 18 Nov is not here." in line(
        package(of=case(spent_promise=date(2026, 11, 18))), "Now"
    )


@pytest.mark.req("R65", partly="the render of it: reason and place in the first screen")
def test_an_expedited_task_asks_to_be_done_first_and_gives_the_reason() -> None:
    fast = package(of=case(expedited_at=NOW, expedite_reason="renewal at stake"))
    assert line(fast, "Do").startswith(
        "Do: Please do this first: it was expedited on Fri 20 Nov (renewal at stake). Call"
    )


def test_an_escalated_task_says_who_had_it_and_for_how_long() -> None:
    assert line(package(of=case(hops=(HOP,))), "Now").startswith(
        "Now: Felix Nordstrom has a task for this too since Wed 25 Nov 12:00. "
        "Ann Lee had it for 5 days before."
    )


def test_an_exhausted_chain_says_that_the_administrators_know() -> None:
    tired = package(of=case(hops=(HOP,), is_chain_exhausted=True), next_owner=None)
    assert "Nobody is left to hand it to, so the administrators know." in line(tired, "Now")
    assert "the administrators hear of it" in line(tired, "Say when")


def test_an_account_that_is_not_linked_says_so_once() -> None:
    unlinked = package(keeps=Missing("no CRM account carries this customer id"))
    screen = "\n".join(str(one) for one in first_screen(unlinked) if not one.url)
    assert "Nothing from Salesforce: no CRM account carries this customer id." in screen
    assert line(unlinked, "Mood") == (
        "Mood: Not known: health score, support tickets, last talk and renewal call "
        "(see Salesforce above)."
    )


def test_parts_that_are_missing_are_named_with_their_reason() -> None:
    bare = package(keeps=BARE)
    assert "Not known: success tier and expansion (field not mapped)." in line(bare, "Money")
    assert "contact for invoices not known (field not mapped)" in line(bare, "Do")


@pytest.mark.req("R47")
def test_no_open_ticket_is_said() -> None:
    assert "No open support ticket." in line(package(keeps=crm(tickets=known(()))), "Mood")


@pytest.mark.req("R48")
def test_no_talk_on_record_is_said() -> None:
    assert "No talk on record." in line(package(keeps=crm(last_touch=known(None))), "Mood")


@pytest.mark.req("R46")
def test_a_stale_score_is_marked() -> None:
    stale = package(keeps=crm(health=known("62", NOW - timedelta(days=30))))
    assert "Health 62 (Salesforce, 30 days old, too old to rely on)." in line(stale, "Mood")


def test_a_contact_who_left_is_not_to_be_called() -> None:
    gone = package(keeps=crm(ap_contact=known(Contact(id="003D", name="Dana Ruiz", is_gone=True))))
    assert line(gone, "Do").startswith("Do: Find out who looks after invoices now (Dana Ruiz")


@pytest.mark.parametrize(("code", "start"), [("fraudulent", "Do: Look at it with finance before")])
def test_suspicion_is_settled_in_the_house_before_anybody_calls(code: str, start: str) -> None:
    careful = package(pays=with_invoice(decline=Decline(code=code)))
    assert line(careful, "Do").startswith(start)
    assert "To the customer say only: “The card on file was declined by the bank.”" in line(
        careful, "Why it failed"
    )


def test_a_test_card_is_nothing_to_call_the_customer_about() -> None:
    ours = package(pays=with_invoice(decline=Decline(code="testmode_decline")))
    assert "Dana Ruiz" not in line(ours, "Do")


@pytest.mark.req("R69", partly="that one task is kept for all of them is decided elsewhere")
def test_two_invoices_stand_in_one_task() -> None:
    small = invoice(id="in_2", number="RV-0418", total=usd("300"), remaining=usd("300"))
    both = package(
        of=case(invoices=("in_1", "in_2")),
        pays=replace(payments(), invoices=(*payments().invoices, small)),
    )
    assert "2 invoices are unpaid, $14,500 together" in line(both, "Now")
    assert "Also in this case: RV-0418 $300 (unpaid)." in line(both, "Money")


def test_a_part_payment_lowers_the_amount() -> None:
    part = package(pays=with_invoice(remaining=usd("4200")))
    assert line(part, "Now").startswith("Now: $4,200 of $14,200 is unpaid")
    assert ", $4,200, " in subject(part)


def test_many_tries_are_counted_and_the_last_ones_shown() -> None:
    tries = tuple(
        Attempt(at=at(11, day), succeeded=False, code="insufficient_funds") for day in range(1, 9)
    )
    many = package(pays=with_invoice(attempts=tries, attempt_count=8))
    assert "Last 3 of 8 tries: Fri 6 Nov 12:00 card limit reached, Sat 7 Nov" in line(
        many, "History"
    )


def test_the_last_line_says_who_gets_it_next_and_when() -> None:
    assert line(package(), "Say when").endswith(
        "Not done by Wed 25 Nov 12:00 -> goes to Felix Nordstrom."
    )


BLAME = re.compile(
    r"overdue|past due|urgent|final notice|warning|action required|immediately|suspend|terminat|"
    r"collections|delinquen|\bdebt|failed to pay|outstanding balance|last chance|!|"
    r"\b[a-z]+_[a-z_]+\b|\bAP\b|\bARR\b|\bMRR\b|\bCSM\b|\bERP\b|\bCRM\b",
    re.IGNORECASE,
)
STATES = {
    "with a person": package(),
    "in resolution": in_resolution(),
    "unknown word": in_resolution(raw="Handling", is_understood=False),
    "promised": promised(),
    "paid": closed(),
    "cancelled": closed(Outcome.VOIDED),
    "written off": closed(Outcome.LOST),
    "released": closed(Outcome.RELEASED),
    "not quiet": with_quiet(Quiet.NOT_QUIET),
    "unknown quiet": with_quiet(Quiet.UNKNOWN),
    "no hold": with_quiet(Quiet.OFF),
    "reopened": package(of=case(reopened=1, last_outcome="left voicemail")),
    "hold ran out": package(of=case(spent_word="held|In Resolution|")),
    "promise passed": package(of=case(spent_promise=date(2026, 11, 18))),
    "expedited": package(of=case(expedited_at=NOW, expedite_reason="renewal at stake")),
    "escalated": package(of=case(hops=(HOP,))),
    "snoozed": package(snoozed_until=date(2026, 11, 30)),
    "nothing mapped": package(keeps=BARE, erp=Missing("no ledger is connected")),
    "not linked": package(keeps=Missing("two accounts claim this customer")),
    "no payments": package(pays=Missing("no answer within 30 seconds")),
}
every_state = pytest.mark.parametrize("of", STATES.values(), ids=STATES.keys())


@every_state
def test_no_first_screen_blames_shouts_or_speaks_in_codes(of: ContextPackage) -> None:
    said = " ".join([subject(of), *(one.text for one in first_screen(of))])
    assert BLAME.findall(said) == []


@every_state
def test_every_first_screen_is_about_twelve_lines(of: ContextPackage) -> None:
    assert 6 <= len(first_screen(of)) <= 12


# ---------------------------------------------------------------- the rest of the body


def test_the_change_log_is_newest_first() -> None:
    text = body(
        package(),
        changes=[
            ChangeLine(at=at(11, 20, 15), text="Opened."),
            ChangeLine(at=at(11, 21, 15), text="Snoozed to Mon 30 Nov."),
        ],
    )
    assert (
        "What changed:\n- Sat 21 Nov 10:00 Snoozed to Mon 30 Nov.\n- Fri 20 Nov 10:00 Opened.\n"
        in text
    )


@pytest.mark.req("R66", partly="the note in the text; that it reaches the task is shown elsewhere")
def test_a_note_stands_in_the_text_with_its_author() -> None:
    text = body(package(), notes=[Note(at=NOW, by=ANN.name, text="They are\nmigrating.")])
    assert "Notes:\n- Fri 20 Nov 09:58, Ann Lee: They are migrating.\n" in text


@pytest.mark.req("R10")
@every_state
def test_every_leaf_can_be_read_back_from_the_text(of: ContextPackage) -> None:
    read = parse_body(body(of))
    paths = {path for path, _ in of.leaves()}
    assert {re.sub(r"\.\d+$", "", path) for path in read} == paths
    assert all(one.value or one.because for one in read.values())


@pytest.mark.req("R10")
def test_what_is_read_back_is_what_was_there() -> None:
    read = parse_body(body(package()))
    assert read["failure.amount"].value == "$14,200"
    assert read["failure.amount"].source == "Stripe"
    assert read["health.score"].age == "2 days old"
    assert read["people.sender"].because == "chosen when the mail is written"
    assert read["invoice.others"].value == "none"
    assert read["support.top3.1"].value == (
        "Single sign-on - https://example.lightning.force.com/500A"
    )


def test_a_value_that_looks_like_a_gap_is_read_back_as_a_value() -> None:
    odd = package(keeps=crm(cs_tier=known("not available (today, today)")))
    read = parse_body(body(odd))["value.tier"]
    assert read.value == "not available (today, today)"
    assert read.because is None


def test_lines_that_people_typed_below_do_not_disturb_the_way_back() -> None:
    text = body(package()) + "\n\nWritten here by people:\nDetails (times in my head):\nhello"
    assert parse_body(text.replace("\n", "\r\n")) == parse_body(body(package()))


def test_a_text_that_is_not_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="no details"):
        parse_body("Call them")
    with pytest.raises(ValueError, match="cannot be read"):
        parse_body("Details (times in UTC):\nsomething else")


def test_endless_notes_and_changes_never_break_the_limit() -> None:
    text = body(
        package(),
        changes=[ChangeLine(at=NOW, text="word " * 8000) for _ in range(200)],
        notes=[Note(at=NOW, by="x" * 9000, text="👍" * 9000) for _ in range(200)],
    )
    assert width(text) <= BODY_LIMIT
    assert parse_body(text) == parse_body(body(package()))


# ---------------------------------------------------------------- escalation


def test_the_escalation_task_says_who_had_it_how_long_and_where_the_living_task_is() -> None:
    given = package(of=case(hops=(HOP,)))
    assert hop_subject(given, HOP) == (
        "Payment hiccup: Aurelius Partners, $14,200 - with you too since Wed 25 Nov"
    )
    lines = hop_body(given, HOP, holder="Ann Lee", since=NOW, keeper="Ann Lee").splitlines()
    assert lines[0] == (
        "Now: With you too since Wed 25 Nov 12:00. Ann Lee had it for 5 days before, and keeps "
        "the living task."
    )
    assert lines[1].startswith("Do: Agree with Ann Lee who takes it on. Next step: Call Dana Ruiz")
    assert lines[2] == (
        "Living task: https://example.lightning.force.com/001A (key kg-17-1). It always says where "
        "things stand."
    )
    assert lines[3].startswith("Case: Unpaid, 1 try so far. Stripe is quiet")


def test_an_escalation_without_an_address_names_the_place() -> None:
    given = package(of=case(hops=(HOP,)), keeps=Missing("not linked"))
    assert "Living task: in Salesforce, on the account (key kg-17-1)" in hop_body(
        given, HOP, holder="", since=NOW, keeper=""
    )


# ---------------------------------------------------------------- the document


def test_the_sample_in_the_document_is_what_the_code_writes() -> None:
    written = DOCUMENT.read_text()
    assert written == with_sample(written), "run: python -m tests.unit.package_document"


def test_the_document_explains_every_leaf_once() -> None:
    explained = re.findall(r"^\| `([a-z0-9_.]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert explained == [path for path, _ in package().leaves()]
