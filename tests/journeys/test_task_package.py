"""The living task of an account of which everything is on record, read in the CRM itself."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.package import GROUPS
from domain.render_text import DETAILS, parse_body
from tests.journeys.hands import completes, full_account, kept, line, polled
from tests.sides import Side, living
from tests.unit.packages import package
from tests.world import World

LEAVES = {path for path, _ in package().leaves()}
NOT_IN_THIS_WORLD = {
    "account.country_note": "no note for it",
    "account.country": "not on the customer",
    "failure.new_card_at": "no new card since the failure",
    "invoice.erp_number": "no ERP is connected",
    "invoice.erp_amount": "no ERP is connected",
    "invoice.erp_mismatch": "no ERP is connected",
    "invoice.due": "charged automatically, so it has no due date",
    "invoice.paid_at": "not paid yet",
    "invoice.paid_by": "not paid yet",
    "next_attempt.at": "none planned",
    "next_attempt.by": "none planned",
    "people.sender": "chosen when the mail is written",
    "quiet.until": "it ends with the case, not on a date",
    "links.portal": "made when the mail is written; a live link never stands in a task",
    "links.erp": "no ERP is connected",
    "value.seats": "field not mapped",
}


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


@pytest.mark.req("R9")
@pytest.mark.req("R10")
@pytest.mark.req("R51")
@pytest.mark.req("R57", partly="they are merged into the draft when the mail room comes")
@pytest.mark.req("R58")
@pytest.mark.req("R59", partly="the ERP gives no address to link to yet")
def test_a_failed_payment_is_one_task_with_everything_that_is_on_record(
    world: World, crm: Side
) -> None:
    customer, account, contact = full_account(world, card="declines:generic_decline")
    world.hours(1)
    world.stripe.customer_updates_card(customer, "declines:generic_decline")
    world.hours(3)

    (task,) = crm.tasks(account)
    assert (task.owner, task.contact) == ("Morgan Vale", contact)
    assert (task.is_high, task.is_call, task.due) == (True, True, date(2026, 11, 20))
    assert task.subject == (
        "Payment hiccup: Aurelius Partners, $14,200, card declined - call by Fri 20 Nov"
    )

    read = parse_body(task.text)
    assert {path.rstrip("0123456789").rstrip(".") for path in read} == LEAVES
    assert {path.split(".")[0] for path in read} == set(GROUPS)
    missing = {path: leaf.because for path, leaf in read.items() if leaf.because}
    assert missing == NOT_IN_THIS_WORLD
    assert read["history.line"].value == "2 earlier hiccups, both solved, usually in 4 days"
    assert line(crm, account, "Why it failed") == (
        "Why it failed: The bank declined and did not say why; the cardholder has to ask the bank, "
        "or use another card. Likely cause: the card on file was replaced on Fri 20 Nov, after the "
        "last payment that went through."
    )
    assert line(crm, account, "Money") == (
        "Money: KG000001-0026, $14,200, billed Fri 20 Nov. Worth $170,400 a year. Customer for 25 "
        "months. Annual contract, access continues until Fri 30 Apr. Success tier Gold. $30,000 a "
        "year of expansion in play. Not known: seats (field not mapped); country (not on the "
        "customer)."
    )
    assert line(crm, account, "Mood") == (
        f"Mood: Health 62 ({crm.title}, 2 days old). 1 open support ticket (Single sign-on fails). "
        "Last talk Thu 12 Nov (meeting, you): “Planned the winter rollout”."
    )
    assert line(crm, account, "Soon") == "Soon: The renewal call is on Wed 9 Dec, in 19 days."
    assert len(task.text.split(DETAILS)[0]) < 3000


@pytest.mark.req("R50")
@pytest.mark.req("R68")
def test_when_the_money_arrives_the_task_says_by_whom_and_when_and_closes_once(
    world: World, crm: Side
) -> None:
    customer, account, _ = full_account(world)
    world.hours(4)
    invoice = world.open_case(customer).invoices[0]
    world.stripe.customer_updates_card(customer)

    world.stripe.customer_pays(invoice)
    world.settle()

    task = living(crm, account)
    assert task.is_done
    assert task.subject == "Paid: Aurelius Partners, $14,200 - nothing to do"
    assert line(crm, account, "Now") == (
        "Now: Paid: $14,200 from Aurelius Partners arrived on Fri 20 Nov 10:00 (Visa ending in "
        "4242). Nothing to do."
    )
    world.days(3)
    assert len(kept(world, customer, rule="task.close")) == 1
    assert kept(world, customer)[-1].rule == "task.close"
    assert len(crm.tasks(account)) == 1


@pytest.mark.req("R40")
@pytest.mark.req("R42", partly="the chain; who is not there stands beside it")
def test_silence_hands_it_on_and_a_logged_call_does_not(world: World, crm: Side) -> None:
    customer, account, _ = full_account(world)
    world.hours(4)
    crm.talk(account)
    polled(world)

    world.advance(timedelta(hours=3, minutes=50))
    assert [task.owner for task in crm.tasks(account)] == ["Morgan Vale"]

    world.hours(1)
    polled(world)
    hop = crm.tasks(account)[-1]
    assert hop.owner == "Felix Nordstrom"
    assert len(crm.tasks(account)) == 2
    assert [one.person_name for one in world.open_case(customer).hops] == ["Felix Nordstrom"]

    completes(world, crm, account, "card_updated")
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(world.open_case(customer).invoices[0])
    world.settle()
    assert {task.is_done for task in crm.tasks(account)} == {True}
    assert {task.subject[:5] for task in crm.tasks(account)} == {"Paid:"}
