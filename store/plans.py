"""What would change if a mapping came into force: looked at by people before it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from store.codec import plain
from store.tables import plans

LATEST = sa.text(
    "SELECT id, author, made_at, body->>'base' AS base, body->'counts' AS counts, "
    "jsonb_array_length(body->'records') AS records, applied_as, applied_at "
    "FROM plans WHERE name = :name ORDER BY made_at DESC, id LIMIT :limit"
)


@dataclass(frozen=True, kw_only=True)
class StoredPlan:
    """One plan as plain JSON. `applied_as` is the label of the version that it became."""

    id: str
    name: str
    body: Mapping[str, Any]
    author: str
    made_at: datetime
    applied_as: str | None
    applied_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PlanLine:
    """One plan in a list: its counts of fields and how many records they are in."""

    id: str
    author: str
    made_at: datetime
    base: str
    counts: Mapping[str, int]
    records: int
    applied_as: str | None
    applied_at: datetime | None


class Plans:
    """The plans over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def keep(
        self, id: str, *, name: str, body: Mapping[str, Any], author: str, now: datetime
    ) -> None:
        """Keep a plan. The same plan again is only dated anew: whoever made it first is its
        author."""
        values = {"name": name, "body": plain(body), "made_at": now}
        self._connection.execute(
            insert(plans)
            .values(id=id, author=author, **values)
            .on_conflict_do_update(index_elements=["id"], set_=values)
        )

    def get(self, id: str) -> StoredPlan | None:
        """The plan of this id, or None."""
        row = self._connection.execute(sa.select(plans).where(plans.c.id == id)).first()
        return StoredPlan(**row._mapping) if row is not None else None

    def latest(self, name: str, *, limit: int) -> list[PlanLine]:
        """The plans of one document, the newest first."""
        rows = self._connection.execute(LATEST, {"name": name, "limit": limit})
        return [PlanLine(**row._mapping) for row in rows]

    def applied(self, id: str, *, label: str, now: datetime) -> None:
        """Note which version the plan became."""
        self._connection.execute(
            plans.update().where(plans.c.id == id).values(applied_as=label, applied_at=now)
        )
