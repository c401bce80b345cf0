"""`kidglove backfill`: existing customers and past events, brought in behind everything urgent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import typer

from ops.cli.common import Json, Yes, agree, err, out, print_json, runtime

if TYPE_CHECKING:
    from datetime import datetime

    from jobs.runtime import Runtime

backfill = typer.Typer(invoke_without_command=True)
LEFT = sa.text(
    "SELECT count(*) FROM lanes WHERE dirty_seq > done_seq "
    "AND (not_before IS NULL OR not_before <= :soon)"
)
SOON = timedelta(minutes=10)
"""Work that was put off for longer waits for a vendor or a person, and nobody should wait for it at
the keyboard."""
REPAIRED = sa.text(
    "SELECT system, count(DISTINCT account_id) FROM effects "
    "WHERE kind IN ('write_fields', 'write_customer') "
    "AND position(:cause IN cause) > 0 AND created_at >= :since GROUP BY system ORDER BY system"
)
LOOK_EVERY = 0.5
"""Seconds between two looks at what is left."""


@backfill.callback()
def fill(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count, and say what it would cost.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="From the start, not from where it stopped.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Stay until every account was looked at.")
    ] = True,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Bring in every customer, and make the mapped fields of each equal.

    It can be stopped at any time and goes on where it stopped. The workers do it behind everything
    urgent, in a queue of its own. What is as it should be gives no write.

    Examples:

        kidglove backfill --dry-run

        kidglove backfill --yes

        kidglove backfill --yes --no-wait
    """
    if context.invoked_subcommand is not None:
        return
    from jobs.plans import fill_price
    from jobs.runtime import PAYMENTS_SYSTEM
    from sync.backfill import CAUSE, Backfill

    with runtime() as here:
        filler = Backfill(
            store=here.store,
            clock=here.clock,
            payments_system=PAYMENTS_SYSTEM,
            lists=here.stripe,
        )
        with err.status("counting customers"):
            counted = filler.count(again=again)
        cost = fill_price(here, counted.seen)
        told = ", ".join(f"{calls} calls to {name}" for name, calls in cost.items())
        text = (
            f"{counted.seen} customers are listed, {counted.new} of them new here, and each is "
            f"read and judged behind urgent work: at most {told}. Only what differs is written."
        )
        if dry_run:
            if as_json:
                print_json({"dry_run": True, **asdict(counted), "cost": cost})
            else:
                out.print(text, markup=False)
            return
        agree(text, yes=yes)
        since = here.clock.now()
        with err.status("listing customers") as status:
            listed = filler.run(
                again=again,
                progress=lambda found: status.update(
                    f"{found.seen} of {counted.seen} customers listed"
                ),
            )
        left = watch(here, listed.seen) if wait else left_over(here)
        repaired = repaired_since(here, CAUSE, since)
    if as_json:
        print_json({**asdict(listed), "left": left, "repaired": repaired})
        return
    out.print(f"{listed.seen} customers listed, {listed.new} new; {left} still wait.")
    tell_repaired(repaired)


def watch(here: Runtime, total: int) -> int:
    """A bar until nothing waits; it ends early if nobody works."""
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    from ops.health import is_working

    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("accounts", total=total)
        while left := left_over(here):
            bar.update(task, completed=max(0, total - left))
            if not is_working(here.redis):
                err.print("No worker runs: `kidglove up` goes on with it.")
                return left
            time.sleep(LOOK_EVERY)
    return 0


def left_over(here: Runtime) -> int:
    """How many lanes wait for a worker."""
    with here.store.begin() as tx:
        return int(tx.connection.execute(LEFT, {"soon": here.clock.now() + SOON}).scalar_one())


def repaired_since(here: Runtime, cause: str, since: datetime) -> dict[str, int]:
    """How many records of each system differed, by the writes made since then for this cause."""
    with here.store.begin() as tx:
        rows = tx.connection.execute(REPAIRED, {"cause": cause, "since": since})
        return {str(row[0]): int(row[1]) for row in rows}


def tell_repaired(repaired: Mapping[str, int]) -> None:
    """A line for each system whose records differed."""
    for system, count in repaired.items():
        out.print(f"{count} records in {system} differed.", markup=False)
