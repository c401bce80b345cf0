"""Contact is even: a thousand failures among bulk work all reach a person within a few minutes.

The waiting is played on a virtual clock over the real lanes and the real relay: one worker that
looks at ten accounts a second, and a queue that is served in order, as RQ's are.
"""

from __future__ import annotations

import random
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest
import redis

from domain.ids import AccountId, Ref
from domain.rows import EVALUATE, Urgency
from jobs.relay import Relay
from simulators.clock import SimClock
from store.unit_of_work import UnitOfWork

FAILURES = 1000
BULK = 1500
PER_ACCOUNT = timedelta(seconds=0.1)
P95_SECONDS = 60
P99_MINUTES = 2


class QueueingRelay(Relay):
    """A relay whose queue is a list in order."""

    jobs: deque[list[int]]

    def _send(self, queue: str, function: str, *arguments: object) -> None:
        accounts = arguments[0]
        assert isinstance(accounts, list)
        self.jobs.append(accounts)

    def _backlog(self, queue: str) -> int:
        return len(self.jobs)


@pytest.mark.req("R38")
@pytest.mark.req("R67")
def test_a_thousand_failures_during_a_sweep_are_all_looked_at_within_minutes(
    database_url: str, redis_url: str
) -> None:
    clock = SimClock(datetime(2026, 11, 20, 9, tzinfo=UTC))
    store = UnitOfWork(database_url)
    relay = QueueingRelay(
        store=store,
        connection=redis.Redis.from_url(redis_url),
        clock=clock,
        resend_seconds=3600,
        bulk_sizes={EVALUATE: 100},
    )
    relay.jobs = deque()
    with store.begin() as tx:
        accounts = [
            tx.links.open_account(Ref("payments", "customer", str(number)), now=clock.now())
            for number in range(FAILURES + BULK)
        ]
        for account in accounts[FAILURES:]:
            tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency.BULK, cause="sweep")
    chance = random.Random(11)
    start = clock.now()
    arrivals = deque(
        sorted(
            (start + timedelta(seconds=chance.uniform(0, 600)), account)
            for account in accounts[:FAILURES]
        )
    )
    failed_at: dict[AccountId, datetime] = {}
    waited: list[float] = []
    last_tick = start - timedelta(seconds=1)
    while arrivals or failed_at or relay.jobs:
        now = clock.now()
        with store.begin() as tx:
            while arrivals and arrivals[0][0] <= now:
                at, account = arrivals.popleft()
                failed_at[account] = at
                tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency.VIP, cause="failure")
        if now - last_tick >= timedelta(seconds=1):
            relay.tick()
            last_tick = now
        if not relay.jobs:
            clock.advance(timedelta(seconds=1))
            continue
        for number in relay.jobs.popleft():
            account = AccountId(number)
            with store.begin() as tx:
                lane = tx.lanes.lease(account, EVALUATE, owner="one", now=clock.now(), seconds=600)
                if lane is not None:
                    tx.lanes.release(lane, is_done=True)
            if lane is None:
                continue
            clock.advance(PER_ACCOUNT)
            if account in failed_at:
                waited.append((clock.now() - failed_at.pop(account)).total_seconds())
    store.close()

    waited.sort()
    assert len(waited) == FAILURES
    assert waited[int(FAILURES * 0.95)] < P95_SECONDS
    assert waited[int(FAILURES * 0.99)] < P99_MINUTES * 60
