"""From nothing to the last table: start, play, compare, end."""

from __future__ import annotations

import io
import json
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from rich.console import Console

from ops.demo.crms import CRMS
from ops.demo.ending import Check, Ends, checks
from ops.demo.narrator import Narrator
from ops.demo.stage import NotReady, Stage, stage
from ops.demo.story import START, Story, on
from ops.demo.tempo import Stuck

STORIES = ("full", "quiet")
SIMULATED = {
    "salesforce": "Stripe and Salesforce",
    "hubspot": "Stripe and HubSpot",
    "both": "Stripe, Salesforce and HubSpot",
}
ENDINGS = (signal.SIGINT, signal.SIGTERM)
WIDTH = 100
"""Columns where no terminal says how many there are."""
LOG_LINES = 25


def play(*, story: str, crm: str, keep: bool, as_json: bool) -> int:
    """Play a story. 0 if everything ended as expected, 1 if not, 2 for one that we do not have."""
    if story not in STORIES:
        sys.stderr.write(f"there is no story {story!r}; there are {', '.join(STORIES)}\n")
        return 2
    if crm not in CRMS:
        sys.stderr.write(f"there is no CRM {crm!r}; there are {', '.join(CRMS)}\n")
        return 2
    console = _console(silent=as_json)
    narrator = Narrator(console)
    began = time.monotonic()
    before = {number: signal.signal(number, _interrupt) for number in ENDINGS}
    narrator.title(
        "Kidglove demo",
        "Everything runs here, on loopback, on a simulated clock that jumps from one event to the",
        f"next. {SIMULATED[crm]} are simulated over HTTP; everything else is the real product.",
    )
    try:
        with stage(start=START, crms=CRMS[crm], say=narrator.started) as here:
            try:
                found = _act(here, narrator, story)
            except (Stuck, LookupError) as problem:
                _explain(here, problem)
                return 1
            wrong = [check for check in found if not check.holds]
            seconds = time.monotonic() - began
            _report(console, narrator, found, seconds, as_json=as_json)
            if keep:
                _stay(console, here)
            return 1 if wrong else 0
    except NotReady as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nEnded. Everything that the demo had started is stopped.\n")
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _console(*, silent: bool) -> Console:
    if silent:
        return Console(file=io.StringIO())
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def _act(here: Stage, narrator: Narrator, name: str) -> list[Check]:
    story = Story(here, narrator)
    story.two_renewals_fail()
    ends: tuple[Ends, ...]
    if name == "quiet":
        story.the_money_arrives(on(2, 20, 0))
        ends = story.short_ends()
    else:
        story.nobody_acts()
        story.noisy_to_quiet_and_back()
        story.two_months()
        story.the_money_arrives(on(4, 15, 0, month=1))
        ends = story.ends()
    narrator.chapter("The end: what was expected, and what every system says")
    return [*story.proofs, *checks(here, ends, open_cases=0 if name == "full" else 1)]


def _report(
    console: Console, narrator: Narrator, found: list[Check], seconds: float, *, as_json: bool
) -> None:
    wrong = [check for check in found if not check.holds]
    if as_json:
        rows = [
            {
                "system": check.system,
                "what": check.what,
                "expected": check.expected,
                "actual": check.actual,
                "same": check.holds,
            }
            for check in found
        ]
        report = {"fine": not wrong, "seconds": round(seconds, 1), "checks": rows}
        print(json.dumps(report, indent=2, default=str))
        return
    narrator.ending(found)
    fine = f"All {len(found)} are as expected."
    said = f"{len(wrong)} of {len(found)} are not as expected." if wrong else fine
    style = "bold red" if wrong else "bold green"
    console.print(f"\n{said} It took {seconds:.0f} seconds.", style=style)


def _stay(console: Console, here: Stage) -> None:
    """Leave everything up until Ctrl-C, on a clock that flows like a real one from here."""
    console.print("\nEverything stays up until Ctrl-C. Where to look:", style="bold")
    kidglove = Path(sys.executable).with_name("kidglove")
    for what, where in (
        ("simulated Stripe", f"{here.stripe.url}/_sim/state"),
        *((f"simulated {crm.title}", f"{crm.url}/_sim/state") for crm in here.crms),
        ("the clock", f"{here.world.url}/clock"),
        ("webhook edge", f"{here.edge}/healthz"),
        ("console", here.console or "not part of this installation"),
        ("its token", here.environment["KIDGLOVE_CONSOLE_TOKEN"]),
        ("logs, data, settings", str(here.directory)),
        ("command line", f"cd {here.directory} && {kidglove} case list --all"),
    ):
        console.print(f"  {what:<22} {where}", soft_wrap=True, markup=False)
    here.world.flow(1.0)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


def _explain(here: Stage, problem: Exception) -> None:
    sys.stderr.write(f"\nThe story cannot go on: {problem}\n")
    for log in sorted(here.directory.glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        if lines:
            sys.stderr.write(f"The end of {log.name}:\n" + "\n".join(lines) + "\n")


def _interrupt(_: int, __: FrameType | None) -> None:
    """End once: a second signal must not stop the clearing up."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
