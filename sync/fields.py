"""What people do about mapped fields: see the questions, and answer them."""

from __future__ import annotations

from domain.errors import Gone
from domain.merge import ABSENT, Base
from domain.rows import EVALUATE, Agreed, AskedField, Urgency
from sync.clock import Clock
from sync.durable import Store


class Fields:
    """Each answer is one transaction: what is agreed, the audit line, and a dirty lane."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def questions(self) -> list[AskedField]:
        """Every field over which a person is asked."""
        with self._store.begin() as tx:
            return tx.agreed.questions()

    def settle(self, system: str, record: str, field: str, *, keep_ours: bool, by: str) -> None:
        """Say which of the two values stands. The other side is written at the next judgement, if
        the row's arrow points there; else both are left as they are until one of them changes.

        Raises `Gone` if nothing is asked there. The audit keeps both values.
        """
        now = self._clock.now()
        with self._store.begin() as tx:
            asked = next(
                (
                    one
                    for one in tx.agreed.questions()
                    if (one.system, one.record, one.field) == (system, record, field)
                ),
                None,
            )
            question = asked.agreed.question if asked is not None else None
            if asked is None or question is None:
                raise Gone(
                    f"nothing is asked about {field} of {system} {record}",
                    remedy="`kidglove field list` shows what is asked.",
                )
            # The side that stands counts as changed, the other one as seen.
            base = (
                Base(ours=ABSENT, theirs=question.theirs)
                if keep_ours
                else Base(ours=question.ours, theirs=ABSENT)
            )
            settled = Agreed(base=base, at=now, effect_id=asked.agreed.effect_id)
            tx.agreed.remember(asked.account, system, record, {field: settled}, now=now)
            side = "our" if keep_ours else "their"
            tx.audit.note(
                "field.settled",
                f"{field} of {system} {record}: {side} value stands",
                now=now,
                account=asked.account,
                actor=by,
                details={"ours": question.ours, "theirs": question.theirs},
            )
            tx.lanes.mark_dirty(
                asked.account, EVALUATE, urgency=Urgency.NORMAL, cause="person:field.settled"
            )
