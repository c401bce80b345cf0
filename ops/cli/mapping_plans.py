"""`kidglove mapping plan` and `apply`: what a mapping would change, looked at before it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.common import (
    By,
    Json,
    Yes,
    agree,
    announce,
    err,
    fail,
    out,
    print_json,
    runtime,
    shown,
    whoami,
)
from ops.cli.configuration import (
    Needed,
    Note,
    OfCrm,
    crm_of,
    mapping,
    mapping_kind,
    put_in_force,
    refuse_if_broken,
    text_of,
)

if TYPE_CHECKING:
    from jobs.plans import Kept
    from jobs.runtime import Runtime
    from sync.planned import Plan, PlannedField

PLAN_ID = re.compile(r"[0-9a-f]{12}")
SHOWN = 5
"""Records shown in full; `--show` shows more, `--json` all."""
Fill = Annotated[
    bool | None,
    typer.Option(
        "--fill/--no-fill",
        help="Fill existing records now, or let each follow at its next look. Default: ask.",
    ),
]
PastLimits = Annotated[
    bool,
    typer.Option("--past-limits", help="Go on although a limit or an unread account says stop."),
]


@mapping.command("plan")
def plan_mapping(
    file: Needed,
    crm: OfCrm = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Look at the first so many accounts only; nothing is kept."),
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="How many records to show.")] = SHOWN,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say what a mapping would change, from live records. Nothing is written anywhere.

    Counts fields: + created, ~ overwritten, blanked, rejected. The plan's id goes to `apply`.

    Examples:

        kidglove mapping plan my-salesforce.yaml

        kidglove mapping plan my-salesforce.yaml --limit 20 --json
    """
    from jobs.applying import limits_in_force
    from jobs.plans import keep

    kind = mapping_kind(crm, file)
    with runtime() as here:
        text, name = text_of(kind, file, here)
        refuse_if_broken(kind, text, name)
        plan = _made(here, crm_of(crm, file), text, limit=limit)
        if limit is None:
            keep(here, plan, by=by or whoami())
        limits = limits_in_force(here, plan.system)
    if as_json:
        print_json(_told(plan, limits))
    else:
        _print_plan(plan, limits, show=show)


