"""`kidglove hubspot setup`: the properties that Kidglove needs in a HubSpot portal."""

from __future__ import annotations

from itertools import chain
from typing import Annotated

import typer

from ops.cli.common import Json, announce, current_settings, fail, out, print_json, print_table

hubspot = typer.Typer(no_args_is_help=True, help="Prepare a HubSpot portal.")


@hubspot.command("setup")
def setup(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be created, and in which form.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create the property group and the properties that the shipped mapping names.

    What exists is left as it is; options that a list lacks are added to it; nothing is ever
    deleted. Each property is read back. Running it twice changes nothing. Where the webhooks
    journal is used it is subscribed to. The scopes that the key or app needs are listed first;
    this command itself needs crm.schemas.companies.write and crm.schemas.contacts.write. If it is
    stopped half-way, what was done until then is shown. Exits with 1 then, and if something is left
    for a person to do.

    Examples:

        kidglove hubspot setup --dry-run

        kidglove hubspot setup
    """
    from connectors.hubspot.schema import WANTED
    from connectors.hubspot.setup import Step
    from domain.errors import KidgloveError
    from jobs.hubspot_wiring import build_setup, scopes, subscribe

    settings = current_settings()
    work = build_setup(settings)
    verb = "would be looked at" if dry_run else "are looked at, and created where they are missing"
    announce(f"{len(WANTED)} properties of companies and tasks {verb}.")
    needed = scopes(settings)
    if not as_json:
        print_table(
            ("scope", "needed for"), [(one.name, one.needed_for) for one in needed], none=""
        )
    steps: list[Step] = []
    problem: KidgloveError | None = None
    try:
        for step in chain(work.run(dry_run=dry_run), subscribe(settings, dry_run=dry_run)):
            steps.append(step)
    except KidgloveError as found:
        problem = found
    if as_json:
        told = {"message": problem.message, "remedy": problem.remedy} if problem else None
        print_json({"scopes": needed, "steps": steps, "problem": told})
    else:
        print_table(
            ("property", "done", "form", "note"),
            [(one.what, one.did.value, one.form, one.detail) for one in steps],
            none="Nothing was done.",
        )
        left = sum(1 for one in steps if not one.is_well)
        if left:
            out.print(f"{left} of them need a person.", markup=False)
    if problem:
        fail(problem.message, problem.remedy)
    raise typer.Exit(0 if all(one.is_well for one in steps) else 1)
