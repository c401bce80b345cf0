"""`kidglove hold`, `alert` and `link`: what is quiet, who must know, and what belongs together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.common import (
    By,
    Json,
    announce,
    fail,
    out,
    print_json,
    print_table,
    runtime,
    when,
    whoami,
)

if TYPE_CHECKING:
    from domain.rows import Link

holds = typer.Typer(no_args_is_help=True, help="Holds: who asked for quiet, until when.")
alerts = typer.Typer(no_args_is_help=True, help="Words to the administrators.")
links = typer.Typer(no_args_is_help=True, help="Which outside records belong to which account.")


@holds.command("list")
def list_holds(as_json: Json = False) -> None:
    """List every hold: who asked, where, until when, what was changed, when it was last read back.

    Examples:

        kidglove hold list

        kidglove hold list --json
    """
    from domain.holds import ends_at, provenance
    from ops.holding import held

    with runtime() as here, here.store.begin() as tx:
        found = held(tx)
    if as_json:
        print_json(
            [
                {
                    "account": one.account,
                    "case": one.key,
                    "holds": [
                        {"asked": provenance(hold), "until": ends_at(hold)} for hold in one.holds
                    ],
                    "quiet": one.certificate,
                    "changed": one.changed,
                }
                for one in found
            ]
        )
        return
    if not found:
        out.print("Nothing is held.")
    for one in found:
        out.print(f"{one.account}", style="bold", markup=False)
        for hold in one.holds:
            end = ends_at(hold)
            until = f"until {when(end)} UTC" if end else "until the case ends"
            out.print(f"  asked      {provenance(hold)}; {until}", markup=False)
        for row in one.changed:
            was = ", ".join(f"{name} {value}" for name, value in row.before.items())
            drifts = f", switched back {row.drifts} times" if row.drifts else ""
            out.print(
                f"  changed    {row.subject}: {row.state.value}, was {was or 'not read yet'}"
                f", read back {when(row.checked_at)}{drifts}",
                markup=False,
            )
        if one.certificate is not None:
            state = one.certificate.state.value.replace("_", " ")
            checked = when(one.certificate.checked_at)
            out.print(f"  read back  {state}, {checked} UTC", markup=False)


@alerts.command("list")
def list_alerts(
    show_all: Annotated[bool, typer.Option("--all", help="Those that were read too.")] = False,
    as_json: Json = False,
) -> None:
    """List the alerts that nobody has read yet. Exits with 1 if there are any.

    Examples:

        kidglove alert list

        kidglove alert list --all
    """
    with runtime() as here, here.store.begin() as tx:
        found = tx.audit.alerts(open_only=not show_all)
    if as_json:
        print_json(found)
    else:
        print_table(
            ("id", "since (UTC)", "rule", "what happened, and what to do"),
            [(one.id, one.at, one.rule, one.text) for one in found],
            none="No alert." if show_all else "No unread alert.",
        )
    raise typer.Exit(1 if any(one.acknowledged_at is None for one in found) else 0)


@alerts.command("ack")
def acknowledge(
    ids: Annotated[list[int], typer.Argument(help="The alerts' ids.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say that somebody has read these alerts. They stay in the list of all.

    Examples:

        kidglove alert ack 4 7
    """
    announce(f"{len(ids)} {'alert is' if len(ids) == 1 else 'alerts are'} marked as read.")
    with runtime() as here, here.store.begin() as tx:
        now = here.clock.now()
        done = [id for id in ids if tx.audit.acknowledge(id, by=by or whoami(), now=now)]
    missing = [id for id in ids if id not in done]
    if as_json:
        print_json({"acknowledged": done, "unknown_or_read_before": missing})
    elif missing:
        out.print(f"Unknown, or read before: {', '.join(map(str, missing))}")
    raise typer.Exit(1 if missing else 0)


@links.command("list")
def list_links(
    show_all: Annotated[bool, typer.Option("--all", help="Confirmed links too.")] = False,
    as_json: Json = False,
) -> None:
    """List the links that are not sure and wait for a person's word.

    Examples:

        kidglove link list

        kidglove link list --all
    """
    from domain.rows import LinkState

    with runtime() as here, here.store.begin() as tx:
        unsure = (LinkState.QUARANTINED, LinkState.SUGGESTED)
        found = [one for one in tx.links.all() if show_all or one.state in unsure]
        names = {
            one.account: tx.cases.account_name(one.account)
            for one in found
            if one.account is not None
        }
    if as_json:
        print_json(found)
        return
    print_table(
        ("account", "system", "kind", "record", "state", "why"),
        [
            (
                (names.get(one.account) if one.account is not None else None) or one.account,
                one.system,
                one.kind,
                one.external_id,
                one.state.value,
                one.reason,
            )
            for one in found
        ],
        none="Nothing is linked." if show_all else "Every link is sure.",
    )


System = Annotated[str, typer.Argument(help="stripe or salesforce.")]
Record = Annotated[str, typer.Argument(help="The record's id there.")]
Kind = Annotated[str, typer.Option("--kind", help="account (a CRM's) or customer (Stripe's).")]


@links.command("confirm")
def confirm(
    system: System,
    record: Record,
    kind: Kind = "account",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say that a link is right: from now on the record belongs to that account.

    Examples:

        kidglove link confirm salesforce 001hG00000jeMwmQAE
    """
    _decide(system, kind, record, by=by, is_right=True, as_json=as_json)


@links.command("reject")
def reject(
    system: System,
    record: Record,
    kind: Kind = "account",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say that a link is wrong: it is never made again by itself, nothing is written there.

    Examples:

        kidglove link reject salesforce 001hG00000jeMwnQAE
    """
    _decide(system, kind, record, by=by, is_right=False, as_json=as_json)


def _decide(
    system: str, kind: str, record: str, *, by: str | None, is_right: bool, as_json: bool
) -> None:
    from domain.ids import Ref
    from domain.rows import EVALUATE, LinkState

    ref = Ref(system, kind, record)
    word = "confirmed" if is_right else "rejected"
    announce(f"1 link: {ref} is {word}, and its account is judged again.")
    with runtime() as here, here.store.begin() as tx:
        now = here.clock.now()
        change: Any = tx.links.confirm if is_right else tx.links.reject
        before = next(
            (
                one
                for one in tx.links.all()
                if (one.system, one.kind, one.external_id) == (system, kind, record)
            ),
            None,
        )
        owner = before.account if before is not None else None
        if not change(ref, now=now) or owner is None or before is None:
            fail(f"there is no link {ref}", _remedy(tx.links.all(), record))
        tx.audit.note(f"link.{word}", str(ref), now=now, account=owner, actor=by or whoami())
        tx.lanes.mark_dirty(owner, EVALUATE, cause=f"person:link.{word}")
        is_unnamed = is_right and before.state is LinkState.SUGGESTED
        mappings = here.configs.current(tx, now).mappings
    if as_json:
        print_json({"link": str(ref), "state": word})
        return
    out.print("Done.")
    if is_unnamed and system in mappings:
        # The polls of both CRMs list only what carries a customer's id.
        field = mappings[system].customer_field
        out.print(
            f"Write the customer's id into {field} of the record as well: until then its changes "
            "are heard of by messages and the daily look alone.",
            markup=False,
        )


def _remedy(known: Sequence[Link], record: str) -> str:
    """What to type instead. Part of an id is never taken for the id: it may name another record."""
    whole = [one.external_id for one in known if record and one.external_id.startswith(record)]
    if whole:
        return f"That id is cut short; the whole one is {' or '.join(sorted(whole))}."
    return "`kidglove link list --all` shows every link."
