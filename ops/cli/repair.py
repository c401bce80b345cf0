"""`kidglove dead`, `circuit`, `reconcile`, `backfill`: when something went wrong or was missed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.common import (
    By,
    Json,
    Yes,
    agree,
    announce,
    err,
    fail,
    misuse,
    out,
    print_json,
    print_table,
    runtime,
    whoami,
)
from ops.cli.filling import backfill, left_over, repaired_since, tell_repaired, watch

if TYPE_CHECKING:
    from domain.rows import StoredEffect

dead = typer.Typer(no_args_is_help=True, help="Effects that wait for a person.")
circuit = typer.Typer(no_args_is_help=True, help="Systems that refuse our credential.")


@dead.command("list")
def list_dead(as_json: Json = False) -> None:
    """List what could not be carried out, by cause. Exits with 1 if there is anything.

    Examples:

        kidglove dead list

        kidglove dead list --json
    """
    with runtime() as here, here.store.begin() as tx:
        found = tx.effects.stuck()
        names = {one.account: tx.cases.account_name(one.account) for one in found}
    if as_json:
        print_json(found)
        raise typer.Exit(1 if found else 0)
    groups: dict[tuple[str, str, str], list[StoredEffect]] = defaultdict(list)
    for one in found:
        groups[one.last_error_code or "unknown", one.system, one.kind.value].append(one)
    for (code, system, kind), rows in sorted(groups.items()):
        count = f"{len(rows)} effect{'' if len(rows) == 1 else 's'}"
        out.print(f"{code}: {count} {kind} in {system}", style="bold", markup=False)
        out.print(f"  {rows[0].last_error}", markup=False)
        for row in rows[:5]:
            out.print(
                f"  {row.id:<6} {row.state.value:<7} {names[row.account] or row.account}  "
                f"{row.subject}",
                markup=False,
            )
        if len(rows) > 5:
            out.print(f"  and {len(rows) - 5} more", markup=False)
        out.print(f"  all of them again: kidglove dead replay {rows[0].id} --like", markup=False)
    if not found:
        out.print("Nothing is parked and nothing is dead.")
    raise typer.Exit(1 if found else 0)


Id = Annotated[int, typer.Argument(help="The effect's id, as `dead list` shows it.")]


@dead.command("show")
def show_dead(id: Id, as_json: Json = False) -> None:
    """Show one effect whole: what it wanted, under which rule, and what the vendor said.

    Examples:

        kidglove dead show 42
    """
    with runtime() as here, here.store.begin() as tx:
        found = tx.effects.by_id(id)
    if found is None:
        fail(f"there is no effect {id}", "`kidglove dead list` shows them.")
    if as_json:
        print_json(found)
        return
    for label, value in (
        ("effect", f"{found.id}, {found.kind.value} {found.subject}"),
        ("state", f"{found.state.value} after {found.attempts} attempts"),
        ("said", found.last_error),
        ("rule", found.rule),
        ("because of", found.cause),
        ("under", found.config_version),
        ("key", found.key),
        ("wanted", dict(found.body)),
        ("found", dict(found.snapshot) if found.snapshot else "nothing was read"),
    ):
        out.print(f"{label:<11} {value}", markup=False)


@dead.command("replay")
def replay(
    id: Id,
    like: Annotated[
        bool, typer.Option("--like", help="This one, and all that failed alike.")
    ] = False,
    by: By = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send a parked or dead effect again, or all that failed for the same cause.

    Each is looked up by its key first, so nothing is done twice.

    Examples:

        kidglove dead replay 42

        kidglove dead replay 42 --like --yes
    """
    with runtime() as here:
        with here.store.begin() as tx:
            stuck = {one.id: one for one in tx.effects.stuck(limit=100_000)}
        one = stuck.get(id)
        if one is None:
            fail(f"effect {id} is neither parked nor dead", "`kidglove dead list` shows them.")
        alike = (one.last_error_code, one.system, one.kind)
        chosen = [
            other
            for other in stuck.values()
            if other.id == id
            or (like and (other.last_error_code, other.system, other.kind) == alike)
        ]
        what = f"{len(chosen)} effect{'' if len(chosen) == 1 else 's'} of kind {one.kind.value}"
        text = f"{what} will be sent to {one.system} again; each is looked up by its key first."
        if like:
            agree(text, yes=yes)
        else:
            announce(text)
        with here.store.begin() as tx:
            for other in chosen:
                tx.effects.replay(other.id)
                tx.lanes.mark_dirty(other.account, other.system, cause="person:replay")
                tx.audit.note(
                    "effect.replayed",
                    f"{other.kind} {other.subject}",
                    now=here.clock.now(),
                    account=other.account,
                    case_id=other.case_id,
                    actor=by or whoami(),
                    details={"key": other.key},
                )
    if as_json:
        print_json({"replayed": [other.id for other in chosen]})
    else:
        out.print(f"Done: {len(chosen)} under way.")


