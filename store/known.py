"""What is known of many accounts at once, so that a glance can be held against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from domain.case import CaseState
from domain.holds import SuppressionState
from domain.ids import AccountId, Ref
from domain.rows import (
    Agreed,
    EffectState,
    KnownAccount,
    KnownCustomer,
    KnownRecord,
    Link,
    LinkState,
    Standing,
)
from store.agreed import loaded_fields
from store.field_writes import KINDS
from store.links import link_of
from store.tables import accounts, agreed, cases, effects, links, pictures, suppressions

OURS = (SuppressionState.WANTED, SuppressionState.QUIET)
"""Settings that are to be given back one day."""
HELD_BACK = (EffectState.OBSERVED, EffectState.WITHDRAWN)
"""Writes that were wanted and not made: while we only watched, or by a person's word."""
_newer = effects.alias("newer")
HAS_CASE = (
    sa.exists()
    .where(cases.c.account_id == accounts.c.id, cases.c.state != CaseState.CLOSED)
    .correlate(accounts)
)
HAS_OURS = (
    sa.exists()
    .where(suppressions.c.account_id == accounts.c.id, suppressions.c.state.in_(OURS))
    .correlate(accounts)
)
HAS_HELD_BACK = (
    sa.exists()
    .where(
        effects.c.account_id == accounts.c.id,
        effects.c.kind.in_(KINDS),
        effects.c.state.in_(HELD_BACK),
        ~sa.exists()
        .where(
            _newer.c.account_id == effects.c.account_id,
            _newer.c.system == effects.c.system,
            _newer.c.subject == effects.c.subject,
            _newer.c.id > effects.c.id,
        )
        .correlate(effects),
    )
    .correlate(accounts)
)


class Known:
    """Reads many accounts in a handful of queries, over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def customers(self, system: str, ids: Sequence[str]) -> dict[str, KnownCustomer]:
        """What is known of these payment customers; of one that was never linked nothing."""
        rows = self._connection.execute(
            sa.select(
                links.c.external_id,
                links.c.account_id,
                links.c.state,
                pictures.c.picture["glance"].as_string().label("glance"),
            )
            .outerjoin(
                pictures,
                sa.and_(
                    pictures.c.account_id == links.c.account_id, pictures.c.source == "payments"
                ),
            )
            .where(
                links.c.system == system,
                links.c.kind == "customer",
                links.c.external_id.in_(ids),
            )
        )
        return {
            row.external_id: KnownCustomer(account=AccountId(row.account_id), glance=row.glance)
            if row.state == LinkState.CONFIRMED
            else KnownCustomer(account=None)
            for row in rows
        }

    def standings(self, ids: Collection[AccountId]) -> dict[AccountId, Standing]:
        """What hangs on news of each of these accounts, in one query."""
        rows = self._connection.execute(
            sa.select(
                accounts.c.id,
                accounts.c.wants_quiet,
                accounts.c.intercepts,
                HAS_CASE.label("has_case"),
            ).where(accounts.c.id.in_(ids))
        )
        return {
            AccountId(row.id): Standing(
                wants_quiet=row.wants_quiet, intercepts=row.intercepts, has_case=row.has_case
            )
            for row in rows
        }

    def saw(self, some: Sequence[AccountId], *, at: datetime) -> None:
        """Remember that the payment system's list shows these accounts."""
        self._connection.execute(
            accounts.update().where(accounts.c.id.in_(some)).values(seen_at=at)
        )

    def missed(self, some: Sequence[AccountId]) -> None:
        """Remember that the payment system's list shows these accounts no more."""
        self._connection.execute(
            accounts.update().where(accounts.c.id.in_(some)).values(seen_at=None)
        )

    def accounts(self, *, after: AccountId | None, limit: int) -> list[KnownAccount]:
        """The next accounts in the order of their numbers."""
        query = sa.select(
            accounts.c.id,
            accounts.c.created_at,
            accounts.c.seen_at,
            accounts.c.judged_by,
            sa.or_(accounts.c.wants_quiet, HAS_CASE, HAS_OURS, HAS_HELD_BACK).label("is_busy"),
        )
        if after is not None:
            query = query.where(accounts.c.id > after)
        rows = self._connection.execute(query.order_by(accounts.c.id).limit(limit)).all()
        ids = [row.id for row in rows]
        owned, read, fields = self._links(ids), self._read(ids), self._agreed(ids)
        homes, records = self._records(ids)
        return [
            KnownAccount(
                account=AccountId(row.id),
                created_at=row.created_at,
                is_busy=row.is_busy,
                links=tuple(owned[row.id]),
                agreed=fields[row.id],
                seen_at=row.seen_at,
                read_at=read.get(row.id),
                judged_by=row.judged_by,
                home=homes.get(row.id),
                records=records[row.id],
            )
            for row in rows
        ]

    def _links(self, ids: Sequence[int]) -> dict[int, list[Link]]:
        found: dict[int, list[Link]] = defaultdict(list)
        query = sa.select(links).where(links.c.account_id.in_(ids)).order_by(links.c.id)
        for row in self._connection.execute(query):
            found[row.account_id].append(link_of(row))
        return found

    def _read(self, ids: Sequence[int]) -> dict[int, datetime]:
        rows = self._connection.execute(
            sa.select(pictures.c.account_id, pictures.c.read_at).where(
                pictures.c.account_id.in_(ids), pictures.c.source == "payments"
            )
        )
        return {row.account_id: row.read_at for row in rows}

    def _records(
        self, ids: Sequence[int]
    ) -> tuple[dict[int, str], dict[int, dict[str, KnownRecord]]]:
        """The system in which each account's task belongs, and its records by system."""
        picture = pictures.c.picture
        rows = self._connection.execute(
            sa.select(
                pictures.c.account_id,
                pictures.c.source,
                pictures.c.read_at,
                picture["account"].label("account"),
                picture["fields"].label("fields"),
            )
            .where(
                pictures.c.account_id.in_(ids),
                sa.or_(pictures.c.source == "crm", pictures.c.source.startswith("crm:")),
            )
            .order_by(pictures.c.read_at)
        )
        homes: dict[int, str] = {}
        found: dict[int, dict[str, KnownRecord]] = defaultdict(dict)
        for row in rows:
            ref = Ref(row.account["system"], row.account["kind"], row.account["id"])
            found[row.account_id][ref.system] = KnownRecord(
                ref=ref, fields=row.fields, read_at=row.read_at
            )
            if row.source == "crm":
                homes[row.account_id] = ref.system
        return homes, found

    def _agreed(self, ids: Sequence[int]) -> dict[int, dict[str, dict[str, Agreed]]]:
        found: dict[int, dict[str, dict[str, Agreed]]] = defaultdict(dict)
        query = sa.select(agreed).where(agreed.c.account_id.in_(ids)).order_by(agreed.c.at)
        for row in self._connection.execute(query):
            found[row.account_id][row.system] = loaded_fields(row.fields)
        return found
