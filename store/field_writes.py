"""The writes of mapped fields, as what one CRM's mapping wants: done, unfinished, given back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from domain.effects import TRIAL_RULE, Effect, EffectKind
from domain.ids import AccountId
from domain.rows import EffectState, FieldWrite
from store.effect_rows import row_of
from store.effects import REPLACEABLE, STUCK
from store.tables import config_versions, effects, written

KINDS = (EffectKind.WRITE_FIELDS, EffectKind.WRITE_CUSTOMER)
FROM_OTHERS = (EffectState.WAITING, EffectState.SENDING, EffectState.STOPPED)
"""What is unfinished only if another version wanted it; what is stuck is so whoever wanted it."""
WAS_SENT = sa.or_(effects.c.attempts > 0, effects.c.round > 0)
"""Whether it was tried: then it may have arrived, whatever was answered and whatever came after."""
LAST_WRITTEN = sa.text(
    "SELECT place.number, last.value FROM "
    "unnest(CAST(:systems AS text[]), CAST(:records AS text[]), CAST(:fields AS text[]), "
    "       CAST(:before AS bigint[])) WITH ORDINALITY "
    "  AS place(system, record, field, before, number) "
    "CROSS JOIN LATERAL (SELECT value, rule FROM written WHERE system = place.system "
    "  AND record = place.record AND field = place.field AND effect_id < place.before "
    "  ORDER BY id DESC LIMIT 1) AS last "
    "WHERE last.rule <> :but"
).columns(number=sa.BigInteger, value=written.c.value.type)


class FieldWrites:
    """The writes of mapped fields over one transaction, in the CRM and on the customer."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def since(self, name: str, version: int) -> list[FieldWrite]:
        """What may have been written under later versions of a mapping, and by trials since this
        one came into force, oldest first.

        Writes of the shipped document carry no number and are under none of them.
        """
        number = sa.cast(
            sa.func.substring(effects.c.config_version, f"(?:^| ){name}@([0-9]+)(?: |$)"),
            sa.Integer,
        )
        return self._select(
            _of_crm(name.partition(":")[2]),
            sa.or_(effects.c.state == EffectState.DONE, WAS_SENT),
            sa.or_(
                number > version,
                sa.and_(_is_of_trial(), effects.c.created_at >= _since_when(name, version)),
            ),
        )

    def one(self, id: int) -> FieldWrite | None:
        """The write of this number, or None."""
        found = self._select(effects.c.kind.in_(KINDS), effects.c.id == id)
        return found[0] if found else None

    def unfinished(self, crm: str, *, label: str, rules: Collection[str]) -> list[FieldWrite]:
        """What waits, is stopped or is under way as another version than `label` wanted it, and
        what is stuck whichever wanted it. Only what follows from `rules` counts."""
        spaced = sa.func.concat(" ", effects.c.config_version, " ")
        return self._select(
            _of_crm(crm),
            effects.c.rule.in_(rules),
            sa.or_(
                effects.c.state.in_(STUCK),
                sa.and_(
                    effects.c.state.in_(FROM_OTHERS),
                    sa.func.strpos(spaced, f" {label} ") == 0,
                ),
            ),
        )

    def drop(self, ids: Sequence[int], *, now: datetime) -> None:
        """End these without sending them: whatever is still wanted is asked for anew."""
        self._connection.execute(
            effects.update()
            .where(_is_one_of(effects.c.id, ids), effects.c.state.in_((*FROM_OTHERS, *STUCK)))
            .values(state=EffectState.SUPERSEDED, done_at=now)
        )

    def stuck_others(self, code: str, *, system: str | None) -> list[int]:
        """Everything else that is stuck by this cause, in one system or in all."""
        query = sa.select(effects.c.id).where(
            effects.c.state.in_(STUCK),
            effects.c.last_error_code == code,
            effects.c.kind.not_in(KINDS),
        )
        if system is not None:
            query = query.where(effects.c.system == system)
        return list(self._connection.execute(query.order_by(effects.c.id)).scalars())

    def last_written(
        self, places: Sequence[tuple[str, str, str, int]], *, but: str
    ) -> dict[int, Any]:
        """What we last put into each place (system, record, field) before the effect of that
        number, by the place's position; nothing where we had not written, or by the rule `but`."""
        columns = ("systems", "records", "fields", "before")
        found = self._connection.execute(
            LAST_WRITTEN,
            {name: [place[at] for place in places] for at, name in enumerate(columns)}
            | {"but": but},
        )
        return {row.number - 1: row.value for row in found}

    def add_all(
        self,
        wanted: Sequence[tuple[AccountId, str, Effect]],
        *,
        cause: str,
        config_version: str,
        now: datetime,
    ) -> None:
        """Write many down at once, each for an account and a system. One that still waits for the
        same subject is replaced."""
        if not wanted:
            return
        self._connection.execute(
            effects.update()
            .where(
                _is_one_of(effects.c.subject, [effect.subject for _, _, effect in wanted]),
                effects.c.state.in_(REPLACEABLE),
            )
            .values(state=EffectState.SUPERSEDED, done_at=now)
        )
        self._connection.execute(
            effects.insert(),
            [
                row_of(
                    account,
                    effect,
                    system=system,
                    cause=cause,
                    config_version=config_version,
                    now=now,
                )
                for account, system, effect in wanted
            ],
        )

    def _select(self, *where: sa.ColumnElement[bool]) -> list[FieldWrite]:
        query = sa.select(effects).where(*where).order_by(effects.c.id)
        return [_write(row._mapping) for row in self._connection.execute(query)]


