"""`kidglove case`: the cases, one case, why it is as it is, and what a person may do about it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from domain.wording import count
from ops.cli.common import (
    By,
    Json,
    announce,
    fail,
    out,
    plain,
    print_json,
    print_table,
    runtime,
    when,
    whoami,
)
from ops.cli.reading import arr_of, case_rows, find_case, next_timer, story

app = typer.Typer(no_args_is_help=True, help="Cases: list, look, ask why, expedite, note, link.")
Key = Annotated[
    str, typer.Argument(help="The case's key, or the account by name, customer id or CRM id.")
]
DECISIONS = 3
"""Decisions that `why` shows; those without a reason only renewed what stood there."""

UNTOLD = ("effects renewed",)
"""Lines of a story that say nothing to a person; --json has them."""


@app.command("list")
def list_cases(
    show_all: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    as_json: Json = False,
) -> None:
    """List the open cases, the largest ARR first.

    Examples:

        kidglove case list

        kidglove case list --all --json
    """
    with runtime() as here, here.store.begin() as tx:
        rows = case_rows(tx, open_only=not show_all)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("account", "ARR", "stage", "tier", "quiet", "with", "due", "next (UTC)", "case"),
        [
            (
                row.account,
                row.arr,
                row.state.replace("_", " "),
                row.tier,
                row.quiet.replace("_", " "),
                row.owner,
                row.due_on,
                f"{row.next_timer.replace('_', ' ')} {when(row.next_at)}"
                if row.next_timer
                else None,
                row.key,
            )
            for row in rows
        ],
        none="No case." if show_all else "No open case.",
    )


@app.command("show")
def show(key: Key, as_json: Json = False) -> None:
    """Show one case: where it stands, what was changed, and its whole story.

    Examples:

        kidglove case show kg-in_1Q2w3e

        kidglove case show "Aurelius Partners"
    """
    with runtime() as here, here.store.begin() as tx:
        stored = find_case(tx, key)
        case = stored.case
        name = tx.cases.account_name(case.account)
        arr = arr_of(tx, stored)
        timers = tx.cases.timers(case.account)
        certificate = tx.cases.certificate(case.account)
        ledger = tx.cases.ledger(case.account)
        links = tx.links.of(case.account)
        entries = story(tx, case)
    if as_json:
        print_json(
            {
                "account": name,
                "case": case,
                "arr": arr.text() if arr else None,
                "timers": timers,
                "certificate": certificate,
                "ledger": ledger,
                "links": links,
                "story": entries,
            }
        )
        return
    timer = next_timer(timers)
    stage = case.state.value.replace("_", " ") if case.is_open else f"closed, {case.outcome}"
    facts: list[tuple[str, Any]] = [
        ("case", case.key),
        ("stage", f"{stage}, tier {case.tier}"),
        ("because", "; ".join(case.tier_reasons)),
        ("ARR", arr.text() if arr else "not known"),
        ("with", f"{case.assignee_name or 'nobody'}, due {case.due_on or 'no day'}"),
        ("quiet", _certificate(certificate)),
        ("next look", f"{timer.kind.value.replace('_', ' ')} {when(timer.due)}" if timer else "-"),
        ("records", ", ".join(f"{one.system} {one.external_id}" for one in links)),
    ]
    out.print(name or f"account {case.account}", style="bold", markup=False)
    for label, value in facts:
        out.print(f"  {label:<10} {value}", markup=False)
    if ledger:
        out.print("\nChanged in the payment system", style="bold")
        for row in ledger:
            was = ", ".join(f"{name} {value}" for name, value in row.before.items())
            out.print(f"  {row.subject}: {row.state.value}, was {was or 'not read'}", markup=False)
    out.print("\nStory (UTC)", style="bold")
    for entry in entries:
        if entry.what not in UNTOLD:
            out.print(f"  {when(entry.at)}  {entry.who:<10} {entry.what}", markup=False)


@app.command("why")
def why(
    key: Key,
    last: Annotated[int, typer.Option(help="How many decisions.")] = DECISIONS,
    as_json: Json = False,
) -> None:
    """Show the reasons of the last decisions, with their rules and the configuration in force.

    Examples:

        kidglove case why kg-in_1Q2w3e

        kidglove case why kg-in_1Q2w3e --last 10
    """
    with runtime() as here, here.store.begin() as tx:
        case = find_case(tx, key).case
        lines = [line for line in tx.audit.of_account(case.account) if line.kind == "decision"]
    shown = [line for line in lines if line.details.get("rules")][-last:] or lines[-last:]
    if as_json:
        print_json(
            [
                {
                    "at": line.at,
                    "cause": line.details.get("cause"),
                    "config": line.details.get("config"),
                    "state": line.details.get("state"),
                    "quiet": line.details.get("quiet"),
                    "reasons": _reasons(line.details, line.text),
                }
                for line in shown
            ]
        )
        return
    if not shown:
        fail(f"nothing was decided about {key} yet")
    for line in shown:
        cause, config = line.details.get("cause"), line.details.get("config")
        out.print(f"{when(line.at)} UTC, because of {cause}", style="bold", markup=False)
        out.print(f"  under {config}", markup=False)
        for reason in _reasons(line.details, line.text):
            out.print(f"  {reason['rule']:<22} {reason['text']}", markup=False)


@app.command("expedite")
def expedite(
    key: Key,
    reason: Annotated[str, typer.Option("--reason", help="Why it cannot wait.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Ask for outreach today: the task gets high priority and is due now.

    Examples:

        kidglove case expedite kg-in_1Q2w3e --reason "renewal call is tomorrow"
    """
    with runtime() as here:
        with here.store.begin() as tx:
            case = find_case(tx, key).case
        announce(f"1 case: {case.key} gets high priority and is due today.")
        here.actions.expedite(case.key, by=by or whoami(), reason=reason)
    _done(as_json, case.key, "expedited")


