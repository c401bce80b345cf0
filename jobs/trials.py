"""One record written as a plan would write it, to look at in the CRM; and given back again.

A trial is an ordinary write of mapped fields, carried out and read back like any other. The mapping
in force does not change: the account's next look writes again what that one says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain.effects import TRIAL_RULE, Effect, EffectKind, digest_of
from domain.errors import Conflict, Gone
from domain.ids import AccountId
from domain.leaf import Missing
from domain.rows import EffectMode, EffectState, StoredEffect, Urgency
from jobs.applying import NotApplied
from jobs.plans import described, planner
from sync.planned import WRITES, Plan
from sync.planning import Sight
from sync.rollback import Back, fields_to_give_back, give_back

if TYPE_CHECKING:
    from jobs.runtime import Runtime

MANY = 500
"""Effects of one account that are looked through for its trials."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial: who, when, what was sent over what, and how it went."""

    id: int
    record: str
    plan: str
    by: str
    at: datetime
    state: EffectState
    values: Mapping[str, Any]
    before: Mapping[str, Any]
    error: str | None
    is_undone: bool

    @property
    def can_be_undone(self) -> bool:
        """Whether it was written and not given back yet."""
        return self.state is EffectState.DONE and not self.is_undone


def trial_values(sight: Sight) -> dict[str, Any]:
    """What a trial would write in the CRM; what the CRM would refuse is left out."""
    wanted = {one.name for one in sight.fields if one.change in WRITES}
    found: dict[str, Any] = {}
    for effect in sight.effects:
        if effect.kind is EffectKind.WRITE_FIELDS:
            found |= {name: one for name, one in effect.body["values"].items() if name in wanted}
    return found


def try_record(here: Runtime, plan: Plan, account: AccountId, *, seen: str, by: str) -> int:
    """Write this one account's fields in the CRM as the plan's mapping wants them. How many.

    `seen` is the digest of what the person was shown: `Conflict` if something else would be
    written by now. `NotApplied` if nothing would, or if fields are not written here at all.
    """
    mode = here.settings.mode_of(EffectKind.WRITE_FIELDS)
    if mode is not EffectMode.ACT:
        raise NotApplied("fields are only observed now, so nothing is written to try it")
    sight = planner(here).look(
        plan.system, plan.text, account, described=described(here, plan.system, plan.text)
    )
    values = {} if isinstance(sight, Missing) else trial_values(sight)
    if isinstance(sight, Missing) or not values:
        raise NotApplied("there is nothing to write for this account")
    if digest_of(values) != seen:
        raise Conflict("what would be written has changed since the page was made")
    (effect,) = [one for one in sight.effects if one.kind is EffectKind.WRITE_FIELDS]
    subject = f"fields-trial:{sight.record}"
    now = here.clock.now()
    with here.store.begin() as tx:
        tx.effects.add(
            account,
            Effect(
                kind=effect.kind,
                subject=subject,
                key=f"{subject}:{plan.id}:{seen}",
                body={
                    **effect.body,
                    "values": values,
                    "before": _only(effect.body["before"], values),
                    "merge": _only(effect.body["merge"], values),
                },
                rule=TRIAL_RULE,
            ),
            case_id=None,
            system=plan.system,
            state=EffectState.WAITING,
            cause=f"person:{by}",
            config_version=f"plan:{plan.id}",
            now=now,
        )
        tx.lanes.mark_dirty(account, plan.system, urgency=Urgency.NORMAL, cause=f"person:{by}")
        # What is tried becomes what both sides agree on; the next survey must see through that.
        tx.cases.judge_anew(account)
        tx.audit.note(
            "mapping.tried",
            f"{len(values)} fields of {sight.record} as plan {plan.id} wants them",
            now=now,
            account=account,
            actor=by,
        )
    return len(values)


def trials(here: Runtime, system: str, account: AccountId) -> list[Trial]:
    """The trials on this account, the newest first."""
    with here.store.begin() as tx:
        found = tx.effects.of_account(account, limit=MANY)
    undone = {one.config_version for one in found if one.config_version.startswith("trial:")}
    return [
        _trial(one, f"trial:{one.id}" in undone)
        for one in found
        if one.rule == TRIAL_RULE and one.system == system
    ]


def undo_trial(here: Runtime, system: str, account: AccountId, id: int, *, by: str) -> list[Back]:
    """Give each field back what stood there before the trial, where it still holds what the trial
    wrote. Returns every field with its fate. `Gone` if there is nothing to undo."""
    with here.store.begin() as tx:
        write = tx.fields.one(id)
    trial = next((one for one in trials(here, system, account) if one.id == id), None)
    if trial is None or write is None or not trial.can_be_undone:
        raise Gone("there is no trial here that could be undone")
    with here.store.begin() as tx:
        mapping = here.configs.current(tx, here.clock.now()).mappings[system]
    # Without rows: a rollback spares what the mapping writes anyway, and an undo spares nothing.
    backs = fields_to_give_back([write], replace(mapping, rows=()), here.crms[system])
    with here.store.begin() as tx:
        give_back(tx, backs, crm=system, label=f"trial:{id}", by=by, now=here.clock.now())
        tx.audit.note(
            "mapping.trial_undone",
            f"{sum(one.left is None for one in backs)} fields of {trial.record}",
            now=here.clock.now(),
            account=account,
            actor=by,
        )
    return backs


def _only(said: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in said.items() if name in values}


def _trial(stored: StoredEffect, is_undone: bool) -> Trial:
    return Trial(
        id=stored.id,
        record=str(stored.body["account"]),
        plan=stored.config_version.partition(":")[2],
        by=stored.cause.partition(":")[2],
        at=stored.done_at or stored.created_at,
        state=stored.state,
        values=stored.body["values"],
        before=stored.body["before"],
        error=stored.last_error,
        is_undone=is_undone,
    )
