"""The health page says what does not move, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis
import sqlalchemy as sa

from console.health import read_queues
from domain.case import Timer, TimerKind
from domain.ids import AccountId, Ref
from jobs import queues
from jobs.relay import LEADER
from jobs.runtime import Runtime, served
from tests.console.visitor import Visitor

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


@pytest.fixture
def visitor(stranger: Visitor) -> Visitor:
    """Dana, logged in, in front of an installation without vendors."""
    stranger.enter()
    return stranger


@pytest.fixture
def owner(runtime: Runtime) -> AccountId:
    """An account."""
    with runtime.store.begin() as tx:
        return tx.links.open_account(Ref("stripe", "customer", "c"), now=NOW)


def run_everything(runtime: Runtime) -> None:
    """A relay that leads and a worker on every queue."""
    with runtime.store.begin() as tx:
        tx.system.lead(LEADER, owner="host:1", seconds=60)
    for name in queues.queue_names(served(runtime.settings)):
        runtime.redis.sadd(f"rq:workers:{name}", f"rq:worker:of-{name}")
        runtime.redis.hset(f"rq:worker:of-{name}", "birth", "now")


def test_an_installation_in_which_everything_runs_is_well(
    runtime: Runtime, visitor: Visitor
) -> None:
    run_everything(runtime)

    page = visitor.page("/health")

    assert "Everything moves." in page.text
    assert "Led by host:1." in page.section("Relay")


def test_missing_workers_and_a_missing_relay_are_named(visitor: Visitor) -> None:
    text = visitor.page("/health").text

    assert "No relay leads" in text
    assert "No worker serves intake, urgent, evaluate, bulk, upkeep and stripe." in text


def test_a_worker_that_was_killed_does_not_count(runtime: Runtime) -> None:
    run_everything(runtime)
    runtime.redis.delete("rq:worker:of-stripe")

    lines = read_queues(runtime.redis_url, served(runtime.settings))

    assert lines is not None
    assert {line.name for line in lines if not line.workers} == {"stripe"}


def test_an_open_circuit_is_a_problem_with_its_reason(runtime: Runtime, visitor: Visitor) -> None:
    run_everything(runtime)
    with runtime.store.begin() as tx:
        tx.system.open_circuit("stripe", reason="the key was rolled", now=NOW)

    page = visitor.page("/health")

    assert "stripe refuses our credential and gets nothing: the key was rolled" in page.text
    assert "open: the key was rolled" in page.section("Circuits")


def test_an_account_that_waits_too_long_is_a_problem(
    runtime: Runtime, visitor: Visitor, owner: AccountId
) -> None:
    run_everything(runtime)
    with runtime.store.begin() as tx:
        tx.lanes.mark_dirty(owner, "evaluate", cause="a test")
        tx.connection.execute(
            sa.text("UPDATE lanes SET dirty_at = clock_timestamp() - interval '25 minutes'")
        )

    assert "evaluate: an account has waited for 25 minutes." in visitor.page("/health").text


def test_an_account_that_is_put_off_is_no_problem(
    runtime: Runtime, visitor: Visitor, owner: AccountId
) -> None:
    run_everything(runtime)
    with runtime.store.begin() as tx:
        tx.lanes.mark_dirty(owner, "stripe", cause="a test")
        tx.connection.execute(
            sa.text(
                "UPDATE lanes SET dirty_at = clock_timestamp() - interval '25 minutes', "
                "not_before = :later"
            ),
            {"later": NOW + timedelta(hours=1)},
        )

    assert "Everything moves." in visitor.page("/health").text


def test_late_timers_are_a_problem(runtime: Runtime, visitor: Visitor, owner: AccountId) -> None:
    run_everything(runtime)
    timer = Timer(kind=TimerKind.ESCALATION, due=NOW - timedelta(minutes=11))
    with runtime.store.begin() as tx:
        tx.cases.replace_timers(owner, [timer])

    assert "1 timer is more than 10 minutes late." in visitor.page("/health").text


def test_a_redis_that_does_not_answer_leaves_the_rest_of_the_page(
    runtime: Runtime, stranger: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> redis.Redis:
        raise redis.ConnectionError("refused")

    stranger.enter()
    monkeypatch.setattr(redis.Redis, "from_url", refuse)

    page = stranger.page("/health")

    assert page.status == 200
    assert "Redis does not answer" in page.section("Queues")
    assert "All closed" in page.section("Circuits")


def test_a_mistake_of_ours_is_a_page_too(
    stranger: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("planted")

    stranger.enter()
    monkeypatch.setattr("console.app.read_queues", fail)

    page = stranger.page("/health")

    assert page.status == 500
    assert "planted" not in page.text
    assert page.answer.headers["cache-control"] == "no-store"
