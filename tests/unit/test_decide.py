"""The whole decision: episodes from the first failure to the last word, and facts in any order."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.case import Outcome
from domain.facts import Contact, InvoiceStatus, Role, SubscriptionStatus
from domain.holds import Quiet, SuppressionState
from domain.leaf import Known
from domain.money import Money
from domain.policy import Policy, Span
from tests.unit.slim import OWNER, Slim, policy_of


def vip() -> Slim:
    """A VIP whose payment has just failed."""
    world = Slim()
    world.fail()
    world.run()
    return world


def living(world: Slim) -> list[str]:
    """The keys of our open tasks that are no escalation."""
    return [
        task.key for task in world.tasks.values() if not task.is_closed and "-e" not in task.key
    ]


# ---------------------------------------------------------------- level, not edge


def test_the_same_situation_gives_the_same_decision() -> None:
    first, second = Slim(), Slim()
    first.fail()
    second.fail()

    assert first.judge() == second.judge()


def test_a_situation_in_which_everything_is_as_it_should_be_gives_no_effect() -> None:
    world = vip()

    assert world.judge().effects == ()


@pytest.mark.req("R9", partly="at the level of the decision")
@pytest.mark.req("R69", partly="at the level of the decision")
def test_a_second_failed_invoice_joins_the_same_case_and_the_same_task() -> None:
    world = vip()
    world.fail("in_2")

    world.run()

    assert world.case is not None
    assert world.case.invoices == ("in_1", "in_2")
    assert living(world) == [world.case.key]
    assert "INV-in_2" in world.task().description


# ---------------------------------------------------------------- how cases end


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (InvoiceStatus.PAID, Outcome.PAID),
        (InvoiceStatus.VOID, Outcome.VOIDED),
        (InvoiceStatus.UNCOLLECTIBLE, Outcome.LOST),
    ],
)
def test_a_case_ends_with_its_invoice_and_its_task_closes(
    status: InvoiceStatus, outcome: Outcome
) -> None:
    world = vip()

    world.change("in_1", status=status, advances=False)
    world.run()

    assert world.case is not None
    assert world.case.outcome is outcome
    assert living(world) == []


def test_one_of_two_invoices_paid_is_not_the_end() -> None:
    world = vip()
    world.fail("in_2")
    world.run()

    world.pay("in_2")
    world.run()

    assert world.case is not None
    assert world.case.is_open
    assert world.invoices["in_1"].advances is False


def test_a_partial_payment_keeps_the_hold_and_shows_the_lower_amount() -> None:
    world = vip()

    world.change("in_1", remaining=Money(420_000, "usd"))
    world.run()

    assert world.case is not None
    assert world.case.is_open
    assert "$4,200" in world.task().description
    assert not world.is_loud()


def test_a_deleted_customer_ends_the_case_and_nothing_is_left_to_give_back() -> None:
    world = vip()

    world.is_deleted = True
    world.run()

    assert world.case is not None
    assert not world.case.is_open
    assert living(world) == []
    assert {row.state for row in world.ledger.values()} == {SuppressionState.MOOT}


def test_a_cancelled_subscription_leaves_the_case_open_until_the_invoice_is_settled() -> None:
    world = vip()

    world.cancel()
    world.run()

    assert world.case is not None
    assert world.case.is_open
    assert world.ledger["subscription:sub_1"].state is SuppressionState.MOOT
    assert world.certificate is not None
    assert world.certificate.state is Quiet.QUIET


def test_a_subscription_that_stripe_paused_itself_is_never_taken_for_resolved() -> None:
    world = vip()

    world.change("sub_1", status=SubscriptionStatus.PAUSED)
    world.run()

    assert world.case is not None
    assert world.case.is_open


def test_a_new_failure_after_the_end_is_a_new_case_with_a_new_task() -> None:
    world = vip()
    world.pay()
    world.run()

    world.fail("in_2")
    world.run()

    assert world.case is not None
    assert (world.case.number, world.case.key) == (2, "kg-in_2")
    assert living(world) == ["kg-in_2"]


# ---------------------------------------------------------------- the task and what people did


def test_an_account_without_any_crm_record_gets_a_task_and_it_closes_when_the_money_comes() -> None:
    world = Slim(unlinked=True)
    world.fail()
    world.run()
    assert world.case is not None
    assert living(world) == [world.case.key]

    world.pay()
    world.run()

    assert living(world) == []
    assert world.task().subject.startswith("Paid")


def test_money_that_comes_while_the_crm_is_unreadable_closes_the_task_afterwards() -> None:
    world = vip()
    world.run()
    world.crm_down = "503 from the CRM"
    world.pay()
    world.run()
    assert living(world) != []

    world.crm_down = None
    world.run()

    assert living(world) == []
    assert world.task().subject.startswith("Paid")
    assert world.case is not None
    world.run()
    assert world.case.seen_closed


def test_a_task_left_open_by_an_outage_is_closed_when_the_next_case_begins() -> None:
    world = vip()
    world.run()
    world.crm_down = "503 from the CRM"
    world.pay()
    world.run()
    world.fail("in_2")
    closing = [one for one in world.judge().effects if one.subject == "task:kg-in_1"]
    assert [one.body["verb"] for one in closing] == ["close"]

    world.crm_down = None
    world.send(closing[0])
    world.run()

    assert living(world) == ["kg-in_2"]


def test_a_task_that_was_asked_for_and_never_made_is_not_made_for_a_paid_invoice() -> None:
    world = Slim()
    world.fail()
    wanted = [one for one in world.judge().effects if one.subject.startswith("task:")]
    assert len(wanted) == 1

    world.pay()
    closing = [one for one in world.judge().effects if one.subject.startswith("task:")]

    assert [one.body["verb"] for one in closing] == ["close"]
    assert closing[0].subject == wanted[0].subject


def test_a_paid_case_whose_task_a_person_deleted_comes_to_rest() -> None:
    world = vip()
    world.tasks.clear()
    world.pay()

    world.run()
    world.run()

    assert world.tasks == {}
    assert world.case is not None
    assert world.case.seen_closed


def test_what_people_did_to_the_task_while_it_could_not_be_read_is_not_overwritten() -> None:
    world = vip()
    world.run()
    world.crm_down = "503 from the CRM"
    world.edit_task(owner_id=OWNER.id, due_on=date(2026, 11, 24), description="Spoke with Mia.")
    world.fail("in_2")
    effects = world.judge().effects
    assert [one.kind for one in effects if one.subject.startswith("task:")] == []

    world.crm_down = None
    world.run()

    assert world.task().owner_id == OWNER.id
    assert world.task().due_on == date(2026, 11, 24)
    assert "Spoke with Mia." in world.task().description
    assert "INV-in_2" in world.task().description


def test_an_escalation_task_is_not_written_again_while_the_crm_cannot_be_read() -> None:
    world = vip()
    world.days(5)
    assert world.case is not None
    hops = [key for key in world.tasks if "-e" in key]
    assert hops
    world.crm_down = "503 from the CRM"
    world.change("in_1", remaining=Money(1_000, "usd"))

    effects = world.judge().effects

    assert [one.subject for one in effects if "-e" in one.subject] == []


def test_every_escalation_task_closes_with_the_case() -> None:
    world = vip()
    world.days(5)

    world.pay()
    world.run()

    assert all(task.is_closed for task in world.tasks.values())


def test_the_contact_of_the_record_is_named_only_while_they_are_there() -> None:
    world = Slim()
    world.set_crm(ap_contact=Known(Contact(id="003", name="Mia", is_gone=True), "crm"))
    world.fail()

    task = next(one for one in world.judge().effects if one.subject.startswith("task:"))

    assert task.body["contact_id"] is None


# ---------------------------------------------------------------- many episodes


def patient() -> Policy:
    """The default policy with longer spans, so that many episodes need few judgements."""
    policy = policy_of("default")
    first, *others = policy.tiers
    return replace(
        policy,
        tiers=(replace(first, snooze=Span(days=3)), *others),
        hold=replace(policy.hold, recheck_minutes=4_320),
    )


def _act(world: Slim, luck: random.Random) -> None:
    match luck.randrange(7):
        case 0:
            world.say("In Resolution", luck.choice((None, date(2026, 11, 24), date(2026, 12, 3))))
        case 1:
            world.say("Waiting for legal")
        case 2:
            world.set_crm(promise=date(2026, 11, luck.randrange(20, 30)))
        case 3:
            world.edit_task(is_closed=True)
        case 4:
            world.change("in_1", advances=True)
        case 5:
            world.change("sub_1", pause=None)
        case _:
            world.set_crm(people={Role.OWNER: replace(OWNER, is_away=True)})


def _episode(world: Slim, luck: random.Random) -> None:
    """A week of one VIP: a failed renewal, somebody who does something, an outage of ours."""
    world.renew()
    world.pass_time(timedelta(hours=luck.choice((1, 5))))
    _act(world, luck)
    world.run()
    _act(world, luck)
    world.days(luck.choice((0.2, 1.5)))
    if luck.random() < 0.3:
        world.pay()
    world.run()
    world.days(luck.choice((1, 5)), running=False)
    world.run()


def _is_silent(world: Slim) -> bool:
    """Whether money is open and nobody was ever told, or nobody will be."""
    unpaid = not world.invoices["in_1"].status.is_settled
    return unpaid and (not living(world) or not world.timers or world.case is None)


@pytest.mark.req("R39", partly="under a policy with longer spans")
def test_a_hundred_vip_failures_under_longer_spans_bring_no_robotic_mail_and_no_silence() -> None:
    luck = random.Random(20_261_121)
    robotic = silent = charged_twice = 0

    for _ in range(100):
        world = Slim(policy=patient())
        _episode(world, luck)
        robotic += len(world.mails)
        silent += _is_silent(world)
        charged_twice += sum(by == "manual" for _, _, by in world.charges) > 1

    assert (robotic, silent, charged_twice) == (0, 0, 0)


# ---------------------------------------------------------------- facts in any order


def _fail(world: Slim) -> None:
    world.fail("in_1")


def _update(world: Slim) -> None:
    world.change("in_1", attempt_count=world.invoices["in_1"].attempt_count + 1)


def _fail_again(world: Slim) -> None:
    world.fail("in_2")


def _pay(world: Slim) -> None:
    world.pay("in_1")


def _pay_again(world: Slim) -> None:
    world.pay("in_2")


def _retry(world: Slim) -> None:
    world.change("in_2", attempt_count=2)


STORY = (_fail, _update, _fail_again, _retry, _pay, _pay_again)
"""Six things that happen within one second."""


def _end(world: Slim) -> tuple[object, ...]:
    world.run()
    is_open = world.case is not None and world.case.is_open
    return world.settings(), living(world), is_open, world.is_loud()


def _judged_at(moments: set[int]) -> Slim:
    """The story, judged only after the steps at these places: that is what late hooks amount to."""
    world = Slim()
    for place, step in enumerate(STORY):
        step(world)
        if place in moments:
            world.run()
    return world


@pytest.mark.req("R18", partly="at the level of the decision; see the journeys")
def test_whenever_the_story_is_looked_at_it_ends_the_same_and_never_open_after_paid() -> None:
    ends = [
        _end(_judged_at(set(moments)))
        for many in range(len(STORY) + 1)
        for moments in itertools.combinations(range(len(STORY)), many)
    ]

    assert ends == [(ends[0][0], [], False, True)] * 2 ** len(STORY)
