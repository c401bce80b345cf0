"""`kidglove field`: where two values of one field differ, and a person says which stands."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from ops.cli.common import (
    By,
    Json,
    announce,
    out,
    print_json,
    print_table,
    runtime,
    when,
    whoami,
)

app = typer.Typer(no_args_is_help=True, help="Fields over which a person is asked.")


class Side(StrEnum):
    """Whose value stands."""

    OURS = "ours"
    THEIRS = "theirs"


@app.command("list")
def list_fields(as_json: Json = False) -> None:
    """List every field whose row asks a person, with both values. Exits with 1 if there is any.

    Examples:

        kidglove field list
    """
    with runtime() as here:
        found = here.fields.questions()
    if as_json:
        print_json(found)
    else:
        print_table(
            ("system", "record", "field", "ours", "theirs", "since"),
            [
                (
                    one.system,
                    one.record,
                    one.field,
                    *_sides(one.agreed.question),
                )
                for one in found
            ],
            none="Nobody is asked about a field.",
        )
    raise typer.Exit(1 if found else 0)


@app.command("settle")
def settle(
    system: Annotated[str, typer.Argument(help="The CRM, like salesforce.")],
    record: Annotated[str, typer.Argument(help="The account's id there.")],
    field: Annotated[str, typer.Argument(help="The field as `field list` names it.")],
    keep: Annotated[Side, typer.Option("--keep", help="Whose value stands.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say which value stands. The other side is written if the row's arrow points there.

    Examples:

        kidglove field settle salesforce 001hG00000jeMwmQAE Phone --keep theirs
    """
    announce(f"1 field: {field} of {record}, {keep.value} stands, and its account is judged again.")
    with runtime() as here:
        here.fields.settle(system, record, field, keep_ours=keep is Side.OURS, by=by or whoami())
    if as_json:
        print_json({"system": system, "record": record, "field": field, "keep": keep.value})
    else:
        out.print("Done.")


def _sides(question: Any) -> tuple[object, object, str]:
    return question.ours, question.theirs, when(question.asked_at)
