"""A lane per account and kind of work: who may touch it now, and whether something changed
meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.errors import Conflict
from domain.ids import AccountId
from domain.rows import EVALUATE, LeasedLane, Mark, Urgency

CHANNEL = "kidglove"
"""The notification that wakes the relay; losing one costs a second, the sweep finds the lane."""


@dataclass(frozen=True, kw_only=True)
class DueLane:
    """One lane that the relay may send to a worker."""

    account: AccountId
    kind: str
    urgency: Urgency
    seq: int
    fence: int
    waited_seconds: float = 0.0


class LeaseLost(Conflict):
    """Another worker holds the lane by now: whatever was computed here must not be written."""

    code = "lease_lost"


class Lanes:
    """The lanes over one transaction. Lease times are the database's own clock, never a
    worker's."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def mark_dirty(
        self, account: AccountId, kind: str, *, urgency: Urgency = Urgency.NORMAL, cause: str
    ) -> None:
        """Say that the lane must be looked at again. Never lost: the sequence only grows.

        A lane that waits already keeps its cause beside one from another source: what was asked
        for by the first (a look into every CRM, say) is not lost by the second.
        """
        self.mark_all_dirty({account: Mark(urgency, cause)}, kind)

    def mark_all_dirty(self, marks: Mapping[AccountId, Mark], kind: str) -> None:
        """`mark_dirty` for many accounts, in one statement and in the order of their numbers: who
        takes lanes in another order may wait for somebody who waits for it."""
        if not marks:
            return
        self._connection.execute(
            sa.text(
                """
                INSERT INTO lanes (account_id, kind, urgency, dirty_seq, dirty_at, cause)
                SELECT account, :kind, urgency, 1, clock_timestamp(), cause
                FROM unnest(CAST(:accounts AS bigint[]), CAST(:urgencies AS smallint[]),
                            CAST(:causes AS text[]))
                  AS marked(account, urgency, cause)
                ORDER BY account
                ON CONFLICT (account_id, kind) DO UPDATE SET
                  dirty_seq = lanes.dirty_seq + 1,
                  dirty_at = CASE WHEN lanes.dirty_seq > lanes.done_seq
                                  THEN lanes.dirty_at ELSE clock_timestamp() END,
                  urgency = LEAST(lanes.urgency, excluded.urgency),
                  not_before = NULL,
                  cause = CASE
                    WHEN lanes.dirty_seq <= lanes.done_seq THEN excluded.cause
                    WHEN position(' + ' IN lanes.cause) > 0 THEN lanes.cause
                    WHEN split_part(lanes.cause, ':', 1) = split_part(excluded.cause, ':', 1)
                    THEN excluded.cause
                    ELSE lanes.cause || ' + ' || excluded.cause END
                """
            ),
            {
                "accounts": list(marks),
                "urgencies": [int(mark.urgency) for mark in marks.values()],
                "causes": [mark.cause for mark in marks.values()],
                "kind": kind,
            },
        )
        # Nobody waits for bulk work: the relay finds it when it next looks.
        if any(mark.urgency is not Urgency.BULK for mark in marks.values()):
            self._wake_relay()

    def due(
        self, now: datetime, kind: str, urgency: Urgency, *, resend_seconds: float, limit: int
    ) -> list[DueLane]:
        """Dirty lanes of one kind and urgency that nobody holds, longest waiting first.

        A lane that was sent and not taken is due again after `resend_seconds`.
        """
        rows = self._connection.execute(
            sa.text(
                """
                SELECT account_id, kind, urgency, dirty_seq, fence,
                  extract(epoch FROM clock_timestamp() - dirty_at) AS waited FROM lanes
                WHERE dirty_seq > done_seq AND kind = :kind AND urgency = :urgency
                  AND (not_before IS NULL OR not_before <= :now)
                  AND (lease_until IS NULL OR lease_until < clock_timestamp())
                  AND (sent_seq < dirty_seq
                       OR sent_at < clock_timestamp() - make_interval(secs => :resend))
                ORDER BY dirty_at LIMIT :limit
                """
            ),
            {
                "now": now,
                "kind": kind,
                "urgency": int(urgency),
                "resend": resend_seconds,
                "limit": limit,
            },
        )
        return [
            DueLane(
                account=AccountId(row.account_id),
                kind=row.kind,
                urgency=Urgency(row.urgency),
                seq=row.dirty_seq,
                fence=row.fence,
                waited_seconds=float(row.waited),
            )
            for row in rows
        ]

    def has_bulk(self, now: datetime, kind: str) -> bool:
        """Whether bulk work of this kind is due or under way."""
        found = self._connection.execute(
            sa.text(
                """
                SELECT EXISTS (SELECT FROM lanes WHERE urgency = :bulk AND kind = :kind
                  AND dirty_seq > done_seq AND (not_before IS NULL OR not_before <= :now))
                """
            ),
            {"bulk": int(Urgency.BULK), "kind": kind, "now": now},
        )
        return bool(found.scalar())

    def mark_sent(self, lanes: Sequence[DueLane]) -> None:
        """Note that a job for these lanes was put on a queue.

        A lane that a worker took since it was found due is left: that worker may have put it off
        already, and it would then wait for `resend_seconds` instead of its own time. So is one
        that somebody holds at this moment: it is sent a second time, which costs a look.
        """
        self._connection.execute(
            sa.text(
                """
                WITH untouched AS (
                  SELECT account_id, lanes.kind, sent.seq FROM lanes
                  JOIN unnest(CAST(:accounts AS bigint[]), CAST(:kinds AS text[]),
                              CAST(:seqs AS bigint[]), CAST(:fences AS bigint[]))
                    AS sent(account, kind, seq, fence)
                  ON account_id = sent.account AND lanes.kind = sent.kind
                    AND lanes.fence = sent.fence
                  FOR UPDATE OF lanes SKIP LOCKED
                )
                UPDATE lanes SET sent_seq = untouched.seq, sent_at = clock_timestamp()
                FROM untouched
                WHERE lanes.account_id = untouched.account_id AND lanes.kind = untouched.kind
                """
            ),
            {
                "accounts": [lane.account for lane in lanes],
                "kinds": [lane.kind for lane in lanes],
                "seqs": [lane.seq for lane in lanes],
                "fences": [lane.fence for lane in lanes],
            },
        )

    def lease(
        self, account: AccountId, kind: str, *, owner: str, now: datetime, seconds: float
    ) -> LeasedLane | None:
        """Take the lane if it is dirty, due and free; None otherwise. The fence grows with each
        lease."""
        row = self._connection.execute(
            sa.text(
                """
                UPDATE lanes SET owner = :owner, fence = fence + 1,
                  lease_until = clock_timestamp() + make_interval(secs => :seconds)
                WHERE account_id = :account AND kind = :kind AND dirty_seq > done_seq
                  AND (lease_until IS NULL OR lease_until < clock_timestamp())
                  AND (not_before IS NULL OR not_before <= :now)
                RETURNING fence, dirty_seq, urgency, cause
                """
            ),
            {"owner": owner, "seconds": seconds, "account": account, "kind": kind, "now": now},
        ).first()
        if row is None:
            return None
        return LeasedLane(
            account=account,
            kind=kind,
            fence=row.fence,
            seq=row.dirty_seq,
            urgency=Urgency(row.urgency),
            cause=row.cause,
        )

    def hold(self, lane: LeasedLane, *, seconds: float | None = None) -> None:
        """Check, and lock until this transaction ends, that the lane is still ours; else
        `LeaseLost`.

        With `seconds` the lease is made that long again from now. The account's lane of judging
        is locked first, whoever holds it: what judges and what delivers would wait for each other
        otherwise, and a judgement is never committed between a guard and what follows from it.
        """
        place = {"account": lane.account, "kind": lane.kind}
        locked = self._connection.execute(
            sa.text(
                """
                SELECT kind, fence FROM lanes
                WHERE account_id = :account AND kind IN (:evaluate, :kind)
                ORDER BY kind <> :evaluate FOR UPDATE
                """
            ),
            {**place, "evaluate": EVALUATE},
        )
        if (lane.kind, lane.fence) not in [(row.kind, row.fence) for row in locked]:
            raise LeaseLost(f"lane {lane.kind} of account {lane.account} was taken over")
        if seconds is not None:
            self._connection.execute(
                sa.text(
                    """
                    UPDATE lanes
                    SET lease_until = clock_timestamp() + make_interval(secs => :seconds)
                    WHERE account_id = :account AND kind = :kind
                    """
                ),
                {**place, "seconds": seconds},
            )

    def release(
        self, lane: LeasedLane, *, is_done: bool, not_before: datetime | None = None
    ) -> None:
        """Give the lane back. Done counts only up to what was read: a later notice keeps it dirty.

        A lost lease releases nothing and is no error.
        """
        is_due = self._connection.execute(
            sa.text(
                """
                UPDATE lanes SET lease_until = NULL, owner = NULL,
                  done_seq = CASE WHEN :done THEN :seq ELSE done_seq END,
                  sent_seq = CASE WHEN :done THEN sent_seq ELSE 0 END,
                  not_before = CASE WHEN :done AND dirty_seq = :seq THEN NULL
                                    WHEN dirty_seq > :seq THEN NULL
                                    ELSE CAST(:not_before AS timestamptz) END,
                  urgency = CASE WHEN :done AND dirty_seq = :seq THEN 9 ELSE urgency END
                WHERE account_id = :account AND kind = :kind AND fence = :fence
                RETURNING dirty_seq > done_seq AND not_before IS NULL
                """
            ),
            {
                "done": is_done,
                "seq": lane.seq,
                "not_before": not_before,
                "account": lane.account,
                "kind": lane.kind,
                "fence": lane.fence,
            },
        ).scalar()
        if is_due:
            self._wake_relay()

    def take_away(self, accounts: Collection[AccountId], kind: str) -> None:
        """Whoever holds one of these lanes now can write nothing more: what they know is outdated.

        The lane itself stays taken until its lease runs out, so that a call that they have made
        already has come to its end before anybody else makes one.
        """
        self._connection.execute(
            sa.text(
                """
                WITH held AS (
                  SELECT account_id FROM lanes WHERE kind = :kind
                    AND account_id = ANY(CAST(:accounts AS bigint[]))
                    AND lease_until > clock_timestamp()
                  ORDER BY account_id FOR UPDATE
                )
                UPDATE lanes SET fence = fence + 1 FROM held
                WHERE lanes.account_id = held.account_id AND kind = :kind
                """
            ),
            {"accounts": list(accounts), "kind": kind},
        )

    def wake(self, kind: str) -> int:
        """Let every waiting lane of this kind run at once (its circuit closed, its config
        changed)."""
        result = self._connection.execute(
            sa.text(
                """
                WITH waiting AS (
                  SELECT account_id FROM lanes WHERE kind = :kind AND dirty_seq > done_seq
                  ORDER BY account_id FOR UPDATE
                )
                UPDATE lanes SET not_before = NULL, sent_seq = 0 FROM waiting
                WHERE lanes.account_id = waiting.account_id AND kind = :kind
                """
            ),
            {"kind": kind},
        )
        self._wake_relay()
        return result.rowcount

    def _wake_relay(self) -> None:
        self._connection.execute(sa.text(f"NOTIFY {CHANNEL}"))

    def dirty_count(self) -> dict[str, int]:
        """How many lanes of each kind wait or run."""
        rows = self._connection.execute(
            sa.text("SELECT kind, count(*) FROM lanes WHERE dirty_seq > done_seq GROUP BY kind")
        )
        return dict(iter(rows))

    def next_wake(self) -> datetime | None:
        """The earliest time for which a waiting lane is put off, or None."""
        value: datetime | None = self._connection.execute(
            sa.text("SELECT min(not_before) FROM lanes WHERE dirty_seq > done_seq")
        ).scalar()
        return value
