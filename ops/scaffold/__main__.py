"""`make connector NAME=pipedrive KIND=crm`: write a new connector and say what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.scaffold import Refused, write

ROOT = Path(__file__).resolve().parents[2]


def run(
    name: Annotated[str, typer.Argument(help="The vendor's name, like pipedrive.")],
    kind: Annotated[str, typer.Option("--kind", help="What it is: crm or payments.")],
    root: Annotated[Path, typer.Option("--root", help="The checkout to write into.")] = ROOT,
) -> None:
    """Write the folder, the mapping, the simulator and the conformance class of a new connector."""
    try:
        written = write(name, kind, root=root)
    except Refused as refusal:
        typer.echo(f"nothing was written: {refusal}", err=True)
        raise typer.Exit(2) from None
    for one in written:
        typer.echo(f"{'wrote' if one.is_new else 'changed'} {one.path}")
    typer.echo(
        f"\nNext: docs/connector-guide.md. `make check` is green already;\n"
        f"tests/conformance/test_{name}.py lists by name what is not yet done."
    )


if __name__ == "__main__":
    typer.run(run)
