"""How many effects of a sort were made lately, and those that were stopped as too many."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.effects import EffectKind
from domain.ids import AccountId
from domain.rows import EffectState, LinkState
from store.tables import effects, links, plans

NOT_SENT = (
    EffectState.STOPPED,
    EffectState.SUPERSEDED,
    EffectState.WITHDRAWN,
    EffectState.OBSERVED,
)


class BreakerRows:
    """What the blast breaker counts and stops, over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def new_tasks(self, system: str, since: datetime) -> int:
        """How many tasks were asked for in this CRM since then, updates left out."""
        return self._connection.execute(
            sa.select(sa.func.count(sa.distinct(effects.c.subject))).where(
                effects.c.kind == EffectKind.KEEP_TASK,
                effects.c.created_at >= since,
                effects.c.system == system,
                effects.c.state.not_in(NOT_SENT),
                effects.c.body["verb"].as_string() == "keep",
                effects.c.body["known_id"].as_string().is_(None),
            )
        ).scalar_one()

    def blanks(self, kind: EffectKind, system: str, since: datetime) -> int:
        """How many values that were not ours were to be emptied there since then."""
        count = sa.func.sum(sa.cast(effects.c.body["blanks"].as_string(), sa.Integer))
        return (
            self._connection.execute(
                sa.select(count).where(
                    effects.c.kind == kind,
                    effects.c.created_at >= since,
                    effects.c.system == system,
                    effects.c.state.not_in(NOT_SENT),
                )
            ).scalar()
            or 0
        )

    def changed(self, kind: EffectKind, system: str, since: datetime) -> set[AccountId]:
        """The accounts whose records there were to be changed unasked since then."""
        found = self._connection.execute(
            sa.select(effects.c.account_id)
            .distinct()
            .where(
                effects.c.kind == kind,
                effects.c.created_at >= since,
                effects.c.system == system,
                effects.c.state.not_in(NOT_SENT),
                effects.c.body["unasked"].as_boolean(),
            )
        )
        return set(map(AccountId, found.scalars()))

    def linked(self, system: str) -> int:
        """How many accounts surely have a record there."""
        return self._connection.execute(
            sa.select(sa.func.count(sa.distinct(links.c.account_id))).where(
                links.c.system == system, links.c.state == LinkState.CONFIRMED
            )
        ).scalar_one()

    def planned(self, label: str) -> dict[AccountId, dict[str, Any]] | None:
        """What the plan that became this version showed, by account and field; None if the version
        has no plan."""
        rows = self._connection.execute(
            sa.select(plans.c.body["records"]).where(plans.c.applied_as == label)
        ).first()
        if rows is None:
            return None
        return {
            AccountId(one["account"]): {each["name"]: each["after"] for each in one["fields"]}
            for one in rows[0]
        }

    def stopped(
        self, kind: EffectKind | None = None, system: str | None = None, by: str | None = None
    ) -> int:
        """How many effects are stopped, of all or of one sort, by any limit or by one."""
        query = sa.select(sa.func.count()).where(effects.c.state == EffectState.STOPPED)
        if kind is not None:
            query = query.where(effects.c.kind == kind)
        if system is not None:
            query = query.where(effects.c.system == system)
        if by is not None:
            query = query.where(effects.c.body["stopped_by"].as_string() == by)
        return self._connection.execute(query).scalar_one()

    def end(self, state: EffectState, *, now: datetime) -> list[tuple[AccountId, str]]:
        """Put everything that is stopped into this state; the accounts and systems concerned."""
        done_at = None if state is EffectState.WAITING else now
        rows = self._connection.execute(
            effects.update()
            .where(effects.c.state == EffectState.STOPPED)
            .values(state=state, done_at=done_at)
            .returning(effects.c.account_id, effects.c.system)
        )
        return sorted({(AccountId(account), system) for account, system in rows})
