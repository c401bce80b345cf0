"""Which outside records belong to which account, by ids that never change."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from domain.ids import AccountId, Ref
from domain.rows import BY_A_PERSON, Link, LinkState
from store.tables import accounts, links


class Links:
    """Accounts and their links over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def account_of(self, ref: Ref) -> AccountId | None:
        """The account that surely owns this record, or None."""
        found = self._connection.execute(
            sa.select(links.c.account_id).where(
                links.c.system == ref.system,
                links.c.kind == ref.kind,
                links.c.external_id == ref.id,
                links.c.state == LinkState.CONFIRMED,
            )
        ).scalar()
        return AccountId(found) if found is not None else None

    def accounts_of(self, refs: Collection[Ref]) -> dict[Ref, AccountId]:
        """`account_of` for many records, in one query; nothing for a record without one."""
        rows = self._connection.execute(
            sa.text(
                """
                SELECT asked.system, asked.kind, asked.id, links.account_id
                FROM unnest(CAST(:systems AS text[]), CAST(:kinds AS text[]), CAST(:ids AS text[]))
                  AS asked(system, kind, id)
                JOIN links ON links.system = asked.system AND links.kind = asked.kind
                  AND links.external_id = asked.id AND links.state = :state
                """
            ),
            {
                "systems": [ref.system for ref in refs],
                "kinds": [ref.kind for ref in refs],
                "ids": [ref.id for ref in refs],
                "state": LinkState.CONFIRMED,
            },
        )
        return {Ref(row.system, row.kind, row.id): AccountId(row.account_id) for row in rows}

    def refused(self, refs: Collection[Ref]) -> frozenset[Ref]:
        """Those of these records of which a person has said that they are nobody's."""
        rows = self._connection.execute(
            sa.select(links.c.system, links.c.kind, links.c.external_id).where(
                sa.tuple_(links.c.system, links.c.kind, links.c.external_id).in_(
                    [(ref.system, ref.kind, ref.id) for ref in refs]
                ),
                links.c.state == LinkState.REJECTED,
            )
        )
        return frozenset(Ref(*row) for row in rows)

    def open_account(self, ref: Ref, *, now: datetime, name: str | None = None) -> AccountId:
        """The account of this record, made now if there is none. Two at once get the same one."""
        self._connection.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:ref, 0))"), {"ref": str(ref)}
        )
        known = self.account_of(ref)
        if known is not None:
            return known
        id = self._connection.execute(
            accounts.insert().values(created_at=now, name=name).returning(accounts.c.id)
        ).scalar_one()
        self.link(AccountId(id), ref, now=now)
        return AccountId(id)

    def link(self, account: AccountId, ref: Ref, *, now: datetime, takes: bool = False) -> bool:
        """Record that the account surely owns this record; whether it does now.

        A rejected link is not revived. What another account owns is taken from it only if the
        record itself says so (`takes`), and never if a person has confirmed it.
        """
        stays = links.c.state == LinkState.CONFIRMED
        if takes:
            is_ours = links.c.account_id.is_not_distinct_from(account)
            stays &= is_ours | (links.c.reason.is_not_distinct_from(BY_A_PERSON))
        self._put(
            Link(
                account=account,
                system=ref.system,
                kind=ref.kind,
                external_id=ref.id,
                state=LinkState.CONFIRMED,
            ),
            now,
            where=sa.and_(links.c.state != LinkState.REJECTED, sa.not_(stays)),
        )
        return self.account_of(ref) == account

    def quarantine(
        self, ref: Ref, *, account: AccountId | None, reason: str, now: datetime
    ) -> None:
        """Record that this link is not sure, and why. Nothing is written to such a record. One
        that surely is another account's stays theirs."""
        is_theirs = sa.and_(
            links.c.state == LinkState.CONFIRMED, links.c.account_id.is_distinct_from(account)
        )
        self._put(
            Link(
                account=account,
                system=ref.system,
                kind=ref.kind,
                external_id=ref.id,
                state=LinkState.QUARANTINED,
                reason=reason,
            ),
            now,
            where=sa.and_(links.c.state != LinkState.REJECTED, sa.not_(is_theirs)),
        )

    def suggest(self, account: AccountId, ref: Ref, *, reason: str, now: datetime) -> bool:
        """Record that this record may be the account's; True if it stands as that now.

        What is known of the record already is left: a link, a doubt, and a rejection for good. A
        suggestion is never acted on.
        """
        values = {
            "account_id": account,
            "system": ref.system,
            "kind": ref.kind,
            "external_id": ref.id,
            "state": LinkState.SUGGESTED,
            "reason": reason,
            "at": now,
        }
        result = self._connection.execute(
            insert(links)
            .values(values)
            .on_conflict_do_update(
                index_elements=["system", "kind", "external_id"],
                set_={name: values[name] for name in ("account_id", "reason", "at")},
                where=links.c.state == LinkState.SUGGESTED,
            )
        )
        return result.rowcount > 0

    def forget_suggestions(self, account: AccountId, system: str) -> None:
        """Drop what was suggested for an account that needs no suggestion there any more."""
        self._connection.execute(
            links.delete().where(
                links.c.account_id == account,
                links.c.system == system,
                links.c.state == LinkState.SUGGESTED,
            )
        )

    def confirm(self, ref: Ref, *, now: datetime) -> bool:
        """A person says that a link is right: other suggestions for the account end, and so does
        another link of it there. False if there is none."""
        if not self._set_state(ref, LinkState.CONFIRMED, now, reason=BY_A_PERSON):
            return False
        owner = self.account_of(ref)
        if owner is not None:
            self.forget_suggestions(owner, ref.system)
            self._connection.execute(
                links.update()
                .where(
                    links.c.account_id == owner,
                    links.c.system == ref.system,
                    links.c.kind == ref.kind,
                    links.c.external_id != ref.id,
                    links.c.state == LinkState.CONFIRMED,
                )
                .values(
                    state=LinkState.QUARANTINED, reason=f"a person chose {ref.id} instead", at=now
                )
            )
        return True

    def reject(self, ref: Ref, *, now: datetime) -> bool:
        """A person says that the link is wrong. False if there is none."""
        return self._set_state(ref, LinkState.REJECTED, now)

    def of(self, account: AccountId) -> list[Link]:
        """Every link of the account, quarantined ones included."""
        rows = self._connection.execute(
            sa.select(links).where(links.c.account_id == account).order_by(links.c.id)
        )
        return [link_of(row) for row in rows]

    def all(self, state: LinkState | None = None) -> list[Link]:
        """Every link, or those in one state."""
        query = sa.select(links).order_by(links.c.id)
        if state is not None:
            query = query.where(links.c.state == state)
        return [link_of(row) for row in self._connection.execute(query)]

    def name(self, account: AccountId, name: str) -> None:
        """Remember the account's name for lists."""
        self._connection.execute(
            accounts.update().where(accounts.c.id == account).values(name=name)
        )

    def _put(self, link: Link, now: datetime, *, where: sa.ColumnElement[bool]) -> None:
        values = {
            "account_id": link.account,
            "system": link.system,
            "kind": link.kind,
            "external_id": link.external_id,
            "state": link.state,
            "reason": link.reason,
            "at": now,
        }
        statement = insert(links).values(values)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["system", "kind", "external_id"],
                set_={name: values[name] for name in ("account_id", "state", "reason", "at")},
                where=where,
            )
        )

    def _set_state(
        self, ref: Ref, state: LinkState, now: datetime, *, reason: str | None = None
    ) -> bool:
        result = self._connection.execute(
            links.update()
            .where(
                links.c.system == ref.system,
                links.c.kind == ref.kind,
                links.c.external_id == ref.id,
                links.c.account_id.is_not(None),
            )
            .values(state=state, at=now, reason=reason)
        )
        return result.rowcount > 0


def link_of(row: sa.Row[tuple[object, ...]]) -> Link:
    """The link that a row of the table holds."""
    values = row._mapping
    return Link(
        account=AccountId(values["account_id"]) if values["account_id"] is not None else None,
        system=values["system"],
        kind=values["kind"],
        external_id=values["external_id"],
        state=LinkState(values["state"]),
        reason=values["reason"],
    )
