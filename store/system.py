"""What the whole installation shares: leadership, schedules, cursors, circuits, configuration,
pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from domain.ids import AccountId
from store.tables import circuits, config_versions, cursors, leases, pictures, schedules


@dataclass(frozen=True, kw_only=True)
class ConfigVersion:
    """One version of a document that an admin may change."""

    name: str
    version: int
    text: str
    author: str
    note: str
    at: datetime

    @property
    def label(self) -> str:
        """`policy@3`, as effects and the audit carry it."""
        return f"{self.name}@{self.version}"


class System:
    """Shared rows over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lead(self, name: str, *, owner: str, seconds: float) -> bool:
        """Take or keep leadership for so long; False while somebody else has it."""
        found = self._connection.execute(
            sa.text(
                """
                INSERT INTO leases AS l (name, owner, until)
                VALUES (:name, :owner, clock_timestamp() + make_interval(secs => :seconds))
                ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
                WHERE l.owner = excluded.owner OR l.until < clock_timestamp()
                RETURNING 1
                """
            ),
            {"name": name, "owner": owner, "seconds": seconds},
        )
        return found.first() is not None

    def step_down(self, name: str, *, owner: str) -> None:
        """Give leadership back."""
        self._connection.execute(
            leases.delete().where(leases.c.name == name, leases.c.owner == owner)
        )

    def schedule(self, name: str, *, every: timedelta, now: datetime) -> None:
        """Make sure that this schedule exists with this rhythm."""
        seconds = int(every.total_seconds())
        self._connection.execute(
            insert(schedules)
            .values(name=name, every_seconds=seconds, next_at=now + every)
            .on_conflict_do_update(index_elements=["name"], set_={"every_seconds": seconds})
        )

    def keep_schedules(self, names: Sequence[str]) -> None:
        """Drop every schedule that is not one of these: its system is connected no more."""
        self._connection.execute(schedules.delete().where(schedules.c.name.not_in(names)))

    def take_due_schedules(self, now: datetime) -> list[str]:
        """Claim what is due, each once however many ticks were missed."""
        rows = self._connection.execute(
            sa.text(
                """
                UPDATE schedules SET last_at = :now,
                  next_at = :now + make_interval(secs => every_seconds)
                WHERE next_at <= :now RETURNING name
                """
            ),
            {"now": now},
        )
        return sorted(rows.scalars())

    def give_schedules_back(self, names: Sequence[str], now: datetime) -> None:
        """Make claimed schedules due again: nobody could be told to run them, or some is left."""
        self._connection.execute(
            schedules.update().where(schedules.c.name.in_(names)).values(next_at=now)
        )

    def cursor(self, name: str) -> str | None:
        """Where a reader stopped, or None."""
        value: str | None = self._connection.execute(
            sa.select(cursors.c.value).where(cursors.c.name == name)
        ).scalar()
        return value

    def set_cursor(self, name: str, value: str, *, now: datetime) -> None:
        """Remember where a reader stopped."""
        values = {"value": value, "at": now}
        self._connection.execute(
            insert(cursors)
            .values(name=name, **values)
            .on_conflict_do_update(index_elements=["name"], set_=values)
        )

    def open_circuit(self, system: str, *, reason: str, now: datetime) -> bool:
        """Stop sending to a system whose credential is refused; True if it was closed before.

        Opening it again keeps it open for another while.
        """
        again = self._connection.execute(
            circuits.update().where(circuits.c.system == system).values(opened_at=now)
        )
        if again.rowcount:
            return False
        statement = (
            insert(circuits)
            .values(system=system, reason=reason, opened_at=now)
            .on_conflict_do_nothing()
            .returning(circuits.c.system)
        )
        return self._connection.execute(statement).first() is not None

    def is_cut_off(self, system: str, *, now: datetime, probe_after: timedelta) -> bool:
        """Whether nothing may be sent. After `probe_after` one try may show that it is well."""
        opened: datetime | None = self._connection.execute(
            sa.select(circuits.c.opened_at).where(circuits.c.system == system)
        ).scalar()
        return opened is not None and now - opened < probe_after

    def close_circuit(self, system: str) -> bool:
        """Send again; True if it was open."""
        done = self._connection.execute(circuits.delete().where(circuits.c.system == system))
        return done.rowcount > 0

    def open_circuits(self) -> dict[str, str]:
        """The systems that are not sent to, with the reason."""
        rows = self._connection.execute(sa.select(circuits.c.system, circuits.c.reason))
        return dict(iter(rows))

    def config(self, name: str, *, before: int | None = None) -> ConfigVersion | None:
        """The newest version of a document (older than `before`), or None if there is none."""
        query = sa.select(config_versions).where(config_versions.c.name == name)
        if before is not None:
            query = query.where(config_versions.c.version < before)
        row = self._connection.execute(
            query.order_by(config_versions.c.version.desc()).limit(1)
        ).first()
        return _version(row) if row is not None else None

    def versions(self, name: str) -> list[ConfigVersion]:
        """Every stored version of a document, the newest first."""
        rows = self._connection.execute(
            sa.select(config_versions)
            .where(config_versions.c.name == name)
            .order_by(config_versions.c.version.desc())
        )
        return [_version(row) for row in rows]

    def add_config(
        self, name: str, text: str, *, author: str, note: str, now: datetime
    ) -> ConfigVersion:
        """Store a new version of a document; it takes effect with the next evaluation."""
        last = self.config(name)
        if last is not None and last.text == text:
            return last
        number = last.version + 1 if last is not None else 1
        self._connection.execute(
            config_versions.insert().values(
                name=name, version=number, text=text, author=author, note=note, at=now
            )
        )
        return ConfigVersion(name=name, version=number, text=text, author=author, note=note, at=now)

    def save_picture(
        self, account: AccountId, source: str, *, digest: str, picture: Any, read_at: datetime
    ) -> bool:
        """Keep what was last read; True if it differs from what was kept."""
        same = self._connection.execute(
            pictures.update()
            .where(
                pictures.c.account_id == account,
                pictures.c.source == source,
                pictures.c.digest == digest,
            )
            .values(read_at=read_at)
        )
        if same.rowcount:
            return False
        values = {"digest": digest, "picture": picture, "read_at": read_at}
        self._connection.execute(
            insert(pictures)
            .values(account_id=account, source=source, **values)
            .on_conflict_do_update(index_elements=["account_id", "source"], set_=values)
        )
        return True

    def picture(self, account: AccountId, source: str) -> Any | None:
        """What was last read, as plain JSON values."""
        return self._connection.execute(
            sa.select(pictures.c.picture).where(
                pictures.c.account_id == account, pictures.c.source == source
            )
        ).scalar()


def _version(row: sa.Row[tuple[object, ...]]) -> ConfigVersion:
    values = row._mapping
    return ConfigVersion(
        **{name: values[name] for name in ("name", "version", "text", "author", "note", "at")}
    )
