"""Many requests, one commit: messages are on disk before they are answered, at the disk's pace."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import psycopg

from domain.ports import Incoming
from domain.rows import InboxState
from store.codec import storable
from store.lanes import CHANNEL

LARGEST = 500
"""Messages in one statement at most; a longer one would make the last of them wait."""
STATEMENT = f"""
WITH stored AS (
  INSERT INTO inbox (source, key, topic, body, received_at, state, reason)
  SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[], %s::timestamptz[],
                       %s::text[], %s::text[])
  ON CONFLICT (source, key) DO NOTHING RETURNING id)
SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify('{CHANNEL}', '')::text END FROM stored
"""


@dataclass(frozen=True)
class _Waiting:
    message: Incoming
    at: datetime
    done: asyncio.Future[None]


class GroupCommit:
    """Stores messages over one connection; each statement commits everything that waited for it.

    `store` returns when the message is on disk, or raises what the database said: then the
    sender gets an error and sends again. A lost connection is opened anew for the next group.
    """

    def __init__(self, url: str) -> None:
        self._url = url.replace("+psycopg", "")
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._connection: psycopg.AsyncConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def store(self, messages: list[Incoming], now: datetime) -> None:
        """Keep these messages; one that is known already counts as kept."""
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._flush_for_ever())
        waiting = [_Waiting(message, now, loop.create_future()) for message in messages]
        self._waiting.extend(waiting)
        self._wake.set()
        for one in waiting:
            await one.done

    async def close(self) -> None:
        """Stop; whoever still waits is told so."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        _tell(self._waiting, ConnectionAbortedError("the door is closed"))
        self._waiting = []
        await self._forget_connection()

    async def _flush_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                try:
                    await self._write(group)
                except Exception as problem:  # noqa: BLE001 # reason: whoever waits gets it
                    _tell(group, problem)
                    await self._forget_connection()
                    continue
                except BaseException:
                    _tell(group, ConnectionAbortedError("the door was closed meanwhile"))
                    raise
                for one in group:
                    if not one.done.done():
                        one.done.set_result(None)

    async def _write(self, group: list[_Waiting]) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        columns = (
            [one.message.source for one in group],
            [storable(one.message.key) for one in group],
            [storable(one.message.topic) for one in group],
            [one.message.body for one in group],
            [one.at for one in group],
            [InboxState.QUARANTINED if one.message.problem else InboxState.NEW for one in group],
            [one.message.problem for one in group],
        )
        # Autocommit: the statement is its own transaction, durable when it returns.
        await self._connection.execute(STATEMENT, columns, prepare=True)

    async def _forget_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _tell(group: list[_Waiting], problem: Exception) -> None:
    for one in group:
        if not one.done.done():
            one.done.set_exception(problem)
