"""What is known of many accounts at once, so that a glance can be held against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from domain.case import CaseState
from domain.holds import SuppressionState
from domain.ids import AccountId, Ref
from domain.rows import Agreed, KnownAccount, KnownCustomer, Link, LinkState
from store.agreed import loaded_fields
from store.links import link_of
from store.tables import accounts, agreed, cases, links, pictures, suppressions

OURS = (SuppressionState.WANTED, SuppressionState.QUIET)
"""Settings that are to be given back one day."""
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


class Known:
    """Reads many accounts in a handful of queries, over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def customers(self, system: str, ids: Sequence[str]) -> dict[str, KnownCustomer]:
        """The surely linked ones among these payment customers."""
        rows = self._connection.execute(
            sa.select(
                links.c.external_id,
                links.c.account_id,
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
                links.c.state == LinkState.CONFIRMED,
                links.c.external_id.in_(ids),
            )
        )
        return {
            row.external_id: KnownCustomer(account=AccountId(row.account_id), glance=row.glance)
            for row in rows
        }

    def saw(self, some: Sequence[AccountId], *, at: datetime) -> None:
        """Remember that the payment system's list shows these accounts."""
        self._connection.execute(
            accounts.update().where(accounts.c.id.in_(some)).values(seen_at=at)
        )

    def accounts(self, *, after: AccountId | None, limit: int) -> list[KnownAccount]:
        """The next accounts in the order of their numbers."""
        query = sa.select(
            accounts.c.id,
            accounts.c.created_at,
            accounts.c.seen_at,
            sa.or_(accounts.c.wants_quiet, HAS_CASE, HAS_OURS).label("is_busy"),
        )
        if after is not None:
            query = query.where(accounts.c.id > after)
        rows = self._connection.execute(query.order_by(accounts.c.id).limit(limit)).all()
        ids = [row.id for row in rows]
        owned, read, said, fields = (
            self._links(ids),
            self._read(ids),
            self._crm(ids),
            self._agreed(ids),
        )
        return [
            KnownAccount(
                account=AccountId(row.id),
                created_at=row.created_at,
                is_busy=row.is_busy,
                links=tuple(owned[row.id]),
                agreed=fields[row.id],
                seen_at=row.seen_at,
                read_at=read.get(row.id),
                record=said[row.id][0] if row.id in said else None,
                fields=said[row.id][1] if row.id in said else {},
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

    def _crm(self, ids: Sequence[int]) -> dict[int, tuple[Ref, dict[str, object]]]:
        picture = pictures.c.picture
        rows = self._connection.execute(
            sa.select(
                pictures.c.account_id,
                picture["account"].label("account"),
                picture["fields"].label("fields"),
            ).where(pictures.c.account_id.in_(ids), pictures.c.source == "crm")
        )
        return {
            row.account_id: (
                Ref(row.account["system"], row.account["kind"], row.account["id"]),
                row.fields,
            )
            for row in rows
        }

    def _agreed(self, ids: Sequence[int]) -> dict[int, dict[str, dict[str, Agreed]]]:
        found: dict[int, dict[str, dict[str, Agreed]]] = defaultdict(dict)
        query = sa.select(agreed).where(agreed.c.account_id.in_(ids)).order_by(agreed.c.at)
        for row in self._connection.execute(query):
            found[row.account_id][row.system] = loaded_fields(row.fields)
        return found
