"""The look at everybody: lists tell who differs, and only those are read whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.errors import Transient
from domain.rows import Urgency
from jobs import upkeep
from jobs.queues import BULK, SURVEY
from mappings.policy_file import preset
from ops.numbers import numbers
from simulators.faults import Fault, Harm
from sync.reconcile import Found
from tests.journeys.survey_scenes import (
    customer,
    delete,
    known,
    overwrite_revenue,
    revenue,
    survey,
    waiting,
)
from tests.sides import Side
from tests.world import World, build

CRMS = ("salesforce", "hubspot")


@pytest.fixture(params=CRMS)
def world(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> Iterator[World]:
    """A world in which no event ever arrives."""
    made = build(database_url, redis_url, crms=(request.param,), hooks=False)
    made.stripe.postman.dial.loss = 1.0
    yield made
    made.close()


def calls(world: World, side: Side) -> tuple[int, int]:
    return len(world.stripe.requests), side.calls()


@pytest.mark.req("R23", partly="one kind of loss after another; the share of events elsewhere")
class TestWhoDiffers:
    def test_whoever_is_in_step_costs_a_share_of_a_page_and_is_left_alone(
        self, world: World
    ) -> None:
        side = world.sides[0]
        known(world, 130)
        world.runtime.survey.run()
        before = calls(world, side)

        assert survey(world) == set()

        stripe, crm = (now - then for now, then in zip(calls(world, side), before, strict=True))
        assert stripe == 2 + 2
        assert crm == {"salesforce": 1, "hubspot": 2}[side.system]

    def test_a_change_in_stripe_that_nobody_told_of_reaches_the_crm(self, world: World) -> None:
        side = world.sides[0]
        changed, _ = known(world)[2]
        world.stripe.add_subscription(changed, amount=500_000, started_months_ago=1)
        before = side.writes()

        assert survey(world) == {world.account(changed)}
        world.settle()

        assert side.writes() == before + 1
        assert survey(world) == set()

    def test_a_failure_that_nobody_told_of_does_not_wait_with_the_bulk(self, world: World) -> None:
        side = world.sides[0]
        known(world)
        vip = world.customer("Aurelius Partners")
        account = side.add_account("Aurelius Partners", customer=vip)
        world.clock.advance(timedelta(hours=5))

        world.runtime.survey.run()
        assert waiting(world)[world.account(vip)] is Urgency.NORMAL
        world.settle()

        assert world.open_case(vip).tier == "vip"
        assert len(side.tasks(account)) == 1

    def test_a_value_of_ours_that_somebody_overwrote_is_put_back(self, world: World) -> None:
        _, account = known(world)[1]
        right = revenue(world, account)
        overwrite_revenue(world, account, 1)

        assert len(survey(world)) == 1
        world.settle()

        assert revenue(world, account) == right

    def test_what_a_person_says_on_an_account_is_found(self, world: World) -> None:
        changed, account = known(world)[0]
        world.sides[0].promise(account, (world.clock.now() + timedelta(days=3)).date())

        assert survey(world) == {world.account(changed)}

    def test_an_account_that_was_made_after_its_customer_is_found(self, world: World) -> None:
        known(world)
        late = customer(world, 7)
        known(world, 0)
        assert world.account(late) not in survey(world)

        world.sides[0].add_account("Customer 7", customer=late)

        assert survey(world) == {world.account(late)}

    def test_an_account_that_was_deleted_in_the_crm_is_looked_at(self, world: World) -> None:
        gone, account = known(world)[0]
        world.sides[0].delete(account)

        assert survey(world) == {world.account(gone)}

    def test_a_customer_whom_the_list_shows_no_more_is_looked_at(self, world: World) -> None:
        gone, _ = known(world)[0]
        world.clock.advance(timedelta(minutes=1))
        delete(world, gone)

        assert survey(world) == {world.account(gone)}

    def test_an_open_case_is_looked_at_whatever_the_lists_say(self, world: World) -> None:
        known(world)
        vip = world.customer("Aurelius Partners")
        world.sides[0].add_account("Aurelius Partners", customer=vip)
        world.clock.advance(timedelta(hours=5))
        world.runtime.survey.run()
        world.settle()

        assert survey(world) == {world.account(vip)}

    def test_after_a_month_everybody_is_read_whole(self, world: World) -> None:
        pairs = known(world)
        world.clock.advance(timedelta(days=19))
        assert survey(world) == set()
        # No renewal may tell of it: what is asked here is the age of the last read alone.
        with world.runtime.store.begin() as tx:
            tx.connection.exec_driver_sql("UPDATE facts SET read_at = read_at - interval '12 days'")

        assert survey(world) == {world.account(customer) for customer, _ in pairs}


class TestGoingOn:
    @pytest.fixture
    def world(self, database_url: str, redis_url: str) -> Iterator[World]:
        made = build(database_url, redis_url, hooks=False)
        made.stripe.postman.dial.loss = 1.0
        yield made
        made.close()

    def test_a_survey_that_was_cut_short_goes_on_behind_its_last_page(self, world: World) -> None:
        known(world, 230)
        run = world.runtime.survey.run

        cut = [run(go_on=lambda: False) for _ in range(3)]
        rest = run()

        assert cut == [Found(0, 0, is_done=False)] * 3
        assert rest == Found(230, 0)

    def test_a_stripe_that_does_not_answer_leaves_the_place_where_it_was(
        self, world: World
    ) -> None:
        known(world, 130)
        world.runtime.survey.run(go_on=lambda: False)
        world.stripe.faults.arm(Fault(harm=Harm.STATUS, status=500, times=None))
        with pytest.raises(Transient):
            world.runtime.survey.run()
        world.stripe.faults.clear()

        assert world.runtime.survey.run() == Found(130, 0)

    def test_a_survey_begins_anew_when_its_place_was_deleted(self, world: World) -> None:
        known(world, 130)
        world.runtime.survey.run(go_on=lambda: False)
        with world.runtime.store.begin() as tx:
            place = json.loads(tx.system.cursor("survey") or "{}")
        delete(world, place["after"])
        world.clock.advance(timedelta(minutes=1))

        assert world.runtime.survey.run() == Found(0, 0, is_done=False)
        assert world.runtime.survey.run() == Found(130, 1)

    def test_it_runs_with_the_bulk_once_a_day(self, world: World) -> None:
        known(world)
        upkeep.plan(world.runtime)
        world.hours(1)
        assert (BULK, "jobs.tasks.upkeep") in world.relay.sent
        assert told(world) == (4, 0)

        overwrite_revenue(world, str(world.org.rows("Account")[0]["Id"]), 1)
        world.hours(22)
        assert told(world) == (4, 0)
        world.hours(2)
        assert told(world) == (4, 1)

    def test_a_job_that_was_lost_with_its_queue_is_followed_by_another(self, world: World) -> None:
        known(world)
        upkeep.plan(world.runtime)
        with world.runtime.store.begin() as tx:
            taken = tx.system.take_due_schedules(world.clock.now() + timedelta(minutes=10))
        assert SURVEY in taken
        world.advance(timedelta(minutes=25))
        assert told(world) == (4, 0)

    def test_who_was_never_brought_in_stays_out(self, world: World) -> None:
        world.customer("Aurelius Partners")
        world.clock.advance(timedelta(hours=5))
        assert world.runtime.survey.run() == Found(0, 0)
        assert waiting(world) == {}


def told(world: World) -> tuple[int, int]:
    """What the last survey is said to have found."""
    with world.runtime.store.begin() as tx:
        found = numbers(tx, preset("default"), world.clock.now())
    return found.surveyed, found.differed
