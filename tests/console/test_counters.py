"""The two numbers that must be 0, and what makes them more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from console.counters import Messages, Silent, messages, silent
from domain.facts import Attempt, AttemptBy, Touch
from domain.ids import AccountId
from domain.leaf import Known
from domain.policy import HoldRules
from store.codec import CRM, PAYMENTS
from tests.console.visitor import Visitor
from tests.world import World

RULES = HoldRules()


def count_messages(world: World) -> Messages:
    """The first number, now."""
    with world.runtime.store.begin() as tx:
        return messages(tx, rules=RULES, now=world.clock.now())


def count_silent(world: World) -> Silent:
    """The second number, now."""
    with world.runtime.store.begin() as tx:
        return silent(tx, rules=RULES, now=world.clock.now())


def tried(world: World, account: AccountId, at: datetime, by: AttemptBy) -> None:
    """The payment system shows one more failed try on the account's newest invoice."""
    with world.runtime.store.begin() as tx:
        picture = PAYMENTS.load(tx.system.picture(account, "payments"))
        one = Attempt(at=at, succeeded=False, code="x", by=by)
        invoice = picture.invoices[0]
        newest = replace(invoice, attempts=(*invoice.attempts, one))
        picture = replace(picture, invoices=(newest, *picture.invoices[1:]))
        tx.system.save_picture(
            account, "payments", digest="x", picture=PAYMENTS.dump(picture), read_at=at
        )


class TestMessages:
    """One VIP, held since nine o'clock, unless a test says otherwise."""

    @pytest.fixture
    def held(self, world: World) -> AccountId:
        """The account of the VIP."""
        customer, _ = world.vip()
        world.hours(4)
        return world.account(customer)

    @pytest.mark.req("R39", partly="how both are counted")
    def test_a_held_account_that_is_quiet_counts_nothing_and_is_proven(
        self, world: World, held: AccountId
    ) -> None:
        found = count_messages(world)

        assert (found.automatic, found.unsure) == (0, 0)
        assert (found.held, found.proven) == (1, 1)
        assert found.is_well

    def test_an_automatic_try_during_the_hold_counts(self, world: World, held: AccountId) -> None:
        tried(world, held, world.clock.now() - timedelta(minutes=5), AttemptBy.AUTOMATIC)

        assert count_messages(world).automatic == 1

    def test_a_try_before_the_hold_does_not_count(self, world: World, held: AccountId) -> None:
        tried(world, held, world.clock.now() - timedelta(days=1), AttemptBy.AUTOMATIC)

        assert count_messages(world).automatic == 0

    def test_a_try_after_the_hold_does_not_count(self, world: World) -> None:
        customer, account = world.vip("Halberd", amount=180_000, CSM__c=None)
        world.hours(4)
        world.csm(account, Dunning_Status__c="In Resolution")
        world.hours(1)
        world.csm(account, Dunning_Status__c=None)
        world.hours(1)
        tried(
            world,
            world.account(customer),
            world.clock.now() - timedelta(minutes=5),
            AttemptBy.AUTOMATIC,
        )

        assert count_messages(world).automatic == 0

    def test_a_try_by_hand_does_not_count(self, world: World, held: AccountId) -> None:
        tried(world, held, world.clock.now() - timedelta(minutes=5), AttemptBy.MANUAL)

        assert (count_messages(world).automatic, count_messages(world).unsure) == (0, 0)

    def test_a_try_of_unknown_origin_is_told_apart(self, world: World, held: AccountId) -> None:
        tried(world, held, world.clock.now() - timedelta(minutes=5), AttemptBy.UNKNOWN)

        assert (count_messages(world).automatic, count_messages(world).unsure) == (0, 1)

    def test_a_read_back_that_was_missed_twice_proves_nothing(
        self, world: World, held: AccountId
    ) -> None:
        stopped = timedelta(minutes=2 * RULES.recheck_minutes + 60)
        world.advance(stopped, settle=False)

        found = count_messages(world)

        assert (found.held, found.proven) == (1, 0)
        assert not found.is_well

    def test_an_account_that_nobody_holds_needs_no_proof(self, world: World) -> None:
        assert count_messages(world).is_well


