"""What `diff`, `export` and `rollback` of policies and of mappings share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.common import fail, misuse, out, print_json, runtime
from ops.cli.configuration import Kind, refuse_if_broken, text_of

if TYPE_CHECKING:
    from jobs.runtime import Runtime

Version = Annotated[
    str | None,
    typer.Argument(help="A version's number, a file, or `shipped`. Default: the one before."),
]
Newer = Annotated[
    str | None,
    typer.Argument(help="Another one. Default: the one in force."),
]
Raw = Annotated[bool, typer.Option("--raw", help="As it was written, with comments.")]


def show_difference(kind: Kind, old: str | None, new: str | None, as_json: bool) -> None:
    """Print what differs between two versions, or between one and what is in force."""
    from mappings.canonical import difference

    with runtime() as here:
        if new is None:
            first, second = text_of(kind, None, here), _named(kind, here, old)
            if old is None:
                first, second = second, first
        else:
            first, second = (_named(kind, here, one) for one in (old, new))
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


def print_version(kind: Kind, version: str | None, *, raw: bool, as_json: bool) -> None:
    """Print one version, or what is in force: in its one spelling, as JSON, or as written."""
    from mappings.canonical import as_json as json_form
    from mappings.canonical import canonical

    with runtime() as here:
        if version is None:
            text, name = text_of(kind, None, here)
        else:
            text, name = _named(kind, here, version)
        refuse_if_broken(kind, text, name)
    print(json_form(text) if as_json else text if raw else canonical(text), end="")


def earlier(kind: Kind, here: Runtime, version: str | None) -> tuple[int, str, str]:
    """The number, text and name of a version before the one in force; 0 is what ships."""
    number = _number(kind, here, version)
    text, name = _named(kind, here, str(number) if number else "shipped")
    refuse_if_broken(kind, text, name)
    return number, text, name


def _named(kind: Kind, here: Runtime, version: str | None) -> tuple[str, str]:
    """The text and name of a stored version by its number, of a file, or of what ships."""
    if version is None:
        version = str(_number(kind, here, None) or "shipped")
    if version == "shipped":
        return kind.base(here)
    if version.isdigit() and not Path(version).exists():
        with here.store.begin() as tx:
            found = tx.system.config(kind.stored, before=int(version) + 1)
        if found is None or found.version != int(version):
            fail(
                f"there is no {kind.stored}@{version}",
                f"`kidglove {kind.word} history` lists them.",
            )
        return found.text, found.label
    return text_of(kind, version, here)


def _number(kind: Kind, here: Runtime, version: str | None) -> int:
    """The version's number; without one, that before the one in force. 0 is what ships."""
    with here.store.begin() as tx:
        newest = tx.system.config(kind.stored)
    if newest is None:
        fail("nothing was ever applied, so there is nothing to go back from")
    if version == "shipped":
        return 0
    if version is None:
        return newest.version - 1
    if not version.isdigit() or not 0 < int(version) < newest.version:
        misuse(f"{version!r} is no version before {newest.label}")
    return int(version)
