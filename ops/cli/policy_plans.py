"""`kidglove policy plan` and `apply`: what a policy would change, looked at before it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.common import (
    By,
    Json,
    Yes,
    agree,
    announce,
    fail,
    out,
    print_json,
    runtime,
    whoami,
)
from ops.cli.configuration import Needed, Note, policy, policy_kind, refuse_if_broken, text_of
from ops.cli.mapping_plans import PLAN_ID, SHOWN, looking, print_costs

if TYPE_CHECKING:
    from jobs.policy_plans import KeptPolicy
    from jobs.runtime import Runtime
    from sync.policy_planned import PlannedAccount, PolicyPlan


@policy.command("plan")
def plan_policy(
    file: Needed,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Look at the first so many accounts only; nothing is kept."),
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="How many accounts to show.")] = SHOWN,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say whose tier, hold and interception a policy would change, from live records.

    Nothing is written anywhere. The plan's id goes to `apply`.

    Examples:

        kidglove policy plan my-policy.yaml

        kidglove policy plan hand-off --limit 20 --json
    """
    from jobs.policy_plans import keep_policy_plan

    kind = policy_kind()
    with runtime() as here:
        text, name = text_of(kind, file, here)
        refuse_if_broken(kind, text, name)
        plan = _made(here, text, limit=limit)
        if limit is None:
            keep_policy_plan(here, plan, by=by or whoami())
    if as_json:
        print_json(_told(plan))
    else:
        _print_plan(plan, show=show)


@policy.command("apply")
def apply_policy(
    plan: Annotated[str, typer.Argument(help="A plan's id; or a file, which is planned first.")],
    note: Note,
    by: By = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put exactly what was planned in force; refuse if anything has changed since.

    A file, or the name of a shipped policy, is checked and planned first, so that you hear what it
    changes before it does. The next judgement of each account uses it.

    Examples:

        kidglove policy apply 1f2e3d4c5b6a --note "automation first for the mid tier"

        kidglove policy apply my-policy.yaml -m "VIP line to 8,000" --by ann --yes
    """
    from jobs.policy_plans import kept_policy_plan

    kind = policy_kind()
    with runtime() as here:
        if PLAN_ID.fullmatch(plan) and not Path(plan).exists():
            stored = kept_policy_plan(here, plan)
            if stored is None:
                fail(f"there is no plan {plan}", "`kidglove policy plan FILE` makes one.")
            text, name = stored.plan.text, f"Plan {plan}"
        else:
            stored = None
            text, name = text_of(kind, plan, here)
            refuse_if_broken(kind, text, name)
        carry_out(here, text, name, note=note, by=by, yes=yes, as_json=as_json, stored=stored)


def carry_out(
    here: Runtime,
    text: str,
    name: str,
    *,
    note: str,
    by: str | None,
    yes: bool,
    as_json: bool,
    stored: KeptPolicy | None = None,
) -> None:
    """Make a text that was checked the policy in force, after its consequences were told and a
    person agreed. With `stored`, exactly that plan or nothing."""
    from jobs.applying import reach
    from jobs.policy_plans import put_policy_in_force

    with here.store.begin() as tx:
        before, label = policy_kind().in_force(here, tx)
    if before == text and "(shipped)" not in label:
        announce(f"{name} is in force already, as {label}. Nothing was changed.")
        if as_json:
            print_json({"applied": label, "is_new": False})
        return
    plan = _still(here, stored) if stored is not None else _made(here, text, limit=None)
    counts = reach(here)
    agree(
        f"{name} takes the place of {label}. {counts.accounts} accounts are judged by it from "
        f"their next look on, {counts.open_cases} of them with an open case. "
        + " ".join(f"{one}." for one in plan.told),
        yes=yes,
    )
    applied = put_policy_in_force(here, plan, note=note, by=by or whoami())
    if as_json:
        print_json(
            {
                "applied": applied,
                "is_new": True,
                "plan": plan.id,
                "accounts": counts.accounts,
                "open_cases": counts.open_cases,
                **_counts(plan),
            }
        )
    else:
        out.print(f"{applied} is in force.", markup=False)


def _made(here: Runtime, text: str, *, limit: int | None) -> PolicyPlan:
    from jobs.policy_plans import make_policy_plan

    with looking() as progress:
        return make_policy_plan(here, text, limit=limit, progress=progress)


def _still(here: Runtime, stored: KeptPolicy) -> PolicyPlan:
    """The plan as of now, if it is the same; otherwise the end, with what has changed."""
    from jobs.policy_plans import policy_still

    with looking() as progress:
        return policy_still(here, stored.plan, progress=progress)


def _counts(plan: PolicyPlan) -> dict[str, Any]:
    return {
        "tiers": plan.tiers,
        "later": plan.later,
        "vips": plan.vips,
        "holds": plan.holds,
        "interceptions": plan.interceptions,
        "failed": plan.failed,
    }


def _told(plan: PolicyPlan) -> dict[str, Any]:
    return {
        "plan": plan.id,
        "base": plan.base,
        "made_at": plan.made_at,
        "fingerprint": plan.fingerprint,
        "looked_at": plan.looked_at,
        **_counts(plan),
        "unread": plan.unread,
        "look_cost": plan.calls,
        "can_be_applied": plan.limit is None and not plan.failed,
        "accounts": plan.accounts,
    }


def _print_plan(plan: PolicyPlan, *, show: int) -> None:
    out.print(f"{plan.looked_at} accounts looked at, over {plan.base}.", markup=False)
    for told in plan.told:
        out.print(f"{told}.", style="bold", markup=False)
    for one in plan.accounts[:show]:
        out.print(f"\n{one.name}  {one.customer}", style="bold", markup=False)
        for line in _lines(one):
            out.print(f"  {line}", markup=False, soft_wrap=True)
    if len(plan.accounts) > show:
        out.print(f"\nand {len(plan.accounts) - show} more accounts; --show {len(plan.accounts)}")
    for why, count in plan.unread.items():
        out.print(f"\n{count} accounts not looked at: {why}", markup=False)
    print_costs("\nThis look took", plan.calls)
    if plan.limit is not None:
        out.print("\nOnly a part was looked at: plan without --limit to apply it.")
    elif plan.failed:
        out.print("\nThis plan cannot be applied: plan again once every account can be read.")
    else:
        out.print(f'\nkidglove policy apply {plan.id} --note "..."', markup=False)


def _lines(one: PlannedAccount) -> list[str]:
    """What becomes of one account, a line each."""
    found = []
    if one.before != one.after:
        found.append(f"tier {one.before} -> {one.after}: {one.why}")
    if one.later:
        found.append(f"once its case has ended, tier {one.after} -> {one.later}: {one.why}")
    if one.hold:
        found.append(f"its hold {one.hold}")
    if one.interception:
        found.append(f"taking its renewals over {one.interception}")
    return found
