"""Two processes of ours in one account at once: the late one changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from domain.case import CaseState
from domain.errors import Transient
from domain.holds import Quiet, SuppressionState
from domain.ids import AccountId
from domain.rows import EffectState
from jobs.runtime import PAYMENTS_SYSTEM, Runtime, bulk_sizes, install
from sync import checkpoints
from sync.checkpoints import Checkpoint
from tests.crashes.story import differences, expire_leases, outcome, stripe_settings
from tests.world import InlineRelay, World, build

PATIENCE = 30.0


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    made = build(database_url, redis_url)
    yield made
    checkpoints.disarm()
    made.close()


class Slow:
    """A process that is held up at a checkpoint until its successor has done everything.

    `meanwhile` runs on the caller's thread as soon as the slow one stands there, after its lease
    has run out.
    """

    def __init__(self, world: World, checkpoint: Checkpoint) -> None:
        self.world = world
        self.checkpoint = checkpoint
        self.failure: BaseException | None = None

    def run(self, act: Callable[[Runtime], object], *, meanwhile: Callable[[], None]) -> None:
        """Do it slowly."""
        is_there, may_go_on = threading.Event(), threading.Event()
        late = threading.Thread(target=self._run, args=(act,))

        def hold_up() -> None:
            if threading.current_thread() is late and not is_there.is_set():
                is_there.set()
                assert may_go_on.wait(PATIENCE)

        checkpoints.arm(self.checkpoint, hold_up)
        late.start()
        try:
            assert is_there.wait(PATIENCE), f"{self.checkpoint} was not reached"
            expire_leases(self.world.runtime.store)
            meanwhile()
        finally:
            may_go_on.set()
            late.join(PATIENCE)
        checkpoints.disarm()

    def _run(self, act: Callable[[Runtime], object]) -> None:
        old = self.world.runtime
        runtime = Runtime(
            old.settings, database_url=old.database_url, redis_url=old.redis_url, clock=old.clock
        )
        try:
            act(runtime)
        except BaseException as problem:  # noqa: BLE001 # reason: the test looks at it
            self.failure = problem
        finally:
            runtime.close()


def until_due(world: World, kind: str) -> AccountId:
    """Let everything happen up to the moment in which a lane of this kind would be sent."""
    found: list[AccountId] = []

    class Stopping(InlineRelay):
        def _send(self, queue: str, function: str, *arguments: object) -> None:
            if queue == kind:
                assert isinstance(arguments[-1], list)
                found.extend(arguments[-1])
                raise Due
            super()._send(queue, function, *arguments)

    whole = world.relay
    world.relay = Stopping(
        store=world.runtime.store,
        connection=world.runtime.redis,
        clock=world.clock,
        resend_seconds=30,
        bulk_sizes=bulk_sizes(world.runtime.settings),
    )
    world.relay.sent = []
    install(world.runtime)
    with pytest.raises(Due):
        world.hours(4)
    world.relay = whole
    return AccountId(found[0])


class Due(BaseException):
    """A lane is about to be sent."""


def test_of_two_judges_at_once_one_opens_the_case_and_the_task(world: World) -> None:
    customer, account = world.vip()
    ours = until_due(world, "evaluate")
    slow = Slow(world, Checkpoint.DECIDED)

    slow.run(lambda late: late.evaluate.run([ours]), meanwhile=world.settle)
    world.hours(4)

    assert slow.failure is None
    assert world.open_case(customer).number == 1
    assert world.open_case(customer).state is CaseState.WITH_PERSON
    assert len(world.tasks(account)) == 1


def test_a_judge_that_is_overtaken_before_its_commit_changes_nothing(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    ours = world.account(customer)
    with world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(ours, "evaluate", cause="test")
    slow = Slow(world, Checkpoint.DECIDED)
    after: list[object] = []

    def overtake() -> None:
        world.csm(account, Dunning_Status__c="In Resolution")
        world.settle()
        after.append(outcome(world))

    slow.run(lambda late: late.evaluate.run([ours]), meanwhile=overtake)
    world.settle()

    assert slow.failure is None
    assert differences(outcome(world), after[0]) == []


@pytest.mark.parametrize(
    "checkpoint", [Checkpoint.EFFECT_STARTED, Checkpoint.EFFECT_SENT, Checkpoint.READ_BACK]
)
def test_a_slow_quieting_that_ends_after_the_release_does_not_count_as_quiet(
    checkpoint: Checkpoint, world: World
) -> None:
    """Its successor quieted, the hold ended, all was given back; then the slow one comes along."""
    customer, account = world.vip(CSM__c=None, amount=4900)
    world.hours(4)
    before = stripe_settings(world, customer)
    world.csm(account, Dunning_Status__c="In Resolution")
    ours = until_due(world, PAYMENTS_SYSTEM)
    slow = Slow(world, checkpoint)

    def overtake() -> None:
        world.settle()
        world.csm(account, Dunning_Status__c=None)
        world.settle()

    slow.run(lambda late: late.deliver[PAYMENTS_SYSTEM].run([ours]), meanwhile=overtake)
    world.settle()

    assert slow.failure is None
    assert stripe_settings(world, customer) == before
    assert {row.state for row in world.ledger(customer).values()} == {SuppressionState.RESTORED}
    certificate = world.certificate(customer)
    assert certificate is not None
    assert certificate.state is Quiet.OFF


def test_a_slow_deliverer_that_fails_in_the_end_does_not_reopen_what_its_successor_did(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, account = world.vip()
    ours = until_due(world, "salesforce")
    slow = Slow(world, Checkpoint.EFFECT_STARTED)

    def deliver_and_fail(late: Runtime) -> None:
        crm = late.crms["salesforce"]
        assert crm is not None

        def refuse(changes: object) -> object:
            raise Transient("the line is dead")

        monkeypatch.setattr(crm, "write", refuse)
        late.deliver["salesforce"].run([ours])

    slow.run(deliver_and_fail, meanwhile=lambda: world.hours(4))

    with world.runtime.store.begin() as tx:
        states = {effect.state for effect in tx.effects.of_account(ours)}
    assert slow.failure is None
    assert EffectState.DONE in states
    assert states <= {EffectState.DONE, EffectState.SUPERSEDED}
    assert len(world.tasks(account)) == 1
    assert world.open_case(customer).state is CaseState.WITH_PERSON


def test_a_slow_deliverer_that_sends_in_the_end_makes_no_second_task(world: World) -> None:
    _, account = world.vip()
    ours = until_due(world, "salesforce")
    slow = Slow(world, Checkpoint.EFFECT_STARTED)

    slow.run(lambda late: late.deliver["salesforce"].run([ours]), meanwhile=lambda: world.hours(4))
    world.settle()

    assert slow.failure is None
    assert len(world.tasks(account)) == 1


def test_a_slow_try_at_the_payment_is_made_once(world: World) -> None:
    customer, _ = world.vip()
    ours = until_due(world, PAYMENTS_SYSTEM)
    slow = Slow(world, Checkpoint.EFFECT_STARTED)

    slow.run(lambda late: late.deliver[PAYMENTS_SYSTEM].run([ours]), meanwhile=world.settle)
    world.hours(4)

    assert slow.failure is None
    charges = [
        charge
        for charge in world.stripe.state()["objects"]["charge"].values()
        if charge["customer"] == customer and charge["status"] == "failed"
    ]
    assert len(charges) == 1
