"""From stored messages to accounts that must be looked at again. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.ids import AccountId
from domain.ports import Hint, SendsSignals
from domain.rows import EVALUATE, InboxRow, InboxState, Urgency
from sync.checkpoints import Checkpoint, reached
from sync.clock import Clock
from sync.durable import Store, TransactionPort

CUSTOMER = "customer"
"""The kind of record whose first sight opens an account; any other must be linked already."""


@dataclass(frozen=True)
class Taken:
    """What became of one batch of messages."""

    looked_at: int
    marked: int
    quarantined: int


class Intake:
    """Turns inbox rows into dirty lanes. `signals` is by source name, as the rows carry it."""

    def __init__(
        self,
        store: Store,
        signals: Mapping[str, SendsSignals],
        clock: Clock,
        *,
        unstoppable: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._store = store
        self._signals = signals
        self._clock = clock
        self._unstoppable = unstoppable

    def take_in(self, *, limit: int = 200) -> Taken:
        """Look at the oldest new messages in one transaction. An unreadable one is quarantined
        with the reason and stops nothing; one about nobody we know is ignored with the reason."""
        marked = quarantined = 0
        with self._store.begin() as tx:
            rows = tx.inbox.take_new(limit)
            for row in rows:
                reason = self._unreadable(row)
                if reason is not None:
                    quarantined += 1
                    tx.inbox.finish(
                        row.id, InboxState.QUARANTINED, now=self._clock.now(), reason=reason
                    )
                    continue
                marked += self._mark(tx, row)
            if rows:
                reached(Checkpoint.TAKEN_IN)
        return Taken(len(rows), marked, quarantined)

    def _unreadable(self, row: InboxRow) -> str | None:
        signals = self._signals.get(row.source)
        if signals is None:
            return f"no connector named {row.source} is configured"
        try:
            hints = signals.hints(row.body)
        except ValueError as problem:
            return str(problem)
        except self._unstoppable:
            raise
        except Exception as problem:  # noqa: BLE001 # reason: nothing in a message may stop the others
            return f"it cannot be read ({type(problem).__name__})"
        named = [text for hint in hints for text in (hint.ref.id, hint.echo_of or "")]
        if not all(text.isprintable() for text in named):
            return "it names a record with characters that no id has"
        return None

    def _mark(self, tx: TransactionPort, row: InboxRow) -> int:
        now = self._clock.now()
        hints = self._signals[row.source].hints(row.body)
        accounts: list[AccountId] = []
        echoes = 0
        for hint in hints:
            if hint.echo_of is not None and tx.effects.is_ours(hint.echo_of):
                echoes += 1
                continue
            account = self._account(tx, hint)
            if account is None:
                continue
            accounts.append(account)
            tx.lanes.mark_dirty(
                account,
                EVALUATE,
                urgency=urgency_of(tx, account, hint),
                cause=f"{row.source}:{row.key} {row.topic}",
            )
        if accounts:
            tx.inbox.finish(row.id, InboxState.DONE, now=now, account=accounts[0])
            return len(accounts)
        if echoes:
            reason = "it is the echo of our own write"
        else:
            reason = "it names no account we know" if hints else "its kind concerns nothing of ours"
        tx.inbox.finish(row.id, InboxState.IGNORED, now=now, reason=reason)
        return 0

    def _account(self, tx: TransactionPort, hint: Hint) -> AccountId | None:
        if hint.ref.kind == CUSTOMER:
            return tx.links.open_account(hint.ref, now=self._clock.now())
        return tx.links.account_of(hint.ref)


def urgency_of(tx: TransactionPort, account: AccountId, hint: Hint) -> Urgency:
    """An account that people handle goes first; who that is was judged the last time.

    News of a payment may be a failure. News of a CRM record without a case is neither: thousands
    of them come at once when somebody imports a list, and nobody's failure waits behind those.
    """
    stance = tx.cases.stance(account)
    is_vip = stance is not None and stance.intercepts
    if stance is not None and stance.wants_quiet:
        return Urgency.VIP
    if hint.ref.kind == CUSTOMER:
        return Urgency.VIP if is_vip else Urgency.NORMAL
    latest = tx.cases.latest(account)
    has_case = latest is not None and latest.case.is_open
    return Urgency.NORMAL if has_case or is_vip else Urgency.BULK
