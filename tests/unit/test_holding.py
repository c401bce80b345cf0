"""Which holds are in force: words, dates and promises, and that none of them ends in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.case import CaseState, TimerKind
from domain.facts import CrmPicture, HoldSignal, HoldWord, InvoiceStatus
from domain.holds import HeldByPolicy, HeldByPromise, HeldByWord, Quiet
from domain.ids import Ref
from tests.unit.slim import Slim, policy_of


def failed(**fields: object) -> Slim:
    """An account below the VIP line whose payment has failed."""
    world = Slim(mrr=60_000, csm=None, **fields)  # type: ignore[arg-type]
    world.fail()
    world.run()
    return world


def held(until: date | None = None) -> Slim:
    """The same, and a CSM has just marked it in resolution."""
    world = failed()
    world.say("In Resolution", until)
    world.run()
    return world


def word(world: Slim) -> HeldByWord:
    assert world.case is not None
    assert world.case.word is not None
    return world.case.word


def elsewhere(world: Slim, until: date) -> CrmPicture:
    """The account in another CRM, where it is in resolution."""
    said = HoldSignal(word=HoldWord.HELD, raw="In Resolution", until=until, system="another")
    account = Ref("another", "account", "7")
    return CrmPicture(account=account, read_at=world.now, name="Aurelius", hold=said)


# ---------------------------------------------------------------- the word


@pytest.mark.req("R11", partly="at the level of the decision")
def test_the_word_holds_an_account_of_any_tier() -> None:
    world = held()

    assert world.case is not None
    assert world.case.state is CaseState.IN_RESOLUTION
    assert not world.is_loud()


@pytest.mark.req("R13", partly="at the level of the decision")
def test_a_word_without_a_date_ends_after_the_policys_working_days() -> None:
    world = held()

    # Friday 20 November plus ten working days, at five in the afternoon in New York.
    assert word(world).until == datetime(2026, 12, 4, 22, 0, tzinfo=UTC)
    assert not word(world).dated_by_person


@pytest.mark.req("R13", partly="at the level of the decision")
def test_when_the_time_runs_out_the_task_comes_back_due_and_dunning_goes_on() -> None:
    world = held()
    mails = len(world.mails)

    world.days(15)

    assert world.case is not None
    assert world.case.state is CaseState.WITH_PERSON
    assert "has run out and the money is not here yet" in world.task().description
    assert world.task().due_on == date(2026, 12, 7)
    assert world.certificate is not None
    assert world.certificate.state is Quiet.OFF
    assert len(world.mails) >= mails


@pytest.mark.req("R13", partly="at the level of the decision")
def test_the_person_is_warned_before_the_time_runs_out() -> None:
    world = held(date(2026, 12, 1))

    world.pass_time(timedelta(days=10, hours=12))

    assert "In resolution ends on Tue 1 Dec." in world.task().description
    assert world.case is not None
    assert world.case.word is not None


def test_a_date_that_a_person_gave_counts_to_its_end_in_their_zone() -> None:
    world = held(date(2026, 12, 1))

    assert word(world).until == datetime(2026, 12, 2, 5, 0, tzinfo=UTC)


def test_a_hold_of_today_lasts_until_tonight() -> None:
    world = held(date(2026, 11, 20))

    assert word(world).until == datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
    assert not world.is_loud()


def test_a_date_in_the_past_holds_nothing_and_the_task_says_so() -> None:
    world = held(date(2026, 11, 1))

    assert world.is_loud()
    assert "its date has passed" in world.task().description


def test_a_date_in_the_past_is_said_once() -> None:
    world = held(date(2026, 11, 1))

    world.days(5)

    assert world.said().count("its date has passed") == 1


def test_a_date_in_the_far_future_still_ends_and_is_asked_about() -> None:
    world = held(date(9999, 12, 31))

    assert word(world).until == world.now + timedelta(days=90)


def test_a_later_date_extends_the_hold_without_a_moment_of_sound() -> None:
    world = held(date(2026, 12, 1))
    restores = len([one for one in world.sent if one.rule == "quiet.restore"])
    world.days(5)

    world.say("In Resolution", date(2026, 12, 20))
    world.days(20)

    assert word(world).until == datetime(2026, 12, 21, 5, 0, tzinfo=UTC)
    assert len([one for one in world.sent if one.rule == "quiet.restore"]) == restores
    assert not world.is_loud()


def test_clearing_and_setting_again_holds_again() -> None:
    world = held()
    world.say(None)
    world.run()
    assert world.is_loud()

    world.say("In Resolution")
    world.run()

    assert not world.is_loud()


def test_a_word_that_has_run_out_does_not_hold_again_by_itself() -> None:
    world = held(date(2026, 11, 25))

    world.days(12)

    assert world.is_loud()
    assert world.said().count("In resolution until") == 1


def test_a_word_that_has_run_out_holds_again_with_a_later_date() -> None:
    world = held(date(2026, 11, 25))
    world.days(6)

    world.say("In Resolution", date(2026, 12, 10))
    world.run()

    assert not world.is_loud()


def test_the_released_word_ends_the_hold_like_an_empty_field() -> None:
    world = held()

    world.say("Released")
    world.run()

    assert world.is_loud()


def test_an_unknown_word_holds_and_is_asked_about_once() -> None:
    world = failed()
    world.say("Escalated to legal")

    world.days(3)

    assert not world.is_loud()
    assert sum("which no mapping row translates" in text for text in world.alerts) == 1
    assert "held to be safe" in world.task().description


def test_an_unknown_word_ends_too() -> None:
    world = failed()
    world.say("Escalated to legal")

    world.days(20)

    assert world.is_loud()


def test_a_hold_without_any_failed_invoice_keeps_the_next_bill_quiet() -> None:
    world = Slim(mrr=60_000, csm=None)
    world.say("In Resolution")
    world.run()
    world.renew()

    world.days(5)

    assert world.invoices["in_1"].status is InvoiceStatus.DRAFT
    assert world.charges == []


def test_a_hold_without_any_failed_invoice_ends_and_everything_is_as_before() -> None:
    world = Slim(mrr=60_000, csm=None)
    before = world.settings()
    world.say("In Resolution")
    world.run()

    world.say(None)
    world.run()

    assert world.case is not None
    assert not world.case.is_open
    assert world.settings() == before


def test_a_word_left_standing_after_the_money_came_opens_no_second_case() -> None:
    world = held()
    world.pay()

    world.days(30)

    assert world.case is not None
    assert world.case.number == 1
    assert world.is_loud()


# ---------------------------------------------------------------- the promise


def test_a_promise_holds_until_the_morning_after() -> None:
    world = failed()
    world.set_crm(promise=date(2026, 11, 27))
    world.run()

    assert world.case is not None
    assert world.case.state is CaseState.PROMISED
    assert world.case.promise is not None
    assert world.case.promise.until == datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
    assert not world.is_loud()


def test_a_broken_promise_is_said_and_comes_back_to_the_person() -> None:
    world = failed()
    world.set_crm(promise=date(2026, 11, 27))

    world.days(9)

    assert world.case is not None
    assert world.case.state is CaseState.WITH_PERSON
    assert "promised for Fri 27 Nov has not arrived" in world.task().description
    assert world.is_loud()


def test_a_promise_for_the_year_9999_does_not_keep_an_account_quiet_for_ever() -> None:
    policy = policy_of("default")
    short = replace(policy, hold=replace(policy.hold, longest_days=10))
    world = failed(policy=short)
    world.set_crm(promise=date(9999, 12, 31))
    world.run()

    world.days(11)

    assert world.case is not None
    assert world.case.promise is None
    assert world.case.state is CaseState.WITH_PERSON


def test_a_promise_beside_the_word_keeps_the_hold_until_the_later_of_both() -> None:
    world = held(date(2026, 11, 25))
    world.set_crm(promise=date(2026, 12, 3))
    world.days(8)
    assert not world.is_loud()

    world.days(7)

    assert world.is_loud()


# ---------------------------------------------------------------- the policy


def test_a_vips_failure_holds_until_it_is_paid() -> None:
    world = Slim()
    world.fail()
    world.run()
    assert world.case is not None
    assert world.case.policy_hold_since == world.now

    world.say("In Resolution")
    world.run()
    world.say(None)
    world.days(30)

    assert not world.is_loud()


def test_an_account_that_stops_being_a_vip_keeps_its_person_and_its_silence() -> None:
    world = Slim()
    world.fail()
    world.run()

    world.mrr = 1_000
    world.set_crm(people={})
    world.days(10)

    assert not world.is_loud()
    assert world.case is not None
    assert world.case.tier == "vip"


@pytest.mark.req("R34", partly="at the level of the decision")
def test_below_the_line_nothing_is_held_and_nothing_is_written() -> None:
    world = Slim(mrr=4_000, csm=None)
    world.fail()

    world.days(60)

    assert world.sent == []


# ---------------------------------------------------------------- what cannot be read


def test_a_crm_that_cannot_be_read_releases_nothing() -> None:
    world = held(date(2026, 12, 15))
    world.crm_down = "503 from the CRM"

    world.days(10)

    assert not world.is_loud()
    assert word(world).until > world.now


def test_a_date_that_was_moved_while_the_crm_could_not_be_read_still_counts() -> None:
    world = held(date(2026, 11, 25))
    world.days(4)
    world.crm_down = "503 from the CRM"
    world.say("In Resolution", date(2026, 12, 20))
    world.days(3)
    assert not world.is_loud()
    assert sum("has run out, and the CRM cannot be read" in text for text in world.alerts) == 1

    world.crm_down = None
    world.run()

    assert word(world).until == datetime(2026, 12, 21, 5, 0, tzinfo=UTC)
    assert not [one for one in world.sent if one.rule == "quiet.restore"]


def test_a_crm_that_stays_unreadable_does_not_hold_for_ever() -> None:
    world = held(date(2026, 11, 25))
    world.crm_down = "503 from the CRM"

    world.days(10)

    assert world.is_loud()
    assert "has run out and the money is not here yet" in world.said()


def test_an_unreadable_crm_is_not_asked_every_moment_when_the_hold_is_about_to_end() -> None:
    world = held(date(2026, 11, 25))
    world.crm_down = "503 from the CRM"
    world.pass_time(timedelta(days=4))

    warnings = [one for one in world.timers if one.kind is TimerKind.HOLD_WARNING]
    assert [one.due - world.now for one in warnings] == [timedelta(minutes=10)]


def test_a_word_elsewhere_holds_while_the_crm_cannot_be_read_and_ends_by_its_date() -> None:
    world = failed()
    world.crm_down = "503 from the CRM"
    world.heard = elsewhere(world, date(2026, 11, 25))

    world.run()

    assert not world.is_loud()
    assert word(world).system == "another"
    assert word(world).until == datetime(2026, 11, 26, 5, 0, tzinfo=UTC)
    world.days(7)
    assert world.is_loud()


def test_a_word_of_a_crm_that_cannot_be_read_goes_before_one_that_stands_elsewhere() -> None:
    world = failed()
    world.set_crm(
        hold=HoldSignal(
            word=HoldWord.HELD, raw="In Resolution", until=date(2026, 12, 16), system="crm"
        )
    )
    world.run()
    world.crm_down = "503 from the CRM"
    world.heard = elsewhere(world, date(2026, 11, 25))

    world.run()

    assert word(world).until == datetime(2026, 12, 17, 5, 0, tzinfo=UTC)


def test_a_promise_is_kept_beside_a_word_elsewhere_while_the_crm_cannot_be_read() -> None:
    world = failed()
    world.set_crm(promise=date(2026, 11, 27))
    world.run()
    world.crm_down = "503 from the CRM"
    world.heard = elsewhere(world, date(2026, 11, 25))

    world.run()

    assert world.case is not None
    assert word(world).system == "another"
    assert world.case.promise is not None


def test_a_word_elsewhere_opens_a_case_while_the_crm_cannot_be_read() -> None:
    world = Slim(mrr=60_000, csm=None)
    world.run()
    world.crm_down = "503 from the CRM"
    world.heard = elsewhere(world, date(2026, 11, 25))

    world.run()

    assert word(world).system == "another"


def test_a_vip_hold_outlives_every_outage_of_the_crm() -> None:
    world = Slim()
    world.fail()
    world.run()
    world.crm_down = "503 from the CRM"

    world.days(60)

    assert not world.is_loud()


def test_a_payment_system_that_cannot_be_read_changes_nothing() -> None:
    world = held()
    case, ledger, timers = world.case, dict(world.ledger), world.timers
    world.stripe_down = "503 from Stripe"
    world.say(None)

    decision = world.judge()

    assert decision.effects == ()
    assert (world.case, world.ledger, world.timers) == (case, ledger, timers)


def test_what_cannot_be_read_is_not_certified_as_quiet() -> None:
    world = held()
    world.stripe_down = "503 from Stripe"

    decision = world.judge()

    assert decision.certificate is not None
    assert decision.certificate.state is Quiet.UNKNOWN
    assert decision.certificate.checked_at is None


# ---------------------------------------------------------------- every hold has a next time


@pytest.mark.req("R37", partly="at the level of the decision")
@pytest.mark.parametrize("until", [None, date(2026, 11, 1), date(2026, 12, 1), date(9999, 1, 1)])
@pytest.mark.parametrize("promise", [None, date(2026, 11, 19), date(2026, 12, 2), date(2999, 1, 1)])
@pytest.mark.parametrize("said", [None, "In Resolution", "Whatever"])
@pytest.mark.parametrize("is_vip", [True, False])
def test_a_held_account_has_an_owner_a_due_day_a_task_and_a_next_time(
    until: date | None, promise: date | None, said: str | None, is_vip: bool
) -> None:
    world = Slim() if is_vip else Slim(mrr=60_000, csm=None)
    world.fail()
    world.say(said, until)
    world.set_crm(promise=promise)

    decision = world.run()

    case = decision.case
    assert case is not None
    assert decision.certificate is not None
    is_held = decision.certificate.state is not Quiet.OFF
    assert is_held or not (case.word or case.promise)
    assert case.state.needs_person
    assert case.assignee_id is not None
    assert case.due_on is not None
    assert not world.task().is_closed
    assert world.timers
    assert all(world.now < one.due <= world.now + timedelta(days=91) for one in world.timers)


def test_every_hold_ends_at_some_time_or_with_the_case() -> None:
    policy = policy_of("default")
    short = replace(policy, hold=replace(policy.hold, longest_days=7))
    world = failed(policy=short)
    world.say("In Resolution", date(2999, 1, 1))
    world.set_crm(promise=date(2999, 1, 1))
    world.run()
    assert world.case is not None

    holds: list[HeldByWord | HeldByPromise | HeldByPolicy | None]
    holds = [world.case.word, world.case.promise]

    assert [hold.until for hold in holds if isinstance(hold, HeldByWord | HeldByPromise)] == [
        world.now + timedelta(days=7)
    ] * 2
