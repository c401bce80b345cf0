"""`kidglove hubspot setup`: the properties that Kidglove needs in a HubSpot portal."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.cli.common import Json, announce, current_settings, out, print_json, print_table

hubspot = typer.Typer(no_args_is_help=True, help="Prepare a HubSpot portal.")


@hubspot.command("setup")
def setup(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be created.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create the property group and the properties that the shipped mapping names.

    What exists is left as it is; options that a list lacks are added to it; nothing is ever
    deleted. Each property is read back. Running it twice changes nothing. Needs the scope
    crm.schemas.companies.write. Where the webhooks journal is used it is subscribed to. Exits with
    1 if something is left for a person to do.

    Examples:

        kidglove hubspot setup --dry-run

        kidglove hubspot setup
    """
    from connectors.hubspot.schema import WANTED
    from jobs.hubspot_wiring import build_setup, subscribe

    work = build_setup(current_settings())
    verb = "would be looked at" if dry_run else "are looked at, and created where they are missing"
    announce(f"{len(WANTED)} properties of companies and tasks {verb}.")
    steps = [*work.run(dry_run=dry_run), *subscribe(current_settings(), dry_run=dry_run)]
    if as_json:
        print_json(steps)
    else:
        print_table(
            ("property", "done", "note"),
            [(one.what, one.did.value, one.detail) for one in steps],
            none="",
        )
        left = sum(1 for one in steps if not one.is_well)
        if left:
            out.print(f"{left} of them need a person.", markup=False)
    raise typer.Exit(0 if all(one.is_well for one in steps) else 1)
