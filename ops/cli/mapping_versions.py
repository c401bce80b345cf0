"""`kidglove mapping diff`, `export`, `rollback`: the versions that were, and going back to one."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.cli.common import (
    By,
    Json,
    Yes,
    agree,
    out,
    print_json,
    print_table,
    runtime,
    whoami,
)
from ops.cli.configuration import (
    File,
    Note,
    OfCrm,
    crm_of,
    mapping,
    mapping_kind,
    refuse_if_broken,
)
from ops.cli.versions import Newer, Raw, Version, earlier, print_version, show_difference

SHOWN = 5
"""Fields listed that are left alone."""


@mapping.command("diff")
def diff_mapping(
    old: Version = None,
    new: Newer = None,
    crm: OfCrm = None,
    as_json: Json = False,
) -> None:
    """Show what differs between two versions or files, whatever their order and comments.

    With one name: that one against the mapping in force. Exits with 0 either way.

    Examples:

        kidglove mapping diff 3 4

        kidglove mapping diff my-salesforce.yaml
    """
    show_difference(
        mapping_kind(crm, next((one for one in (old, new) if one), None)), old, new, as_json
    )


@mapping.command("export")
def export_mapping(
    version: File = None,
    crm: OfCrm = None,
    raw: Raw = False,
    as_json: Json = False,
) -> None:
    """Print a version in its canonical form: sorted, one row a line, the same for the same meaning.

    Examples:

        kidglove mapping export > mapping.yaml

        kidglove mapping export 3 --json
    """
    print_version(mapping_kind(crm, version), version, raw=raw, as_json=as_json)


@mapping.command("rollback")
def rollback_mapping(
    note: Note,
    version: Version = None,
    crm: OfCrm = None,
    by: By = None,
    keep_values: Annotated[
        bool, typer.Option("--keep-values", help="Leave what was written where it is.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put an earlier version in force again, and give back what only later ones wrote.

    A field gets back what stood there before us, in the CRM and in Stripe, and only where it still
    holds what we wrote. What still waits to be written is not sent.

    Examples:

        kidglove mapping rollback --note "wrong field"

        kidglove mapping rollback 2 --note "back to October" --keep-values --yes
    """
    from jobs.versions import go_back, holds_after, way_back

    system = crm_of(crm, None)
    kind = mapping_kind(system)
    with runtime() as here:
        number, text, name = earlier(kind, here, version)
        refuse_if_broken(kind, text, name)
        way = way_back(here, system, number, keep_values=keep_values)
        ours, left, holds = way.given, way.left, holds_after(here, way)
        more = "".join(f" {told}." for told in (holds.told, holds.failed_told) if told)
        agree(
            f"{name} comes back as a new version. {len(ours)} fields in {way.records} records get "
            f"back what stood there before, {len(left)} are left alone.{more}",
            yes=yes,
        )
        label = go_back(here, way, note=note, by=by or whoami())
    if as_json:
        print_json(
            {
                "applied": label,
                "fields": len(ours),
                "records": way.records,
                "left": len(left),
                "holds": {"starts": holds.starts, "ends": holds.ends},
                "failed": holds.failed,
            }
        )
        return
    out.print(f"{label} is in force. {len(ours)} fields are given back.", markup=False)
    print_table(
        ("left alone", "field", "why"),
        [(one.record, one.field, one.left) for one in left[:SHOWN]],
        none="",
    )
