"""Many connections at the door share commits; none is answered before its row is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
import pytest
import requests
import sqlalchemy as sa

from domain.ports import Incoming
from ingress.app import Edge
from simulators.wire import LoopbackServer
from store.group_commit import GroupCommit
from store.tables import inbox
from store.unit_of_work import UnitOfWork
from tests.ingress.letters import SECRET, event, signed
from tests.races.stage import NOW, at_once, failures

T = TypeVar("T")


def message(key: str, *, topic: str = "t", body: bytes = b"{}") -> Incoming:
    return Incoming(source="payments", key=key, topic=topic, body=body)


def stored(store: UnitOfWork) -> list[str]:
    with store.begin() as tx:
        return sorted(tx.connection.execute(sa.select(inbox.c.key)).scalars())


def with_group(url: str, act: Callable[[GroupCommit], Awaitable[T]]) -> T:
    """Run `act` in a loop of its own, over a group commit that is closed afterwards."""

    async def run() -> T:
        group = GroupCommit(url)
        try:
            return await act(group)
        finally:
            await group.close()

    return asyncio.run(run())


async def outcomes(*waiting: Awaitable[None]) -> list[BaseException | None]:
    return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 20)


@pytest.mark.req("R17", partly="the door only")
def test_one_event_posted_by_sixteen_connections_at_once_is_one_row_and_every_answer_is_yes(
    store: UnitOfWork, database_url: str
) -> None:
    edge = Edge(
        database_url=database_url,
        clock=lambda: NOW,
        max_body_bytes=1_000_000,
        stripe_secrets=[SECRET],
    )
    body = event("invoice.payment_failed", id="evt_same")
    headers = signed(body, NOW)

    with LoopbackServer(edge.app()) as server:
        answers = at_once(
            16,
            lambda _: (
                requests.post(
                    f"{server.url}/webhooks/stripe", data=body, headers=headers, timeout=20
                ).status_code
            ),
        )

    assert answers == [200] * 16
    assert stored(store) == ["evt_same"]


def test_five_hundred_messages_at_once_are_all_kept(store: UnitOfWork, database_url: str) -> None:
    keys = [f"evt_{number:04}" for number in range(1200)]

    results = with_group(
        database_url,
        lambda group: outcomes(*(group.store([message(key)], NOW) for key in keys)),
    )

    assert results == [None] * len(keys)
    assert stored(store) == keys


def test_an_answer_is_given_only_after_the_row_can_be_seen_by_others(
    store: UnitOfWork, database_url: str
) -> None:
    async def act(group: GroupCommit) -> list[str]:
        await group.store([message("evt_1")], NOW)
        return await asyncio.to_thread(stored, store)

    assert with_group(database_url, act) == ["evt_1"]


def test_a_message_that_the_database_cannot_hold_does_not_take_its_neighbours_down(
    store: UnitOfWork, database_url: str
) -> None:
    odd = [
        message("evt_nul\x00"),
        message("evt_half\ud83d"),
        message("evt_topic", topic="a\x00b\udc00"),
        message("evt_body", body=b"\x00\xff\xfe"),
    ]

    results = with_group(
        database_url,
        lambda group: outcomes(
            *(group.store([one], NOW) for one in [message("evt_1"), *odd, message("evt_2")])
        ),
    )

    assert results == [None] * 6
    assert len(stored(store)) == 6


def test_a_connection_that_the_server_closed_is_opened_anew(
    store: UnitOfWork, database_url: str
) -> None:
    def close_others() -> None:
        with store.begin() as tx:
            tx.connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    async def act(group: GroupCommit) -> list[BaseException | None]:
        await group.store([message("evt_1")], NOW)
        await asyncio.to_thread(close_others)
        first = await outcomes(group.store([message("evt_2")], NOW))
        second = await outcomes(group.store([message("evt_2")], NOW))
        return [*first, *second]

    first, second = with_group(database_url, act)

    assert first is None or isinstance(first, psycopg.OperationalError)
    assert second is None
    assert stored(store) == ["evt_1", "evt_2"]


def test_whoever_waits_when_the_door_closes_is_told_so(database_url: str) -> None:
    async def act(group: GroupCommit) -> list[BaseException | None]:
        waiting = [asyncio.ensure_future(group.store([message(f"evt_{n}")], NOW)) for n in range(3)]
        await asyncio.sleep(0)
        await group.close()
        return await outcomes(*waiting)

    results = with_group(database_url, act)

    assert all(isinstance(one, Exception) for one in results)


def test_without_a_database_everybody_who_waits_is_told_so() -> None:
    nowhere = "postgresql+psycopg://nobody@/none?host=/nonexistent"

    results = with_group(
        nowhere,
        lambda group: outcomes(*(group.store([message(f"evt_{n}")], NOW) for n in range(5))),
    )

    assert failures(results) == [psycopg.OperationalError] * 5
