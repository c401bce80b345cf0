"""Judging leased accounts: read the truth, ask `decide`, and commit what should follow as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from domain.decide import choose, decide, wants_quiet
from domain.effects import Effect, EffectKind, Target
from domain.errors import Conflict
from domain.ids import AccountId, CaseId
from domain.intercepting import intercepts
from domain.leaf import Known
from domain.policy import Elsewhere
from domain.rows import (
    EVALUATE,
    EffectMode,
    EffectState,
    LeasedLane,
    Stance,
    StoredCase,
    Urgency,
)
from domain.situation import Decision, Names, Situation
from sync.breaker import Counted, as_unasked, is_unasked, stops, was_shown
from sync.checkpoints import Checkpoint, reached
from sync.clock import Clock
from sync.configs import Config, Configs
from sync.durable import Store, TransactionPort
from sync.field_effects import field_effects, keep_look, writable
from sync.pictures import PictureCodec
from sync.recalling import recall
from sync.refresh import Refresh, Refreshed, Remembered
from sync.remembering import remember, tell_errors
from sync.rereading import RETRY_AFTER, read_again_after

log = structlog.get_logger()
LEASE_SECONDS = 200.0
"""Longer than a job may run; a dead worker's lane is free again after it."""
TRY_AGAIN_AFTER = timedelta(hours=6)
"""After how long a quieting or a giving back that was given up is tried again, unasked: silence
and what was found before it are owed whatever happened, and a person has been told already."""
OWED = frozenset(
    {
        EffectKind.QUIET_INVOICE,
        EffectKind.QUIET_SUBSCRIPTION,
        EffectKind.RESTORE_INVOICE,
        EffectKind.RESTORE_SUBSCRIPTION,
    }
)
"""Commands that come back by themselves. Nothing that moves money is among them."""
UNHURRIED = frozenset({EffectKind.WRITE_FIELDS, EffectKind.WRITE_CUSTOMER})
"""Writes that go at the pace of whatever asked for the judgement."""
ADMIN = "admin"
"""The system name of effects that are carried out in our own store."""
NO_CRM = "crm"
"""Where a task would go while no CRM is connected: it is made anew as soon as one is."""


@dataclass(frozen=True)
class Evaluated:
    """What one run did."""

    judged: int
    effects: int
    skipped: int


