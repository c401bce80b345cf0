"""From rows to jobs: the order, the leader, what wakes it, and what it does when Redis is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

import psycopg
import pytest
import redis
import sqlalchemy as sa
from rq.job import Job
from rq.serializers import JSONSerializer

from domain.case import Timer, TimerKind
from domain.ids import AccountId, Ref
from domain.ports import Incoming
from domain.rows import EVALUATE, Mark, Stance, Urgency
from jobs import queues
from jobs.relay import BACKLOG, BATCH, GATHER_SECONDS, LEADER, URGENT_BACKLOG, Relay
from store.lanes import CHANNEL
from store.unit_of_work import UnitOfWork
from tests.jobs.lanes_work import NOW, FrozenClock
from tests.jobs.stage import waiting

PATIENCE = 20.0


@pytest.fixture
def store(database_url: str) -> Iterator[UnitOfWork]:
    made = UnitOfWork(database_url)
    yield made
    made.close()


def relay(
    store: UnitOfWork,
    connection: redis.Redis,
    *,
    owner: str = "one",
    resend: float = 30,
    bulk_sizes: Mapping[str, int] | None = None,
) -> Relay:
    return Relay(
        store=store,
        connection=connection,
        clock=FrozenClock(),
        resend_seconds=resend,
        bulk_sizes=bulk_sizes or {EVALUATE: 100, "crm": 200, "payments": 50},
        owner=owner,
    )


def dirty(
    store: UnitOfWork, number: int, *, kind: str = EVALUATE, urgency: Urgency = Urgency.NORMAL
) -> AccountId:
    with store.begin() as tx:
        account = tx.links.open_account(Ref("payments", "customer", f"cus_{number}"), now=NOW)
        tx.lanes.mark_dirty(account, kind, urgency=urgency, cause="test")
    return account


def jobs(connection: redis.Redis, name: str) -> list[tuple[str, tuple[object, ...]]]:
    """What waits on a queue, as function and arguments, first come first."""
    found = [
        Job.fetch(id.decode(), connection=connection, serializer=JSONSerializer)
        for id in waiting(connection, name)
    ]
    return [(str(job.func_name).rpartition(".")[2], tuple(job.args)) for job in found]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@contextmanager
def running(one: Relay, database_url: str, *, every_seconds: float) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(
        target=one.run,
        kwargs={"database_url": database_url, "every_seconds": every_seconds, "stop": stop},
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as caller:
            caller.execute(f"NOTIFY {CHANNEL}".encode())
        thread.join(PATIENCE)
        assert not thread.is_alive()


class Unreachable(redis.Redis):
    """A Redis that is down until `is_up`."""

    is_up = False

    def pipeline(self, *given: Any, **named: Any) -> Any:
        self._check()
        return super().pipeline(*given, **named)

    def execute_command(self, *given: Any, **named: Any) -> Any:
        self._check()
        return super().execute_command(*given, **named)  # type: ignore[no-untyped-call]

    def _check(self) -> None:
        if not self.is_up:
            raise redis.ConnectionError("Connection refused")


# ------------------------------------------------------------ what is sent, and in which order


def test_an_urgent_account_goes_alone_and_on_a_queue_where_no_crowd_is_before_it(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    ordinary = [dirty(store, number) for number in range(BATCH + 1)]
    urgent = dirty(store, 100, urgency=Urgency.VIP)

    tick = relay(store, connection).tick()

    assert jobs(connection, "urgent") == [("evaluate", ([urgent],))]
    assert jobs(connection, "evaluate") == [
        ("evaluate", (ordinary[:BATCH],)),
        ("evaluate", (ordinary[BATCH:],)),
    ]
    assert (tick.jobs, tick.lanes) == (3, BATCH + 2)


def test_each_system_has_a_queue_of_its_own(store: UnitOfWork, connection: redis.Redis) -> None:
    one, other = dirty(store, 1, kind="payments"), dirty(store, 2, kind="crm")

    relay(store, connection).tick()

    assert jobs(connection, "payments") == [("deliver", ("payments", [one]))]
    assert jobs(connection, "crm") == [("deliver", ("crm", [other]))]


class TestBulk:
    """Work that nobody waits for goes in whole calls of the vendor, on a queue of its own."""

    SIZES: ClassVar[Mapping[str, int]] = {EVALUATE: 2, "crm": 3}

    def tick(self, store: UnitOfWork, connection: redis.Redis) -> list[tuple[str, object]]:
        """What one tick puts on the bulk queue."""
        known = len(jobs(connection, queues.BULK))
        relay(store, connection, bulk_sizes=self.SIZES).tick()
        return [(name, said[-1]) for name, said in jobs(connection, queues.BULK)[known:]]

    def bulk(self, store: UnitOfWork, number: int, kind: str) -> AccountId:
        return dirty(store, number, kind=kind, urgency=Urgency.BULK)

    def test_writes_wait_for_a_whole_call_while_more_are_being_judged(
        self, store: UnitOfWork, connection: redis.Redis
    ) -> None:
        judged = self.bulk(store, 0, EVALUATE)
        writes = [self.bulk(store, number, "crm") for number in (1, 2)]

        assert self.tick(store, connection) == [("evaluate", [judged])]
        assert self.tick(store, connection) == []
        writes.append(self.bulk(store, 3, "crm"))
        assert self.tick(store, connection) == [("deliver", writes)]

    def test_what_is_left_goes_as_soon_as_nothing_more_is_judged(
        self, store: UnitOfWork, connection: redis.Redis
    ) -> None:
        judged = self.bulk(store, 0, EVALUATE)
        writes = [self.bulk(store, number, "crm") for number in range(1, 6)]

        assert self.tick(store, connection) == [
            ("deliver", writes[:3]),
            ("evaluate", [judged]),
        ]
        finish(store, judged)
        assert self.tick(store, connection) == [("deliver", writes[3:])]

    def test_an_account_that_is_put_off_keeps_no_write_waiting(
        self, store: UnitOfWork, connection: redis.Redis
    ) -> None:
        put_off = self.bulk(store, 0, EVALUATE)
        finish(store, put_off, not_before=NOW + timedelta(hours=1))
        write = self.bulk(store, 1, "crm")

        assert self.tick(store, connection) == [("deliver", [write])]

    def test_nothing_waits_for_company_longer_than_some_minutes(
        self, store: UnitOfWork, connection: redis.Redis
    ) -> None:
        judged, write = self.bulk(store, 0, EVALUATE), self.bulk(store, 1, "crm")
        assert self.tick(store, connection) == [("evaluate", [judged])]
        with store.begin() as tx:
            tx.connection.execute(
                sa.text(
                    "UPDATE lanes SET dirty_at = dirty_at - make_interval(secs => :long) "
                    "WHERE kind = 'crm'"
                ),
                {"long": GATHER_SECONDS},
            )
        assert self.tick(store, connection) == [("deliver", [write])]

    def test_no_more_is_sent_than_a_few_jobs_at_once(
        self, store: UnitOfWork, connection: redis.Redis
    ) -> None:
        for number in range(4 * BACKLOG):
            self.bulk(store, number, EVALUATE)
        assert len(self.tick(store, connection)) == BACKLOG
        assert self.tick(store, connection) == []

    def test_bulk_work_of_a_system_that_is_not_connected_waits_for_it(
        self, store: UnitOfWork, connection: redis.Redis
    ) -> None:
        self.bulk(store, 1, "another crm")
        assert self.tick(store, connection) == []

    def test_a_survey_runs_with_the_bulk(self, store: UnitOfWork, connection: redis.Redis) -> None:
        with store.begin() as tx:
            tx.system.schedule(
                queues.SURVEY, every=timedelta(hours=1), now=NOW - timedelta(hours=2)
            )
        assert self.tick(store, connection) == [("upkeep", queues.SURVEY)]


def finish(store: UnitOfWork, account: AccountId, *, not_before: datetime | None = None) -> None:
    """A worker judges the account, or puts it off."""
    with store.begin() as tx:
        lane = tx.lanes.lease(account, EVALUATE, owner="one", now=NOW, seconds=60)
        assert lane is not None
        tx.lanes.release(lane, is_done=not_before is None, not_before=not_before)


def test_what_was_sent_is_not_sent_again_before_its_time(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    dirty(store, 1)
    one = relay(store, connection)

    one.tick()
    again = one.tick()

    assert again.jobs == 0
    assert len(jobs(connection, "evaluate")) == 1


def test_news_of_an_account_that_waits_on_the_queue_is_sent_too(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    """The job on the queue may be lost; the lane only knows that it changed since."""
    account = dirty(store, 1)
    one = relay(store, connection)
    one.tick()
    dirty(store, 1)

    one.tick()

    assert jobs(connection, "evaluate") == [("evaluate", ([account],))] * 2


def test_messages_wake_intake_once_while_its_job_waits(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    with store.begin() as tx:
        tx.inbox.store([Incoming(source="s", key="1", topic="t", body=b"{}")], NOW)
    one = relay(store, connection)

    one.tick()
    one.tick()

    assert jobs(connection, "intake") == [("take_in", ())]


@pytest.mark.parametrize(("is_held", "queue"), [(True, "urgent"), (False, "evaluate")])
def test_a_timer_that_fell_due_is_as_urgent_as_its_account(
    is_held: bool, queue: str, store: UnitOfWork, connection: redis.Redis
) -> None:
    with store.begin() as tx:
        account = tx.links.open_account(Ref("payments", "customer", "cus_1"), now=NOW)
        tx.cases.take_stance(
            account,
            Stance(wants_quiet=is_held, evaluated_at=NOW, intercepts=False, judged_by="policy"),
            None,
        )
        tx.cases.replace_timers(
            account,
            [
                Timer(kind=TimerKind.REMINDER, due=NOW),
                Timer(kind=TimerKind.HOLD_EXPIRY, due=NOW + timedelta(seconds=1)),
            ],
        )

    tick = relay(store, connection).tick()

    assert tick.timers == 1
    assert jobs(connection, queue) == [("evaluate", ([account],))]
    with store.begin() as tx:
        assert [timer.kind for timer in tx.cases.timers(account)] == [TimerKind.HOLD_EXPIRY]


def test_a_schedule_runs_once_however_long_nobody_looked(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    with store.begin() as tx:
        tx.system.schedule("sweep:crm", every=timedelta(hours=1), now=NOW - timedelta(days=3))
    one = relay(store, connection)

    one.tick()
    one.tick()

    assert jobs(connection, "upkeep") == [("upkeep", ("sweep:crm",))]


# ------------------------------------------------------------ what Redis loses


def test_what_a_flushed_redis_has_forgotten_is_sent_again(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    account = dirty(store, 1)
    one = relay(store, connection, resend=0.2)
    one.tick()
    connection.flushdb()

    until(lambda: one.tick().jobs == 1)

    assert jobs(connection, "evaluate") == [("evaluate", ([account],))]


def test_a_message_whose_job_was_flushed_wakes_intake_again(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    with store.begin() as tx:
        tx.inbox.store([Incoming(source="s", key="1", topic="t", body=b"{}")], NOW)
    one = relay(store, connection)
    one.tick()
    connection.flushdb()

    one.tick()

    assert jobs(connection, "intake") == [("take_in", ())]


def test_while_redis_is_down_nothing_is_marked_as_sent(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    account = dirty(store, 1)
    down = Unreachable(connection_pool=connection.connection_pool)
    with pytest.raises(redis.ConnectionError):
        relay(store, down).tick()

    relay(store, connection).tick()

    assert jobs(connection, "evaluate") == [("evaluate", ([account],))]


def test_a_schedule_that_fell_due_while_redis_was_down_runs_when_it_is_back(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    with store.begin() as tx:
        for name in ("poll:crm", "sweep:crm"):
            tx.system.schedule(name, every=timedelta(days=1), now=NOW - timedelta(days=1))
    down = Unreachable(connection_pool=connection.connection_pool)
    with pytest.raises(redis.ConnectionError):
        relay(store, down).tick()

    relay(store, connection).tick()

    assert jobs(connection, "upkeep") == [("upkeep", ("poll:crm",)), ("upkeep", ("sweep:crm",))]


def test_a_timer_that_fell_due_while_redis_was_down_is_not_forgotten(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    with store.begin() as tx:
        account = tx.links.open_account(Ref("payments", "customer", "cus_1"), now=NOW)
        tx.cases.replace_timers(account, [Timer(kind=TimerKind.ESCALATION, due=NOW)])
    down = Unreachable(connection_pool=connection.connection_pool)
    with pytest.raises(redis.ConnectionError):
        relay(store, down).tick()

    relay(store, connection).tick()

    assert jobs(connection, "evaluate") == [("evaluate", ([account],))]


def test_a_running_relay_outlives_a_redis_that_is_down(
    store: UnitOfWork, connection: redis.Redis, database_url: str
) -> None:
    account = dirty(store, 1)
    flaky = Unreachable(connection_pool=connection.connection_pool)

    with running(relay(store, flaky), database_url, every_seconds=0.1):
        time.sleep(0.3)
        flaky.is_up = True
        until(lambda: bool(waiting(connection)))

    assert jobs(connection, "evaluate") == [("evaluate", ([account],))]


# ------------------------------------------------------------ what wakes it


def test_a_notice_wakes_the_relay_long_before_its_next_round(
    store: UnitOfWork, connection: redis.Redis, database_url: str
) -> None:
    dirty(store, 1)
    with running(relay(store, connection), database_url, every_seconds=10 * PATIENCE):
        until(lambda: len(waiting(connection)) == 1)
        dirty(store, 2)
        until(lambda: len(waiting(connection)) == 2)


def test_a_lane_whose_notice_was_lost_is_found_by_the_next_round(
    store: UnitOfWork, connection: redis.Redis, database_url: str
) -> None:
    account = dirty(store, 1)
    one = relay(store, connection)
    one.tick()
    with running(one, database_url, every_seconds=0.1):
        with store.begin() as tx:
            tx.connection.execute(sa.text("UPDATE lanes SET dirty_seq = dirty_seq + 1"))
        until(lambda: len(waiting(connection)) == 2)

    assert jobs(connection, "evaluate") == [("evaluate", ([account],))] * 2


def test_a_relay_whose_listening_connection_is_cut_listens_again(
    store: UnitOfWork, connection: redis.Redis, database_url: str
) -> None:
    with running(relay(store, connection), database_url, every_seconds=0.1):
        until(lambda: _listeners(store) == 1)
        with store.begin() as tx:
            tx.connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
            )
        dirty(store, 1)
        until(lambda: bool(waiting(connection)))
        until(lambda: _listeners(store) == 1)


def _listeners(store: UnitOfWork) -> int:
    with store.begin() as tx:
        found = tx.connection.execute(
            sa.text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        )
        return int(found.scalar_one())


# ------------------------------------------------------------ who leads


def test_of_two_relays_one_leads_and_the_other_sends_nothing(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    one, other = (relay(store, connection, owner=name) for name in ("one", "other"))
    one.tick()
    dirty(store, 1)

    assert other.tick().jobs == 0
    assert one.tick().jobs == 1


def test_the_second_relay_takes_over_when_the_leader_is_dead(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    one, other = (relay(store, connection, owner=name) for name in ("one", "other"))
    one.tick()
    dirty(store, 1)
    with store.begin() as tx:
        tx.connection.execute(sa.text("UPDATE leases SET until = clock_timestamp()"))

    assert other.tick().jobs == 1
    assert one.tick().jobs == 0


def test_a_relay_that_stops_in_order_hands_over_at_once(
    store: UnitOfWork, connection: redis.Redis, database_url: str
) -> None:
    one, other = (relay(store, connection, owner=name) for name in ("one", "other"))
    with running(one, database_url, every_seconds=0.1):
        until(lambda: _leader(store) == "one")
    dirty(store, 1)

    assert other.tick().jobs == 1


def _leader(store: UnitOfWork) -> str | None:
    with store.begin() as tx:
        found: str | None = tx.connection.execute(
            sa.text("SELECT owner FROM leases WHERE name = :name"), {"name": LEADER}
        ).scalar()
    return found


def test_ordinary_work_waits_in_the_store_while_jobs_wait_and_urgent_work_does_not(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    one = relay(store, connection)
    for number in range(BACKLOG + 2):
        dirty(store, number)
        one.tick()
    assert len(jobs(connection, queues.EVALUATE)) == BACKLOG

    dirty(store, 99, urgency=Urgency.VIP)
    dirty(store, 99, kind="crm", urgency=Urgency.VIP)
    one.tick()

    assert len(jobs(connection, queues.EVALUATE)) == BACKLOG
    assert len(jobs(connection, queues.URGENT)) == len(jobs(connection, "crm")) == 1


def test_a_crowd_of_one_kind_hides_no_other(store: UnitOfWork, connection: redis.Redis) -> None:
    """A CRM that hangs, or that nobody serves, leaves its lanes at the head of the line."""
    many(store, "crm", 700)
    late = dirty(store, 9999)

    relay(store, connection).tick()

    assert jobs(connection, queues.EVALUATE) == [("evaluate", ([late],))]
    assert len(jobs(connection, "crm")) == BACKLOG


def test_a_crowd_of_urgent_accounts_fills_no_queue_with_copies(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    many(store, EVALUATE, URGENT_BACKLOG + 50, urgency=Urgency.VIP)
    one = relay(store, connection, resend=0)

    for _ in range(5):
        one.tick()

    assert len(jobs(connection, queues.URGENT)) == URGENT_BACKLOG


def test_a_schedule_whose_job_still_waits_is_not_sent_again(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    """The polls of a system that hangs would stand before those of the others."""
    with store.begin() as tx:
        for name in ("poll:crm", "poll:payments"):
            tx.system.schedule(name, every=timedelta(0), now=NOW)
    one = relay(store, connection)

    for _ in range(3):
        one.tick()

    names = [arguments for _, arguments in jobs(connection, queues.UPKEEP)]
    assert names == [("poll:crm",), ("poll:payments",)]


def test_a_survey_that_finds_no_room_is_due_as_soon_as_there_is_some(
    store: UnitOfWork, connection: redis.Redis
) -> None:
    with store.begin() as tx:
        tx.system.schedule(queues.SURVEY, every=timedelta(hours=1), now=NOW - timedelta(hours=2))
    many(store, "crm", 3000, urgency=Urgency.BULK)
    one = relay(store, connection)
    queue = queues.queue(queues.BULK, connection)
    for _ in range(BACKLOG):
        queues.enqueue(queue, "jobs.tasks.take_in")

    one.tick()
    assert ("upkeep", (queues.SURVEY,)) not in jobs(connection, queues.BULK)
    connection.delete(queue.key)
    one.tick()

    assert jobs(connection, queues.BULK)[0] == ("upkeep", (queues.SURVEY,))


def many(
    store: UnitOfWork, kind: str, count: int, *, urgency: Urgency = Urgency.NORMAL
) -> list[AccountId]:
    """So many accounts that wait, longer than any that comes after them."""
    with store.begin() as tx:
        made = tx.connection.execute(
            sa.text(
                "INSERT INTO accounts (created_at) SELECT now() FROM generate_series(1, :count) "
                "RETURNING id"
            ),
            {"count": count},
        )
        accounts = [AccountId(id) for id in made.scalars()]
        tx.lanes.mark_all_dirty({one: Mark(urgency, "test") for one in accounts}, kind)
    return accounts


def test_two_relays_that_run_side_by_side_send_each_lane_once(
    store: UnitOfWork, connection: redis.Redis, database_url: str
) -> None:
    with (
        running(relay(store, connection, owner="one"), database_url, every_seconds=0.05),
        running(relay(store, connection, owner="other"), database_url, every_seconds=0.05),
    ):
        for number in range(30):
            dirty(store, number, urgency=Urgency.VIP)
        until(lambda: _sent(connection) == 30)

    assert _sent(connection) == 30


def _sent(connection: redis.Redis) -> int:
    found = [arguments[0] for _, arguments in jobs(connection, queues.URGENT)]
    return sum(len(one) for one in found if isinstance(one, list))
