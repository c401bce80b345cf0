"""Carrying effects out: lease the lane, take its effects in order, and let each end in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from domain.errors import Bug, Conflict, KidgloveError
from domain.ids import AccountId
from domain.ports import FieldsChange, Receipt, TaskChange, WritesCrm
from domain.rows import (
    EVALUATE,
    LeasedLane,
    Stance,
    StoredEffect,
)
from sync.checkpoints import Checkpoint, reached
from sync.clock import Clock
from sync.confirm import Confirm
from sync.crm_changes import crm_change
from sync.deliver_payments import PaymentEffects
from sync.durable import Store
from sync.guards import is_wanted, may_overwrite
from sync.receipts import Done
from sync.refresh import ACCOUNT
from sync.splitting import write_what_fits

log = structlog.get_logger()
LEASE_SECONDS = 180.0
"""Longer than the slowest honest series of writes for one account."""
PROBE_AFTER = timedelta(minutes=5)
"""How long a refused credential is left alone before one delivery tries it again."""
SOON = timedelta(seconds=15)
"""How long an effect waits for its account to be judged anew; each wait asks for a judgement, and
while the account cannot be read those must not become a storm."""


@dataclass(frozen=True)
class Delivered:
    """What one run did."""

    done: int
    put_off: int
    withdrawn: int


class Deliver:
    """Delivers the effects of one system. The payments part or the CRM part is given, not both."""

    def __init__(
        self,
        *,
        system: str,
        store: Store,
        clock: Clock,
        owner: str,
        payments: PaymentEffects | None = None,
        crm: WritesCrm | None = None,
        unstoppable: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._system = system
        self._store = store
        self._clock = clock
        self._owner = owner
        self._payments = payments
        self._crm = crm
        self._unstoppable = unstoppable
        self._confirm = Confirm(system=system, store=store, clock=clock)

    def run(self, accounts: Sequence[AccountId]) -> Delivered:
        """Deliver what waits for these accounts. A lane somebody else holds is left to them."""
        lanes: dict[AccountId, LeasedLane] = {}
        waiting: dict[AccountId, list[StoredEffect]] = {}
        stances: dict[AccountId, Stance | None] = {}
        with self._store.begin() as tx:
            is_cut_off = tx.system.is_cut_off(
                self._system, now=self._clock.now(), probe_after=PROBE_AFTER
            )
            # In one order everywhere, as judgements lease them.
            for account in sorted(accounts):
                lane = tx.lanes.lease(
                    account,
                    self._system,
                    owner=self._owner,
                    now=self._clock.now(),
                    seconds=LEASE_SECONDS,
                )
                if lane is None:
                    continue
                lanes[account] = lane
                waiting[account] = tx.effects.open_for(account, self._system)
                stances[account] = tx.cases.stance(account)
        if not lanes:
            return Delivered(0, 0, 0)
        reached(Checkpoint.DELIVERY_LEASED)
        if is_cut_off:
            for lane in lanes.values():
                self._release(lane, self._clock.now() + PROBE_AFTER)
            return Delivered(0, sum(map(len, waiting.values())), 0)
        tally = _Tally()
        if self._crm is not None:
            self._deliver_crm(lanes, waiting, stances, tally)
        else:
            for account, lane in lanes.items():
                try:
                    self._deliver_payments(lane, waiting[account], stances[account], tally)
                except Conflict:
                    self._overtaken(lane)
        if tally.done:
            self._close_circuit()
        return Delivered(tally.done, tally.put_off, tally.withdrawn)

    def _overtaken(self, lane: LeasedLane) -> None:
        """The lease ran out and somebody else has the lane: the rest of it is theirs."""
        log.warning("delivery.overtaken", account=lane.account, system=self._system)

    def _close_circuit(self) -> None:
        """Something was carried out: if the credential was refused before, it is well again."""
        with self._store.begin() as tx:
            if tx.system.close_circuit(self._system):
                tx.audit.note(
                    "circuit.closed", f"{self._system} accepts us again", now=self._clock.now()
                )

    # -- payments: one by one, in order

    def _deliver_payments(
        self,
        lane: LeasedLane,
        effects: Sequence[StoredEffect],
        stance: Stance | None,
        tally: _Tally,
    ) -> None:
        if self._payments is None:
            raise Bug(f"no connector carries out effects for {self._system}")
        later: datetime | None = None
        blocked: set[str] = set()
        for effect in effects:
            now = self._clock.now()
            wanted = is_wanted(effect, stance, now)
            if wanted is False:
                # Also when it is put off: it must not stand in the way of what is wanted now.
                self._confirm.withdrawn(effect, lane=lane)
                tally.withdrawn += 1
                continue
            if effect.not_before is not None and effect.not_before > now:
                later = _earlier(later, effect.not_before)
                blocked.add(effect.subject)
            if effect.subject in blocked:
                # Order is kept for each object: what comes after on it must wait as well.
                continue
            if wanted is None:
                self._ask_judgement(lane, "a fresh judgement is needed before a change")
                later = _earlier(later, now + SOON)
                break
            with self._store.begin() as tx:
                tx.lanes.hold(lane, seconds=LEASE_SECONDS)
                tx.effects.start([effect.id])
            outcome = self._attempt(effect)
            if isinstance(outcome, KidgloveError):
                wait = self._confirm.failed(effect, outcome, lane=lane)
                tally.put_off += int(wait is not None)
                later = _earlier(later, wait) if wait is not None else later
                blocked.add(effect.subject)
                continue
            self._confirm.finished(effect, outcome, lane=lane)
            tally.done += 1
        # Also if nothing was left to do: a predecessor may have died after its last effect, before
        # it came to this line, and the case would wait for news that may never come.
        self._ask_judgement(lane, f"kidglove:delivered {self._system}")
        self._release(lane, later)

    def _attempt(self, effect: StoredEffect) -> Done | KidgloveError:
        if self._payments is None:
            return Bug(f"no connector carries out effects for {self._system}")
        try:
            return self._payments.carry_out(effect)
        except KidgloveError as problem:
            return problem
        except self._unstoppable:
            raise
        except Exception as problem:  # noqa: BLE001 # reason: one poisoned effect must not stop its lane
            log.error("effect.crashed", effect=effect.id, error=type(problem).__name__)
            return Bug(f"effect {effect.id} failed with {type(problem).__name__}")

    # -- CRM: everything at once, in as few calls as the vendor allows

    def _deliver_crm(
        self,
        lanes: dict[AccountId, LeasedLane],
        waiting: dict[AccountId, list[StoredEffect]],
        stances: dict[AccountId, Stance | None],
        tally: _Tally,
    ) -> None:
        if self._crm is None:
            raise Bug(f"no connector writes to {self._system}")
        now = self._clock.now()
        later: dict[AccountId, datetime] = {}
        batch: list[StoredEffect] = []
        changes: list[TaskChange | FieldsChange] = []
        records = self._held_records(lanes)
        for account, crm_id in records.items():
            for effect in waiting[account]:
                if effect.not_before is not None and effect.not_before > now:
                    later[account] = _earlier(later.get(account), effect.not_before)
                    continue
                if may_overwrite(effect, stances[account], now):
                    self._ask_judgement(lanes[account], "the task may have been edited since")
                    later[account] = _earlier(later.get(account), now + SOON)
                    continue
                batch.append(effect)
                changes.append(crm_change(effect, self._system, crm_id))
        if batch:
            with self._store.begin() as tx:
                tx.effects.start([effect.id for effect in batch])
            reached(Checkpoint.EFFECT_STARTED)
            answers = self._write(changes)
            reached(Checkpoint.EFFECT_SENT)
            for effect, answer in zip(batch, answers, strict=True):
                try:
                    wait = self._answered(lanes[effect.account], effect, answer, tally)
                except Conflict:
                    self._overtaken(lanes[effect.account])
                    # If the lane is ours all the same, the effect is open and looked for at once.
                    wait = now
                if wait is not None:
                    later[effect.account] = _earlier(later.get(effect.account), wait)
        with self._store.begin() as tx:
            for account, lane in lanes.items():
                until = later.get(account)
                tx.lanes.release(lane, is_done=until is None, not_before=until)

    def _held_records(self, lanes: Mapping[AccountId, LeasedLane]) -> dict[AccountId, str | None]:
        """The accounts whose lane is still ours, for as long again, each with its CRM record."""
        found: dict[AccountId, str | None] = {}
        with self._store.begin() as tx:
            for account, lane in lanes.items():
                try:
                    tx.lanes.hold(lane, seconds=LEASE_SECONDS)
                except Conflict:
                    self._overtaken(lane)
                    continue
                found[account] = next(
                    (
                        link.external_id
                        for link in tx.links.of(account)
                        if link.system == self._system
                        and link.kind == ACCOUNT
                        and link.state == "confirmed"
                    ),
                    None,
                )
        return found

    def _answered(
        self,
        lane: LeasedLane,
        effect: StoredEffect,
        answer: Receipt | KidgloveError,
        tally: _Tally,
    ) -> datetime | None:
        """Write down what the CRM said; returns when to try again, if it must be."""
        if isinstance(answer, KidgloveError):
            wait = self._confirm.failed(effect, answer, lane=lane)
            tally.put_off += int(wait is not None)
            return wait
        self._confirm.written(effect, answer, lane=lane)
        tally.done += 1
        return None

    def _write(
        self, changes: Sequence[TaskChange | FieldsChange]
    ) -> Sequence[Receipt | KidgloveError]:
        if self._crm is None:
            raise Bug(f"no connector writes to {self._system}")
        try:
            return write_what_fits(self._crm, changes)
        except KidgloveError as problem:
            return [problem] * len(changes)
        except self._unstoppable:
            raise
        except Exception as problem:  # noqa: BLE001 # reason: a crash of the connector is each effect's own failure
            log.error("crm.crashed", system=self._system, error=type(problem).__name__)
            return [Bug(f"writing to the CRM failed with {type(problem).__name__}")] * len(changes)

    def _ask_judgement(self, lane: LeasedLane, cause: str) -> None:
        """As urgent as the delivery: what was quieted for a VIP is certified at once, and ten
        thousand notes on customers that are well are looked at with the bulk."""
        with self._store.begin() as tx:
            tx.lanes.mark_dirty(lane.account, EVALUATE, urgency=lane.urgency, cause=cause)

    def _release(self, lane: LeasedLane, later: datetime | None) -> None:
        with self._store.begin() as tx:
            tx.lanes.release(lane, is_done=later is None, not_before=later)


@dataclass
class _Tally:
    done: int = 0
    put_off: int = 0
    withdrawn: int = 0


def _earlier(one: datetime | None, other: datetime | None) -> datetime:
    times = [moment for moment in (one, other) if moment is not None]
    if not times:
        raise Bug("an effect was put off without a time")
    return min(times)
