"""What both sides of each mapped field last agreed on, and the questions that wait for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from domain.ids import AccountId
from domain.merge import ABSENT, Base
from domain.rows import Agreed, AskedField, Question
from store.codec import plain
from store.tables import agreed

HAS_QUESTION = sa.text("jsonb_path_exists(fields, '$.*.question')")


class AgreedFields:
    """One row per CRM record, over one transaction. A field is named by its key in the mapping."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of_record(self, system: str, record: str) -> dict[str, Agreed]:
        """What is remembered of one record, by field."""
        found = self._connection.execute(
            sa.select(agreed.c.fields).where(agreed.c.system == system, agreed.c.record == record)
        ).scalar()
        return loaded_fields(found or {})

    def of_account(self, account: AccountId) -> dict[str, dict[str, Agreed]]:
        """What is remembered of an account's records, by system; one record of each counts."""
        rows = self._connection.execute(
            sa.select(agreed.c.system, agreed.c.fields)
            .where(agreed.c.account_id == account)
            .order_by(agreed.c.at)
        )
        return {row.system: loaded_fields(row.fields) for row in rows}

    def remember(
        self,
        account: AccountId,
        system: str,
        record: str,
        fields: Mapping[str, Agreed],
        *,
        now: datetime,
    ) -> None:
        """Keep this of the fields named; the record's others stay as they are."""
        if not fields:
            return
        values = {
            "account_id": account,
            "fields": {name: _dumped(one) for name, one in fields.items()},
            "at": now,
        }
        statement = insert(agreed).values(system=system, record=record, **values)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["system", "record"],
                set_={
                    "account_id": account,
                    "fields": agreed.c.fields.concat(statement.excluded.fields),
                    "at": now,
                },
            )
        )
        self._connection.execute(
            agreed.update()
            .where(agreed.c.system == system, agreed.c.record == record)
            .values(asks=HAS_QUESTION)
        )

    def questions(self) -> list[AskedField]:
        """Everything that a person is asked, the oldest account first."""
        rows = self._connection.execute(
            sa.select(agreed).where(agreed.c.asks).order_by(agreed.c.account_id, agreed.c.record)
        )
        return [
            AskedField(
                account=AccountId(row.account_id),
                system=row.system,
                record=row.record,
                field=name,
                agreed=_loaded(kept),
            )
            for row in rows
            for name, kept in sorted(row.fields.items())
            if kept.get("question")
        ]


def loaded_fields(fields: Mapping[str, Any]) -> dict[str, Agreed]:
    """What a row of the table remembers, by field."""
    return {name: _loaded(kept) for name, kept in fields.items()}


def _dumped(one: Agreed) -> dict[str, Any]:
    found: dict[str, Any] = {"at": one.at.isoformat()}
    if one.effect_id is not None:
        found["effect"] = one.effect_id
    if one.base is not None:
        # Absent is not null: a side that is not known has no value at all.
        sides = {"ours": one.base.ours, "theirs": one.base.theirs}
        found["base"] = {name: value for name, value in sides.items() if value is not ABSENT}
    if one.question is not None:
        found["question"] = {
            "ours": one.question.ours,
            "theirs": one.question.theirs,
            "at": one.question.asked_at.isoformat(),
        }
    return plain(found)


def _loaded(kept: Mapping[str, Any]) -> Agreed:
    base, question = kept.get("base"), kept.get("question")
    return Agreed(
        base=(
            Base(ours=base.get("ours", ABSENT), theirs=base.get("theirs", ABSENT))
            if base is not None
            else None
        ),
        at=datetime.fromisoformat(kept["at"]),
        effect_id=kept.get("effect"),
        question=(
            Question(
                ours=question["ours"],
                theirs=question["theirs"],
                asked_at=datetime.fromisoformat(question["at"]),
            )
            if question is not None
            else None
        ),
    )
