"""Plans of policies over the wiring: made, kept, held against the present, put in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from jobs.applying import Drifted, NotApplied
from jobs.plans import calls_so_far
from jobs.runtime import NAMES, PAYMENTS_SYSTEM
from sync.configs import POLICY
from sync.looking import Looking
from sync.policy_planned import PolicyPlan, loaded_policy_plan, policy_drift
from sync.policy_planning import PolicyPlanner

if TYPE_CHECKING:
    from jobs.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class KeptPolicy:
    """A stored plan, and the version that it became, if it was applied."""

    plan: PolicyPlan
    applied_as: str | None = None


def make_policy_plan(
    here: Runtime,
    text: str,
    *,
    limit: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> PolicyPlan:
    """The plan for this text as of now. Writes nothing, in no system."""
    looking = Looking(
        store=here.store,
        refresh=here.refresh,
        configs=here.configs,
        clock=here.clock,
        names=NAMES,
    )
    planner = PolicyPlanner(
        looking=looking,
        clock=here.clock,
        payments_system=PAYMENTS_SYSTEM,
        calls=lambda: calls_so_far(here),
    )
    return planner.plan(text, base=policy_base(here), limit=limit, progress=progress)


def policy_base(here: Runtime) -> str:
    """The label of the policy in force."""
    with here.store.begin() as tx:
        stored = tx.system.config(POLICY)
    return stored.label if stored is not None else f"{POLICY}:shipped"


def keep_policy_plan(here: Runtime, plan: PolicyPlan, *, by: str) -> None:
    """Store the plan, so that somebody else can look at it and apply it."""
    with here.store.begin() as tx:
        tx.plans.keep(plan.id, name=POLICY, body=asdict(plan), author=by, now=here.clock.now())


def kept_policy_plan(here: Runtime, id: str) -> KeptPolicy | None:
    """The stored plan of this id, or None; that of a mapping is none."""
    with here.store.begin() as tx:
        stored = tx.plans.get(id)
    if stored is None or stored.name != POLICY:
        return None
    return KeptPolicy(plan=loaded_policy_plan(stored.body), applied_as=stored.applied_as)


def policy_still(
    here: Runtime, plan: PolicyPlan, *, progress: Callable[[int], None] = lambda _: None
) -> PolicyPlan:
    """The plan as of now, if it is the same. `Drifted` with what has changed otherwise, and
    `NotApplied` if accounts could not be read: nobody has seen what it does to them."""
    now = make_policy_plan(here, plan.text, progress=progress)
    changed = policy_drift(plan, now)
    if changed:
        raise Drifted(f"Plan {plan.id} does not hold any more; nothing was changed.", lines=changed)
    if now.failed:
        raise NotApplied(
            f"{now.failed} accounts could not be read; nothing was changed.",
            remedy="Plan again once they can be; or apply the file, which says so and asks.",
        )
    return replace(now, id=plan.id)


def put_policy_in_force(here: Runtime, plan: PolicyPlan, *, note: str, by: str) -> str:
    """Put the plan's policy in force, and note which version the plan became. Its label.

    `Conflict` if another version came into force since the plan was looked at.
    """
    now = here.clock.now()
    with here.store.begin() as tx:
        tx.plans.keep(plan.id, name=POLICY, body=asdict(plan), author=by, now=now)
        label = here.actions.put_in_force(tx, POLICY, plan.text, by=by, note=note, over=plan.base)
        tx.plans.applied(plan.id, label=label, now=now)
    return label
