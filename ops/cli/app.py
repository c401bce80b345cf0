"""The commands by name. They import what they need when they run, so that help is quick."""

from __future__ import annotations

import typer

from ops.cli import cases, checks, configuration, holds, repair, running

app = typer.Typer(
    name="kidglove",
    help="Keeps Stripe payment state and CRM records in step, and Stripe's dunning quiet while a "
    "person handles a failed VIP payment. Exit codes: 0 fine, 1 a problem, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
RUN, LOOK, REPAIR, SETTLE = "Run", "Look", "Act and repair", "Decide how it works"

app.command("up", rich_help_panel=RUN)(running.up)
app.command("demo", rich_help_panel=RUN)(running.demo)
app.command("simulate", rich_help_panel=RUN)(running.simulate)
app.add_typer(cases.app, name="case", rich_help_panel=LOOK)
app.add_typer(holds.holds, name="hold", rich_help_panel=LOOK)
app.command("why", rich_help_panel=LOOK)(checks.why)
app.command("numbers", rich_help_panel=LOOK)(checks.show_numbers)
app.add_typer(checks.doctor, name="doctor", rich_help_panel=LOOK)
app.command("requirements", rich_help_panel=LOOK)(checks.requirements)
app.add_typer(holds.alerts, name="alert", rich_help_panel=REPAIR)
app.add_typer(repair.dead, name="dead", rich_help_panel=REPAIR)
app.add_typer(holds.links, name="link", rich_help_panel=REPAIR)
app.add_typer(repair.circuit, name="circuit", rich_help_panel=REPAIR)
app.command("reconcile", rich_help_panel=REPAIR)(repair.reconcile)
app.add_typer(repair.backfill, name="backfill", rich_help_panel=REPAIR)
app.add_typer(configuration.policy, name="policy", rich_help_panel=SETTLE)
app.add_typer(configuration.mapping, name="mapping", rich_help_panel=SETTLE)
app.command("settings", rich_help_panel=SETTLE)(running.show_settings)


def main() -> None:
    """The entry point of `kidglove`."""
    from domain.errors import KidgloveError
    from ops.cli.common import err

    try:
        app()
    except KidgloveError as problem:
        err.print(problem.message, style="red", markup=False)
        if problem.remedy:
            err.print(problem.remedy, markup=False)
        raise SystemExit(1) from None
