"""From stored messages to accounts that must be looked at again. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.effects import key_of_effect
from domain.ids import AccountId, Ref
from domain.ports import Hint, SendsSignals
from domain.rows import InboxRow, InboxState
from sync.checkpoints import Checkpoint, reached
from sync.clock import Clock
from sync.durable import Store, TransactionPort
from sync.linking import CUSTOMER
from sync.notices import Notice, mark_noticed

ROWS = 200
"""Messages of a source that one transaction takes in at most: whatever comes meanwhile waits for
its end."""


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

    def take_in(self, *, limit: int = ROWS) -> Taken:
        """Look at the oldest new messages of each source, one transaction for each: no source keeps
        another one waiting for long. An unreadable message is quarantined with the reason and stops
        nothing; one about nobody we know is ignored with the reason."""
        with self._store.begin() as tx:
            sources = tx.inbox.waiting()
        taken: list[Taken] = []
        problems: list[Exception] = []
        for source in sources:
            try:
                taken.append(self._take_from(source, limit))
            except self._unstoppable:
                raise
            except Exception as problem:  # noqa: BLE001 # reason: one source must not keep the others out
                problems.append(problem)
        if problems:
            raise problems[0]
        return Taken(
            sum(one.looked_at for one in taken),
            sum(one.marked for one in taken),
            sum(one.quarantined for one in taken),
        )

    def _take_from(self, source: str, limit: int) -> Taken:
        read: list[tuple[InboxRow, Sequence[Hint]]] = []
        quarantined = 0
        with self._store.begin() as tx:
            for row in tx.inbox.take_new(source, limit):
                hints = self._hints(row)
                if isinstance(hints, str):
                    quarantined += 1
                    tx.inbox.finish(
                        row.id, InboxState.QUARANTINED, now=self._clock.now(), reason=hints
                    )
                    continue
                read.append((row, hints))
            marked = self._mark(tx, read)
            if read or quarantined:
                reached(Checkpoint.TAKEN_IN)
        return Taken(len(read) + quarantined, marked, quarantined)

    def _hints(self, row: InboxRow) -> Sequence[Hint] | str:
        """What a message says, or why it cannot be read."""
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
        named = [
            text for hint in hints for text in (hint.ref.kind, hint.ref.id, hint.echo_of or "")
        ]
        if not all(text.isprintable() for text in named):
            return "it names a record with characters that no id has"
        return hints

    def _mark(self, tx: TransactionPort, read: Sequence[tuple[InboxRow, Sequence[Hint]]]) -> int:
        """Mark whom these messages name, and say of each message what became of it."""
        news = [
            (row, hints, [one for one in hints if not _is_echo(tx, one)]) for row, hints in read
        ]
        known = self._accounts(tx, [hint.ref for _, _, new in news for hint in new])
        notices: list[Notice] = []
        for row, hints, new in news:
            cause = f"{row.source}:{row.key} {row.topic}"
            told = [
                Notice(account=known[hint.ref], hint=hint, cause=cause)
                for hint in new
                if hint.ref in known
            ]
            notices += told
            if told:
                state, reason = InboxState.DONE, None
            elif len(new) < len(hints):
                state, reason = InboxState.IGNORED, "it is the echo of our own write"
            elif hints:
                state, reason = InboxState.IGNORED, "it names no account we know"
            else:
                state, reason = InboxState.IGNORED, "its kind concerns nothing of ours"
            tx.inbox.finish(
                row.id,
                state,
                now=self._clock.now(),
                reason=reason,
                account=told[0].account if told else None,
            )
        mark_noticed(tx, notices)
        return len(notices)

    def _accounts(self, tx: TransactionPort, refs: Sequence[Ref]) -> dict[Ref, AccountId]:
        """Whose these records are. The first sight of a customer opens an account, unless a person
        has said that it is nobody's."""
        known = tx.links.accounts_of(refs)
        unseen = {ref for ref in refs if ref.kind == CUSTOMER and ref not in known}
        unseen -= tx.links.refused(unseen)
        # In one order everywhere: each is locked until this transaction ends.
        for ref in sorted(unseen, key=str):
            known[ref] = tx.links.open_account(ref, now=self._clock.now())
        return known


def _is_echo(tx: TransactionPort, hint: Hint) -> bool:
    return hint.echo_of is not None and tx.effects.is_ours(key_of_effect(hint.echo_of))
