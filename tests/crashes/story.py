"""One whole story, told so that the process may die anywhere in it and another one goes on.

A renewal fails, a task appears, the CSM says "In Resolution", the money arrives, and Stripe is
given back as it was. Two tellings are compared by `outcome`: everything that a person could see
in both vendors, and what we ourselves believe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import redis
import sqlalchemy as sa

from domain.rows import EffectState
from jobs.runtime import Runtime, bulk_sizes
from store.codec import CASE, SUPPRESSION
from store.tables import alerts, cases, effects, inbox, lanes, links, suppressions, timers
from store.unit_of_work import UnitOfWork
from sync import checkpoints
from sync.checkpoints import Checkpoint
from tests.world import START, InlineRelay, World

ENDED = (EffectState.DONE, EffectState.WITHDRAWN, EffectState.SUPERSEDED, EffectState.OBSERVED)


class Died(BaseException):
    """The process ends here; nothing in the product may catch it."""


@dataclass
class Told:
    """Who the story is about, and what was found before anything happened to them."""

    customer: str
    account: str
    found: Mapping[str, Any]


@dataclass
class Teller:
    """Tells the story in a world, reviving the process as often as it dies.

    `deaths` names where it died. With `flush`, Redis forgets everything at each death.
    """

    world: World
    flush: bool = True
    deaths: list[Checkpoint] = field(default_factory=list)
    at_chapter: Callable[[int], None] = lambda _: None
    """Called with the number of each chapter (from 1) as it begins."""
    chapter: int = 0
    visits: Counter[Checkpoint] = field(default_factory=Counter)

    # ------------------------------------------------------------ the story

    def tell(self) -> Told:
        """The whole of it, to the last rest."""
        world = self.world
        customer, account = world.vip()
        told = Told(customer, account, stripe_settings(world, customer))
        self.until(hours=4)
        world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-12-18")
        self.until(hours=28)
        invoice = world.open_case(customer).invoices[0]
        world.stripe.customer_updates_card(customer)
        world.stripe.customer_pays(invoice)
        self.until(hours=30)
        world.csm(account, Dunning_Status__c=None, Dunning_Hold_Until__c=None)
        self.until(hours=54)
        return told

    def until(self, *, hours: float) -> None:
        """Let everything happen up to so many hours after the beginning."""
        target = START + timedelta(hours=hours)
        self.chapter += 1
        self.at_chapter(self.chapter)
        self.surviving(lambda: self.world.advance(target - self.world.clock.now()))

    # ------------------------------------------------------------ dying

    def surviving(self, act: Callable[[], None]) -> None:
        """Do it, with a new process each time that the old one dies, until it is done."""
        while True:
            try:
                act()
                return
            except Died:
                self.revive()

    def revive(self) -> None:
        """A new process on the same database, after the dead one's leases have run out."""
        world = self.world
        settings, before = world.runtime.settings, world.runtime
        before.close()
        if self.flush:
            with redis.Redis.from_url(before.redis_url) as connection:
                connection.flushdb()
        world.runtime = Runtime(
            settings,
            database_url=before.database_url,
            redis_url=before.redis_url,
            clock=world.clock,
        )
        expire_leases(world.runtime.store)
        world.relay = InlineRelay(
            store=world.runtime.store,
            connection=world.runtime.redis,
            clock=world.clock,
            resend_seconds=30,
            bulk_sizes=bulk_sizes(world.runtime.settings),
            owner=f"relay-{len(self.deaths)}",
        )
        world.relay.sent = []

    def die_at(self, checkpoint: Checkpoint, visits: Callable[[int], bool]) -> None:
        """Die at the checkpoint on those visits, counted from 1."""

        def visit() -> None:
            self.visits[checkpoint] += 1
            if visits(self.visits[checkpoint]):
                self.deaths.append(checkpoint)
                raise Died(checkpoint)

        checkpoints.arm(checkpoint, visit)

    def count_visits(self) -> None:
        """Never die, but count how often each checkpoint is reached."""
        for checkpoint in Checkpoint:
            self.die_at(checkpoint, lambda _: False)