@circuit.command("list")
def list_circuits(as_json: Json = False) -> None:
    """List the systems that nothing is sent to. Exits with 1 if there are any.

    Examples:

        kidglove circuit list
    """
    with runtime() as here, here.store.begin() as tx:
        found = tx.system.open_circuits()
    if as_json:
        print_json(found)
    else:
        print_table(
            ("system", "why"), list(found.items()), none="Everything is sent: no circuit is open."
        )
    raise typer.Exit(1 if found else 0)


@circuit.command("close")
def close_circuit(
    system: Annotated[str, typer.Argument(help="stripe or salesforce.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Send to a system again, after its credential was renewed.

    Examples:

        kidglove circuit close salesforce
    """
    from jobs.runtime import SYSTEMS

    if system not in SYSTEMS:
        misuse(f"there is no system {system!r}; there are {', '.join(SYSTEMS)}")
    with runtime() as here, here.store.begin() as tx:
        waiting = tx.lanes.dirty_count().get(system, 0)
        announce(f"{waiting} accounts that wait for {system} will be sent to again.")
        was_open = tx.system.close_circuit(system)
        woken = tx.lanes.wake(system)
        if was_open:
            tx.audit.note("circuit.closed", system, now=here.clock.now(), actor=by or whoami())
    if as_json:
        print_json({"system": system, "was_open": was_open, "accounts_woken": woken})
    else:
        out.print("Done." if was_open else f"The circuit of {system} was not open.")


def reconcile(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would do, and what it costs.")
    ] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Read every account, not only those that differ.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Stay until the workers have judged them.")
    ] = True,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Find what no webhook told: list events, compare the CRM's holds, survey every account.

    It runs by itself once a day. Lists show who differs from what was last read; those accounts,
    and all with an open case, are read and judged. Asking twice is free: what is as it should be
    gives no write. At the end it says how many records differed and are written.

    Examples:

        kidglove reconcile --dry-run

        kidglove reconcile --yes

        kidglove reconcile --whole --dry-run
    """
    from jobs.crms import title_here
    from ops.missed import cost_of_reconcile, run_reconcile

    with runtime() as here:
        expected = cost_of_reconcile(here, whole=whole)
        verb = "read and judged again" if whole else "compared with what is known of them"
        text = (
            f"{expected.accounts} accounts will be {verb} after urgent work: about "
            f"{expected.payment_calls} calls to Stripe and {expected.crm_calls} to "
            f"{title_here(here.settings)}. Events since the last look are listed, and holds "
            "compared."
        )
        if not whole:
            text += " Who differs is read and judged, for two or three calls each."
        if dry_run:
            if as_json:
                print_json({"dry_run": True, **expected.plain()})
            else:
                out.print(text, markup=False)
            return
        agree(text, yes=yes)
        since = here.clock.now()
        with err.status("looking"):
            found = run_reconcile(here, whole=whole)
        left = watch(here, left_over(here)) if wait else left_over(here)
        # Whatever was found by a list or a poll has that one's cause: all that follows is meant.
        repaired = repaired_since(here, "", since)
    left_out = [problem.message for one in found.values() for problem in one.problems]
    if as_json:
        told = {name: {"seen": one.seen, "marked": one.marked} for name, one in found.items()}
        print_json({**told, "left_out": left_out, "left": left, "repaired": repaired})
    else:
        print_table(
            ("looked at", "seen", "to be judged again"),
            [(name, one.seen, one.marked) for name, one in found.items()],
            none="Nothing is connected.",
        )
        tell_repaired(repaired)
        out.print(f"{left} still wait." if left else "Everybody was looked at.")
        for message in left_out:
            out.print(f"Left out: {message}", markup=False)
    raise typer.Exit(1 if left_out else 0)


@backfill.command("events")
def backfill_events(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list and count; nothing is stored.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="From the start of what is kept.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Bring in Stripe's events of the last 30 days; those that arrived are recognised.

    It can be stopped and goes on where it stopped.

    Examples:

        kidglove backfill events --dry-run

        kidglove backfill events --yes
    """
    from ops.missed import count_events, run_backfill

    with runtime() as here:
        if dry_run:
            with err.status("listing events"):
                counted = count_events(here, again=again)
            if as_json:
                print_json({"dry_run": True, **counted.plain()})
            else:
                out.print(
                    f"{counted.seen} events in {counted.calls} calls; {counted.new} of them have "
                    "not arrived here. Nothing was stored.",
                    markup=False,
                )
            return
        agree(
            "Stripe's events of the last 30 days are listed, 100 per call. Those that have not "
            "arrived are taken in like webhooks; their accounts are judged.",
            yes=yes,
        )
        with err.status("listing events") as status:
            taken = run_backfill(
                here, again=again, progress=lambda seen: status.update(f"{seen} events listed")
            )
    if as_json:
        print_json(taken.plain())
    else:
        out.print(f"{taken.seen} events in {taken.calls} calls; {taken.new} were new.")
