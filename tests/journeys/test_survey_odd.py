"""The look at everybody where things are odd: it misses nobody, and asks nobody for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from domain.effects import digest_of
from domain.errors import Unauthorized
from domain.ids import Ref
from domain.rows import EVALUATE, EffectMode, Mark, Urgency
from jobs.plans import described, make_plan, planner
from jobs.queues import SURVEY
from jobs.trials import trial_values, try_record
from mappings.mapping_file import default_mapping_text
from mappings.policy_file import preset_text
from settings import Settings
from simulators.faults import Fault, Harm
from sync.configs import mapping_name
from tests.journeys.survey_scenes import (
    customer,
    delete,
    known,
    overwrite_revenue,
    revenue,
    survey,
    waiting,
)
from tests.world import World, build

SHIPPED = default_mapping_text("salesforce")
OTHER_WORD = SHIPPED.replace("current: Current", "current: Paid")
A_PERSON_WINS = SHIPPED.replace(
    "{ours: payment.mrr, flow: ->, theirs: Stripe_MRR__c, wins: stripe}",
    "{ours: payment.mrr, flow: ->, theirs: Stripe_MRR__c, wins: human}",
)
Made = Callable[..., World]


@pytest.fixture
def make(database_url: str, redis_url: str) -> Iterator[Made]:
    """Makes a world in which no event ever arrives."""
    worlds: list[World] = []

    def made(*crms: str, change: Callable[[Settings], None] | None = None) -> World:
        world = build(
            database_url, redis_url, crms=crms or ("salesforce",), hooks=False, change=change
        )
        world.stripe.postman.dial.loss = 1.0
        worlds.append(world)
        return world

    yield made
    for world in worlds:
        world.close()


def a_day(world: World) -> None:
    """A day goes by, with its survey and all that follows."""
    world.clock.advance(timedelta(days=1))
    world.runtime.upkeep(SURVEY, now=True)
    world.settle()


def apply(world: World, text: str) -> None:
    """A new version of the mapping, which existing records follow later."""
    name = mapping_name("salesforce")
    world.runtime.actions.apply_config(name, text, by="ann", note="a test")


def statuses(world: World) -> set[object]:
    return {row["Payment_Status__c"] for row in world.org.rows("Account")}


class TestNobodyIsMissed:
    def test_a_crm_that_is_away_keeps_nobody_else_waiting(self, make: Made) -> None:
        world = make("salesforce", "hubspot")
        customer(world, 50)
        known(world)
        assert world.portal is not None
        world.portal.faults.arm(Fault(harm=Harm.STATUS, status=401, times=None))
        a_day(world)
        vip = world.customer("Aurelius Partners")
        account = world.sides[0].add_account("Aurelius Partners", customer=vip)
        world.clock.advance(timedelta(hours=5))

        a_day(world)

        assert world.open_case(vip).tier == "vip"
        assert len(world.sides[0].tasks(account)) == 1
        assert any(text.startswith("survey does not run") for text in world.alerts())

    def test_a_payment_system_that_is_away_is_told(self, make: Made) -> None:
        world = make()
        known(world)
        world.stripe.faults.arm(Fault(harm=Harm.STATUS, status=401, times=None))
        with pytest.raises(Unauthorized):
            world.runtime.upkeep(SURVEY, now=True)
        assert any(text.startswith("survey does not run") for text in world.alerts())

    def test_a_survey_that_does_not_come_to_its_end_is_told(self, make: Made) -> None:
        world = make()
        known(world)
        world.runtime.survey.run(go_on=lambda: False)
        world.clock.advance(timedelta(days=3))
        world.runtime.upkeep(SURVEY)
        assert any(text.startswith("The survey that began on") for text in world.alerts())

    def test_another_word_of_a_mapping_reaches_every_record_within_a_day(self, make: Made) -> None:
        world = make()
        known(world)
        a_day(world)
        apply(world, OTHER_WORD)

        a_day(world)

        assert statuses(world) == {"Paid"}
        assert survey(world) == set()

    def test_a_trial_is_taken_back_within_a_day(self, make: Made) -> None:
        world = make()
        [(id, record), *_] = known(world)
        account, here = world.account(id), world.runtime
        plan = make_plan(here, "salesforce", OTHER_WORD)
        live = described(here, "salesforce", OTHER_WORD)
        sight = planner(here).look("salesforce", OTHER_WORD, account, described=live)
        try_record(here, plan, account, seen=digest_of(trial_values(sight)), by="ann")  # type: ignore[arg-type]
        world.settle()
        assert world.org.get(record)["Payment_Status__c"] == "Paid"

        a_day(world)

        assert statuses(world) == {"Current"}

    def test_what_was_only_watched_is_written_once_we_act(self, make: Made) -> None:
        def watch(settings: Settings) -> None:
            settings.all_effects = EffectMode.OBSERVE

        world = make(change=watch)
        known(world)
        assert statuses(world) == {None}
        world.runtime.settings.all_effects = EffectMode.ACT
        world.runtime.__dict__.pop("evaluate")

        a_day(world)

        assert statuses(world) == {"Current"}
        assert survey(world) == set()

    def test_what_people_say_in_the_other_crm_is_found(self, make: Made) -> None:
        world, ids, records = in_both(make)
        world.sides[1].promise(records[0][1], (world.clock.now() + timedelta(days=3)).date())

        assert survey(world) == {world.account(ids[0])}


class TestNobodyIsAskedForEver:
    def test_a_deleted_customer_is_looked_at_once(self, make: Made) -> None:
        world = make()
        gone, _ = known(world)[0]
        a_day(world)
        delete(world, gone)
        world.clock.advance(timedelta(days=1))
        assert survey(world) == {world.account(gone)}
        world.settle()

        world.clock.advance(timedelta(days=40))
        world.runtime.survey.run()

        assert world.account(gone) not in waiting(world)

    def test_a_record_that_a_person_refused_is_no_news(self, make: Made) -> None:
        world = make()
        id, account = known(world)[0]
        with world.runtime.store.begin() as tx:
            tx.links.reject(Ref("salesforce", "account", account), now=world.clock.now())
            tx.lanes.mark_dirty(world.account(id), EVALUATE, cause="person:link.rejected")
        world.settle()
        a_day(world)

        assert survey(world) == set()

    def test_a_value_that_a_row_leaves_to_a_person_is_no_news(self, make: Made) -> None:
        world = make()
        apply(world, A_PERSON_WINS)
        _, account = known(world)[1]
        world.clock.advance(timedelta(minutes=1))
        overwrite_revenue(world, account, 1)
        assert len(survey(world)) == 1
        world.settle()

        assert revenue(world, account) == 1
        assert survey(world) == set()

    def test_a_crm_that_is_not_written_is_not_compared(self, make: Made) -> None:
        world, _, records = in_both(make)
        with world.runtime.store.begin() as tx:
            tx.system.add_config(
                "policy",
                preset_text("default") + "\ncrm:\n  elsewhere: nothing\n",
                author="ann",
                note="a test",
                now=world.clock.now(),
            )
        assert world.portal is not None
        csm = world.portal.human(world.sides[1].people["csm"])
        csm.set_company(records[0][1], kidglove_mrr=1)
        a_day(world)

        assert survey(world) == set()

    def test_a_customer_that_a_person_refused_makes_no_account(self, make: Made) -> None:
        world = make()
        known(world)
        vip = world.customer("Aurelius Partners")
        world.clock.advance(timedelta(hours=5))
        a_day(world)
        with world.runtime.store.begin() as tx:
            assert tx.links.reject(Ref("stripe", "customer", vip), now=world.clock.now())
        before = accounts(world)

        for _ in range(2):
            a_day(world)

        assert accounts(world) == before


def in_both(make: Made) -> tuple[World, list[str], list[tuple[str, str]]]:
    """Three customers with an account in each CRM, in step; their ids, and the records'."""
    world = make("salesforce", "hubspot")
    ids = [customer(world, number) for number in range(3)]
    first, second = world.sides
    records = [
        (first.add_account(id, customer=id), second.add_account(id, customer=id)) for id in ids
    ]
    known(world, 0)
    assert survey(world) == set()
    return world, ids, records


def accounts(world: World) -> int:
    with world.runtime.store.begin() as tx:
        return len(tx.cases.accounts())


def test_a_survey_and_a_judgement_of_the_same_account_never_wait_for_each_other(
    make: Made,
) -> None:
    world = make()
    ids = [world.account(id) for id, _ in known(world)]
    store, now = world.runtime.store, world.clock.now()
    with store.begin() as tx:
        tx.lanes.mark_all_dirty(dict.fromkeys(ids, Mark(Urgency.NORMAL, "test")), EVALUATE)
    failed: list[Exception] = []

    def judge() -> None:
        for _ in range(30):
            with store.begin() as tx:
                for id in ids:
                    tx.lanes.lease(id, EVALUATE, owner="judge", now=now, seconds=0)
                tx.links.name(ids[0], "Judged")

    def look() -> None:
        for _ in range(30):
            world.runtime.survey.run()

    def watched(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as problem:  # noqa: BLE001 # reason: shown by the assertion below
            failed.append(problem)

    threads = [threading.Thread(target=watched, args=(work,)) for work in (judge, look)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert failed == []
