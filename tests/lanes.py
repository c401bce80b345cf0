"""What waits in the store's lanes, of all kinds and urgencies, as the relay would find it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.rows import EVALUATE, Urgency
from store.lanes import DueLane
from store.unit_of_work import Transaction

MOST = 500


def due_lanes(
    tx: Transaction,
    now: datetime,
    *,
    kinds: Iterable[str] = (EVALUATE,),
    resend_seconds: float = 30,
) -> list[DueLane]:
    """Every lane of these kinds that may be sent, the most urgent first."""
    places = [(urgency, kind) for urgency in Urgency for kind in kinds]
    return [
        lane
        for urgency, kind in places
        for lane in tx.lanes.due(now, kind, urgency, resend_seconds=resend_seconds, limit=MOST)
    ]
