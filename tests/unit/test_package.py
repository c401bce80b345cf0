"""What the context package says about an account, part by part."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from domain.facts import (
    Attempt,
    AttemptBy,
    Card,
    Contact,
    CrmPicture,
    Decline,
    ErpPicture,
    InvoiceStatus,
    PaymentHistory,
    Person,
    Role,
    Ticket,
    Touch,
)
from domain.holds import Quiet, QuietCertificate
from domain.ids import Ref
from domain.leaf import Known, Missing
from domain.package import ContextPackage
from tests.unit.packages import (
    ANN,
    ERP,
    FAILED,
    NOW,
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


def at(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.req("R43")
def test_the_failure_has_its_time_amount_code_and_plain_words() -> None:
    failure = package().failure
    assert failure.at == Known(FAILED, "stripe", NOW)
    assert failure.amount == Known(usd("14200"), "stripe", NOW)
    assert failure.currency == Known("USD", "stripe", NOW)
    assert failure.code == Known("generic_decline", "stripe", NOW)
    assert failure.class_ == Known("bank_no_reason", "stripe", NOW)
    assert isinstance(failure.plain_words, Known)
    assert failure.plain_words.value.startswith("The bank declined and did not say why")


def test_a_failure_without_a_code_says_so_and_keeps_its_plain_words() -> None:
    failure = package(pays=with_invoice(decline=None, attempts=())).failure
    assert failure.code == Missing("no code came with it")
    assert isinstance(failure.plain_words, Known)


def test_an_invoice_that_was_sent_and_not_charged_has_no_decline() -> None:
    sent = with_invoice(
        is_charged_automatically=False,
        attempted=False,
        attempt_count=0,
        decline=None,
        attempts=(),
        due_at=at(11, 18),
    )
    sent_package = package(pays=sent)
    assert sent_package.failure.code == Missing(
        "nothing was charged: the invoice waits for a transfer"
    )
    assert sent_package.invoice.due == Known(at(11, 18), "stripe", NOW)


@pytest.mark.req("R44")
def test_every_attempt_is_listed_with_time_and_result_and_the_next_one() -> None:
    tries = tuple(
        Attempt(at=at(11, day), succeeded=False, code="insufficient_funds", by=AttemptBy.AUTOMATIC)
        for day in (13, 16, 20)
    )
    tried = package(
        pays=with_invoice(attempts=tries, attempt_count=3, next_attempt_at=at(11, 27)),
        certificate=QuietCertificate(state=Quiet.NOT_QUIET, checked_at=NOW),
    )
    assert isinstance(tried.attempts.tries, Known)
    assert tried.attempts.count == Known(len(tried.attempts.tries.value), "stripe", NOW)
    assert [(one.at, one.result) for one in tried.attempts.tries.value] == [
        (at(11, 13), "card limit reached"),
        (at(11, 16), "card limit reached"),
        (at(11, 20), "card limit reached"),
    ]
    assert tried.next_attempt.at == Known(at(11, 27), "stripe", NOW)
    assert tried.next_attempt.suppressed == Known(False, "stripe", NOW)


def test_a_planned_try_is_suppressed_while_the_certificate_says_quiet() -> None:
    planned = package(pays=with_invoice(next_attempt_at=at(11, 27)))
    assert planned.next_attempt.suppressed == Known(True, "stripe", NOW)


def test_unknown_quiet_never_counts_as_quiet() -> None:
    unknown = package(certificate=QuietCertificate(state=Quiet.UNKNOWN))
    assert isinstance(unknown.next_attempt.suppressed, Missing)
    assert isinstance(unknown.quiet.retries_off, Missing)
    assert isinstance(unknown.quiet.mail_off, Missing)


@pytest.mark.req("R45")
def test_yearly_value_and_tenure_are_counted_from_the_payment_system() -> None:
    value = package().value
    assert value.arr == Known(usd("170400"), "stripe", NOW)
    assert value.mrr_t3m == Known(usd("14200"), "stripe", NOW)
    assert value.tenure_months == Known(31, "stripe", NOW)


@pytest.mark.parametrize(
    ("first", "months"),
    [
        (datetime(2026, 10, 20, 12, tzinfo=UTC), 1),
        (datetime(2026, 10, 21, 12, tzinfo=UTC), 0),
        (datetime(2025, 11, 20, 12, tzinfo=UTC), 12),
        (datetime(2027, 1, 1, 12, tzinfo=UTC), 0),
    ],
)
def test_tenure_counts_whole_months(first: datetime, months: int) -> None:
    pays = replace(payments(), history=PaymentHistory(first_paid_at=first))
    assert package(pays=pays).value.tenure_months == Known(months, "stripe", NOW)


@pytest.mark.req("R46")
def test_health_carries_source_and_age_and_turns_stale_past_the_limit() -> None:
    fresh = package(keeps=crm(health=known("62", NOW - timedelta(days=14)))).health
    old = package(keeps=crm(health=known("62", NOW - timedelta(days=15)))).health
    assert isinstance(fresh.score, Known)
    assert fresh.score.value == "62"
    assert isinstance(fresh.source, Known)
    assert fresh.source.value == "salesforce"
    assert isinstance(fresh.age, Known)
    assert fresh.age.value == 14
    assert isinstance(fresh.is_stale, Known)
    assert not fresh.is_stale.value
    assert isinstance(old.is_stale, Known)
    assert old.is_stale.value


def test_the_stale_limit_is_a_knob() -> None:
    health = package(
        keeps=crm(health=known("62", NOW - timedelta(days=3))), rules=policy(health_stale_days=2)
    ).health
    assert isinstance(health.is_stale, Known)
    assert health.is_stale.value


def test_a_score_without_a_date_says_that_its_age_is_not_known() -> None:
    health = package(keeps=crm(health=Known("62", "salesforce"))).health
    assert health.age == Missing("the score carries no date")


@pytest.mark.req("R47")
def test_support_counts_all_tickets_and_names_three_with_links() -> None:
    tickets = tuple(
        Ticket(id=f"500{n}", title=f"Ticket {n}", url=f"https://crm.example/500{n}")
        for n in range(5)
    )
    support = package(keeps=crm(tickets=known(tickets))).support
    assert support.open == Known(5, "salesforce", NOW)
    assert isinstance(support.top3, Known)
    assert [one.title for one in support.top3.value] == ["Ticket 0", "Ticket 1", "Ticket 2"]
    assert isinstance(support.top3.value[0].url, Known)
    assert support.top3.value[0].url.value == "https://crm.example/5000"


def test_no_open_ticket_is_a_known_none_and_not_a_gap() -> None:
    support = package(keeps=crm(tickets=known(()))).support
    assert support.open == Known(0, "salesforce", NOW)


@pytest.mark.req("R48")
def test_the_last_talk_has_date_kind_person_and_a_line() -> None:
    touch = package().last_touch
    assert touch.at == Known(at(11, 12, 15), "salesforce", NOW)
    assert touch.kind == Known("call", "salesforce", NOW)
    assert touch.who == Known("Ann Lee", "salesforce", NOW)
    assert touch.line == Known("planned the winter rollout", "salesforce", NOW)


@pytest.mark.req("R48")
def test_no_talk_at_all_is_said_to_be_none_on_record() -> None:
    assert package(keeps=crm(last_touch=known(None))).last_touch.at == Missing("none on record")


def test_a_talk_without_a_line_says_so_instead_of_showing_a_blank() -> None:
    empty = Touch(at=at(11, 12), kind="call", who=" ", line="\n")
    touch = package(keeps=crm(last_touch=known(empty))).last_touch
    assert touch.line == Missing("empty in salesforce")
    assert touch.who == Missing("empty in salesforce")


@pytest.mark.req("R51")
def test_clean_solved_and_lost_records_read_and_act_differently() -> None:
    first = datetime(2024, 4, 20, tzinfo=UTC)
    records = [
        PaymentHistory(first_paid_at=first),
        PaymentHistory(
            first_paid_at=first, earlier_failures=2, resolved=2, median_days=Decimal("4.0")
        ),
        PaymentHistory(first_paid_at=first, earlier_failures=2, lost=2),
    ]
    read = [package(pays=replace(payments(), history=one)) for one in records]
    assert [one.history.line.value for one in read if isinstance(one.history.line, Known)] == [
        "every earlier payment went through at the first try",
        "2 earlier hiccups, both solved, usually in 4 days",
        "2 earlier hiccups: 2 never paid",
    ]
    assert len({str(one.recommend.approach) for one in read}) == 3


@pytest.mark.parametrize(
    ("past", "line"),
    [
        (PaymentHistory(), "no payment has gone through yet"),
        (
            PaymentHistory(first_paid_at=NOW, earlier_failures=1, resolved=1),
            "1 earlier hiccup, solved",
        ),
        (
            PaymentHistory(
                first_paid_at=NOW, earlier_failures=3, resolved=3, median_days=Decimal(1)
            ),
            "3 earlier hiccups, all solved, usually in 1 day",
        ),
        (
            PaymentHistory(first_paid_at=NOW, earlier_failures=3, resolved=1, lost=2),
            "3 earlier hiccups: 2 never paid and 1 solved",
        ),
        (
            PaymentHistory(first_paid_at=NOW, earlier_failures=2, resolved=1),
            "2 earlier hiccups: 1 solved, 1 not settled yet",
        ),
    ],
)
def test_the_history_line(past: PaymentHistory, line: str) -> None:
    assert package(pays=replace(payments(), history=past)).history.line == Known(
        line, "stripe", NOW
    )


@pytest.mark.req("R52")
def test_the_ledgers_number_stands_beside_the_payment_systems_amount() -> None:
    part = package().invoice
    assert part.erp_number == Known("INV-2026-04-1198", "NetSuite", NOW)
    assert part.erp_mismatch == Known(False, "NetSuite", NOW)
    assert part.open_amount == Known(usd("14200"), "stripe", NOW)


@pytest.mark.req("R52")
def test_a_different_amount_in_the_ledger_is_flagged() -> None:
    other = replace(ERP.value, amounts={"in_1": usd("14000")})
    assert package(erp=replace(ERP, value=other)).invoice.erp_mismatch == Known(
        True, "NetSuite", NOW
    )


def test_an_invoice_that_the_ledger_does_not_list_is_no_mismatch() -> None:
    part = package(erp=Known(ErpPicture(), "NetSuite", NOW)).invoice
    assert part.erp_number == Missing("the ERP lists no such invoice")
    assert part.erp_mismatch == Missing("the ERP lists no such amount")


@pytest.mark.req("R53")
def test_an_annual_contract_keeps_access_until_the_term_ends() -> None:
    access = package().value.access
    assert isinstance(access, Known)
    assert access.value == "annual contract, access continues until Fri 30 Apr"


@pytest.mark.req("R53")
def test_a_monthly_contract_counts_the_days_left() -> None:
    access = package(keeps=crm(contract=known("Monthly"))).value.access
    assert isinstance(access, Known)
    assert access.value == "monthly contract, 30 days left in this period (to Sun 20 Dec)"


def test_a_planned_cancellation_counts_before_the_period() -> None:
    picture = payments()
    ending = replace(picture.subscriptions[0], cancel_at=at(12, 4))
    access = package(
        pays=replace(picture, subscriptions=(ending,)), keeps=crm(contract=known("Monthly"))
    ).value.access
    assert isinstance(access, Known)
    assert access.value == "monthly contract, 14 days until it ends on Fri 4 Dec"


def test_without_contract_or_subscription_access_is_not_guessed() -> None:
    access = package(
        pays=replace(payments(), subscriptions=()), keeps=crm(contract=Missing("field not mapped"))
    ).value.access
    assert access == Missing("neither a contract type nor a billing period is on record")


@pytest.mark.req("R54")
@pytest.mark.parametrize(("days", "is_near"), [(0, True), (60, True), (61, False), (-1, False)])
def test_a_renewal_is_near_within_the_policys_days(days: int, is_near: bool) -> None:
    call = date(2026, 11, 20) + timedelta(days=days)
    value = package(keeps=crm(renewal_call=known(call))).value
    assert value.renewal_is_near == Known(is_near, "salesforce", NOW)


def test_how_near_a_renewal_counts_is_a_knob() -> None:
    assert package(rules=policy(renewal_near_days=5)).value.renewal_is_near == Known(
        False, "salesforce", NOW
    )


@pytest.mark.req("R55")
def test_success_tier_and_expansion_are_shown_when_mapped_and_else_not_mapped() -> None:
    mapped, unmapped = package().value, package(keeps=bare_crm()).value
    assert mapped.tier == Known("Gold", "salesforce", NOW)
    assert mapped.expansion_arr == Known(usd("30000"), "salesforce", NOW)
    assert unmapped.tier == Missing("field not mapped")
    assert unmapped.expansion_arr == Missing("field not mapped")


@pytest.mark.req("R56")
def test_a_country_note_appears_only_where_the_policy_has_one() -> None:
    note = policy(country_notes={"br": "Banks there ask for a confirmation more often."})
    there = package(pays=replace(payments(), country="BR"), rules=note).account
    here = package(rules=note).account
    assert there.country == Known("BR", "stripe", NOW)
    assert isinstance(there.country_note, Known)
    assert there.country_note.value == "Banks there ask for a confirmation more often."
    assert here.country == Known("US", "stripe", NOW)
    assert here.country_note == Missing("no note for it")


@pytest.mark.req("R57", partly="they are merged into the draft when the mail room comes")
def test_seats_and_tenure_come_from_mapped_fields_and_are_never_invented() -> None:
    nothing = package(pays=replace(payments(), subscriptions=()), keeps=bare_crm()).value
    assert package().value.seats == Known(42, "salesforce", NOW)
    assert package(keeps=bare_crm()).value.seats == Known(40, "stripe", NOW)
    assert nothing.seats == Missing("field not mapped")


def causes(of: ContextPackage) -> tuple[str, ...]:
    leaf = of.failure.likely_causes
    return leaf.value if isinstance(leaf, Known) else ()


@pytest.mark.req("R58")
def test_a_card_replaced_after_the_last_success_is_a_likely_cause() -> None:
    assert causes(package()) == (
        "the card on file was replaced on Thu 5 Nov, after the last payment that went through",
    )


@pytest.mark.req("R58")
def test_a_card_that_worked_since_its_replacement_is_no_cause() -> None:
    worked = invoice(
        id="in_0", status=InvoiceStatus.PAID, remaining=usd("0"), settled_at=at(11, 10)
    )
    assert causes(package(pays=replace(payments(), invoices=(invoice(), worked)))) == ()


@pytest.mark.req("R58")
def test_a_contact_who_left_is_a_likely_cause() -> None:
    gone = crm(ap_contact=known(Contact(id="003D", name="Dana Ruiz", is_gone=True)))
    assert causes(package(pays=replace(payments(), card=None), keeps=gone)) == (
        "the contact on file for invoices can no longer be reached",
    )


@pytest.mark.req("R58")
def test_a_limit_code_points_to_the_limit_and_not_to_the_card() -> None:
    funds = with_invoice(decline=Decline(code="insufficient_funds", at=FAILED))
    assert causes(package(pays=funds)) == ("a limit or a balance at the bank, not the card itself",)


@pytest.mark.req("R58")
def test_nothing_on_record_means_no_likely_cause() -> None:
    silent = package(pays=replace(payments(), card=None))
    assert silent.failure.likely_causes == Missing("nothing on record points to one")


def test_a_card_past_its_date_is_a_likely_cause() -> None:
    old = Card(brand="visa", last4="4242", exp_month=10, exp_year=2026)
    assert causes(package(pays=replace(payments(), card=old))) == (
        "the card on file ran out at the end of 10/2026",
    )


def test_a_new_card_after_the_failure_is_news_and_no_cause() -> None:
    card = Card(brand="visa", last4="4242", exp_month=1, exp_year=2030, replaced_at=at(11, 20, 13))
    fresh = package(pays=replace(payments(), card=card))
    assert fresh.failure.new_card_at == Known(at(11, 20, 13), "stripe", NOW)
    assert causes(fresh) == ()


def test_other_failing_invoices_of_the_case_are_listed_and_the_largest_leads() -> None:
    small = invoice(id="in_2", number="RV-0418", total=usd("300"), remaining=usd("300"))
    both = package(
        of=case(invoices=("in_2", "in_1")),
        pays=replace(payments(), invoices=(small, *payments().invoices)),
    )
    assert both.invoice.id == Known("in_1", "stripe", NOW)
    assert isinstance(both.invoice.others, Known)
    assert [(one.number, one.open_amount) for one in both.invoice.others.value] == [
        ("RV-0418", usd("300"))
    ]
    assert both.invoice.case_open == Known((usd("14500"),), "stripe", NOW)


def test_amounts_of_two_currencies_are_never_added() -> None:
    euro = invoice(id="in_2", total=replace(usd("1"), currency="eur"))
    euro = replace(euro, remaining=euro.total)
    both = package(
        of=case(invoices=("in_1", "in_2")),
        pays=replace(payments(), invoices=(*payments().invoices, euro)),
    )
    assert both.invoice.case_open == Known((usd("14200"), euro.total), "stripe", NOW)


def test_an_account_that_is_not_linked_keeps_its_name_and_says_why_the_rest_is_missing() -> None:
    unlinked = package(keeps=Missing("no CRM account carries this customer id"))
    assert unlinked.account.name == Known("Aurelius Partners", "stripe", NOW)
    assert unlinked.account.record == Missing("no CRM account carries this customer id")
    assert unlinked.health.score == Missing("no CRM account carries this customer id")


def test_people_who_are_away_are_marked() -> None:
    away = crm(people={Role.CSM: replace(ANN, is_away=True), Role.OWNER: Person(id="1", name=" ")})
    people = package(keeps=away).people
    assert people.csm == Known("Ann Lee, away", "salesforce", NOW)
    assert people.relationship_owner == Missing("the person has no name")


@pytest.mark.req("R59", partly="the ERP gives no address to link to yet")
def test_what_a_csm_would_look_up_is_there_with_a_link_each() -> None:
    full = package()
    checklist = [
        full.failure.amount,
        full.failure.code,
        full.attempts.tries,
        full.invoice.number,
        full.value.arr,
        full.value.tenure_months,
        full.value.contract,
        full.value.renewal_at,
        full.value.tier,
        full.health.score,
        full.support.open,
        full.last_touch.at,
        full.history.line,
        full.recommend.approach,
    ]
    assert len(checklist) >= 11
    assert all(isinstance(leaf, Known) for leaf in checklist)
    assert all(isinstance(full.link_for(leaf), Known) for leaf in checklist)


def test_no_live_portal_link_stands_in_a_package() -> None:
    assert package().links.portal == Missing(
        "made when the mail is written; a live link never stands in a task"
    )


def test_an_address_that_is_no_web_page_is_left_out() -> None:
    assert package(keeps=crm(url="javascript:alert(1)")).links.crm == Missing(
        "the record carries no address"
    )


def bare_crm() -> CrmPicture:
    return CrmPicture(
        account=Ref("salesforce", "account", "001A"), read_at=NOW, name="Aurelius Partners"
    )
