"""What arrived, kept as it came until it was understood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from domain.ids import AccountId
from domain.ports import Incoming
from domain.rows import InboxRow, InboxState
from store.codec import storable
from store.tables import inbox


class Inbox:
    """The inbox over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def store(self, messages: Sequence[Incoming], now: datetime) -> int:
        """Keep messages; one that is known already (source and key) is left as it was.

        Returns how many were new.
        """
        if not messages:
            return 0
        rows = [
            {
                "source": one.source,
                "key": storable(one.key),
                "topic": storable(one.topic),
                "body": one.body,
                "received_at": now,
                "state": InboxState.QUARANTINED if one.problem else InboxState.NEW,
                "reason": one.problem,
            }
            for one in messages
        ]
        statement = insert(inbox).values(rows).on_conflict_do_nothing().returning(inbox.c.id)
        return len(self._connection.execute(statement).all())

    def waiting(self) -> list[str]:
        """The sources with messages that nobody has looked at."""
        found = self._connection.execute(
            sa.select(inbox.c.source).where(inbox.c.state == InboxState.NEW).distinct()
        )
        return sorted(found.scalars())

    def take_new(self, source: str, limit: int) -> list[InboxRow]:
        """The oldest messages of a source that nobody has looked at, locked until this transaction
        ends."""
        rows = self._connection.execute(
            sa.select(inbox)
            .where(inbox.c.state == InboxState.NEW, inbox.c.source == source)
            .order_by(inbox.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        return [
            InboxRow(
                id=row.id,
                source=row.source,
                key=row.key,
                topic=row.topic,
                body=bytes(row.body),
                received_at=row.received_at,
            )
            for row in rows
        ]

    def finish(
        self,
        id: int,
        state: InboxState,
        *,
        now: datetime,
        reason: str | None = None,
        account: AccountId | None = None,
    ) -> None:
        """Say what became of a message."""
        self._connection.execute(
            inbox.update()
            .where(inbox.c.id == id)
            .values(
                state=state,
                reason=storable(reason) if reason is not None else None,
                account_id=account,
                done_at=now,
            )
        )

    def has_new(self) -> bool:
        """Whether anything waits to be looked at."""
        found = self._connection.execute(
            sa.select(inbox.c.id).where(inbox.c.state == InboxState.NEW).limit(1)
        )
        return found.first() is not None

    def heard_at(self, account: AccountId, source: str) -> datetime | None:
        """When a message of this source about the account came last, or None."""
        found: datetime | None = self._connection.execute(
            sa.select(inbox.c.received_at)
            .where(inbox.c.account_id == account, inbox.c.source == source)
            .order_by(inbox.c.id.desc())
            .limit(1)
        ).scalar()
        return found

    def counts(self) -> dict[str, int]:
        """How many messages stand in each state."""
        rows = self._connection.execute(
            sa.select(inbox.c.state, sa.func.count()).group_by(inbox.c.state)
        )
        return dict(iter(rows))