class Evaluate:
    """Evaluates accounts. Running it twice, at once or late changes nothing more than once."""

    def __init__(
        self,
        *,
        store: Store,
        refresh: Refresh,
        configs: Configs,
        clock: Clock,
        names: Names,
        modes: Mapping[EffectKind, EffectMode],
        owner: str,
        codec: PictureCodec,
        unstoppable: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._configs = configs
        self._clock = clock
        self._names = names
        self._modes = modes
        self._owner = owner
        self._codec = codec
        self._unstoppable = unstoppable
        self._counted = Counted()

    def run(self, accounts: Sequence[AccountId]) -> Evaluated:
        """Lease, read in one batch, decide and commit each. A lane somebody else holds is left."""
        leased: list[LeasedLane] = []
        remembered: dict[AccountId, Remembered] = {}
        with self._store.begin() as tx:
            config = self._configs.current(tx, self._clock.now())
            # In one order everywhere: two jobs with some of the same accounts wait for each other
            # otherwise, each for a lane that the other holds.
            for account in sorted(accounts):
                lane = tx.lanes.lease(
                    account,
                    EVALUATE,
                    owner=self._owner,
                    now=self._clock.now(),
                    seconds=LEASE_SECONDS,
                )
                if lane is None:
                    continue
                leased.append(lane)
                remembered[account] = recall(tx, account, cause=lane.cause)
        if not leased:
            return Evaluated(0, 0, len(accounts))
        self._counted = Counted()
        reached(Checkpoint.LEASED)
        facts = self._refresh.read(list(remembered.values()), config)
        reached(Checkpoint.REFRESHED)
        made = 0
        for lane in leased:
            try:
                made += self._one(lane, remembered[lane.account], facts[lane.account], config)
            except self._unstoppable:
                raise
            except Exception as problem:  # noqa: BLE001 # reason: one poisoned account must not stop the batch
                self._poisoned(lane, problem)
        return Evaluated(len(leased), made, len(accounts) - len(leased))

    def _one(self, lane: LeasedLane, before: Remembered, read: Refreshed, config: Config) -> int:
        now = self._clock.now()
        situation = Situation(
            account=lane.account,
            case=before.case.case if before.case else None,
            facts=read.facts,
            ledger=before.ledger,
            policy=config.policy,
            calendar=config.calendar,
            now=now,
            names=replace(self._names, crm=read.crm.title) if read.crm else self._names,
            fallback=self._refresh.crms.fallback(read.crm),
            was_intercepting=before.was_intercepting,
        )
        decision = decide(situation)
        reached(Checkpoint.DECIDED)
        try:
            with self._store.begin() as tx:
                tx.lanes.hold(lane)
                made = self._commit(tx, lane, before, read, config, situation, decision)
                reached(Checkpoint.BEFORE_COMMIT)
        except Conflict:
            # Somebody else judged it meanwhile: whatever is true now will be judged again.
            with self._store.begin() as tx:
                tx.lanes.release(lane, is_done=False)
            return 0
        reached(Checkpoint.COMMITTED)
        return made

    def _poisoned(self, lane: LeasedLane, problem: Exception) -> None:
        """Judging this account failed in a way nobody foresaw: say so, and try again later."""
        now = self._clock.now()
        log.error("evaluate.failed", account=lane.account, error=type(problem).__name__)
        with self._store.begin() as tx:
            tx.audit.raise_alert(
                f"evaluate-failed:{lane.account}:{type(problem).__name__}",
                f"Account {lane.account} cannot be judged ({type(problem).__name__}). It is tried "
                "again every few minutes; nothing of it is changed or released.",
                rule="evaluate.failed",
                now=now,
                account=lane.account,
            )
            tx.lanes.release(lane, is_done=False, not_before=now + 10 * RETRY_AFTER)

    def _commit(
        self,
        tx: TransactionPort,
        lane: LeasedLane,
        before: Remembered,
        read: Refreshed,
        config: Config,
        situation: Situation,
        decision: Decision,
    ) -> int:
        now = situation.now
        remember(tx, self._codec, lane.account, read, now)
        tell_errors(tx, lane.account, read, now)
        if decision.ledger and tx.cases.ledger(lane.account) != before.ledger:
            raise Conflict("a delivery has changed what is quiet since it was read")
        case_id = self._save_case(tx, before.case, decision, read)
        for row in decision.ledger:
            tx.cases.save_suppression(lane.account, row)
        if decision.timers is not None:
            tx.cases.replace_timers(lane.account, decision.timers)
            tx.cases.take_stance(
                lane.account,
                Stance(
                    wants_quiet=wants_quiet(decision),
                    evaluated_at=now,
                    intercepts=self._intercepts(situation),
                    judged_by=config.label,
                ),
                decision.certificate,
            )
        else:
            self._say_unknown(tx, lane.account, decision)
        made = sum(
            self._add(tx, lane, effect, self._system(effect, read), case_id=case_id, config=config)
            for effect in decision.effects
        )
        unasked = is_unasked(lane.cause, decision.case, before.case.case if before.case else None)
        made += self._project(tx, lane, read, config, decision, case_id=case_id, unasked=unasked)
        if decision.case is not None and not decision.case.is_open:
            wanted = {effect.subject for effect in decision.effects}
            tx.effects.drop_waiting_tasks(lane.account, keep=wanted, now=now)
        if decision.reasons or made:
            tx.audit.note(
                "decision",
                "; ".join(reason.text for reason in decision.reasons) or "effects renewed",
                now=now,
                account=lane.account,
                case_id=case_id,
                details={
                    "cause": lane.cause,
                    "config": config.label,
                    "rules": [reason.rule for reason in decision.reasons],
                    "reasons": [reason.text for reason in decision.reasons],
                    "state": decision.case.state if decision.case else None,
                    "quiet": decision.certificate.state if decision.certificate else None,
                },
            )
        wait = read_again_after(before, read)
        tx.lanes.release(lane, is_done=wait is None, not_before=now + wait if wait else None)
        return made

    def _project(
        self,
        tx: TransactionPort,
        lane: LeasedLane,
        read: Refreshed,
        config: Config,
        decision: Decision,
        *,
        case_id: CaseId | None,
        unasked: bool,
    ) -> int:
        """The mapped fields, in the CRM of the task and in the others if the policy says so; and on
        the customer what the CRM of the task says of it."""
        pictures = [read.facts.crm.value] if isinstance(read.facts.crm, Known) else []
        if config.policy.crm.elsewhere is Elsewhere.FIELDS:
            pictures += read.elsewhere
        made = 0
        asked: set[str] = set()
        for one in pictures:
            record = one.account
            found = field_effects(
                tx,
                lane.account,
                one,
                decision.ours,
                config.mappings[record.system],
                payments=writable(read.facts, one),
                now=self._clock.now(),
            )
            if found.effects:
                self._refuse_if_replaced(tx, config)
            keep_look(tx, lane.account, found, now=self._clock.now())
            for each in found.effects:
                counts = unasked and not was_shown(
                    tx, lane.account, each, record.system, self._clock.now(), self._counted
                )
                effect = as_unasked(each) if counts else each
                system = (
                    self._refresh.payments_system
                    if effect.kind.target is Target.PAYMENTS
                    else record.system
                )
                made += self._add(tx, lane, effect, system, case_id=case_id, config=config)
                if self._mode(effect) is not EffectMode.OFF:
                    asked.add(effect.subject)
        looked_at = {one.account.system for one in pictures}
        if pictures and config.policy.crm.elsewhere is not Elsewhere.FIELDS:
            # What waits for another CRM from before is not asked for any more.
            looked_at.update(config.mappings)
        if any(writable(read.facts, one) is not None for one in pictures):
            looked_at.add(self._refresh.payments_system)
        if decision.ours:
            now = self._clock.now()
            tx.effects.drop_waiting_fields(lane.account, looked_at, keep=asked, now=now)
        return made

    def _refuse_if_replaced(self, tx: TransactionPort, config: Config) -> None:
        """What a mapping wanted that was replaced while this account was read is not written down:
        nobody would take it back any more."""
        if self._configs.current(tx, self._clock.now()).label != config.label:
            raise Conflict("another version came into force while this account was judged")

    def _say_unknown(self, tx: TransactionPort, account: AccountId, decision: Decision) -> None:
        """What could not be read is not shown as quiet; no guard takes it for a fresh judgement."""
        stance = tx.cases.stance(account)
        if stance is not None and decision.certificate is not None:
            tx.cases.take_stance(account, stance, decision.certificate)

    def _save_case(
        self,
        tx: TransactionPort,
        before: StoredCase | None,
        decision: Decision,
        read: Refreshed,
    ) -> CaseId | None:
        case = decision.case
        if case is None:
            return None
        if before is not None and before.case == case:
            return before.id
        mrr = read.facts.payments.value.mrr_now if isinstance(read.facts.payments, Known) else None
        return tx.cases.save(case, before=before, arr_minor=mrr.minor * 12 if mrr else None)

    def _intercepts(self, situation: Situation) -> bool:
        return intercepts(choose(situation).tier)

    def _add(
        self,
        tx: TransactionPort,
        lane: LeasedLane,
        effect: Effect,
        system: str,
        *,
        case_id: CaseId | None,
        config: Config,
    ) -> int:
        now = self._clock.now()
        if effect.kind is EffectKind.ALERT:
            text = str(effect.body.get("text", ""))
            new = tx.audit.raise_alert(
                effect.key, text, rule=effect.rule, now=now, account=lane.account
            )
            return int(new)
        if system == NO_CRM:
            tx.audit.raise_alert(
                NO_CRM,
                "No CRM is connected, so nobody gets a task about a failed payment.",
                rule="crm.none",
                now=now,
                account=None,
            )
            return 0
        mode = self._mode(effect)
        if mode is EffectMode.OFF:
            return 0
        # What is written on a customer counts against the mapping of the CRM that says so.
        crm = str(effect.body.get("system", system))
        mapping = config.mappings.get(crm)
        acts = mode is EffectMode.ACT
        state = EffectState.WAITING if acts else EffectState.OBSERVED
        if acts and mapping is not None:
            stopped = stops(
                tx, lane.account, effect, system, (crm, mapping.limits), now, self._counted
            )
            if stopped is not None:
                effect, state = stopped, EffectState.STOPPED
        is_new = tx.effects.add(
            lane.account,
            effect,
            case_id=case_id,
            system=system,
            state=state,
            cause=lane.cause,
            config_version=config.label,
            now=now,
        )
        if not is_new and acts:
            is_new = tx.effects.act_on_observed(effect.key) or (
                effect.kind in OWED
                and tx.effects.revive(effect.key, ended_before=now - TRY_AGAIN_AFTER)
            )
        if is_new and acts and state is not EffectState.STOPPED:
            urgency = lane.urgency if effect.kind in UNHURRIED else Urgency.VIP
            tx.lanes.mark_dirty(lane.account, system, urgency=urgency, cause=lane.cause)
        return int(is_new)

    def _mode(self, effect: Effect) -> EffectMode:
        return self._modes.get(effect.kind, EffectMode.ACT)

    def _system(self, effect: Effect, read: Refreshed) -> str:
        match effect.kind.target:
            case Target.PAYMENTS:
                return self._refresh.payments_system
            case Target.CRM:
                return read.crm.system if read.crm else NO_CRM
            case Target.ADMIN:
                return ADMIN
