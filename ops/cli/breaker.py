"""`kidglove breaker`: what was stopped because it was too much at once."""

from __future__ import annotations

import typer

from ops.cli.common import By, Json, Yes, agree, announce, out, print_json, runtime, whoami

app = typer.Typer(no_args_is_help=True, help="What was stopped as too much at once.")
DROP = "What is still wanted comes back when its account is judged again."


@app.command("show")
def show(as_json: Json = False) -> None:
    """Say how many effects were stopped. Exits with 1 if there is any.

    Examples:

        kidglove breaker show
    """
    with runtime() as here:
        count = here.breaker.stopped()
    if as_json:
        print_json({"stopped": count})
    else:
        out.print(f"{count} effects are stopped." if count else "Nothing is stopped.")
    raise typer.Exit(1 if count else 0)


@app.command("release")
def release(by: By = None, yes: Yes = False, as_json: Json = False) -> None:
    """Let everything go that was stopped, and count anew from now on.

    Examples:

        kidglove breaker release
    """
    _end(is_release=True, by=by, yes=yes, as_json=as_json)


@app.command("drop")
def drop(by: By = None, yes: Yes = False, as_json: Json = False) -> None:
    """Drop everything that was stopped, and count anew from now on.

    Examples:

        kidglove breaker drop
    """
    _end(is_release=False, by=by, yes=yes, as_json=as_json)


def _end(*, is_release: bool, by: str | None, yes: bool, as_json: bool) -> None:
    word = "released" if is_release else "dropped"
    with runtime() as here:
        count = here.breaker.stopped()
        if count:
            agree(f"{count} effects are {word}. {'' if is_release else DROP}".strip(), yes=yes)
        else:
            announce("Nothing is stopped; counting begins anew.")
        ends = here.breaker.release if is_release else here.breaker.drop
        accounts = ends(by=by or whoami())
    if as_json:
        print_json({"effects": count, "accounts": accounts, "state": word})
    else:
        out.print(f"Done, for {accounts} accounts.")