class TestSilent:
    """One VIP case; the relay stops, or people do."""

    @pytest.fixture
    def customer(self, world: World) -> str:
        """The VIP."""
        customer, _ = world.vip()
        world.hours(4)
        return customer

    def test_a_case_within_its_window_is_not_silent(self, world: World, customer: str) -> None:
        assert count_silent(world).invoices == 0

    @pytest.mark.req("R39", partly="how both are counted")
    def test_a_window_that_ended_without_a_next_step_is_silent(
        self, world: World, customer: str
    ) -> None:
        world.advance(timedelta(days=1), settle=False)

        found = count_silent(world)

        assert found.invoices == 1
        assert found.examples[0].why == "the person's time is over and nothing followed"

    def test_the_escalation_ends_the_silence(self, world: World, customer: str) -> None:
        world.advance(timedelta(days=1), settle=False)
        world.settle()

        assert count_silent(world).invoices == 0

    def test_a_chain_that_is_exhausted_is_silent_until_somebody_talks(
        self, world: World, customer: str
    ) -> None:
        world.days(14)
        assert count_silent(world).examples[0].why.startswith("everybody in the chain")

        now, account = world.clock.now(), world.account(customer)
        with world.runtime.store.begin() as tx:
            crm = CRM.load(tx.system.picture(account, "crm"))
            touch = Touch(at=now, kind="call", who="Morgan Vale", line="Spoke to them")
            crm = replace(crm, last_touch=Known(touch, "crm", now))
            tx.system.save_picture(account, "crm", digest="x", picture=CRM.dump(crm), read_at=now)

        assert count_silent(world).invoices == 0

    def test_a_resolution_that_ran_out_unnoticed_is_silent(self, world: World) -> None:
        _, account = world.vip()
        world.hours(4)
        world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-11-25")
        world.settle()
        world.advance(timedelta(days=7), settle=False)

        found = count_silent(world)

        assert found.invoices == 1
        assert found.examples[0].why == "the time for the resolution has run out"

    def test_a_renewal_that_was_taken_over_and_never_collected_is_silent(
        self, world: World
    ) -> None:
        world.vip()
        world.advance(timedelta(hours=2, minutes=10))
        assert count_silent(world).invoices == 0

        world.advance(timedelta(hours=RULES.intercept_hand_back_hours + 1), settle=False)

        found = count_silent(world)
        assert found.invoices == 1
        assert "without a hold" in found.examples[0].why


def test_when_everything_stands_still_the_number_is_a_lower_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.vip("First", number="INV-1")
    world.vip("Second", number="INV-2")
    world.hours(4)
    world.advance(timedelta(days=1), settle=False)
    monkeypatch.setattr("console.counters.MOST", 1)

    found = count_silent(world)

    assert (found.invoices, found.is_at_least) == (1, True)


@pytest.mark.req("R39", partly="how both are counted")
def test_both_numbers_stand_on_top_of_the_list_with_how_they_are_counted(
    world: World, visitor: Visitor
) -> None:
    customer, _ = world.vip()
    world.hours(4)
    account = world.account(customer)
    tried(world, account, world.clock.now() - timedelta(minutes=5), AttemptBy.AUTOMATIC)
    world.advance(timedelta(days=1), settle=False)

    page = visitor.page("/")

    counters = page.texts("//div[contains(@class, 'counter')]")
    assert counters[0].startswith("1 automatic messages to held accounts 0 of 1 held account")
    assert "Stripe does not list its own mails" in counters[0]
    assert counters[1].startswith("1 invoices silent past their window Aurelius Partners: ")
    assert "the person's time to act is over" in counters[1]
    assert len(page.tree.xpath("//div[@class='counter bad']")) == 2
