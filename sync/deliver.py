"""Carrying effects out: lease the lane, take its effects in order, and let each end in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from domain.effects import EffectKind
from domain.errors import Bug, Conflict, KidgloveError
from domain.ids import AccountId
from domain.rows import EffectMode, LeasedLane, StoredEffect
from sync.checkpoints import Checkpoint, reached
from sync.clock import Clock
from sync.confirm import Confirm
from sync.deliver_crm import CrmEffects, KeepsRecords
from sync.deliver_payments import PaymentEffects
from sync.durable import Store
from sync.guards import is_carried_out, is_wanted
from sync.lane_work import LEASE_SECONDS, NOT_NOW, SOON, LaneWork, Tally, earlier
from sync.receipts import Done

log = structlog.get_logger()
PROBE_AFTER = timedelta(minutes=5)
"""How long a refused credential is left alone before what is due then tries it again."""


@dataclass(frozen=True)
class Delivered:
    """What one run did."""

    done: int
    put_off: int
    withdrawn: int


class Deliver:
    """Delivers the effects of one system. The payments part or the CRM part is given, not both.

    What waits while its kind's mode is not `act` is left as it is, until it is.
    """

    def __init__(
        self,
        *,
        system: str,
        store: Store,
        clock: Clock,
        owner: str,
        modes: Mapping[EffectKind, EffectMode],
        payments: PaymentEffects | None = None,
        crm: KeepsRecords | None = None,
        unstoppable: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._system = system
        self._store = store
        self._clock = clock
        self._owner = owner
        self._modes = modes
        self._payments = payments
        self._unstoppable = unstoppable
        self._confirm = Confirm(system=system, store=store, clock=clock)
        self._work = LaneWork(system=system, store=store, clock=clock)
        self._crm = (
            CrmEffects(
                system=system,
                store=store,
                clock=clock,
                crm=crm,
                modes=modes,
                unstoppable=unstoppable,
            )
            if crm is not None
            else None
        )

    def run(self, accounts: Sequence[AccountId]) -> Delivered:
        """Deliver what waits for these accounts. A lane somebody else holds is left to them."""
        lanes: dict[AccountId, LeasedLane] = {}
        waiting: dict[AccountId, list[StoredEffect]] = {}
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
        if not lanes:
            return Delivered(0, 0, 0)
        reached(Checkpoint.DELIVERY_LEASED)
        if is_cut_off:
            for lane in lanes.values():
                self._work.release(lane, self._clock.now() + PROBE_AFTER)
            return Delivered(0, sum(map(len, waiting.values())), 0)
        tally = Tally()
        if self._crm is not None:
            self._deliver_crm(lanes, waiting, tally)
        else:
            for account, lane in lanes.items():
                self._deliver_one(lane, waiting[account], tally)
        if tally.done:
            self._close_circuit()
        return Delivered(tally.done, tally.put_off, tally.withdrawn)

    def _close_circuit(self) -> None:
        """Something was carried out: if the credential was refused before, it is well again, and
        whatever waits for it may go on."""
        with self._store.begin() as tx:
            if tx.system.close_circuit(self._system):
                tx.lanes.wake(self._system)
                tx.audit.note(
                    "circuit.closed", f"{self._system} accepts us again", now=self._clock.now()
                )

    # -- CRM: everything at once

    def _deliver_crm(
        self,
        lanes: Mapping[AccountId, LeasedLane],
        waiting: Mapping[AccountId, Sequence[StoredEffect]],
        tally: Tally,
    ) -> None:
        if self._crm is None:
            raise Bug(f"no connector writes to {self._system}")
        try:
            self._crm.carry_out(lanes, waiting, tally)
        except Conflict:
            for lane in lanes.values():
                self._work.overtaken(lane)

    # -- payments: one by one, in order

    def _deliver_one(self, lane: LeasedLane, effects: Sequence[StoredEffect], tally: Tally) -> None:
        """What waits for one account; its trouble is its own."""
        try:
            self._deliver_payments(lane, effects, tally)
        except Conflict:
            self._work.overtaken(lane)
        except self._unstoppable:
            raise
        except Exception as problem:  # noqa: BLE001 # reason: one poisoned account must not stop the batch
            self._work.poisoned(lane, problem)

    def _deliver_payments(
        self, lane: LeasedLane, effects: Sequence[StoredEffect], tally: Tally
    ) -> None:
        later: datetime | None = None
        blocked: set[str] = set()
        for effect in effects:
            now = self._clock.now()
            is_put_off = effect.not_before is not None and effect.not_before > now
            is_sent = is_carried_out(effect, self._modes)
            may_start = is_sent and not is_put_off and effect.subject not in blocked
            wanted, is_started = self._begin(lane, effect, may_start=may_start)
            if wanted is False:
                # Also when it is put off: it must not stand in the way of what is wanted now.
                self._confirm.withdrawn(effect, lane=lane)
                tally.withdrawn += 1
                continue
            if is_put_off:
                later = earlier(later, effect.not_before)
                blocked.add(effect.subject)
            elif not is_sent:
                later = earlier(later, now + NOT_NOW)
                blocked.add(effect.subject)
            if effect.subject in blocked:
                # Order is kept for each object: what comes after on it must wait as well.
                continue
            if wanted is None:
                self._work.ask_judgement(lane, "a fresh judgement is needed before a change")
                later = earlier(later, now + SOON)
                break
            if not is_started:
                continue
            outcome = self._attempt(effect)
            if isinstance(outcome, KidgloveError):
                wait = self._confirm.failed(effect, outcome, lane=lane)
                tally.put_off += int(wait is not None)
                later = earlier(later, wait) if wait is not None else later
                blocked.add(effect.subject)
                continue
            self._confirm.finished(effect, outcome, lane=lane)
            tally.done += 1
        # Also if nothing was left to do: a predecessor may have died after its last effect, before
        # it came to this line, and the case would wait for news that may never come.
        # What only rests brings no news.
        if not effects or any(is_carried_out(effect, self._modes) for effect in effects):
            self._work.ask_judgement(lane, f"kidglove:delivered {self._system}")
        self._work.release(lane, later)

    def _begin(
        self, lane: LeasedLane, effect: StoredEffect, *, may_start: bool
    ) -> tuple[bool | None, bool]:
        """Whether it is wanted by the newest judgement, and whether it was started: that judgement
        and the start are one transaction."""
        with self._store.begin() as tx:
            tx.lanes.hold(lane, seconds=LEASE_SECONDS)
            wanted = is_wanted(effect, tx.cases.stance(lane.account), self._clock.now())
            starts = bool(wanted) and may_start
            return wanted, starts and effect.id in tx.effects.start([effect.id])

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
