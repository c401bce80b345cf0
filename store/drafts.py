"""Texts that people are still writing: one draft of each document for each person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from store.tables import drafts


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One draft. `base` is the label of the version that it was begun over."""

    name: str
    author: str
    text: str
    base: str
    at: datetime


class Drafts:
    """The drafts over one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of(self, name: str, author: str) -> Draft | None:
        """This person's draft of a document, or None."""
        row = self._connection.execute(
            sa.select(drafts).where(drafts.c.name == name, drafts.c.author == author)
        ).first()
        return Draft(**row._mapping) if row is not None else None

    def keep(self, name: str, author: str, text: str, *, base: str, now: datetime) -> None:
        """Keep the text. One that was begun before keeps the version that it was begun over."""
        self._connection.execute(
            insert(drafts)
            .values(name=name, author=author, text=text, base=base, at=now)
            .on_conflict_do_update(
                index_elements=["name", "author"], set_={"text": text, "at": now}
            )
        )

    def drop(self, name: str, author: str) -> None:
        """Forget the draft; one that is not there is no error."""
        self._connection.execute(
            drafts.delete().where(drafts.c.name == name, drafts.c.author == author)
        )
