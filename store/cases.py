"""Cases, their hold ledger, their timers and the last stance of each account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from domain.case import Case, Timer, TimerKind
from domain.errors import Conflict
from domain.holds import QuietCertificate, Suppression
from domain.ids import AccountId, CaseId
from domain.rows import Stance, StoredCase
from store.codec import CASE, CERTIFICATE, SUPPRESSION
from store.tables import accounts, cases, suppressions, timers


class Cases:
    """The cases over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def latest(self, account: AccountId) -> StoredCase | None:
        """The account's newest case, open or closed."""
        row = self._connection.execute(
            sa.select(cases)
            .where(cases.c.account_id == account)
            .order_by(cases.c.number.desc())
            .limit(1)
        ).first()
        return _stored(row) if row is not None else None

    def by_key(self, key: str) -> StoredCase | None:
        """The case of this key, or None."""
        row = self._connection.execute(sa.select(cases).where(cases.c.key == key)).first()
        return _stored(row) if row is not None else None

    def save(
        self, case: Case, *, before: StoredCase | None, arr_minor: int | None = None
    ) -> CaseId:
        """Write the case over the version that was read, or as a new row.

        Without `arr_minor` the one that was last known stays: a note knows nothing of revenue.
        Raises `Conflict` if somebody else wrote or opened one meanwhile; then everything is judged
        again.
        """
        values = {
            "state": case.state,
            "tier": case.tier,
            "body": CASE.dump(case),
            "closed_at": case.closed_at,
        }
        if arr_minor is not None:
            values["arr_minor"] = arr_minor
        if before is not None and before.case.number == case.number:
            done = self._connection.execute(
                cases.update()
                .where(cases.c.id == before.id, cases.c.version == before.version)
                .values(version=before.version + 1, **values)
            )
            if done.rowcount != 1:
                raise Conflict(f"case {case.key} was changed meanwhile")
            return before.id
        made = self._connection.execute(
            insert(cases)
            .values(
                account_id=case.account,
                number=case.number,
                key=case.key,
                opened_at=case.opened_at,
                **values,
            )
            .on_conflict_do_nothing()
            .returning(cases.c.id)
        ).scalar()
        if made is None:
            raise Conflict(f"account {case.account} got case {case.key} or an open one meanwhile")
        return CaseId(made)

    def all(self, *, open_only: bool = True, limit: int = 500) -> list[StoredCase]:
        """Cases, the largest ARR first."""
        query = sa.select(cases).order_by(cases.c.arr_minor.desc().nulls_last(), cases.c.id)
        if open_only:
            query = query.where(cases.c.state != "closed")
        return [_stored(row) for row in self._connection.execute(query.limit(limit))]

    # -- the ledger

    def ledger(self, account: AccountId) -> tuple[Suppression, ...]:
        """Every setting we changed or wanted to change for this account."""
        rows = self._connection.execute(
            sa.select(suppressions.c.body)
            .where(suppressions.c.account_id == account)
            .order_by(suppressions.c.subject)
        ).scalars()
        return tuple(SUPPRESSION.load(body) for body in rows)

    def save_suppression(self, account: AccountId, row: Suppression) -> None:
        """Write one ledger row over whatever stood there."""
        values = {"body": SUPPRESSION.dump(row), "state": row.state}
        self._connection.execute(
            insert(suppressions)
            .values(account_id=account, subject=row.subject, **values)
            .on_conflict_do_update(index_elements=["account_id", "subject"], set_=values)
        )

    # -- timers

    def replace_timers(self, account: AccountId, wanted: Sequence[Timer]) -> None:
        """These timers and no others."""
        self._connection.execute(timers.delete().where(timers.c.account_id == account))
        if wanted:
            self._connection.execute(
                timers.insert(),
                [{"account_id": account, "kind": one.kind, "due": one.due} for one in wanted],
            )

    def timers(self, account: AccountId) -> tuple[Timer, ...]:
        """The account's timers, the next one first."""
        rows = self._connection.execute(
            sa.select(timers.c.kind, timers.c.due)
            .where(timers.c.account_id == account)
            .order_by(timers.c.due)
        )
        return tuple(Timer(kind=TimerKind(row.kind), due=row.due) for row in rows)

    def take_due_timers(self, now: datetime, limit: int) -> list[tuple[AccountId, TimerKind]]:
        """Remove and return what has fallen due, in the order in which it did."""
        rows = self._connection.execute(
            sa.text(
                """
                DELETE FROM timers WHERE (account_id, kind) IN (
                  SELECT account_id, kind FROM timers WHERE due <= :now
                  ORDER BY due LIMIT :limit FOR UPDATE SKIP LOCKED)
                RETURNING account_id, kind, due
                """
            ),
            {"now": now, "limit": limit},
        ).all()
        ordered = sorted(rows, key=lambda row: row.due)
        return [(AccountId(row.account_id), TimerKind(row.kind)) for row in ordered]

    def next_timer(self) -> datetime | None:
        """When the next timer of any account falls due."""
        value: datetime | None = self._connection.execute(
            sa.select(sa.func.min(timers.c.due))
        ).scalar()
        return value

    # -- the stance

    def take_stance(
        self, account: AccountId, stance: Stance, certificate: QuietCertificate | None
    ) -> None:
        """Remember what was decided, for the guards of effects and for lists."""
        self._connection.execute(
            accounts.update()
            .where(accounts.c.id == account)
            .values(
                wants_quiet=stance.wants_quiet,
                intercepts=stance.intercepts,
                evaluated_at=stance.evaluated_at,
                judged_by=stance.judged_by,
                certificate=CERTIFICATE.dump(certificate) if certificate else None,
            )
        )

    def stance(self, account: AccountId) -> Stance | None:
        """What was last decided, or None if the account was never judged."""
        row = self._connection.execute(sa.select(accounts).where(accounts.c.id == account)).first()
        if row is None or row.evaluated_at is None:
            return None
        return Stance(
            wants_quiet=row.wants_quiet,
            intercepts=row.intercepts,
            evaluated_at=row.evaluated_at,
            judged_by=row.judged_by,
        )

    def judge_anew(self, account: AccountId) -> None:
        """Let the next survey look at this account, whatever it sees."""
        self._connection.execute(
            accounts.update().where(accounts.c.id == account).values(judged_by=None)
        )

    def certificate(self, account: AccountId) -> QuietCertificate | None:
        """The last quiet certificate of the account."""
        body = self._connection.execute(
            sa.select(accounts.c.certificate).where(accounts.c.id == account)
        ).scalar()
        return CERTIFICATE.load(body) if body is not None else None

    def account_name(self, account: AccountId) -> str | None:
        """The account's name as last read."""
        name: str | None = self._connection.execute(
            sa.select(accounts.c.name).where(accounts.c.id == account)
        ).scalar()
        return name

    def accounts(self, *, after: AccountId | None = None, limit: int = 500) -> list[AccountId]:
        """Account ids in order, for sweeps that can be resumed."""
        query = sa.select(accounts.c.id).order_by(accounts.c.id).limit(limit)
        if after is not None:
            query = query.where(accounts.c.id > after)
        return [AccountId(id) for id in self._connection.execute(query).scalars()]


def _stored(row: sa.Row[tuple[object, ...]]) -> StoredCase:
    values = row._mapping
    return StoredCase(
        id=CaseId(values["id"]), version=values["version"], case=CASE.load(values["body"])
    )
