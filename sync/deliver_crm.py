"""Carrying effects out in a CRM: those of many accounts at once, in as few calls as it allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from domain.effects import FIELDS_RULE, EffectKind
from domain.errors import Bug, Conflict, Gone, KidgloveError
from domain.ids import AccountId
from domain.merge import is_same
from domain.ports import (
    AccountGlance,
    FieldsChange,
    ReadPlan,
    Receipt,
    SurveysAccounts,
    TaskChange,
    WritesCrm,
)
from domain.rows import EVALUATE, EffectMode, LeasedLane, LinkState, StoredEffect
from sync.checkpoints import Checkpoint, reached
from sync.clock import Clock
from sync.confirm import Confirm
from sync.crm_changes import crm_change
from sync.durable import Store, TransactionPort
from sync.guards import is_carried_out, is_late, may_overwrite
from sync.lane_work import AFTER_A_FAULT, LEASE_SECONDS, NOT_NOW, SOON, LaneWork, Tally, earlier
from sync.refresh import ACCOUNT
from sync.splitting import write_what_fits

log = structlog.get_logger()
Lanes = Mapping[AccountId, LeasedLane]
Answer = Receipt | KidgloveError


class KeepsRecords(WritesCrm, SurveysAccounts, Protocol):
    """What a delivery needs of a CRM: to write, and to see whether people were there before."""


@dataclass(frozen=True)
class _Started:
    """One effect under way, and the change that it asks for."""

    effect: StoredEffect
    change: TaskChange | FieldsChange


class CrmEffects:
    """Carries out the effects of leased lanes in one CRM."""

    def __init__(
        self,
        *,
        system: str,
        store: Store,
        clock: Clock,
        crm: KeepsRecords,
        modes: Mapping[EffectKind, EffectMode],
        unstoppable: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._system = system
        self._store = store
        self._clock = clock
        self._crm = crm
        self._modes = modes
        self._unstoppable = unstoppable
        self._work = LaneWork(system=system, store=store, clock=clock)
        self._confirm = Confirm(system=system, store=store, clock=clock)

    def carry_out(
        self, lanes: Lanes, waiting: Mapping[AccountId, Sequence[StoredEffect]], tally: Tally
    ) -> None:
        """Write what waits, each effect ending in a row, and give every lane back."""
        later: dict[AccountId, datetime] = {}
        batch = self._begin(lanes, waiting, later, tally)
        if batch:
            reached(Checkpoint.EFFECT_STARTED)
            batch, answers = self._looked_at(batch)
            due = [one for one in batch if one.effect.id not in answers]
            written = self._write([one.change for one in due])
            answers |= {one.effect.id: said for one, said in zip(due, written, strict=True)}
            reached(Checkpoint.EFFECT_SENT)
            for one in batch:
                account = one.effect.account
                wait = self._ended(lanes[account], one.effect, answers[one.effect.id], tally)
                if wait is not None:
                    later[account] = earlier(later.get(account), wait)
        with self._store.begin() as tx:
            for account, lane in lanes.items():
                until = later.get(account)
                tx.lanes.release(lane, is_done=until is None, not_before=until)

    def _begin(
        self,
        lanes: Lanes,
        waiting: Mapping[AccountId, Sequence[StoredEffect]],
        later: dict[AccountId, datetime],
        tally: Tally,
    ) -> list[_Started]:
        """Start what may be sent now, of every account whose lane is still ours."""
        now = self._clock.now()
        chosen: list[_Started] = []
        strangers: list[StoredEffect] = []
        with self._store.begin() as tx:
            for account, lane in lanes.items():
                try:
                    tx.lanes.hold(lane, seconds=LEASE_SECONDS)
                except Conflict:
                    # The release at the end does nothing to a lane that somebody else has.
                    log.warning("delivery.overtaken", account=account, system=self._system)
                    continue
                record, stance = self._record(tx, account), tx.cases.stance(account)
                for effect in waiting[account]:
                    if effect.not_before is not None and effect.not_before > now:
                        later[account] = earlier(later.get(account), effect.not_before)
                    elif not is_carried_out(effect, self._modes):
                        later[account] = earlier(later.get(account), now + NOT_NOW)
                    elif may_overwrite(effect, stance, now):
                        cause = "the task may have been edited since"
                        tx.lanes.mark_dirty(account, EVALUATE, urgency=lane.urgency, cause=cause)
                        later[account] = earlier(later.get(account), now + SOON)
                    elif is_of_another(effect, record):
                        strangers.append(effect)
                    else:
                        chosen.append(_Started(effect, crm_change(effect, self._system, record)))
            started = tx.effects.start([one.effect.id for one in chosen])
        for effect in strangers:
            reason = "the record is not linked with this account any more"
            self._confirm.withdrawn(effect, lane=lanes[effect.account], reason=reason)
            tally.withdrawn += 1
        return [one for one in chosen if one.effect.id in started]

    def _record(self, tx: TransactionPort, account: AccountId) -> str | None:
        """The id of the account's confirmed record here, or None."""
        return next(
            (
                link.external_id
                for link in tx.links.of(account)
                if link.system == self._system
                and link.kind == ACCOUNT
                and link.state is LinkState.CONFIRMED
            ),
            None,
        )

    # -- fields that people may have changed since

    def _looked_at(self, batch: Sequence[_Started]) -> tuple[list[_Started], dict[int, Answer]]:
        """The batch, where the record is looked at once more before a late write of fields; and
        the answer of each effect that must not be sent for what was seen there."""
        now = self._clock.now()
        late = [
            one
            for one in batch
            if is_late(one.effect, now) and isinstance(one.change, FieldsChange)
        ]
        if not late:
            return list(batch), {}
        seen = self._glances([one.change for one in late if isinstance(one.change, FieldsChange)])
        answers: dict[int, Answer] = {}
        kept: dict[int, _Started] = {}
        for one in late:
            held = _against(one, seen.get(str(one.effect.body["account"]), ()))
            if isinstance(held, KidgloveError):
                answers[one.effect.id] = held
            else:
                kept[one.effect.id] = held
        return [kept.get(one.effect.id, one) for one in batch], answers

    def _glances(
        self, changes: Sequence[FieldsChange]
    ) -> Mapping[str, tuple[AccountGlance, ...] | KidgloveError]:
        ids = sorted({change.account.id for change in changes})
        fields = sorted({name for change in changes for name in change.values})
        try:
            plan = ReadPlan(account_fields=tuple(fields))
            return self._crm.survey_accounts(ids=ids, plan=plan)
        except KidgloveError as problem:
            return dict.fromkeys(ids, problem)
        except self._unstoppable:
            raise
        except Exception as problem:  # noqa: BLE001 # reason: a crash of the connector is each effect's own failure
            log.error("crm.crashed", system=self._system, error=type(problem).__name__)
            crashed = Bug(f"looking at the CRM failed with {type(problem).__name__}")
            return dict.fromkeys(ids, crashed)

    # -- writing

    def _write(self, changes: Sequence[TaskChange | FieldsChange]) -> Sequence[Answer]:
        if not changes:
            return []
        try:
            return write_what_fits(self._crm, changes)
        except KidgloveError as problem:
            return [problem] * len(changes)
        except self._unstoppable:
            raise
        except Exception as problem:  # noqa: BLE001 # reason: a crash of the connector is each effect's own failure
            log.error("crm.crashed", system=self._system, error=type(problem).__name__)
            return [Bug(f"writing to the CRM failed with {type(problem).__name__}")] * len(changes)

    def _ended(
        self, lane: LeasedLane, effect: StoredEffect, answer: Answer, tally: Tally
    ) -> datetime | None:
        """Write down what the CRM said; returns when to try again, if it must be.

        Whatever goes wrong here is of this account alone: the others are written down.
        """
        try:
            if isinstance(answer, KidgloveError):
                wait = self._confirm.failed(effect, answer, lane=lane)
                tally.put_off += int(wait is not None)
                return wait
            self._confirm.written(effect, answer, lane=lane)
        except Conflict:
            log.warning("delivery.overtaken", account=lane.account, system=self._system)
            # If the lane is ours all the same, the effect is open and looked for at once.
            return self._clock.now()
        except self._unstoppable:
            raise
        except Exception as problem:  # noqa: BLE001 # reason: one poisoned account must not cost the others their receipts
            self._work.poisoned(lane, problem)
            return self._clock.now() + AFTER_A_FAULT
        tally.done += 1
        return None


