"""`kidglove link suggest`: which CRM accounts may belong to customers that none of them names."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.common import Json, Yes, agree, fail, out, print_json, print_table, runtime
from ops.cli.holds import links

if TYPE_CHECKING:
    from jobs.runtime import Runtime

FOR_TWENTY = 2
"""Calls that a search for twenty customers takes at most, in whichever CRM."""
FOR_HUNDRED = 8
"""Calls that asking for a hundred customers by their ids takes at most, in whichever CRM."""


@links.command("suggest")
def suggest(
    system: Annotated[str, typer.Argument(help="The CRM; may be left out if there is one.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count, and say what it would cost.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Search for the CRM accounts of customers that no CRM account names.

    Nothing is written in any system, and nothing follows from a suggestion: it is shown by
    `kidglove link list` until a person confirms or rejects it.

    Examples:

        kidglove link suggest --dry-run

        kidglove link suggest hubspot --yes
    """
    from domain.suggestions import SuggestsAccounts

    with runtime() as here:
        name = _system(here, system)
        crm = next(one for one in here.refresh.crms.connected if one.system == name)
        search = here.crms[name]
        if not isinstance(search, SuggestsAccounts):
            fail(f"{crm.title} has no search for this", "Write the customer's id on the account.")
        unlinked = here.suggest.unlinked(name)
        count = len(unlinked.wanted)
        calls = FOR_HUNDRED * ceil(count / 100) + FOR_TWENTY * ceil(count / 20)
        text = (
            f"{count} accounts have no record in {crm.title}; each is asked for by its customer's "
            f"id and searched for: at most {calls} calls to {name}. Nothing is written there."
        )
        if unlinked.unknown:
            text += f" {unlinked.unknown} more were never looked at: `kidglove backfill` does."
        if dry_run:
            if as_json:
                print_json(
                    {"dry_run": True, "accounts": count, "unknown": unlinked.unknown, "cost": calls}
                )
            else:
                out.print(text, markup=False)
            return
        agree(text, yes=yes)
        found = here.suggest.run(crm, search, unlinked, keep=True)
    if as_json:
        print_json(found)
        return
    print_table(
        ("customer", "record", "its name", "why"),
        [(one.customer, one.ref.id, one.name, one.reason) for one in found.found],
        none="Nothing is suggested.",
    )
    out.print(
        f"{found.named} accounts are named by a record and link by themselves; {found.unread} "
        f"could not be asked about; {len(found.shared)} records fit several accounts and are "
        f"suggested to none; {found.refused} were decided about before."
    )


def _system(here: Runtime, given: str) -> str:
    names = list(here.crms)
    if given in names:
        return given
    if not given and len(names) == 1:
        return names[0]
    return fail(
        f"there is no CRM {given!r} here" if given else "there is more than one CRM, or none",
        f"Name one of {', '.join(names)}." if names else "Connect a CRM first.",
    )
