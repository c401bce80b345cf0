"""What waits too long meets what people have done meanwhile, and never writes over it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import Rejected, Transient
from domain.ids import Ref
from domain.rows import EffectState
from jobs.runtime import PAYMENTS_SYSTEM
from simulators.faults import Fault, Harm
from sync.confirm import LOUD_AFTER, Confirm
from sync.lane_work import LEASE_SECONDS
from tests.journeys.quiet_scenes import failed_high, is_quiet_at_stripe, open_invoice
from tests.journeys.test_fields_both_ways import notes, put_rows, why
from tests.journeys.test_links import look
from tests.world import World

CRM = "salesforce"
STAMP = "  - {constant: Kidglove, flow: ->, theirs: Description, wins: if_blank}\n"
TIER = "  - {ours: account.tier, flow: <-, theirs: CS_Tier__c, wins: crm}\n"


def cut_off(world: World, system: str = CRM) -> None:
    """The CRM refuses our credential: whatever is due waits for some minutes."""
    with world.runtime.store.begin() as tx:
        tx.system.open_circuit(system, reason="401", now=world.clock.now())


@pytest.fixture
def waiting(world: World) -> tuple[str, str]:
    """An account whose blank description is to be filled as soon as the CRM takes writes again."""
    customer, account = failed_high(world)
    put_rows(world, STAMP)
    cut_off(world)
    look(world, customer)
    assert world.org.get(account)["Description"] is None
    return customer, account


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_field_that_a_person_has_filled_meanwhile_stays_theirs(
    is_seen: bool, world: World, waiting: tuple[str, str]
) -> None:
    customer, account = waiting

    world.csm(account, Description="mine")
    if is_seen:
        look(world, customer)
    world.advance(timedelta(minutes=12))

    assert world.org.get(account)["Description"] == "mine"
    assert why(world, CRM, account, "Description") == []


def test_a_field_that_nobody_has_touched_is_filled_late(
    world: World, waiting: tuple[str, str]
) -> None:
    _, account = waiting
    world.advance(timedelta(minutes=12))
    assert world.org.get(account)["Description"] == "Kidglove"


def test_the_first_that_goes_through_wakes_all_that_wait_for_the_credential(world: World) -> None:
    _, one = failed_high(world)
    _, other = failed_high(world, "Southgate Capital")
    cut_off(world)

    world.csm(one, Dunning_Status__c="In Resolution")
    world.advance(timedelta(minutes=4))
    world.csm(other, Dunning_Status__c="In Resolution")
    world.advance(timedelta(seconds=90))

    assert "in resolution until" in world.task(one)["Subject"]
    assert "in resolution until" in world.task(other)["Subject"]


def test_a_record_that_was_rejected_meanwhile_is_not_written_to(
    world: World, waiting: tuple[str, str]
) -> None:
    _, account = waiting

    with world.runtime.store.begin() as tx:
        tx.links.reject(Ref(CRM, "account", account), now=world.clock.now())
    world.advance(timedelta(minutes=12))

    assert world.org.get(account)["Description"] is None


def test_a_value_of_ours_whose_answer_was_lost_is_explained(world: World) -> None:
    customer, account = failed_high(world)
    put_rows(world, TIER)
    world.csm(account, CS_Tier__c="Gold")
    look(world, customer)
    world.stripe.faults.arm(
        Fault(harm=Harm.RESET_AFTER, method="POST", path=f"/v1/customers/{customer}", times=1)
    )

    world.csm(account, CS_Tier__c="Platinum")
    look(world, customer)
    world.advance(timedelta(minutes=10))

    assert notes(world, customer)["kidglove_tier"] == "Platinum"
    newest = why(world, PAYMENTS_SYSTEM, customer, "metadata.kidglove_tier")[0]
    assert newest.value == "Platinum"


def test_a_crash_of_the_late_look_is_told(
    world: World, waiting: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, account = waiting

    def broken(*_: object, **__: object) -> None:
        raise ValueError("year 60000 is out of range")

    monkeypatch.setattr(type(world.runtime.crms[CRM]), "survey_accounts", broken)
    world.advance(timedelta(minutes=12))

    told = f"write_fields fields:{account} is dead: looking at the CRM failed with ValueError"
    assert [text for text in world.alerts() if text.startswith(told)] != []


def test_a_late_write_waits_for_a_judgement_that_cannot_be_made(
    world: World, waiting: tuple[str, str]
) -> None:
    customer, account = waiting
    world.stripe.faults.arm(
        Fault(harm=Harm.STATUS, status=503, method="GET", path="/v1/.*", times=None)
    )

    world.csm(account, Description="mine")
    world.advance(timedelta(minutes=6))

    with world.runtime.store.begin() as tx:
        (one,) = [
            one
            for one in tx.effects.open_for(world.account(customer), CRM)
            if one.subject == f"fields:{account}"
        ]
    assert (one.state, one.last_error_code) == (EffectState.WAITING, "conflict")
    assert world.org.get(account)["Description"] == "mine"


def test_a_failure_that_stripe_repeats_for_a_day_delays_a_hold_by_one_try(world: World) -> None:
    """For a key that it knows Stripe answers what it answered first, a 500 too."""
    customer, account = failed_high(world)
    world.stripe.faults.arm(
        Fault(harm=Harm.STATUS, status=500, method="POST", path="/v1/invoices/in_[^/]*", times=1)
    )

    world.csm(account, Dunning_Status__c="In Resolution")
    world.advance(timedelta(minutes=2))

    assert is_quiet_at_stripe(world, customer)


def test_a_hold_that_does_not_take_is_told_soon(world: World) -> None:
    customer, account = failed_high(world)
    world.stripe.faults.arm(
        Fault(harm=Harm.STATUS, status=503, method="POST", path="/v1/invoices/in_[^/]*", times=None)
    )
    world.csm(account, Dunning_Status__c="In Resolution")
    world.advance(LOUD_AFTER / 2)
    assert [text for text in world.alerts() if "should be quiet" in text] == []

    world.advance(2 * LOUD_AFTER)

    (told,) = [text for text in world.alerts() if "should be quiet" in text]
    assert "switch off its automatic collection by hand" in told
    world.stripe.faults.clear()
    world.hours(1)
    assert is_quiet_at_stripe(world, customer)


def test_each_hold_that_is_refused_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, one = failed_high(world)
    second, other = failed_high(world, "Southgate Capital")

    def refuse(self: object, change: object) -> None:
        raise Rejected("Stripe answered 400", field="auto_advance")

    monkeypatch.setattr(type(world.runtime.stripe), "change_setting", refuse)
    world.csm(one, Dunning_Status__c="In Resolution")
    world.advance(timedelta(minutes=2))
    world.csm(other, Dunning_Status__c="In Resolution")
    world.advance(timedelta(minutes=2))

    told = f"quiet_invoice invoice:{open_invoice(world, second)} is parked"
    assert [text for text in world.alerts() if text.startswith(told)] != []


@pytest.mark.parametrize("error", [KeyError("nobody foresaw it")])
def test_an_unforeseen_failure_is_told_and_stops_no_lane_for_good(
    error: Exception, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, account = failed_high(world)
    finished = Confirm.finished
    failures = [error]

    def fail_once(self: Confirm, *given: object, **named: object) -> None:
        if failures:
            raise failures.pop()
        finished(self, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Confirm, "finished", fail_once)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.advance(timedelta(minutes=10))

    assert is_quiet_at_stripe(world, customer)
    assert [text for text in world.alerts() if "KeyError" in text] != []


def test_a_write_that_fails_gives_way_to_a_newer_one_that_waits(world: World) -> None:
    """While one is under way a judgement may ask for another; of both one can wait."""
    customer, account = failed_high(world)
    cut_off(world)
    world.csm(account, Payment_Status__c="Current")
    look(world, customer)
    ours = world.account(customer)
    store, now = world.runtime.store, world.clock.now()
    with store.begin() as tx:
        (running,) = [
            one for one in tx.effects.open_for(ours, CRM) if one.subject == f"fields:{account}"
        ]
        tx.effects.start([running.id])
    world.csm(account, Payment_Status__c=None)
    look(world, customer)
    with store.begin() as tx:
        lane = tx.lanes.lease(ours, CRM, owner="one", now=now + timedelta(hours=1), seconds=9)
    assert lane is not None

    Confirm(system=CRM, store=store, clock=world.clock).failed(
        running, Transient("the line is dead"), lane=lane
    )

    with store.begin() as tx:
        states = {
            one.id: one.state
            for one in tx.effects.of_account(ours)
            if one.subject == f"fields:{account}" and one.id >= running.id
        }
    assert sorted(states.values()) == [EffectState.SUPERSEDED, EffectState.WAITING]
    assert states[running.id] is EffectState.SUPERSEDED
    world.advance(timedelta(seconds=LEASE_SECONDS) + timedelta(minutes=10))
    assert world.org.get(account)["Payment_Status__c"] == "Payment failed"
