"""The first week only watches; what it saw is done afterwards, and no failure stays unheard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rq.timeouts import JobTimeoutException

from domain.effects import EffectKind
from domain.errors import Conflict, Transient
from domain.holds import Quiet
from domain.rows import EVALUATE, EffectMode
from jobs.runtime import Runtime
from jobs.worker_class import OutOfTime
from settings import Settings
from tests.journeys.quiet_scenes import failed_high, is_quiet_at_stripe
from tests.world import World, build


def _look(world: World, customer: str) -> None:
    with world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(world.account(customer), EVALUATE, cause="person:reconcile")
    world.settle()


def test_a_hold_that_began_while_watching_is_made_quiet_once_we_act(
    database_url: str, redis_url: str
) -> None:
    def watch(settings: Settings) -> None:
        settings.all_effects = EffectMode.OBSERVE

    world = build(database_url, redis_url, change=watch)
    try:
        customer, account = world.vip()
        world.hours(4)
        assert world.stripe.writes() == []
        assert world.tasks(account) == []

        world.runtime.settings.all_effects = EffectMode.ACT
        world.runtime = Runtime(
            world.runtime.settings,
            database_url=database_url,
            redis_url=redis_url,
            clock=world.clock,
        )
        _look(world, customer)
        mails = len(world.robotic(customer))
        world.days(10)

        certificate = world.certificate(customer)
        assert certificate is not None
        assert certificate.state is Quiet.QUIET
        assert len(world.robotic(customer)) == mails
    finally:
        world.close()


def restarted(world: World, mode: EffectMode) -> None:
    """Every process begins anew with this mode."""
    settings = world.runtime.settings
    settings.all_effects = mode
    world.runtime = Runtime(
        settings,
        database_url=world.runtime.database_url,
        redis_url=world.runtime.redis_url,
        clock=world.clock,
    )


@pytest.mark.parametrize("mode", [EffectMode.OBSERVE, EffectMode.OFF])
def test_effects_that_wait_are_not_sent_once_we_only_observe(
    world: World, mode: EffectMode
) -> None:
    customer, account = failed_high(world)
    for system in ("stripe", "salesforce"):
        with world.runtime.store.begin() as tx:
            tx.system.open_circuit(system, reason="401", now=world.clock.now())
    world.csm(account, Dunning_Status__c="In Resolution")
    world.advance(timedelta(minutes=1))
    before = (len(world.stripe.writes()), world.org.get(account), world.tasks(account))

    restarted(world, mode)
    world.advance(timedelta(minutes=25))

    assert (len(world.stripe.writes()), world.org.get(account), world.tasks(account)) == before
    restarted(world, EffectMode.ACT)
    world.advance(timedelta(minutes=25))
    assert is_quiet_at_stripe(world, customer)
    assert "in resolution until" in world.task(account)["Subject"]


def test_effects_that_are_off_are_not_even_written_down(database_url: str, redis_url: str) -> None:
    def silent(settings: Settings) -> None:
        settings.effect_modes = {EffectKind.WRITE_FIELDS: EffectMode.OFF}

    world = build(database_url, redis_url, change=silent)
    try:
        customer, account = world.vip()
        world.hours(4)

        assert world.org.get(account)["Payment_Status__c"] is None
        with world.runtime.store.begin() as tx:
            kinds = {one.kind for one in tx.effects.of_account(world.account(customer))}
        assert EffectKind.WRITE_FIELDS not in kinds
        assert EffectKind.KEEP_TASK in kinds
    finally:
        world.close()


def test_an_alert_that_was_acknowledged_opens_again_when_it_comes_back_later(world: World) -> None:
    now = world.clock.now()

    def told(after: timedelta) -> bool:
        with world.runtime.store.begin() as tx:
            return tx.audit.raise_alert("k", "text", rule="r", now=now + after, account=None)

    assert told(timedelta(0))
    assert not told(timedelta(hours=1))
    with world.runtime.store.begin() as tx:
        tx.audit.acknowledge(tx.audit.alerts()[0].id, by="ops", now=now + timedelta(hours=2))
    assert not told(timedelta(hours=3))
    assert told(timedelta(hours=27))
    assert len(world.alerts()) == 1


def test_a_poll_that_does_not_run_is_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise Transient("the org does not answer")

    monkeypatch.setattr(world.runtime.crms["salesforce"], "changes", broken)

    for _ in range(3):
        with pytest.raises(Transient):
            world.runtime.upkeep("poll:salesforce")

    assert len(world.alerts()) == 1
    assert "poll:salesforce does not run" in world.alerts()[0]


def test_a_poll_that_fails_in_a_way_that_nobody_foresaw_is_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("cus_secret")

    monkeypatch.setattr(world.runtime.crms["salesforce"], "changes", broken)

    for _ in range(3):
        with pytest.raises(KeyError):
            world.runtime.upkeep("poll:salesforce")

    assert len(world.alerts()) == 1
    assert "poll:salesforce does not run: it failed with KeyError" in world.alerts()[0]
    assert "cus_secret" not in world.alerts()[0]


@pytest.mark.parametrize("end", [JobTimeoutException(), OutOfTime(), SystemExit(), Conflict("x")])
def test_what_ends_a_worker_or_comes_between_is_no_alert(
    world: World, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    def ended(*_: object, **__: object) -> None:
        raise end

    monkeypatch.setattr(world.runtime.crms["salesforce"], "changes", ended)

    with pytest.raises(type(end)):
        world.runtime.upkeep("poll:salesforce")

    assert world.alerts() == []


def test_a_schedule_that_does_not_exist_is_said_to_who_asked_and_nobody_else(
    world: World,
) -> None:
    with pytest.raises(ValueError, match="there is no schedule"):
        world.runtime.upkeep("poll:nothing")
    assert world.alerts() == []


def test_a_subscription_cancelled_during_a_hold_is_told(world: World) -> None:
    customer, _ = world.vip()
    world.hours(4)
    subscription = next(iter(world.stripe.state()["objects"]["subscription"]))

    world.stripe.dashboard_cancel_subscription(subscription)
    world.settle()

    assert any("was cancelled during a hold" in text for text in world.alerts())
    assert world.robotic(customer) == []


@pytest.mark.parametrize(
    ("outcome", "holder", "due"),
    [
        ("Reached - will pay", "csm", "2026-11-24"),
        ("No answer", "csm", "2026-11-23"),
        ("Wrong contact", "owner", "2026-11-23"),
    ],
)
def test_the_outcome_of_a_completed_task_decides_who_is_asked_and_when(
    world: World, outcome: str, holder: str, due: str
) -> None:
    _, account = world.vip()
    world.hours(4)
    task = world.task(account)

    world.org.human(world.people["csm"]).complete_task(task["Id"], outcome)
    _say(world, account)

    again = world.task(account)
    assert not again["IsClosed"]
    assert again["ActivityDate"] == due
    owners = {row["OwnerId"] for row in world.tasks(account, open_only=True)}
    assert world.people[holder] in owners
    assert (world.people["owner"] in owners) is (holder == "owner")


def _say(world: World, account: str) -> None:
    """What the poll of the CRM brings within a minute."""
    world.runtime.upkeep("poll:salesforce")
    world.settle()
    assert world.org.get(account)
