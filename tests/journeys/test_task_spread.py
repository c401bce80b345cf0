"""How long from the failure to the task, over a thousand failures: a shop of workers on a virtual
clock, with the real relay and the real lanes.

Only the vendors' time is assumed: what a batch costs to read, and a task to write.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import redis

from domain.effects import EffectKind
from domain.ids import AccountId, Ref
from domain.rows import EVALUATE, Urgency
from jobs.relay import Relay
from simulators.clock import SimClock
from store.unit_of_work import UnitOfWork
from tests.unit.desk import START, Desk, failed

CRM = "salesforce"
WORKERS = {EVALUATE: 4, CRM: 2}
"""A small installation."""
TO_READ, TO_READ_MORE = 1.0, 0.2
"""Seconds for the first account of a batch (both vendors, one after the other) and each further."""
TO_WRITE = 0.5
PROMPT_SECONDS = 15
"""A person hears of the failure while the customer still looks at the receipt (R38)."""
EVEN_MINUTES = 2
"""Nobody waits much longer than anybody else, even on the first of the month (R67)."""


@dataclass
class Shop(Relay):
    """Queues and workers in virtual time around the real relay."""

    store: UnitOfWork
    connection: redis.Redis
    clock: SimClock
    lines: dict[str, deque[list[int]]] = field(default_factory=lambda: defaultdict(deque))
    free: dict[str, list[float]] = field(default_factory=dict)
    ends: list[tuple[float, int, str, list[AccountId]]] = field(default_factory=list)
    failed_at: dict[AccountId, float] = field(default_factory=dict)
    told_at: dict[AccountId, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(
            store=self.store,
            connection=self.connection,
            clock=self.clock,
            resend_seconds=1e9,
            bulk_sizes={EVALUATE: 100, CRM: 200},
        )
        self.free = {kind: [0.0] * number for kind, number in WORKERS.items()}

    def _send(self, queue: str, function: str, *arguments: object) -> None:
        accounts = arguments[-1]
        assert isinstance(accounts, list)
        self.lines[queue].append(accounts)

    def _backlog(self, queue: str) -> int:
        return len(self.lines[queue])

    def run_until_told(self, failures: Sequence[tuple[float, AccountId]]) -> None:
        """Play second by second until every failure has its task."""
        coming = deque(sorted(failures))
        second = 0
        while len(self.told_at) < len(failures):
            second += 1
            self.clock.advance(timedelta(seconds=1))
            with self.store.begin() as tx:
                while coming and coming[0][0] <= second:
                    at, account = coming.popleft()
                    self.failed_at[account] = at
                    tx.lanes.mark_dirty(account, EVALUATE, cause="stripe:invoice.payment_failed")
            self._end(second)
            self.tick()
            for kind in WORKERS:
                self._begin(kind, second)
            assert second < 7200, f"{len(failures) - len(self.told_at)} are still not told"

    def _begin(self, kind: str, second: int) -> None:
        while self.lines[kind] and min(self.free[kind]) <= second:
            accounts = [AccountId(id) for id in self.lines[kind].popleft()]
            cost = TO_WRITE if kind == CRM else TO_READ + TO_READ_MORE * (len(accounts) - 1)
            begins = max(heapq.heappop(self.free[kind]), second - 1)
            heapq.heappush(self.free[kind], begins + cost)
            heapq.heappush(self.ends, (begins + cost, len(self.ends), kind, accounts))

    def _end(self, second: int) -> None:
        """A job has done its work when its time is over: the real leases, taken and given back."""
        while self.ends and self.ends[0][0] <= second:
            at, _, kind, accounts = heapq.heappop(self.ends)
            with self.store.begin() as tx:
                for account in accounts:
                    lane = tx.lanes.lease(
                        account, kind, owner="shop", now=self.clock.now(), seconds=60
                    )
                    if lane is None:
                        continue
                    if kind == CRM:
                        self.told_at.setdefault(account, at)
                    elif account in self.failed_at:
                        tx.lanes.mark_dirty(account, CRM, urgency=Urgency.VIP, cause=lane.cause)
                    tx.lanes.release(lane, is_done=True)

    def waits(self) -> list[float]:
        """Seconds from failure to task, the shortest first."""
        return sorted(self.told_at[one] - at for one, at in self.failed_at.items())


@pytest.fixture
def shop(database_url: str, redis_url: str) -> Iterator[Shop]:
    store = UnitOfWork(database_url)
    with redis.Redis.from_url(redis_url) as connection:
        yield Shop(store=store, connection=connection, clock=SimClock(START))
    store.close()


def accounts(shop: Shop, number: int, *, since: int = 0) -> list[AccountId]:
    with shop.store.begin() as tx:
        return [
            tx.links.open_account(Ref("stripe", "customer", f"cus_{id}"), now=START)
            for id in range(since, since + number)
        ]


def share(waits: Sequence[float], percent: int) -> float:
    """The wait that so many percent stay below."""
    return waits[min(len(waits) * percent // 100, len(waits) - 1)]


@pytest.mark.req("R38")
def test_the_first_judgement_asks_for_the_task_at_once() -> None:
    desk = Desk(mrr="14200")
    desk.invoices.append(failed(desk.now))

    desk.judge()

    assert desk.waiting["task:kg-in_1"].kind is EffectKind.KEEP_TASK


@pytest.mark.req("R38")
def test_on_an_ordinary_morning_a_person_hears_of_it_within_seconds(shop: Shop) -> None:
    random_ = random.Random(1)
    shop.run_until_told([(random_.uniform(0, 600), one) for one in accounts(shop, 200)])

    assert share(shop.waits(), 95) <= PROMPT_SECONDS


@pytest.mark.req("R67")
def test_on_the_first_of_the_month_nobody_waits_much_longer_than_anybody_else(shop: Shop) -> None:
    random_ = random.Random(2)
    failures = [(random_.uniform(0, 300), one) for one in accounts(shop, 700)]
    burst = [(150.0, one) for one in accounts(shop, 300, since=700)]

    shop.run_until_told([*failures, *burst])

    assert share(shop.waits(), 99) <= EVEN_MINUTES * 60


@pytest.mark.req("R38")
def test_a_look_at_every_account_keeps_no_failure_waiting(shop: Shop) -> None:
    everybody = accounts(shop, 1200)
    with shop.store.begin() as tx:
        for account in everybody:
            tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency.BULK, cause="reconcile:sweep")
    random_ = random.Random(3)

    shop.run_until_told([(random_.uniform(0, 60), one) for one in everybody[::30]])

    assert share(shop.waits(), 95) <= PROMPT_SECONDS