def is_of_another(effect: StoredEffect, record: str | None) -> bool:
    """Whether the fields are those of a record that is not, or no longer, this account's."""
    return effect.kind is EffectKind.WRITE_FIELDS and str(effect.body["account"]) != record


def _against(
    one: _Started, seen: tuple[AccountGlance, ...] | KidgloveError
) -> _Started | KidgloveError:
    """What is left to write where somebody may have been there first.

    A write that a look asked for is asked for anew; of one that is made once, such as a giving
    back, the fields that still hold what it expects.
    """
    if isinstance(seen, KidgloveError):
        return seen
    if len(seen) != 1:
        return Gone("the record is not there any more")
    values = dict(one.effect.body["values"])
    expected = dict(one.effect.body.get("before", {}))
    present = seen[0].fields
    changed = {
        name
        for name, value in values.items()
        if name in expected
        and not is_same(present.get(name), expected[name])
        and not is_same(present.get(name), value)
    }
    if not changed:
        return one
    if one.effect.rule == FIELDS_RULE:
        return Conflict(f"somebody has changed {', '.join(sorted(changed))} since it was read")
    left = {name: value for name, value in values.items() if name not in changed}
    if not left:
        return Gone("somebody has changed every field of it since")
    assert isinstance(one.change, FieldsChange)
    body = {**one.effect.body, "values": left}
    return _Started(replace(one.effect, body=body), replace(one.change, values=left))
