"""A VIP's renewal is collected on our clock: no automatic mail, no parked money, no charge
twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.case import CaseState, Outcome
from domain.effects import EffectKind
from domain.facts import InvoiceStatus, Pause, VipOverride
from domain.holds import SuppressionState
from domain.policy import HoldStart, Policy
from tests.unit.slim import Slim, policy_of


def reacting() -> Policy:
    """The default policy, but VIPs are only held when the first try has failed."""
    policy = policy_of("default")
    first, *others = policy.tiers
    return replace(policy, tiers=(replace(first, hold_start=HoldStart.REACT), *others))


def renewed(**fields: object) -> Slim:
    """A VIP whose period has just ended, taken over."""
    world = Slim(**fields)  # type: ignore[arg-type]
    world.renew()
    world.run()
    return world


# ---------------------------------------------------------------- the race


@pytest.mark.req("R36", partly="at the level of the decision")
def test_a_vip_whose_renewal_fails_gets_no_automatic_mail_at_all() -> None:
    world = renewed()

    world.days(60)

    assert world.mails == []
    assert [by for _, _, by in world.charges] == ["manual"]
    assert world.case is not None
    assert world.case.state is CaseState.WITH_PERSON


@pytest.mark.req("R36", partly="at the level of the decision")
def test_when_we_only_react_the_mail_of_the_first_failure_is_out_and_no_other_follows() -> None:
    world = renewed(policy=reacting())

    world.days(60)

    assert len(world.mails) == 1


def test_a_renewal_whose_card_works_is_collected_once_and_leaves_nothing_behind() -> None:
    world = renewed(card_works=True)

    world.days(3)

    assert world.invoices["in_1"].status is InvoiceStatus.PAID
    assert len(world.charges) == 1
    assert world.case is None
    assert world.ledger["invoice:in_1"].state is SuppressionState.MOOT
    assert world.timers == ()


def test_the_try_waits_as_long_as_the_payment_system_would_have_waited() -> None:
    world = renewed(card_works=True)

    world.pass_time(timedelta(minutes=59))
    assert world.charges == []
    world.pass_time(timedelta(minutes=1))

    assert len(world.charges) == 1


# ---------------------------------------------------------------- never parked for ever


def test_a_renewal_that_nobody_could_collect_goes_back_after_a_day() -> None:
    world = renewed(card_works=True)
    world.refuses = lambda effect: effect.kind is EffectKind.FINALIZE_INVOICE

    world.days(2)

    assert world.invoices["in_1"].status is InvoiceStatus.PAID
    assert [by for _, _, by in world.charges] == ["automatic"]


def test_after_days_of_being_down_the_renewal_goes_back_and_is_paid_once() -> None:
    world = renewed(card_works=True)
    world.days(3, running=False)

    world.days(1)

    assert world.invoices["in_1"].status is InvoiceStatus.PAID
    assert [by for _, _, by in world.charges] == ["automatic"]


def test_a_renewal_that_was_made_while_we_were_down_is_left_to_the_payment_system() -> None:
    world = Slim(card_works=True)
    world.run()
    world.renew()
    world.days(3, running=False)

    world.run()

    assert [by for _, _, by in world.charges] == ["automatic"]
    assert "invoice:in_1" not in world.ledger


def test_a_finalized_renewal_that_could_not_be_tried_goes_back_too() -> None:
    world = renewed(card_works=True)
    world.refuses = lambda effect: effect.kind is EffectKind.PAY_INVOICE

    world.days(2)

    assert [by for _, _, by in world.charges] == ["automatic"]


def test_looking_again_at_a_renewal_that_cannot_be_collected_is_rare() -> None:
    world = renewed()
    world.refuses = lambda effect: effect.kind is EffectKind.FINALIZE_INVOICE
    world.pass_time(timedelta(hours=1))

    assert [timer.due - world.now for timer in world.timers] == [timedelta(hours=23)]


def test_drafts_that_a_person_has_parked_are_left_alone_and_not_watched() -> None:
    world = Slim()
    world.renew()
    world.change("in_1", advances=False)

    world.run()

    assert world.sent == []
    assert world.timers == ()


def test_drafts_of_a_persons_own_pause_are_left_alone() -> None:
    world = Slim()
    world.change("sub_1", pause=Pause(behavior="keep_as_draft"))
    world.renew()

    world.days(40)

    assert world.sent == []


def test_a_draft_that_was_deleted_leaves_nothing_to_give_back() -> None:
    world = renewed()
    del world.invoices["in_1"]

    world.run()

    assert world.ledger["invoice:in_1"].state is SuppressionState.MOOT


# ---------------------------------------------------------------- people decide


def test_nobody_is_charged_after_the_subscription_was_cancelled() -> None:
    world = renewed(card_works=True)
    world.cancel()

    world.days(40)

    assert world.charges == []
    assert world.settings()["in_1"] == (False, None)


def test_a_renewal_that_a_person_wakes_is_theirs() -> None:
    world = renewed(card_works=True)
    world.change("in_1", advances=True)

    world.days(1)

    assert [by for _, _, by in world.charges] == ["automatic"]


def test_a_renewal_that_a_person_voids_is_left_alone() -> None:
    world = renewed()
    world.change("in_1", status=InvoiceStatus.VOID, advances=False)

    world.days(2)

    assert world.charges == []
    assert world.ledger["invoice:in_1"].state is SuppressionState.MOOT


def test_an_account_that_stops_being_a_vip_gets_its_renewal_back_at_once() -> None:
    world = renewed()

    world.set_crm(override=VipOverride.NEVER)
    world.run()

    assert world.settings()["in_1"] == (True, None)


# ---------------------------------------------------------------- interception and hold


def test_a_hold_during_the_hour_of_interception_stops_the_try() -> None:
    world = renewed()
    world.say("In Resolution")
    world.run()

    world.days(3)

    assert world.charges == []
    assert world.invoices["in_1"].status is InvoiceStatus.DRAFT


def test_after_that_hold_the_renewal_is_collected_by_us_and_still_without_a_mail() -> None:
    world = renewed()
    world.say("In Resolution")
    world.days(3)

    world.say(None)
    world.days(10)

    assert [by for _, _, by in world.charges] == ["manual"]
    assert world.mails == []


@pytest.mark.req("R36", partly="at the level of the decision")
def test_what_was_billed_during_a_vips_hold_is_tried_by_us_when_the_case_ends() -> None:
    world = Slim()
    world.renew()
    world.days(1)
    world.renew("in_2")
    world.days(20)

    world.pay("in_1")
    world.days(10)

    assert world.mails == []
    assert [(id, by) for _, id, by in world.charges] == [
        ("in_1", "manual"),
        ("in_1", "customer"),
        ("in_2", "manual"),
    ]
    assert world.case is not None
    assert world.case.number == 2


def test_what_was_billed_during_a_hold_and_is_paid_at_once_opens_no_new_case() -> None:
    world = Slim()
    world.renew()
    world.days(1)
    world.renew("in_2")
    world.days(5)
    world.card_works = True

    world.pay("in_1")
    world.days(2)

    assert world.invoices["in_2"].status is InvoiceStatus.PAID
    assert world.case is not None
    assert world.case.outcome is Outcome.PAID
    assert world.case.number == 1


def test_a_finalized_renewal_that_a_hold_overtook_is_tried_once_after_it() -> None:
    world = renewed()
    world.refuses = lambda effect: effect.kind is EffectKind.PAY_INVOICE
    world.pass_time(timedelta(hours=1))
    world.refuses = lambda effect: False
    world.say("In Resolution")
    world.run()
    assert world.charges == []

    world.say(None)
    world.days(5)

    assert [by for _, _, by in world.charges] == ["manual"]
    assert world.mails == []


# ---------------------------------------------------------------- what makes a VIP cannot be read


def vip_by_name() -> Slim:
    """A small account that is a VIP only because the CRM names a CSM."""
    world = Slim(mrr=60_000)
    world.run()
    return world


def test_an_unreadable_crm_gives_no_renewal_of_a_vip_to_the_mailer() -> None:
    world = vip_by_name()
    world.renew()
    world.run()
    world.crm_down = "503 from the CRM"

    world.pass_time(timedelta(hours=8))

    assert world.mails == []
    assert [by for _, _, by in world.charges] == ["manual"]


def test_a_renewal_that_comes_while_the_crm_is_down_is_taken_over_for_who_was_a_vip() -> None:
    world = vip_by_name()
    world.crm_down = "503 from the CRM"
    world.renew()

    world.pass_time(timedelta(hours=8))

    assert world.mails == []
    assert not world.is_loud()


def test_a_failure_that_is_seen_while_the_crm_is_down_is_held_for_who_was_a_vip() -> None:
    world = vip_by_name()
    world.crm_down = "503 from the CRM"
    world.fail()

    world.days(5)

    assert len(world.mails) == 1
    assert not world.is_loud()


def test_who_was_no_vip_is_none_because_the_crm_is_down() -> None:
    world = Slim(mrr=4_000, csm=None)
    world.run()
    world.crm_down = "503 from the CRM"
    world.renew()

    world.days(3)

    assert world.sent == []


def test_who_is_no_vip_any_longer_is_none_as_soon_as_the_crm_is_read() -> None:
    world = vip_by_name()
    world.crm_down = "503 from the CRM"
    world.renew()
    world.run()

    world.crm_down = None
    world.set_crm(people={})
    world.run()

    assert world.settings()["in_1"] == (True, None)
