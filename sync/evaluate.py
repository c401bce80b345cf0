"""Judging leased accounts: read the truth, ask `decide`, and commit what should follow as rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from domain.decide import choose, decide, wants_quiet
from domain.effects import Effect, EffectKind, Target
from domain.errors import (
    Bug,
    Conflict,
    Gone,
    KidgloveError,
    Misconfigured,
    Unauthorized,
)
from domain.facts import CrmPicture, PaymentPicture
from domain.ids import AccountId, CaseId
from domain.intercepting import intercepts
from domain.leaf import Known
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
from sync.checkpoints import Checkpoint, reached
from sync.clock import Clock
from sync.configs import Config, Configs
from sync.durable import Store, TransactionPort
from sync.field_effects import field_effects
from sync.pictures import PictureCodec
from sync.refresh import Refresh, Refreshed, Remembered
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
ADMIN = "admin"
"""The system name of effects that are carried out in our own store."""


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

    def run(self, accounts: Sequence[AccountId]) -> Evaluated:
        """Lease, read in one batch, decide and commit each. A lane somebody else holds is left."""
        leased: list[LeasedLane] = []
        remembered: dict[AccountId, Remembered] = {}
        with self._store.begin() as tx:
            config = self._configs.current(tx, self._clock.now())
            for account in accounts:
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
                remembered[account] = Remembered(
                    account=account,
                    links=tuple(tx.links.of(account)),
                    case=tx.cases.latest(account),
                    ledger=tx.cases.ledger(account),
                    was_intercepting=_was_intercepting(tx.cases.stance(account)),
                    cause=lane.cause,
                )
        if not leased:
            return Evaluated(0, 0, len(accounts))
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
            names=self._names,
            fallback=self._refresh.fallback(),
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
        self._remember(tx, lane.account, read, now)
        self._tell_errors(tx, lane.account, read, now)
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
                ),
                decision.certificate,
            )
        else:
            self._say_unknown(tx, lane.account, decision)
        effects = [
            *decision.effects,
            *field_effects(
                tx, lane.account, read, config, decision, system=self._refresh.crm_system
            ),
        ]
        made = sum(
            self._add(tx, lane, effect, case_id=case_id, config=config) for effect in effects
        )
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

    def _remember(
        self, tx: TransactionPort, account: AccountId, read: Refreshed, now: object
    ) -> None:
        at = self._clock.now()
        payments, crm = read.facts.payments, read.facts.crm
        if isinstance(payments, Known):
            self._keep(tx, account, "payments", payments.value)
            if payments.value.name:
                tx.links.name(account, payments.value.name)
        if isinstance(crm, Known):
            self._keep(tx, account, "crm", crm.value)
            tx.links.name(account, crm.value.name)
        if read.crm_ref is not None:
            tx.links.link(account, read.crm_ref, now=at)
        for ref in read.ambiguous:
            tx.links.quarantine(
                ref, account=account, reason="several CRM accounts claim the customer", now=at
            )

    def _keep(
        self,
        tx: TransactionPort,
        account: AccountId,
        source: str,
        picture: PaymentPicture | CrmPicture,
    ) -> None:
        plain = self._codec.dump(picture)
        still = replace(picture, read_at=_EPOCH)
        digest = hashlib.sha256(
            json.dumps(self._codec.dump(still), sort_keys=True, default=str).encode()
        ).hexdigest()
        tx.system.save_picture(
            account, source, digest=digest, picture=plain, read_at=picture.read_at
        )

    def _tell_errors(
        self, tx: TransactionPort, account: AccountId, read: Refreshed, now: Any
    ) -> None:
        if read.ambiguous:
            names = ", ".join(sorted(ref.id for ref in read.ambiguous))
            tx.audit.raise_alert(
                f"ambiguous:{account}:{names}",
                f"Several CRM accounts ({names}) claim the same customer. Nothing is written to "
                "either until one is confirmed with `kidglove link confirm`.",
                rule="link.ambiguous",
                now=now,
                account=account,
            )
        for problem in read.errors:
            if isinstance(problem, Unauthorized | Misconfigured | Bug | Gone):
                tx.audit.raise_alert(
                    f"{problem.code}:{_whose(problem, account)}:{problem.message[:80]}",
                    f"{problem.message} {problem.remedy}",
                    rule=f"facts.{problem.code}",
                    now=now,
                    account=None if isinstance(problem, Unauthorized) else account,
                )

    def _add(
        self,
        tx: TransactionPort,
        lane: LeasedLane,
        effect: Effect,
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
        mode = self._modes.get(effect.kind, EffectMode.ACT)
        if mode is EffectMode.OFF:
            return 0
        system = self._system(effect)
        is_new = tx.effects.add(
            lane.account,
            effect,
            case_id=case_id,
            system=system,
            state=EffectState.WAITING if mode is EffectMode.ACT else EffectState.OBSERVED,
            cause=lane.cause,
            config_version=config.label,
            now=now,
        )
        if not is_new and mode is EffectMode.ACT:
            is_new = tx.effects.act_on_observed(effect.key) or (
                effect.kind in OWED
                and tx.effects.revive(effect.key, ended_before=now - TRY_AGAIN_AFTER)
            )
        if is_new and mode is EffectMode.ACT:
            urgency = Urgency.VIP if effect.kind is not EffectKind.WRITE_FIELDS else lane.urgency
            tx.lanes.mark_dirty(lane.account, system, urgency=urgency, cause=lane.cause)
        return int(is_new)

    def _system(self, effect: Effect) -> str:
        match effect.kind.target:
            case Target.PAYMENTS:
                return self._refresh.payments_system
            case Target.CRM:
                return self._refresh.crm_system
            case Target.ADMIN:
                return ADMIN


def _was_intercepting(stance: Stance | None) -> bool:
    return stance is not None and stance.intercepts


def _whose(problem: KidgloveError, account: AccountId) -> str:
    """A refused credential is everybody's trouble and told once; any other is the account's."""
    return "all" if isinstance(problem, Unauthorized) else str(account)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
