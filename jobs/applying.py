"""Carrying a mapping's plan out: exactly what was looked at, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from domain.errors import KidgloveError
from domain.ids import AccountId
from jobs.plans import Kept, keep, make_plan
from sync.configs import mapping_name
from sync.planned import Plan, drift, over

if TYPE_CHECKING:
    from jobs.runtime import Runtime
    from mappings.mapping import BlastLimits

COUNTS = sa.text(
    "SELECT (SELECT count(*) FROM accounts) AS accounts, "
    "(SELECT count(*) FROM cases WHERE state <> 'closed') AS cases"
)


class NotApplied(KidgloveError):
    """A plan is not carried out and nothing was changed; `lines` say why, one reason each."""

    code = "plan_not_applied"
    next_step = "Plan again, look at what it says now, and apply that one."

    def __init__(
        self, message: str, *, lines: Sequence[str] = (), remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.lines = tuple(lines)


class Drifted(NotApplied):
    """Records, or the mapping in force, have changed since the plan was made."""


class TooMuch(NotApplied):
    """More would change than the mapping's limits allow without a second word, or nobody knows how
    much because accounts could not be read."""

    next_step = (
        "If it is meant, say so; the limits stand in the mapping. What could not be read is read "
        "again by another plan."
    )


class NeedsAnother(NotApplied):
    """Two people must agree, and this one made the plan."""

    next_step = "Send the plan to another admin, who looks at it and applies it."


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How many accounts a new version is about."""

    accounts: int
    open_cases: int


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What was done. `is_new` is false if the same text was in force already."""

    label: str
    is_new: bool = True
    records: int = 0
    filled: int = 0


def reach(here: Runtime) -> Reach:
    """Whom a change of the configuration concerns, as of now."""
    with here.store.begin() as tx:
        row = tx.connection.execute(COUNTS).one()
    return Reach(accounts=row.accounts, open_cases=row.cases)


def limits_in_force(here: Runtime, system: str) -> BlastLimits:
    """The limits of the mapping in force: a new one may not widen what stops itself."""
    with here.store.begin() as tx:
        return here.configs.current(tx, here.clock.now()).mappings[system].limits


def refuse_alone(here: Runtime, *, author: str | None, by: str) -> None:
    """`NeedsAnother` if two people must agree and there is no second one. Without a plan (author
    None) there never is."""
    if here.settings.two_person_mappings and (author is None or author == by):
        raise NeedsAnother(
            "two people must agree on a mapping, and "
            + ("there is no plan" if author is None else f"{author} made this plan")
        )


def still(here: Runtime, stored: Kept, *, progress: Callable[[int], None] = lambda _: None) -> Plan:
    """The plan as of now, if it is the same. `Drifted` with what has changed otherwise."""
    plan = stored.plan
    now = make_plan(here, plan.system, plan.text, progress=progress)
    changed = drift(plan, now)
    if changed:
        raise Drifted(f"Plan {plan.id} does not hold any more; nothing was changed.", lines=changed)
    return replace(now, id=plan.id)


def in_force_already(here: Runtime, plan: Plan) -> str | None:
    """The label of the version in force if it is this very text, else None."""
    with here.store.begin() as tx:
        stored = tx.system.config(mapping_name(plan.system))
    return stored.label if stored is not None and stored.text == plan.text else None


def carry_out(here: Runtime, plan: Plan, *, note: str, by: str, fill: bool) -> Applied:
    """Put the plan in force. With `fill` its records follow at once, behind urgent work.

    `Conflict` if another version came into force since the plan was looked at.
    """
    keep(here, plan, by=by)
    name = mapping_name(plan.system)
    with here.store.begin() as tx:
        label = here.actions.put_in_force(tx, name, plan.text, by=by, note=note, over=plan.base)
        tx.plans.applied(plan.id, label=label, now=here.clock.now())
    filled = [AccountId(one.account) for one in plan.records if one.is_written] if fill else []
    here.actions.look_again(filled, cause=label)
    return Applied(label=label, records=plan.written, filled=len(filled))


def apply_kept(
    here: Runtime,
    stored: Kept,
    *,
    note: str,
    by: str,
    fill: bool,
    past_limits: bool,
    progress: Callable[[int], None] = lambda _: None,
) -> Applied:
    """Look again, and carry the plan out if everything is as it says. Raises `NotApplied`."""
    refuse_alone(here, author=stored.author, by=by)
    plan = still(here, stored, progress=progress)
    known = in_force_already(here, plan)
    if known is not None:
        return Applied(label=known, is_new=False)
    stops = over(plan, limits_in_force(here, plan.system))
    if stops and not past_limits:
        raise TooMuch("A limit or an unread account says stop; nothing was changed.", lines=stops)
    return carry_out(here, plan, note=note, by=by, fill=fill)
