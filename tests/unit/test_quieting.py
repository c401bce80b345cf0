"""What is made quiet, what is left alone, and that everything comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.facts import InvoiceStatus, Pause, Subscription, SubscriptionStatus
from domain.holds import Quiet, SuppressionState
from domain.policy import OnDrift, Policy
from tests.unit.slim import Slim, policy_of
from tests.unit.slim_billing import RETRY_DAYS, usd


def asking() -> Policy:
    """The default policy, but a person is asked before a drift is undone."""
    policy = policy_of("default")
    return replace(policy, hold=replace(policy.hold, on_drift=OnDrift.ASK))


def held(**fields: object) -> Slim:
    """An account below the VIP line whose failed payment a CSM has just marked in resolution."""
    world = Slim(mrr=60_000, csm=None, **fields)  # type: ignore[arg-type]
    world.fail()
    world.run()
    world.say("In Resolution")
    world.run()
    return world


def released(world: Slim) -> Slim:
    """The CSM clears the field."""
    world.say(None)
    world.run()
    return world


# ---------------------------------------------------------------- quiet


@pytest.mark.req("R70", partly="at the level of the decision")
def test_a_hold_stops_the_invoice_and_pauses_the_subscription() -> None:
    world = held()

    assert world.invoices["in_1"].advances is False
    assert world.subscriptions["sub_1"].pause is not None
    assert world.subscriptions["sub_1"].pause.behavior == "keep_as_draft"
    assert world.certificate is not None
    assert world.certificate.state is Quiet.QUIET


@pytest.mark.req("R70", partly="at the level of the decision")
@pytest.mark.req("R35", partly="at the level of the decision")
def test_ninety_days_of_a_vip_case_bring_no_try_and_no_mail_of_stripe() -> None:
    world = Slim()
    world.fail()
    world.run()
    tries, mails = len(world.charges), len(world.mails)

    world.days(90)

    assert (len(world.charges), len(world.mails)) == (tries, mails)
    assert world.certificate is not None
    assert world.certificate.state is Quiet.QUIET


def test_without_a_hold_the_same_ninety_days_bring_every_retry() -> None:
    world = Slim(mrr=60_000, csm=None)
    world.fail()

    world.days(90)

    assert len(world.mails) == 1 + len(RETRY_DAYS)


@pytest.mark.req("R74", partly="at the level of the decision")
def test_an_invoice_that_is_made_during_a_hold_is_quiet_too() -> None:
    world = held()
    world.change("sub_1", pause=None)
    world.renew("in_2")

    world.run()

    assert world.invoices["in_2"].advances is False
    assert not world.is_loud()


def test_a_second_subscription_is_paused_as_soon_as_it_is_seen() -> None:
    world = held()
    world.subscriptions["sub_2"] = Subscription(
        id="sub_2", status=SubscriptionStatus.ACTIVE, mrr=usd(5_000)
    )

    world.run()

    assert world.subscriptions["sub_2"].pause is not None


def test_an_invoice_whose_status_no_one_knows_is_made_quiet_and_not_forgotten() -> None:
    world = held()
    world.change("in_1", status=InvoiceStatus.UNKNOWN, advances=True)

    world.run()

    assert world.invoices["in_1"].advances is False
    assert world.ledger["invoice:in_1"].is_ours


def test_judging_twice_changes_nothing_more() -> None:
    world = held()
    before = len(world.sent)

    world.run()

    assert len(world.sent) == before


# ---------------------------------------------------------------- given back


@pytest.mark.req("R12", partly="at the level of the decision")
def test_clearing_the_field_gives_every_setting_back_as_it_was() -> None:
    world = Slim(mrr=60_000, csm=None)
    world.fail()
    before = world.settings()
    world.say("In Resolution")
    world.run()

    released(world)

    assert world.settings() == before


@pytest.mark.req("R12", partly="at the level of the decision")
def test_an_invoice_that_was_paid_during_the_hold_is_not_touched_again() -> None:
    world = held()
    world.pay()
    sent = len(world.sent)

    world.run()

    touched = {one.subject for one in world.sent[sent:]}
    assert "invoice:in_1" not in touched
    assert world.ledger["invoice:in_1"].state is SuppressionState.MOOT
    assert world.subscriptions["sub_1"].pause is None


@pytest.mark.parametrize("status", [InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE])
def test_an_invoice_that_a_person_ended_is_not_touched_again(status: InvoiceStatus) -> None:
    world = held()
    world.change("in_1", status=status, advances=False)

    world.run()

    assert world.invoices["in_1"].status is status
    assert world.ledger["invoice:in_1"].state is SuppressionState.MOOT
    assert world.subscriptions["sub_1"].pause is None


@pytest.mark.req("R12", partly="at the level of the decision")
def test_a_release_that_a_new_hold_overtook_is_made_good_at_the_next_release() -> None:
    world = Slim(mrr=60_000, csm=None)
    world.fail()
    world.run()
    before = world.settings()
    world.say("In Resolution")
    world.run()
    world.say(None)
    # The giving back is written down, and withdrawn because the hold is there again.
    world.keys |= {effect.key for effect in world.judge().effects}
    world.say("In Resolution")
    world.run()
    assert not world.is_loud()

    released(world)

    assert world.settings() == before


def test_a_giving_back_that_happened_after_all_is_undone_by_a_new_hold_without_an_alert() -> None:
    world = held(policy=asking())
    world.say(None)
    released_by = [one for one in world.judge().effects if one.subject == "invoice:in_1"]
    row = world.ledger["invoice:in_1"]
    world.send(released_by[0])
    world.ledger["invoice:in_1"] = row  # the answer was lost
    alerts = len(world.alerts)

    world.say("In Resolution")
    world.run()

    assert not world.is_loud()
    assert len(world.alerts) == alerts


def test_a_giving_back_that_arrives_when_the_next_hold_is_on_is_made_quiet_again() -> None:
    world = held()
    world.change("in_1", advances=True, mark=None)
    world.ledger["invoice:in_1"] = replace(
        world.ledger["invoice:in_1"], state=SuppressionState.RESTORED
    )

    world.run()

    assert not world.is_loud()


def test_a_draft_of_the_hold_that_nobody_had_seen_is_woken_at_the_release() -> None:
    world = held()
    world.renew("in_2")

    released(world)

    assert world.invoices["in_2"].advances is True


def test_a_draft_that_was_made_while_the_pause_was_being_lifted_is_woken_afterwards() -> None:
    world = held()
    released(world)
    world.now += timedelta(minutes=5)
    world.renew("in_2")
    world.change("in_2", advances=False, created_at=world.now - timedelta(minutes=5))

    world.run()

    assert world.invoices["in_2"].advances is True


def test_a_draft_that_a_person_parks_after_the_hold_stays_parked() -> None:
    world = released(held())
    world.now += timedelta(days=20)
    world.renew("in_2")
    world.change("in_2", advances=False)

    world.run()

    assert world.invoices["in_2"].advances is False


def test_a_cancelled_subscription_is_not_dunned_again_after_the_hold() -> None:
    world = held()
    world.cancel()
    mails = len(world.mails)

    released(world)
    world.days(30)

    assert (world.invoices["in_1"].advances, world.invoices["in_1"].mark) == (False, None)
    assert len(world.mails) == mails


def test_a_cancellation_long_before_the_hold_does_not_count() -> None:
    world = Slim(mrr=60_000, csm=None)
    world.fail()
    world.cancel()
    world.change("sub_1", cancel_at=world.now - timedelta(days=3))
    world.change("in_1", advances=True)
    world.say("In Resolution")
    world.run()

    released(world)

    assert world.invoices["in_1"].advances is True


# ---------------------------------------------------------------- what people set


def test_an_invoice_that_a_person_had_parked_stays_parked() -> None:
    world = Slim(mrr=60_000, csm=None)
    world.fail()
    world.change("in_1", advances=False)
    world.say("In Resolution")
    world.run()

    released(world)

    assert world.ledger["invoice:in_1"].state is SuppressionState.FOREIGN
    assert (world.invoices["in_1"].advances, world.invoices["in_1"].mark) == (False, None)


@pytest.mark.parametrize("behavior", ["keep_as_draft", "void", "mark_uncollectible"])
def test_a_pause_that_a_person_had_set_is_left_alone_and_stays(behavior: str) -> None:
    pause = Pause(behavior=behavior)
    world = Slim(mrr=60_000, csm=None)
    world.change("sub_1", pause=pause)
    world.fail()
    world.say("In Resolution")
    world.run()

    released(world)

    assert (world.subscriptions["sub_1"].pause, world.subscriptions["sub_1"].mark) == (pause, None)


def test_a_pause_that_a_person_put_in_the_place_of_ours_stays_and_loses_our_note() -> None:
    theirs = Pause(behavior="void")
    world = held()
    world.change("sub_1", pause=theirs)
    world.days(1)

    released(world)

    assert (world.subscriptions["sub_1"].pause, world.subscriptions["sub_1"].mark) == (theirs, None)


def test_a_pause_that_a_person_changed_in_the_last_moment_stays_too() -> None:
    theirs = Pause(behavior="mark_uncollectible")
    world = held()
    world.change("sub_1", pause=theirs)

    released(world)

    assert (world.subscriptions["sub_1"].pause, world.subscriptions["sub_1"].mark) == (theirs, None)


def test_the_end_of_a_persons_own_pause_is_no_reason_to_look_again_for_ever() -> None:
    world = Slim()
    world.change("sub_1", pause=Pause(behavior="void", resumes_at=world.now + timedelta(days=5)))
    world.fail()

    world.days(2)

    assert world.subscriptions["sub_1"].pause is not None


# ---------------------------------------------------------------- drift


@pytest.mark.req("R73", partly="at the level of the decision")
def test_what_was_switched_back_on_is_made_quiet_again_with_one_alert() -> None:
    world = held()
    world.change("in_1", advances=True)
    world.change("sub_1", pause=None)

    world.run()
    world.run()

    assert not world.is_loud()
    assert sum("was switched back on during a hold" in text for text in world.alerts) == 2


@pytest.mark.req("R73", partly="at the level of the decision")
def test_each_time_it_is_switched_back_is_told_once() -> None:
    world = held()
    for _ in range(3):
        world.change("in_1", advances=True)
        world.run()

    assert not world.is_loud()
    assert sum("invoice:in_1 was switched back on" in text for text in world.alerts) == 3


@pytest.mark.req("R73", partly="at the level of the decision")
def test_drift_is_found_within_the_time_of_the_check_without_any_event() -> None:
    world = held()
    world.change("in_1", advances=True, next_attempt_at=None)

    world.pass_time(timedelta(minutes=world.policy.hold.recheck_minutes))

    assert not world.is_loud()


@pytest.mark.req("R73", partly="at the level of the decision")
def test_a_policy_that_asks_leaves_the_drift_and_says_it_is_not_quiet() -> None:
    world = held(policy=asking())
    world.change("in_1", advances=True)

    world.run()
    world.run()

    assert world.invoices["in_1"].advances is True
    assert world.certificate is not None
    assert world.certificate.state is Quiet.NOT_QUIET
    assert sum("It is left as it is" in text for text in world.alerts) == 1


def test_after_a_drift_that_was_left_nothing_of_ours_stays_on_the_object() -> None:
    world = held(policy=asking())
    world.change("in_1", advances=True)
    world.change("sub_1", pause=None)
    world.run()

    released(world)

    assert world.settings() == {"in_1": (True, None), "sub_1": (None, None)}


def test_what_a_person_parks_after_a_drift_was_left_stays_parked() -> None:
    world = held(policy=asking())
    world.change("in_1", advances=True)
    world.run()
    world.change("in_1", advances=False)
    world.run()

    released(world)

    assert world.settings()["in_1"] == (False, None)


def test_a_person_who_wakes_their_own_parked_invoice_during_a_hold_gets_it_back_awake() -> None:
    world = Slim(mrr=60_000, csm=None)
    world.fail()
    world.change("in_1", advances=False)
    world.say("In Resolution")
    world.run()
    world.change("in_1", advances=True)
    world.run()
    assert world.invoices["in_1"].advances is False

    released(world)

    assert world.invoices["in_1"].advances is True


# ---------------------------------------------------------------- the dead man's switch


def test_the_safety_end_is_pushed_on_long_before_it_is_reached() -> None:
    world = Slim()
    world.fail()
    world.run()

    for _ in range(90):
        world.days(1)
        pause = world.subscriptions["sub_1"].pause
        assert pause is not None
        assert pause.resumes_at is not None
        assert pause.resumes_at - world.now >= timedelta(days=world.policy.hold.safety_days) / 2


def test_a_service_that_never_comes_back_lets_new_invoices_be_collected_again() -> None:
    world = held()

    world.days(40, running=False)

    assert world.subscriptions["sub_1"].pause is None


def test_a_service_that_comes_back_late_makes_it_quiet_again() -> None:
    world = Slim()
    world.fail()
    world.run()
    world.days(40, running=False)

    world.run()

    assert not world.is_loud()


def test_a_renewal_that_cannot_be_sent_is_not_asked_for_every_moment() -> None:
    world = Slim()
    world.fail()
    world.run()
    world.refuses = lambda effect: "until" in effect.key

    world.days(20)

    assert world.subscriptions["sub_1"].pause is not None
