"""`kidglove mapping diff`, `export`, `rollback`: the versions that were, and going back to one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.common import (
    By,
    Json,
    Yes,
    agree,
    fail,
    misuse,
    out,
    print_json,
    print_table,
    runtime,
    whoami,
)
from ops.cli.configuration import (
    File,
    Kind,
    Note,
    OfCrm,
    crm_of,
    mapping,
    mapping_kind,
    refuse_if_broken,
    text_of,
)

if TYPE_CHECKING:
    from jobs.runtime import Runtime

SHOWN = 5
"""Fields listed that are left alone."""
Version = Annotated[
    str | None,
    typer.Argument(help="A version's number, a file, or `shipped`. Default: the one before."),
]


@mapping.command("diff")
def diff_mapping(
    old: Version = None,
    new: Version = None,
    crm: OfCrm = None,
    as_json: Json = False,
) -> None:
    """Show what differs between two versions or files, whatever their order and comments.

    With one name: that one against the mapping in force. Exits with 0 either way.

    Examples:

        kidglove mapping diff 3 4

        kidglove mapping diff my-salesforce.yaml
    """
    from mappings.canonical import difference

    with runtime() as here:
        kind = mapping_kind(crm, next((one for one in (old, new) if one), None))
        if new is None:
            first, second = text_of(kind, None, here), _version(here, kind.stored, kind, old)
            if old is None:
                first, second = second, first
        else:
            first, second = (_version(here, kind.stored, kind, one) for one in (old, new))
        for text, name in (first, second):
            refuse_if_broken(kind, text, name)
    lines = difference(first[0], second[0], old_name=first[1], new_name=second[1])
    if as_json:
        print_json({"old": first[1], "new": second[1], "lines": lines})
        return
    for line in lines:
        style = {"+": "green", "-": "red"}.get(line[0])
        out.print(line, style=style, markup=False, soft_wrap=True)
    if not lines:
        out.print(f"{first[1]} and {second[1]} mean the same.", markup=False)


@mapping.command("export")
def export_mapping(
    version: File = None,
    crm: OfCrm = None,
    raw: Annotated[bool, typer.Option("--raw", help="As it was written, with comments.")] = False,
    as_json: Json = False,
) -> None:
    """Print a version in its canonical form: sorted, one row a line, the same for the same meaning.

    Examples:

        kidglove mapping export > mapping.yaml

        kidglove mapping export 3 --json
    """
    from mappings.canonical import as_json as json_form
    from mappings.canonical import canonical

    with runtime() as here:
        kind = mapping_kind(crm, version)
        if version is None:
            text, name = text_of(kind, None, here)
        else:
            text, name = _version(here, kind.stored, kind, version)
        refuse_if_broken(kind, text, name)
    print(json_form(text) if as_json else text if raw else canonical(text), end="")


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
    from jobs.versions import go_back, way_back

    system = crm_of(crm, None)
    kind = mapping_kind(system)
    with runtime() as here:
        number = _number(here, kind.stored, version)
        text, name = _version(here, kind.stored, kind, str(number) if number else "shipped")
        refuse_if_broken(kind, text, name)
        way = way_back(here, system, number, keep_values=keep_values)
        ours, left = way.given, way.left
        agree(
            f"{name} comes back as a new version. {len(ours)} fields in {way.records} records get "
            f"back what stood there before, {len(left)} are left alone.",
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
            }
        )
        return
    out.print(f"{label} is in force. {len(ours)} fields are given back.", markup=False)
    print_table(
        ("left alone", "field", "why"),
        [(one.record, one.field, one.left) for one in left[:SHOWN]],
        none="",
    )


def _version(here: Runtime, stored: str, kind: Kind, version: str | None) -> tuple[str, str]:
    """The text and name of a stored version by its number, of a file, or of what ships."""
    system = stored.partition(":")[2]
    if version is None:
        version = str(_number(here, stored, None) or "shipped")
    if version == "shipped":
        return kind.shipped(system), f"{stored}:shipped"
    if version.isdigit() and not Path(version).exists():
        with here.store.begin() as tx:
            found = tx.system.config(stored, before=int(version) + 1)
        if found is None or found.version != int(version):
            fail(f"there is no {stored}@{version}", "`kidglove mapping history` lists them.")
        return found.text, found.label
    return text_of(kind, version, here)


def _number(here: Runtime, stored: str, version: str | None) -> int:
    """The version's number; without one, that before the one in force. 0 is what ships."""
    with here.store.begin() as tx:
        newest = tx.system.config(stored)
    if newest is None:
        fail("nothing was ever applied, so there is nothing to go back from")
    if version == "shipped":
        return 0
    if version is None:
        return newest.version - 1
    if not version.isdigit() or not 0 < int(version) < newest.version:
        misuse(f"{version!r} is no version before {newest.label}")
    return int(version)
