"""`kidglove doctor`, `why`, `numbers`: is it well, who decided this, is the promise kept."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.cli.common import (
    Json,
    announce,
    fail,
    out,
    print_json,
    print_table,
    runtime,
    shown,
    when,
)

doctor = typer.Typer(invoke_without_command=True)


@doctor.callback()
def examine(
    context: typer.Context,
    strict: Annotated[bool, typer.Option("--strict", help="Unknown lines fail too.")] = False,
    as_json: Json = False,
) -> None:
    """Check credentials, permissions, versions, webhooks, clock, fields, queues and promises.

    Each line is ok, wrong or unknown, with the remedy. What no API shows stays unknown until
    somebody looks and says so with `doctor confirm`. Exits with 1 if anything is wrong.

    Examples:

        kidglove doctor

        kidglove doctor --json

        kidglove doctor confirm stripe/failure-mails --by Ann --note "switched off"
    """
    if context.invoked_subcommand is not None:
        return
    from domain.ports import Health
    from ops.cli.findings import print_findings
    from ops.doctor import examine as run
    from ops.lines import worst

    with runtime() as here:
        lines = run(here)
    print_findings(lines, as_json=as_json)
    found = worst(lines)
    raise typer.Exit(1 if found is Health.WRONG or (strict and found is Health.UNKNOWN) else 0)


@doctor.command("confirm")
def confirm(
    check: Annotated[str, typer.Argument(help="The line's id, like stripe/failure-mails.")],
    by: Annotated[str, typer.Option("--by", help="Who has looked.")],
    note: Annotated[str, typer.Option("--note", "-m", help="What was found.")] = "",
    as_json: Json = False,
) -> None:
    """Store a person's word for what no API shows, with the date. It counts for half a year.

    Examples:

        kidglove doctor confirm stripe/failure-mails --by Ann --note "switched off"
    """
    from ops.doctor import confirm as store
    from ops.doctor import people_only

    with runtime() as here:
        known = people_only(here)
        if check not in known:
            fail(
                f"{check!r} is no line that only a person can confirm",
                f"Those are: {', '.join(sorted(known))}.",
            )
        announce(f"1 line: {check} counts as confirmed by {by}.")
        with here.store.begin() as tx:
            until = store(tx, check, by=by, note=note, now=here.clock.now())
    if as_json:
        print_json({"check": check, "by": by, "until": until})
    else:
        out.print(f"Stored. It counts until {until:%d %b %Y}.")


def why(
    system: Annotated[str, typer.Argument(help="stripe or salesforce.")],
    record: Annotated[str, typer.Argument(help="The record's id there, like in_1Q or 001...")],
    field: Annotated[str, typer.Argument(help="The field's name there.")],
    as_json: Json = False,
) -> None:
    """Explain a value that we wrote: event, rule, configuration, actor and time.

    Exits with 1 if we never wrote there.

    Examples:

        kidglove why salesforce 001hG00000jeMwmQAE Payment_Status__c

        kidglove why stripe in_1Q2w3e auto_advance

        kidglove why stripe cus_RvUprq metadata.kidglove_tier
    """
    from jobs.why import why as written

    with runtime() as here:
        found = written(here, system, record, field)
    if as_json:
        print_json(found)
    elif not found:
        out.print(f"We never wrote {field} of {record} in {system}.", markup=False)
    for value in found if not as_json else ():
        out.print(f"{when(value.at)} UTC  {shown(value.value)}", style="bold", markup=False)
        if value.replaced is not None:
            out.print(f"  instead of  {shown(value.replaced)}", markup=False)
        if value.wins is not None:
            out.print(f"  who wins    {value.wins}", markup=False)
        out.print(f"  because of  {value.cause}", markup=False)
        out.print(f"  rule        {value.rule}", markup=False)
        out.print(f"  under       {value.config_version}", markup=False)
        out.print(f"  by          {value.actor}, effect {value.effect_id}", markup=False)
    raise typer.Exit(0 if found else 1)


def show_numbers(as_json: Json = False) -> None:
    """Show whether the promise is kept, and how much work waits. Exits with 1 if it is not.

    Examples:

        kidglove numbers

        watch kidglove numbers
    """
    from ops.numbers import numbers

    with runtime() as here, here.store.begin() as tx:
        now = here.clock.now()
        found = numbers(tx, here.configs.current(tx, now).policy, now)
    broken = bool(found.robotic or found.silent)
    if as_json:
        print_json(found)
        raise typer.Exit(1 if broken else 0)
    print_table(
        ("number", "now", "what it means"),
        [
            ("robotic", found.robotic, "automatic tries after a hold began; must be 0"),
            ("silent", found.silent, "failing invoices that nobody deals with; must be 0"),
            ("drifts", found.drifts, "times that somebody switched a held setting back"),
            ("surveyed", found.surveyed, "accounts that the last daily survey looked at"),
            (
                "differed",
                found.differed,
                "of them to be read and judged: they drifted, or are busy",
            ),
            ("changed", found.settings_changed, "Stripe settings that are changed now"),
            ("open cases", _parts(found.open_cases), "by stage"),
            ("inbox", _parts(found.inbox), "messages by what became of them"),
            ("effects", _parts(found.effects), "what was to happen outside, by state"),
            ("waiting", _parts(found.waiting_accounts), "accounts that wait for work, by lane"),
            ("alerts", found.unread_alerts, "unread words to the administrators"),
        ],
        none="",
    )
    raise typer.Exit(1 if broken else 0)


def requirements(
    strict: Annotated[bool, typer.Option(help="Exit 1 unless every row now is proven.")] = False,
    as_json: Json = False,
) -> None:
    """Show which requirement is proven by which test.

    Examples:

        kidglove requirements

        kidglove requirements --json --strict
    """
    from ops.requirements import main

    main(as_json=as_json, strict=strict, scope=None)


def connectors(as_json: Json = False) -> None:
    """Show how good each connector is: a level computed from what is there, and what is missing.

    docs/connector-guide.md tells the scale.

    Examples:

        kidglove connectors

        kidglove connectors --json
    """
    from ops.quality import qualities

    found = qualities()
    if as_json:
        print_json(found)
        return
    rows = [
        (one.vendor, one.kind, one.level, len(one.not_yet_done), "; ".join(one.missing))
        for one in found
    ]
    print_table(
        ("connector", "kind", "level", "checks to do", "missing for the next level"),
        rows,
        none="There is no connector.",
    )


def _parts(counts: dict[str, int]) -> str:
    return (
        ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items()) or "none"
    )