@mapping.command("apply")
def apply_mapping(
    plan: Annotated[str, typer.Argument(help="A plan's id; or a file, which is planned first.")],
    note: Note,
    by: By = None,
    crm: OfCrm = None,
    fill: Fill = None,
    past_limits: PastLimits = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put exactly what was planned in force; refuse if anything has changed since.

    Fields that the mapping before it still had waiting or parked are not sent: their accounts are
    judged anew.

    Examples:

        kidglove mapping apply 1f2e3d4c5b6a --note "health moved to a new field" --fill

        kidglove mapping apply my-salesforce.yaml --note "first week" --yes --no-fill
    """
    from jobs.applying import refuse_alone
    from jobs.plans import kept

    name_of = by or whoami()
    with runtime() as here:
        is_id = bool(PLAN_ID.fullmatch(plan)) and not Path(plan).exists()
        if is_id:
            stored = kept(here, plan)
            if stored is None:
                fail(f"there is no plan {plan}", "`kidglove mapping plan FILE` makes one.")
            refuse_alone(here, author=stored.author, by=name_of)
            wanted = _still(here, stored)
        else:
            kind = mapping_kind(crm, plan)
            text, name = text_of(kind, plan, here)
            refuse_if_broken(kind, text, name)
            refuse_alone(here, author=None, by=name_of)
            system = crm_of(crm, plan)
            if system not in here.crms:
                put_in_force(kind, text, name, here, note=note, by=by, yes=yes, as_json=as_json)
                return
            wanted = _made(here, system, text, limit=None)
        _carry_out(
            here,
            wanted,
            note=note,
            by=name_of,
            fill=fill,
            past_limits=past_limits,
            yes=yes,
            as_json=as_json,
        )


def _made(here: Runtime, system: str, text: str, *, limit: int | None) -> Plan:
    from jobs.crms import CRMS
    from jobs.plans import make_plan

    if system not in here.crms:
        title, switch = CRMS[system].title, CRMS[system].switch
        fail(f"{title} is not connected, so there is nothing to plan", f"Set {switch}.")
    with looking() as progress:
        return make_plan(here, system, text, limit=limit, progress=progress)


def _still(here: Runtime, stored: Kept) -> Plan:
    """The plan as of now, if it is the same; otherwise the end, with what has changed."""
    from jobs.applying import still

    with looking() as progress:
        return still(here, stored, progress=progress)


@contextmanager
def looking() -> Iterator[Callable[[int], None]]:
    """Show how many accounts a plan has looked at. One that does not hold any more ends the
    command, with what has changed."""
    from jobs.applying import NotApplied

    try:
        with err.status("looking at live records") as status:
            yield lambda seen: status.update(f"{seen} accounts looked at")
    except NotApplied as problem:
        for line in problem.lines[:SHOWN]:
            err.print(f"  {line}", markup=False)
        if len(problem.lines) > SHOWN:
            err.print(f"  and {len(problem.lines) - SHOWN} more", markup=False)
        fail(problem.message, problem.remedy)


def _carry_out(
    here: Runtime,
    plan: Plan,
    *,
    note: str,
    by: str,
    fill: bool | None,
    past_limits: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from jobs.applying import carry_out, in_force_already, limits_in_force, reach
    from jobs.plans import price
    from sync.planned import over

    counts = reach(here)
    known = in_force_already(here, plan)
    if known is not None:
        announce(f"This is in force already, as {known}. Nothing was changed.")
        if as_json:
            print_json({"applied": known, "is_new": False})
        return
    too_much = over(plan, limits_in_force(here, plan.system))
    for line in too_much:
        announce(f"Stop: {line}.")
    if too_much and not past_limits and (yes or not err.is_terminal):
        fail(
            "Nothing was changed.",
            "If it is meant, say so with --past-limits; the limits stand in the mapping. What "
            "could not be read is read again by another plan.",
        )
    more = "".join(f"{told}. " for told in (plan.holds_told, plan.failed_told) if told)
    agree(
        f"Plan {plan.id} takes the place of {plan.base}: {plan.summary}, in {plan.written} "
        f"records. {more}{counts.accounts} accounts are judged by it from their next look on, "
        f"{counts.open_cases} of them with an open case.",
        yes=yes and (past_limits or not too_much),
    )
    if fill is None:
        cost = ", ".join(f"{calls} calls to {name}" for name, calls in price(plan).items())
        fill = not yes and typer.confirm(
            f"Fill the {plan.written} existing records now, behind urgent work ({cost})? "
            "Otherwise each follows at its next look",
            err=True,
        )
    done = carry_out(here, plan, note=note, by=by, fill=fill)
    if as_json:
        print_json(
            {
                "applied": done.label,
                "is_new": True,
                "plan": plan.id,
                "records": done.records,
                "filled": done.filled,
                "accounts": counts.accounts,
                "open_cases": counts.open_cases,
            }
        )
    else:
        told = f"{done.filled} records are filled now." if fill else "Records follow by and by."
        out.print(f"{done.label} is in force. {told}", markup=False)


def _told(plan: Plan, limits: Any) -> dict[str, Any]:
    from jobs.plans import price
    from sync.planned import over

    return {
        "plan": plan.id,
        "system": plan.system,
        "base": plan.base,
        "made_at": plan.made_at,
        "fingerprint": plan.fingerprint,
        "summary": plan.summary,
        "accounts": plan.looked_at,
        "counts": plan.counts,
        "written": plan.written,
        "unread": plan.unread,
        "failed": plan.failed,
        "holds": plan.holds,
        "cost": price(plan),
        "look_cost": plan.calls,
        "stops": over(plan, limits),
        "can_be_applied": plan.limit is None,
        "records": plan.records,
    }


def _print_plan(plan: Plan, limits: Any, *, show: int) -> None:
    from jobs.plans import price
    from sync.planned import over

    read = f"{plan.read} of {plan.looked_at}" if plan.unread else str(plan.looked_at)
    out.print(f"{read} accounts looked at, over {plan.base}.", markup=False)
    same = plan.counts.get("no_op", 0)
    out.print(f"{plan.summary}; {same} as they are.", style="bold", markup=False)
    for record in plan.records[:show]:
        out.print(f"\n{record.name}  {record.record}", style="bold", markup=False)
        for one in record.fields:
            out.print(_line(one), markup=False, soft_wrap=True)
        if record.hold:
            out.print(f"  its hold {record.hold}", markup=False)
    if len(plan.records) > show:
        out.print(f"\nand {len(plan.records) - show} more records; --show {len(plan.records)}")
    if plan.holds_told:
        out.print(f"\n{plan.holds_told}.", style="yellow", markup=False)
    for why, count in plan.unread.items():
        out.print(f"\n{count} accounts not looked at: {why}", markup=False)
    print_costs("\nThis look took", plan.calls)
    print_costs("To write it takes at most", price(plan))
    for line in over(plan, limits):
        out.print(f"Apply will stop: {line}.", style="yellow", markup=False)
    if plan.limit is None:
        out.print(f'\nkidglove mapping apply {plan.id} --note "..."', markup=False)
    else:
        out.print("\nOnly a part was looked at: plan without --limit to apply it.")


def print_costs(what: str, calls: Any) -> None:
    told = ", ".join(f"{number} calls to {name}" for name, number in calls.items())
    out.print(f"{what} {told or 'no call'}.", markup=False)


def _line(one: PlannedField) -> str:
    if one.change == "rejected":
        return f"  ! {one.name}: {one.why}"
    sign = {"create": "+", "overwrite": "~", "blank": "0"}[one.change]
    said = f" ({one.why})" if one.why else ""
    return f"  {sign} {one.name}: {shown(one.before)} -> {shown(one.after)}{said}"
