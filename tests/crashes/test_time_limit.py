"""A job that runs out of time ends there, is told as failed, and its account is the next job's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rq.registry import FailedJobRegistry

from domain.case import CaseState
from domain.rows import EffectState
from jobs import queues
from simulators.faults import Fault, Harm
from tests.crashes.story import Teller, expire_leases
from tests.ingress.queue_run import QueueRun
from tests.world import World

# Workers use SIGALRM for their own time limit, and so does the default method of pytest-timeout.
pytestmark = pytest.mark.timeout(100, method="thread")
LIMIT = 1
SLOW = Fault(harm=Harm.SLOW, seconds=3 * LIMIT, times=1)


@pytest.fixture
def world(teller: Teller) -> World:
    return teller.world


def run_out_of_time(
    world: World, monkeypatch: pytest.MonkeyPatch, queue: str, *, crm: bool = False
) -> QueueRun:
    """Work up to the first job of this queue, which then meets a vendor that is too slow."""
    engine = QueueRun(world.runtime)
    for _ in range(20):
        world.stripe.postman.flush()
        engine.relay.tick()
        if any(name == queue for name, _, _ in engine.queued()):
            break
        engine.work()
    monkeypatch.setattr(queues, "JOB_TIMEOUT", LIMIT)
    connection = world.runtime.redis
    connection.delete(f"rq:queue:{queue}")
    with world.runtime.store.begin() as tx:
        accounts = [int(account) for account in tx.cases.accounts()]
    (world.org if crm else world.stripe).faults.arm(SLOW)
    on = queues.queue(queue, connection)
    if queue == "evaluate":
        queues.enqueue(on, "jobs.tasks.evaluate", accounts)
    else:
        queues.enqueue(on, "jobs.tasks.deliver", queue, accounts)
    engine.work(queue)
    assert FailedJobRegistry(queue=on).count == 1
    monkeypatch.undo()
    world.org.faults.clear()
    world.stripe.faults.clear()
    return engine


@pytest.mark.parametrize(
    ("queue", "crm"),
    [("evaluate", False), ("evaluate", True), ("stripe", False), ("salesforce", True)],
)
def test_a_job_that_runs_out_of_time_ends_and_its_account_is_taken_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch, queue: str, crm: bool
) -> None:
    customer, account = world.vip()
    world.advance(timedelta(hours=4), settle=False)

    run_out_of_time(world, monkeypatch, queue, crm=crm)
    expire_leases(world.runtime.store)
    world.hours(1)

    assert world.open_case(customer).state is CaseState.WITH_PERSON
    assert world.task(account)["OwnerId"] == world.people["csm"]
    with world.runtime.store.begin() as tx:
        states = {one.state for one in tx.effects.of_account(world.account(customer))}
    assert states <= {EffectState.DONE, EffectState.SUPERSEDED, EffectState.WITHDRAWN}
    assert world.alerts() == []
