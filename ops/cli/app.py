"""The commands by name. They import what they need when they run, so that help is quick."""

from __future__ import annotations

from typing import NoReturn

import typer

from ops.cli import (
    breaker,
    cases,
    checks,
    configuration,
    fields,
    filling,
    holds,
    hubspot,
    mapping_plans,
    mapping_versions,
    policy_doctor,
    policy_plans,
    policy_versions,
    repair,
    row_suggesting,
    running,
    suggesting,
)

app = typer.Typer(
    name="kidglove",
    help="Keeps Stripe payment state and CRM records in step, and Stripe's dunning quiet while a "
    "person handles a failed VIP payment. Exit codes: 0 fine, 1 a problem, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
MORE = (
    mapping_plans,
    mapping_versions,
    policy_doctor,
    policy_plans,
    policy_versions,
    row_suggesting,
    suggesting,
)
"""Modules that add commands to a group of another when they are loaded."""
RUN, LOOK, REPAIR, SETTLE = "Run", "Look", "Act and repair", "Decide how it works"

app.command("up", rich_help_panel=RUN)(running.up)
app.command("demo", rich_help_panel=RUN)(running.demo)
app.command("simulate", rich_help_panel=RUN)(running.simulate)
app.add_typer(cases.app, name="case", rich_help_panel=LOOK)
app.add_typer(holds.holds, name="hold", rich_help_panel=LOOK)
app.command("why", rich_help_panel=LOOK)(checks.why)
app.command("numbers", rich_help_panel=LOOK)(checks.show_numbers)
app.add_typer(checks.doctor, name="doctor", rich_help_panel=LOOK)
app.command("connectors", rich_help_panel=LOOK)(checks.connectors)
app.command("requirements", rich_help_panel=LOOK)(checks.requirements)
app.add_typer(holds.alerts, name="alert", rich_help_panel=REPAIR)
app.add_typer(repair.dead, name="dead", rich_help_panel=REPAIR)
app.add_typer(holds.links, name="link", rich_help_panel=REPAIR)
app.add_typer(fields.app, name="field", rich_help_panel=REPAIR)
app.add_typer(breaker.app, name="breaker", rich_help_panel=REPAIR)
app.add_typer(repair.circuit, name="circuit", rich_help_panel=REPAIR)
app.command("reconcile", rich_help_panel=REPAIR)(repair.reconcile)
app.add_typer(filling.backfill, name="backfill", rich_help_panel=REPAIR)
app.add_typer(configuration.policy, name="policy", rich_help_panel=SETTLE)
app.add_typer(configuration.mapping, name="mapping", rich_help_panel=SETTLE)
app.add_typer(hubspot.hubspot, name="hubspot", rich_help_panel=SETTLE)
app.command("settings", rich_help_panel=SETTLE)(running.show_settings)


def main() -> None:
    """The entry point of `kidglove`: expected failures end in a sentence, never in a traceback."""
    import redis
    import sqlalchemy
    from pydantic import ValidationError

    from domain.errors import KidgloveError

    try:
        app()
    except KidgloveError as problem:
        _end(1, problem.message, problem.remedy)
    except sqlalchemy.exc.OperationalError as problem:
        _end(1, f"PostgreSQL does not answer: {problem.orig}", "Check DATABASE_URL.")
    except redis.ConnectionError as problem:
        _end(1, f"the Redis server does not answer: {problem}", "Check REDIS_URL.")
    except ValidationError as problem:
        wrong = [
            f"{'__'.join(map(str, one['loc']))}: {one['msg']}".strip() for one in problem.errors()
        ]
        _end(2, "; ".join(wrong), "`kidglove settings --help` says how settings are named.")


def _end(code: int, message: str, remedy: str) -> NoReturn:
    from ops.cli.common import err

    err.print(message, style="red", markup=False)
    if remedy:
        err.print(remedy, markup=False)
    raise SystemExit(code) from None