@app.command("note")
def note(
    key: Key,
    text: Annotated[str, typer.Argument(help="The note; it appears on the CRM task.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Add a note to a case; it appears on its task and in its story.

    Examples:

        kidglove case note kg-in_1Q2w3e "their bank confirmed a new limit for Monday"
    """
    with runtime() as here:
        with here.store.begin() as tx:
            case = find_case(tx, key).case
        announce(f"1 case: the note is added to the task of {case.key}.")
        here.actions.add_note(case.key, by=by or whoami(), text=text)
    _done(as_json, case.key, "noted")


@app.command("link")
def link(key: Key, by: By = None, as_json: Json = False) -> None:
    """Make a link on which the customer replaces the card on file, and print it once.

    The link is never opened, stored or logged here. Paste it as it is into one personal mail.

    Examples:

        kidglove case link kg-in_1Q2w3e
    """
    from domain.errors import KidgloveError
    from jobs.runtime import PAYMENTS_SYSTEM

    with runtime() as here:
        with here.store.begin() as tx:
            case = find_case(tx, key).case
            customer = next(
                (
                    one.external_id
                    for one in tx.links.of(case.account)
                    if one.system == PAYMENTS_SYSTEM and one.kind == "customer"
                ),
                None,
            )
        if customer is None:
            fail(f"{case.key} has no payment customer", "`kidglove link list` shows its records.")
        announce(f"1 link is made for customer {customer}. It is shown here and nowhere else.")
        now = here.clock.now()
        made = here.stripe.make_link(customer, key=f"link:{case.key}:{now.isoformat()}")
        if isinstance(made, KidgloveError):
            raise made
        with here.store.begin() as tx:
            tx.audit.note(
                "link.made",
                f"a payment link for {customer}",
                now=now,
                account=case.account,
                actor=by or whoami(),
            )
    if as_json:
        print_json({"case": case.key, "customer": customer, **plain(made)})
        return
    out.print(made.url, markup=False, soft_wrap=True)
    stays = "it comes back after it has expired" if made.survives_expiry else "it expires for good"
    announce(f"It opens the form {made.opens.replace('_', ' ')}; {stays}.")


@app.command("ready")
def ready(key: Key, as_json: Json = False) -> None:
    """Ask whether a personal mail may go out now: read every held setting once more.

    Exits with 1 if anything automatic could still reach the customer.

    Examples:

        kidglove case ready kg-in_1Q2w3e && ./send-my-mail
    """
    with runtime() as here:
        with here.store.begin() as tx:
            case = find_case(tx, key).case
        clearance = here.gate.clear_to_send(case.account)
    if as_json:
        print_json(clearance)
    elif clearance.may_send:
        out.print("Yes: Stripe is quiet, read back just now.")
    else:
        out.print("No, not now:")
        for reason in clearance.reasons:
            out.print(f"  {reason}", markup=False)
    raise typer.Exit(0 if clearance.may_send else 1)


def _certificate(certificate: Any) -> str:
    if certificate is None:
        return "never asked for"
    state = certificate.state.value.replace("_", " ")
    if certificate.checked_at is None:
        return str(state)
    return (
        f"{state}: {count(certificate.invoices, 'invoice')}, "
        f"{count(certificate.subscriptions, 'subscription')}, "
        f"checked {when(certificate.checked_at)}; {certificate.because}"
    )


def _reasons(details: Any, text: str) -> list[dict[str, str]]:
    rules, texts = details.get("rules", []), details.get("reasons")
    if texts is None or len(texts) != len(rules):
        return [{"rule": ", ".join(rules), "text": text}]
    if not rules:
        return [{"rule": "-", "text": text}]
    return [{"rule": rule, "text": one} for rule, one in zip(rules, texts, strict=True)]


def _done(as_json: bool, key: str, what: str) -> None:
    if as_json:
        print_json({"case": key, "done": what})
    else:
        out.print(f"Done. The task of {key} follows within seconds.", markup=False)
