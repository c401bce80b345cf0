"""In resolution means silence: from the word in the CRM to the settings given back as they were."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import pytest

from domain.case import CaseState
from domain.holds import Quiet
from mappings.policy_file import preset_text
from tests.journeys.quiet_scenes import (
    charges,
    failed_high,
    failed_high_in,
    failed_vip,
    failed_vip_in,
    glide,
    held_high,
    is_quiet_at_stripe,
    open_invoice,
    put_policy,
    settings_of,
    story,
    stripe_writes,
    subscription_of,
)
from tests.sides import Side, living
from tests.world import World

ON_EACH_CRM = pytest.mark.parametrize("world", ["salesforce", "hubspot"], indirect=True)


@pytest.mark.req("R11")
@pytest.mark.req("R70")
@pytest.mark.req("R74")
def test_the_word_in_the_crm_keeps_any_account_quiet_for_sixty_days(world: World) -> None:
    customer, account = failed_high(world)
    assert not is_quiet_at_stripe(world, customer)
    mails, tries = world.robotic(customer), len(charges(world, customer))

    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2027-01-25")
    world.settle()
    assert is_quiet_at_stripe(world, customer)
    glide(world, days=60)

    assert world.robotic(customer) == mails
    assert len(charges(world, customer)) == tries
    assert is_quiet_at_stripe(world, customer)
    certificate = world.certificate(customer)
    assert certificate is not None
    assert (certificate.state, certificate.invoices) == (Quiet.QUIET, 2)


@pytest.mark.req("R72", partly="never an automatic one after a hold; the personal mail is to come")
@pytest.mark.req("R35")
def test_a_held_vip_gets_no_automatic_message_in_ninety_days(world: World) -> None:
    world.stripe.behaviour.upcoming_days = 3
    world.stripe.behaviour.reminder_days = (1, 5, 10, 20)
    customer, account = failed_vip(world)
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2027-02-17")

    glide(world, days=90)

    assert world.robotic(customer) == []
    assert len(charges(world, customer)) == 1


@pytest.mark.req("R12")
@pytest.mark.req("R6", partly="the way from the CRM to Stripe")
@pytest.mark.req("R7", partly="the way from the CRM to Stripe")
@ON_EACH_CRM
def test_clearing_the_word_gives_stripe_back_exactly_and_dunning_goes_on(
    world: World, crm: Side
) -> None:
    customer, account = failed_high_in(world, crm)
    before = settings_of(world, customer)
    crm.say(account, "held")
    world.settle()
    assert settings_of(world, customer) != before

    crm.say(account, None)
    world.settle()
    assert settings_of(world, customer) == before
    tries = len(charges(world, customer))
    world.days(6)

    assert len(charges(world, customer)) > tries


@pytest.mark.req("R12")
@ON_EACH_CRM
def test_an_invoice_that_was_paid_in_the_meantime_is_not_touched_by_the_release(
    world: World, crm: Side
) -> None:
    customer, account = failed_high_in(world, crm)
    crm.say(account, "held")
    world.settle()
    invoice = open_invoice(world, customer)
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(invoice)
    paid = world.stripe.get(invoice)
    world.stripe.forget_requests()

    world.settle()
    crm.say(account, None)
    world.settle()

    assert stripe_writes(world, invoice) == []
    assert world.stripe.get(invoice) == paid
    assert stripe_writes(world) == [f"/v1/subscriptions/{subscription_of(world, customer)}"]


@pytest.mark.req("R13")
def test_a_word_without_a_date_runs_out_and_the_owner_hears_of_it(world: World) -> None:
    customer, account = held_high(world)
    assert world.task(account)["OwnerId"] == world.people["owner"]

    glide(world, days=18)

    case = world.open_case(customer)
    assert case.state is CaseState.WITH_PERSON
    assert not world.task(account)["IsClosed"]
    assert "The time set for the fix has run out" in world.task(account)["Description"]
    assert world.task(account)["ActivityDate"] == "2026-12-09"
    assert not is_quiet_at_stripe(world, customer)
    said = story(world, customer, "decision")
    assert any("the CRM says 'In Resolution'" in line for line in said)
    assert any("the time for the fix has run out" in line for line in said)


@pytest.mark.req("R34")
def test_below_the_line_stripe_is_not_written_to_and_nobody_gets_a_task(world: World) -> None:
    customer, account = world.vip(
        "Small Bakery", amount=4_000, CSM__c=None, number=None, customer_id="cus_small"
    )
    before = world.stripe.writes()

    world.days(20)

    assert world.stripe.writes() == before
    assert world.tasks(account) == []
    assert len(world.robotic(customer)) == 9


@pytest.mark.req("R75")
@ON_EACH_CRM
def test_holding_one_customer_changes_nothing_of_another(world: World, crm: Side) -> None:
    other = world.customer("Small Bakery", amount=4_000)
    crm.add_account("Small Bakery", customer=other, csm=None)
    customer, account = failed_high_in(world, crm)
    before = settings_of(world, other)

    crm.say(account, "held")
    world.settle()

    assert is_quiet_at_stripe(world, customer)
    assert settings_of(world, other) == before
    assert stripe_writes(world, other, subscription_of(world, other)) == []


@pytest.mark.req("R37")
@ON_EACH_CRM
def test_a_held_vip_has_an_open_task_with_an_owner_and_a_due_day(world: World, crm: Side) -> None:
    customer, account = failed_vip_in(world, crm)

    task = living(crm, account)

    assert is_quiet_at_stripe(world, customer)
    assert (task.is_done, task.owner, task.due) == (False, "Morgan Vale", date(2026, 11, 20))


@pytest.mark.req("R38", partly="one account, no load; the benchmark measures many")
def test_the_task_stands_in_the_crm_at_the_moment_of_the_failure(world: World) -> None:
    customer, account = world.vip()

    world.advance(timedelta(hours=3))

    failed_at = charges(world, customer)[0]["created"]
    assert world.task(account)["CreatedDate"].startswith("2026-11-20T14:00")
    assert failed_at == int(world.clock.now().timestamp())


# ---------------------------------------------------------------- the race with Stripe's mailer


@pytest.mark.req("R36")
@pytest.mark.parametrize("delay", [0, 5, 3_600, 86_400])
def test_an_intercepted_vip_gets_no_mail_however_slow_the_mailer_is(
    world: World, delay: int
) -> None:
    world.stripe.behaviour.mail_delay = timedelta(seconds=delay)

    customer, _ = failed_vip(world)
    world.days(2)

    assert world.robotic(customer) == []
    assert is_quiet_at_stripe(world, customer)


@pytest.mark.req("R36")
def test_a_hold_that_only_reacts_loses_the_race_for_the_first_mail_and_no_other(
    world: World,
) -> None:
    put_policy(world, ("hold_start: intercept", "hold_start: react"))

    customer, _ = failed_vip(world)
    world.days(10)

    assert [mail.kind for mail in world.robotic(customer)] == ["payment_failed"]


@pytest.mark.req("R36")
def test_the_policy_itself_states_the_race() -> None:
    assert "With `react` the mail of the first failure may be out already." in preset_text(
        "default"
    )


@pytest.mark.parametrize(("rule", "mails"), [("never", 0), ("unless_quiet", 0), ("always", 1)])
def test_what_stripe_mails_about_our_own_try_is_the_only_mail_that_can_leave(
    world: World, rule: Literal["never", "unless_quiet", "always"], mails: int
) -> None:
    world.stripe.behaviour.manual_failure_mails = rule

    customer, _ = failed_vip(world)
    world.days(3)

    assert len(world.robotic(customer)) == mails
