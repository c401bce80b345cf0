"""The story of every account, and the words to the administrators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from domain.ids import AccountId, CaseId
from domain.rows import AuditLine
from store.codec import plain
from store.tables import alerts, audit

OPENS_AGAIN_AFTER = timedelta(days=1)
"""Shorter would answer an acknowledgement with the same alert; longer hides a second outage."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One word to the administrators."""

    id: int
    account: AccountId | None
    key: str
    text: str
    rule: str
    at: datetime
    acknowledged_at: datetime | None


class Audit:
    """Audit lines and alerts over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def note(
        self,
        kind: str,
        text: str,
        *,
        now: datetime,
        account: AccountId | None = None,
        case_id: CaseId | None = None,
        actor: str = "kidglove",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one line to the story."""
        self._connection.execute(
            audit.insert().values(
                account_id=account,
                case_id=case_id,
                at=now,
                actor=actor,
                kind=kind,
                text=text,
                details=plain(details or {}),
            )
        )

    def of_account(self, account: AccountId, *, limit: int = 500) -> list[AuditLine]:
        """The account's story, oldest first."""
        rows = self._connection.execute(
            sa.select(audit)
            .where(audit.c.account_id == account)
            .order_by(audit.c.id.desc())
            .limit(limit)
        ).all()
        return [
            AuditLine(at=row.at, actor=row.actor, kind=row.kind, text=row.text, details=row.details)
            for row in reversed(rows)
        ]

    def raise_alert(
        self, key: str, text: str, *, rule: str, now: datetime, account: AccountId | None
    ) -> bool:
        """Tell the administrators; True if they hear something new.

        An open alert of this key is left as it is. One that was acknowledged more than a day ago
        opens again: what comes back after that has not been dealt with.
        """
        values = {"text": text, "rule": rule, "at": now, "account_id": account}
        statement = (
            insert(alerts)
            .values(key=key, **values)
            .on_conflict_do_update(
                index_elements=["key"],
                set_={**values, "acknowledged_at": None, "acknowledged_by": None},
                where=alerts.c.acknowledged_at < now - OPENS_AGAIN_AFTER,
            )
            .returning(alerts.c.id)
        )
        return self._connection.execute(statement).first() is not None

    def alerts(self, *, open_only: bool = True) -> list[Alert]:
        """The alerts, newest first."""
        query = sa.select(alerts).order_by(alerts.c.id.desc())
        if open_only:
            query = query.where(alerts.c.acknowledged_at.is_(None))
        return [
            Alert(
                id=row.id,
                account=AccountId(row.account_id) if row.account_id is not None else None,
                key=row.key,
                text=row.text,
                rule=row.rule,
                at=row.at,
                acknowledged_at=row.acknowledged_at,
            )
            for row in self._connection.execute(query)
        ]

    def acknowledge(self, id: int, *, by: str, now: datetime) -> bool:
        """Somebody has read the alert; False if there is none."""
        done = self._connection.execute(
            alerts.update()
            .where(alerts.c.id == id, alerts.c.acknowledged_at.is_(None))
            .values(acknowledged_at=now, acknowledged_by=by)
        )
        return done.rowcount > 0
