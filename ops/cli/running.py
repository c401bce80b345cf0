"""Commands that run something: the product, the simulated vendors, the demo."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.common import Json, current_settings, fail, misuse, out, plain, print_json, print_table

if TYPE_CHECKING:
    from ops.up import Running


Variable = tuple[str, object]


def up(as_json: Json = False) -> None:
    """Run edge, relay and workers here, with PostgreSQL and Valkey if no addresses are set.

    Stays until SIGTERM or Ctrl-C, then ends in order: edge, relay, workers, Valkey, PostgreSQL.
    Whatever ends by itself is started again.

    Examples:

        KIDGLOVE_STRIPE__API_KEY=rk_live_... kidglove up

        kidglove up --json
    """
    from ops.up import CannotStart
    from ops.up import up as run

    def say(running: Running) -> None:
        if as_json:
            print(json.dumps(plain(running)), flush=True)
            return
        console = f", console {running.console}" if running.console else ""
        out.print(
            f"Kidglove is up: webhooks to {running.edge}{console}; {len(running.pids)} processes; "
            f"database {running.database}; queue {running.redis}. Ctrl-C ends it.",
            markup=False,
        )

    try:
        code = run(current_settings(), say=say)
    except CannotStart as problem:
        fail(f"Kidglove cannot start: {problem.message}.", problem.remedy)
    raise typer.Exit(code)


def simulate(
    stripe: Annotated[int, typer.Option(help="Port of the simulated Stripe; 0 picks one.")] = 12111,
    salesforce: Annotated[
        int, typer.Option(help="Port of the simulated Salesforce; 0 picks one.")
    ] = 12112,
    hubspot: Annotated[
        int, typer.Option(help="Port of the simulated HubSpot; 0 picks one.")
    ] = 12113,
    control: Annotated[int, typer.Option(help="Port that moves the clock; 0 picks one.")] = 12110,
    netsuite: Annotated[int | None, typer.Option(help="Not simulated yet.")] = None,
    rate: Annotated[float, typer.Option(help="Speed of the shared clock; 0 freezes it.")] = 1.0,
    start: Annotated[
        str | None, typer.Option(help="First moment, ISO 8601; now if absent.")
    ] = None,
    clock_file: Annotated[
        Path | None, typer.Option(help="Where to publish the clock, for KIDGLOVE_CLOCK_FILE.")
    ] = None,
    seed_world: Annotated[
        bool, typer.Option("--seed-world", help="Put Aurelius Partners and three others in.")
    ] = False,
) -> None:
    """Run the simulated vendors alone, on fixed ports, until SIGTERM or Ctrl-C.

    Prints one JSON line with addresses and credentials when they are ready. `/_sim` on each port
    controls faults, delivery and state; `/clock` on the control port moves the time of all.

    Examples:

        kidglove simulate --seed-world

        kidglove simulate --stripe 12111 --salesforce 12112 --hubspot 12113 --rate 0

        curl -X POST localhost:12110/clock -d '{"advance_seconds": 86400}'
    """
    if netsuite is not None:
        misuse("--netsuite: not simulated yet. There are --stripe, --salesforce and --hubspot.")
    from simulators.serve import main

    arguments = ["--stripe", str(stripe), "--salesforce", str(salesforce)]
    arguments += ["--hubspot", str(hubspot), "--control", str(control), "--rate", str(rate)]
    arguments += ["--start", start] if start else []
    arguments += ["--clock-file", str(clock_file)] if clock_file else []
    arguments += ["--seed-world"] if seed_world else []
    raise typer.Exit(main(arguments))


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running at the end.")
    ] = False,
    story: Annotated[str, typer.Option(help="full, or quiet for the short one.")] = "full",
    crm: Annotated[
        str, typer.Option(help="salesforce, hubspot, or both: everybody is in each.")
    ] = "salesforce",
    as_json: Json = False,
) -> None:
    """Play failed payments against simulated vendors, on a fast clock, with everything real.

    PostgreSQL, Valkey, the webhook edge, relay, workers and the simulators run in one temporary
    directory on loopback. Exits 0 only if every simulated system ends as it should.

    Examples:

        kidglove demo

        kidglove demo --keep

        kidglove demo --story quiet

        kidglove demo --crm hubspot
    """
    from ops.demo import play

    raise typer.Exit(play(story=story, crm=crm, keep=keep, as_json=as_json))


def show_settings(as_json: Json = False) -> None:
    """Show the settings in force by the names of their variables, every secret masked.

    Examples:

        kidglove settings

        kidglove settings --json
    """
    shown = current_settings().masked()
    if as_json:
        print_json(shown)
        return
    print_table(("variable", "value"), list(_variables(shown)), none="There is no setting.")


def _variables(values: Mapping[str, object], prefix: str = "KIDGLOVE_") -> Iterator[Variable]:
    """Each setting under the name by which the environment or `.env` sets it."""
    for name, value in values.items():
        variable = name if name in ("database_url", "redis_url") else f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from _variables(value, f"{prefix}{name.upper()}__")
        else:
            yield variable.upper(), plain(value) if value not in ([], {}, "") else None
