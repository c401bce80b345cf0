"""Words to the administrators: those that nobody has read yet, and the last that somebody has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from store.unit_of_work import Transaction

SHOWN = 200
"""Open alerts on the page; more than that is one problem that told itself many times."""
READ_SHOWN = 30
"""Alerts that were read already and stay in sight."""
LISTED = """
SELECT alerts.id, alerts.text, alerts.rule, alerts.at, alerts.acknowledged_at,
  alerts.acknowledged_by, accounts.name, latest.key AS case_key
FROM alerts LEFT JOIN accounts ON accounts.id = alerts.account_id
LEFT JOIN LATERAL (SELECT key FROM cases WHERE cases.account_id = alerts.account_id
                   ORDER BY number DESC LIMIT 1) latest ON true
WHERE (alerts.acknowledged_at IS NULL) = :open
ORDER BY coalesce(alerts.acknowledged_at, alerts.at) DESC, alerts.id DESC LIMIT :limit
"""


@dataclass(frozen=True, kw_only=True)
class AlertLine:
    """One alert with the account it is about and that account's newest case, if there is one."""

    id: int
    text: str
    rule: str
    at: datetime
    read_at: datetime | None
    read_by: str | None
    name: str | None
    case_key: str | None


def open_alerts(tx: Transaction, *, limit: int = SHOWN) -> tuple[AlertLine, ...]:
    """What nobody has read yet, the newest first."""
    return _lines(tx, is_open=True, limit=limit)


def read_alerts(tx: Transaction) -> tuple[AlertLine, ...]:
    """What somebody has read, the last read first."""
    return _lines(tx, is_open=False, limit=READ_SHOWN)


def _lines(tx: Transaction, *, is_open: bool, limit: int) -> tuple[AlertLine, ...]:
    rows = tx.connection.execute(sa.text(LISTED), {"open": is_open, "limit": limit})
    return tuple(_line(row) for row in rows)


def _line(row: sa.Row[Any]) -> AlertLine:
    return AlertLine(
        id=row.id,
        text=row.text,
        rule=row.rule,
        at=row.at,
        read_at=row.acknowledged_at,
        read_by=row.acknowledged_by,
        name=row.name,
        case_key=row.case_key,
    )
