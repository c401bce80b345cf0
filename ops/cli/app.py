"""The commands by name. Their modules are imported when they are needed, so that help is quick."""

from __future__ import annotations

import typer

from ops.cli import running

app = typer.Typer(
    name="kidglove",
    help="Keeps Stripe payment state and CRM records in step, and Stripe's dunning quiet while a "
    "person handles a failed VIP payment.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
running.register(app)


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
