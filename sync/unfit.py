"""Telling what a mapping cannot carry over, once for each value, not with each look."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from domain.ids import AccountId, Ref
from mappings.merging import Unfit
from sync.durable import TransactionPort


def tell_unfit(
    tx: TransactionPort, account: AccountId, record: Ref, unfit: Sequence[Unfit], *, now: datetime
) -> None:
    """One audit line for what is held back of a record; nothing if it was told already."""
    if not unfit:
        return
    said = "; ".join(one.note for one in unfit)
    is_new = tx.system.save_picture(
        account,
        f"unfit:{record.system}:{record.id}",
        digest=hashlib.sha256(said.encode()).hexdigest(),
        picture={"fields": [one.name for one in unfit]},
        read_at=now,
    )
    if is_new:
        tx.audit.note(
            "field.held_back",
            said,
            now=now,
            account=account,
            details={"record": record.id, "fields": [one.name for one in unfit]},
        )
