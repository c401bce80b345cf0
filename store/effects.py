"""Everything that should happen outside, each a row before it is sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from domain.effects import BY_LOOKS, Effect, EffectKind
from domain.errors import KidgloveError
from domain.ids import AccountId, CaseId
from domain.rows import EffectState, StoredEffect
from store.codec import plain
from store.effect_rows import effect_of, row_of
from store.tables import effects

OPEN = (EffectState.WAITING, EffectState.SENDING)
STUCK = (EffectState.PARKED, EffectState.DEAD)
REPLACEABLE = (EffectState.WAITING, EffectState.STOPPED)
"""Where a projection stands that a newer one takes the place of."""
SENT_AGAIN = {
    "state": EffectState.WAITING,
    "attempts": 0,
    "round": effects.c.round + 1,
    "not_before": None,
    "done_at": None,
}
"""How an effect begins anew."""


class Effects:
    """The effects over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(
        self,
        account: AccountId,
        effect: Effect,
        *,
        case_id: CaseId | None,
        system: str,
        state: EffectState,
        cause: str,
        config_version: str,
        now: datetime,
    ) -> bool:
        """Write an effect down; True if it is new.

        A command whose key is known is not written again, whatever became of it. A projection
        replaces what still waits for the same subject, or was refused for it. But a write to a
        customer that is being tried and would be the same stays, with its wait: a judgement follows
        each try there, and would make it a first one for ever.
        """
        values = row_of(
            account,
            effect,
            case_id=case_id,
            system=system,
            state=state,
            cause=cause,
            config_version=config_version,
            now=now,
        )
        if effect.kind.is_projection:
            # Two at once would both find nothing that waits, and the second would break the index.
            self._connection.execute(
                sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))"),
                {"place": f"{account}:{system}:{effect.subject}"},
            )
            of_subject = sa.and_(
                effects.c.account_id == account,
                effects.c.system == system,
                effects.c.subject == effect.subject,
                effects.c.is_projection,
            )
            is_customers = effect.kind is EffectKind.WRITE_CUSTOMER
            if is_customers and self._connection.execute(_is_tried(of_subject, values)).scalar():
                return False
            self._connection.execute(
                effects.update()
                .where(of_subject, effects.c.state.in_((*REPLACEABLE, *STUCK)))
                .values(state=EffectState.SUPERSEDED, done_at=now)
            )
            self._connection.execute(effects.insert().values(values))
            return True
        statement = insert(effects).values(values).on_conflict_do_nothing().returning(effects.c.id)
        return self._connection.execute(statement).first() is not None

    def open_for(self, account: AccountId, system: str) -> list[StoredEffect]:
        """What waits or was under way for this account and system, in order."""
        return self._select(
            sa.and_(
                effects.c.account_id == account,
                effects.c.system == system,
                effects.c.state.in_(OPEN),
            )
        )

    def open_keys(self, account: AccountId) -> frozenset[str]:
        """The keys of everything that waits or is under way."""
        rows = self._connection.execute(
            sa.select(effects.c.key).where(
                effects.c.account_id == account, effects.c.state.in_(OPEN)
            )
        ).scalars()
        return frozenset(rows)

    def by_id(self, id: int) -> StoredEffect | None:
        """One effect, or None."""
        found = self._select(effects.c.id == id)
        return found[0] if found else None

    def done_for(
        self, account: AccountId, system: str, subject: str, *, limit: int = 20
    ) -> list[StoredEffect]:
        """The projections of this subject that were carried out, newest first."""
        return self._select(
            sa.and_(
                effects.c.account_id == account,
                effects.c.system == system,
                effects.c.subject == subject,
                effects.c.state == EffectState.DONE,
            ),
            newest_first=True,
            limit=limit,
        )

    def is_ours(self, key: str) -> bool:
        """Whether a write of ours carries this key to the vendor."""
        found = self._connection.execute(
            sa.select(effects.c.id)
            .where(
                effects.c.key == key,
                sa.or_(
                    sa.not_(effects.c.is_projection),
                    # Written out, so that the database can see which index it needs.
                    effects.c.kind == sa.literal_column(f"'{EffectKind.WRITE_CUSTOMER}'"),
                ),
            )
            .limit(1)
        )
        return found.first() is not None

    def start(self, ids: Sequence[int]) -> frozenset[int]:
        """Count an attempt: committed before anything is sent, so that a crash leaves a trace.

        The ids that were started: one that a judgement has replaced or dropped meanwhile is not.
        """
        rows = self._connection.execute(
            effects.update()
            .where(effects.c.id.in_(ids), effects.c.state.in_(OPEN))
            .values(state=EffectState.SENDING, attempts=effects.c.attempts + 1)
            .returning(effects.c.id)
        )
        return frozenset(rows.scalars())

    def keep_snapshot(self, id: int, snapshot: Mapping[str, Any]) -> None:
        """Keep what was found before the first write; a snapshot that exists is never replaced."""
        self._connection.execute(
            effects.update()
            .where(effects.c.id == id, effects.c.snapshot.is_(None))
            .values(snapshot=plain(snapshot))
        )

    def finish(
        self,
        id: int,
        state: EffectState,
        *,
        now: datetime,
        receipt: Mapping[str, Any] | None = None,
        error: KidgloveError | None = None,
    ) -> None:
        """Say how an effect ended."""
        self._connection.execute(
            effects.update()
            .where(effects.c.id == id)
            .values(
                state=state,
                done_at=now,
                receipt=plain(receipt) if receipt is not None else None,
                last_error_code=error.code if error else None,
                last_error=_told(error),
            )
        )

    def put_off(self, id: int, *, until: datetime | None, error: KidgloveError) -> None:
        """Try again later, with the reason kept in sight. Of several projections of a subject only
        the newest is tried again: an older one would put an old value over a new one."""
        is_outdated = sa.and_(effects.c.is_projection, _has_newer())
        self._connection.execute(
            effects.update()
            .where(effects.c.state.in_(REPLACEABLE), effects.c.is_projection, _has_newer(newest=id))
            .values(state=EffectState.SUPERSEDED)
        )
        self._connection.execute(
            effects.update()
            .where(effects.c.id == id)
            .values(
                state=sa.case(
                    (is_outdated, EffectState.SUPERSEDED.value), else_=EffectState.WAITING.value
                ),
                not_before=until,
                round=effects.c.round + 1,
                last_error_code=error.code,
                last_error=_told(error),
            )
        )

    def drop_waiting_fields(
        self, account: AccountId, systems: Collection[str], *, keep: Collection[str], now: datetime
    ) -> None:
        """Drop field writes to these systems that were not sent yet and that the newest look does
        not ask for: the values are as they should be by now, or are somebody else's."""
        self._connection.execute(
            effects.update()
            .where(
                effects.c.account_id == account,
                effects.c.system.in_(list(systems)),
                effects.c.rule.in_(BY_LOOKS),
                effects.c.state.in_((*REPLACEABLE, *STUCK)),
                effects.c.subject.not_in(list(keep)),
            )
            .values(state=EffectState.SUPERSEDED, done_at=now)
        )

    def drop_waiting_tasks(
        self, account: AccountId, *, keep: Collection[str], now: datetime
    ) -> None:
        """Withdraw tasks that were not sent yet: the case has ended, nobody needs them any more.

        One that closes a task still is needed, whatever the last judgement asked for.
        """
        self._connection.execute(
            effects.update()
            .where(
                effects.c.account_id == account,
                effects.c.kind == EffectKind.KEEP_TASK,
                effects.c.state == EffectState.WAITING,
                effects.c.subject.not_in(list(keep)),
                effects.c.body["verb"].as_string() != "close",
            )
            .values(state=EffectState.WITHDRAWN, done_at=now)
        )

    def replay(self, id: int) -> bool:
        """Send a parked or dead effect again, from its first attempt. False if it is neither.

        A projection of which a newer one exists is dropped instead, and False as well: it would
        put an old value over a new one.
        """
        self._drop_outdated(effects.c.id == id)
        done = self._connection.execute(
            effects.update()
            .where(effects.c.id == id, effects.c.state.in_(STUCK))
            .values(**SENT_AGAIN)
        )
        return done.rowcount > 0

    def act_on_observed(self, key: str) -> bool:
        """Send a command that was only written down while we observed, and is wanted still.

        False if there is no such command.
        """
        done = self._connection.execute(
            effects.update()
            .where(
                effects.c.key == key,
                sa.not_(effects.c.is_projection),
                effects.c.state == EffectState.OBSERVED,
            )
            .values(state=EffectState.WAITING)
        )
        return done.rowcount > 0

    def revive(self, key: str, *, ended_before: datetime) -> bool:
        """Send a command again that is wanted still and had ended without being carried out.

        One that was withdrawn comes back at once, one that was given up if that is long enough
        ago. False if there is no such command.
        """
        done = self._connection.execute(
            effects.update()
            .where(
                effects.c.key == key,
                sa.not_(effects.c.is_projection),
                sa.or_(
                    sa.and_(
                        effects.c.state == EffectState.WITHDRAWN,
                        effects.c.last_error_code.is_(None),
                    ),
                    sa.and_(effects.c.state.in_(STUCK), effects.c.done_at <= ended_before),
                ),
            )
            .values(**SENT_AGAIN)
        )
        return done.rowcount > 0

    def _drop_outdated(self, which: sa.ColumnElement[bool]) -> None:
        """Of several projections of a subject only the newest can wait, and only it is true."""
        self._connection.execute(
            effects.update()
            .where(which, effects.c.state.in_(STUCK), effects.c.is_projection, _has_newer())
            .values(state=EffectState.SUPERSEDED)
        )

    def stuck(self, *, limit: int = 500) -> list[StoredEffect]:
        """Parked and dead effects, newest first."""
        return self._select(effects.c.state.in_(STUCK), newest_first=True, limit=limit)

    def of_account(self, account: AccountId, *, limit: int = 200) -> list[StoredEffect]:
        """The account's effects, newest first."""
        return self._select(effects.c.account_id == account, newest_first=True, limit=limit)

    def counts(self) -> dict[str, int]:
        """How many effects stand in each state."""
        rows = self._connection.execute(
            sa.select(effects.c.state, sa.func.count()).group_by(effects.c.state)
        )
        return dict(iter(rows))

    def _select(
        self,
        where: sa.ColumnElement[bool],
        *,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[StoredEffect]:
        order = effects.c.id.desc() if newest_first else effects.c.id
        query = sa.select(effects).where(where).order_by(order)
        if limit is not None:
            query = query.limit(limit)
        return [effect_of(row) for row in self._connection.execute(query)]


def _is_tried(
    of_subject: sa.ColumnElement[bool], values: Mapping[str, Any]
) -> sa.Select[tuple[bool]]:
    """Whether one of the subject waits for its next try that would do what these values say."""
    return sa.select(
        sa.exists().where(
            of_subject,
            sa.literal(values["state"]) == EffectState.WAITING,
            effects.c.state == EffectState.WAITING,
            effects.c.attempts > 0,
            effects.c.key == values["key"],
            effects.c.body == sa.cast(values["body"], JSONB),
        )
    )


def _has_newer(newest: int | None = None) -> sa.ColumnElement[bool]:
    """Whether a newer projection of the same subject exists, or one with that very id."""
    newer = effects.alias("newer")
    return sa.exists().where(
        newer.c.account_id == effects.c.account_id,
        newer.c.system == effects.c.system,
        newer.c.subject == effects.c.subject,
        newer.c.is_projection,
        newer.c.id > effects.c.id,
        newer.c.state != EffectState.WITHDRAWN if newest is None else newer.c.id == newest,
    )


def _told(error: KidgloveError | None) -> str | None:
    return f"{error.message} {error.remedy}" if error else None