def expire_leases(store: UnitOfWork) -> None:
    """As if longer than any lease, and than any job may wait, had passed since a process died."""
    with store.begin() as tx:
        tx.connection.execute(
            sa.text(
                "UPDATE lanes SET lease_until = clock_timestamp() - interval '1 second' "
                "WHERE lease_until IS NOT NULL"
            )
        )
        tx.connection.execute(sa.text("UPDATE lanes SET sent_at = sent_at - interval '1 hour'"))
        tx.connection.execute(
            sa.text("UPDATE leases SET until = clock_timestamp() - interval '1 second'")
        )


# ---------------------------------------------------------------- what came out of it


def stripe_settings(world: World, customer: str) -> dict[str, Any]:
    """What dunning depends on, for every open or draft invoice and every subscription."""
    objects = world.stripe.state()["objects"]
    found: dict[str, Any] = {
        id: {name: one[name] for name in ("auto_advance", "metadata", "collection_method")}
        for id, one in objects["invoice"].items()
        if one["customer"] == customer and one["status"] in ("open", "draft")
    }
    for id, one in objects["subscription"].items():
        if one["customer"] == customer:
            found[id] = {name: one[name] for name in ("pause_collection", "metadata", "status")}
    return found


def outcome(world: World) -> dict[str, Any]:
    """Both vendors as people see them, and our own books, without what a second try may change."""
    return {
        "stripe": world.stripe.state(volatile=False),
        "org": world.org.state(volatile=False),
        "ours": our_books(world.runtime.store),
    }


def our_books(store: UnitOfWork) -> dict[str, Any]:
    """Cases, ledger, effects, timers, links, alerts and what still waits."""
    with store.begin() as tx:
        rows = tx.connection.execute
        return {
            "cases": [
                {**CASE.dump(CASE.load(body)), "account": "left out: numbers have gaps"}
                for body in rows(sa.select(cases.c.body).order_by(cases.c.key)).scalars()
            ],
            "ledger": {
                row.subject: (row.state, SUPPRESSION.load(row.body).before)
                for row in rows(sa.select(suppressions))
            },
            "commands": sorted(
                (row.kind, row.subject, row.key, row.state)
                for row in rows(sa.select(effects).where(~effects.c.is_projection))
            ),
            "projections": {
                row.subject: (row.kind, row.state)
                for row in rows(
                    sa.select(effects).where(effects.c.is_projection).order_by(effects.c.id)
                )
            },
            "unfinished": sorted(
                (row.kind, row.subject, row.state)
                for row in rows(sa.select(effects).where(effects.c.state.not_in(ENDED)))
            ),
            "dirty": sorted(
                rows(sa.select(lanes.c.kind).where(lanes.c.dirty_seq > lanes.c.done_seq)).scalars()
            ),
            "messages": sorted(
                (row.key, row.state) for row in rows(sa.select(inbox.c.key, inbox.c.state))
            ),
            "timers": sorted((row.kind, row.due) for row in rows(sa.select(timers))),
            "links": sorted(
                (row.system, row.kind, row.external_id, row.state) for row in rows(sa.select(links))
            ),
            "alerts": sorted(rows(sa.select(alerts.c.text)).scalars()),
        }


def differences(found: object, expected: object, path: str = "") -> list[str]:
    """Where two outcomes differ, one line for each place."""
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        return [
            line
            for key in sorted({*found, *expected}, key=str)
            for line in differences(found.get(key), expected.get(key), f"{path}/{key}")
        ]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        return [
            line
            for place, (one, other) in enumerate(zip(found, expected, strict=True))
            for line in differences(one, other, f"{path}[{place}]")
        ]
    return [] if found == expected else [f"{path}: {found!r} instead of {expected!r}"]