def _is_one_of(column: sa.Column[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """However many they are: as one array they are one parameter."""
    return column == sa.any_(sa.cast(list(values), ARRAY(column.type)))


def _is_of_trial() -> sa.ColumnElement[bool]:
    """A trial, or what was given back after one."""
    return sa.or_(effects.c.rule == TRIAL_RULE, effects.c.config_version.startswith("trial:"))


def _since_when(name: str, version: int) -> sa.ColumnElement[datetime]:
    """When this version came into force; the shipped one was there before everything."""
    found = sa.select(config_versions.c.at).where(
        config_versions.c.name == name, config_versions.c.version == version
    )
    return sa.func.coalesce(found.scalar_subquery(), sa.func.to_timestamp(0))


def _of_crm(crm: str) -> sa.ColumnElement[bool]:
    """What is written on a customer belongs to the mapping of the CRM that says so."""
    return sa.or_(
        sa.and_(effects.c.kind == EffectKind.WRITE_FIELDS, effects.c.system == crm),
        sa.and_(
            effects.c.kind == EffectKind.WRITE_CUSTOMER,
            effects.c.body["system"].as_string() == crm,
        ),
    )


def _write(row: Mapping[Any, Any]) -> FieldWrite:
    body, receipt = row["body"], row["receipt"] or {}
    on_customer = row["kind"] == EffectKind.WRITE_CUSTOMER
    now = receipt.get("now")
    if on_customer and receipt.get("note") and row["attempts"] == 1 and not row["round"]:
        # Nobody but the first attempt can have written it, and that one found it there already.
        now = {}
    return FieldWrite(
        id=row["id"],
        account=AccountId(row["account_id"]),
        has_case=row["case_id"] is not None,
        system=row["system"],
        record=str(body["customer" if on_customer else "account"]),
        crm_record=str(body["record" if on_customer else "account"]),
        on_customer=on_customer,
        before=body.get("expected" if on_customer else "before") or {},
        values=body["values"],
        now=now,
        rule=row["rule"],
        keys={name: said["key"] for name, said in (body.get("merge") or {}).items()},
        names=receipt.get("fields") or {},
        is_done=row["state"] == EffectState.DONE,
    )
