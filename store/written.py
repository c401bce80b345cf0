"""Why each value is where it is: every value that was written, and what for."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from domain.rows import WrittenValue
from store.tables import written


class Written:
    """The written values over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def record(self, values: Sequence[WrittenValue]) -> None:
        """Keep why each value is where it is."""
        if values:
            self._connection.execute(
                written.insert(),
                [
                    {
                        "system": one.system,
                        "record": one.record,
                        "field": one.field,
                        "value": one.value,
                        "at": one.at,
                        "effect_id": one.effect_id,
                        "rule": one.rule,
                        "cause": one.cause,
                        "config_version": one.config_version,
                        "actor": one.actor,
                        "wins": one.wins,
                        "replaced": one.replaced,
                    }
                    for one in values
                ],
            )

    def why(self, system: str, record: str, field: str) -> list[WrittenValue]:
        """Every value that we ever put there, newest first."""
        rows = self._connection.execute(
            sa.select(written)
            .where(written.c.system == system, written.c.record == record, written.c.field == field)
            .order_by(written.c.id.desc())
        )
        return [
            WrittenValue(
                system=row.system,
                record=row.record,
                field=row.field,
                value=row.value,
                at=row.at,
                effect_id=row.effect_id,
                rule=row.rule,
                cause=row.cause,
                config_version=row.config_version,
                actor=row.actor,
                wins=row.wins,
                replaced=row.replaced,
            )
            for row in rows
        ]
