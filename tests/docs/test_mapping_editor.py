"""The page for a newcomer is typed, line by line, beside a running world."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, words_of
from tests.ops.desk import Desk
from tests.world import build

PAGE = ROOT / "docs" / "mapping-editor.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
PLAN = re.compile(r"\b[0-9a-f]{12}\b")
CHANGING = (
    (PLAN, "0123456789ab"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d \w{3} \d\d:\d\d\b"), "Fri 20 Nov 16:00"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "2026-11-20"),
    (re.compile(r"effect \d+"), "effect 30"),
    (re.compile(r"\d+ (fields )?(as they are|are as mapped|ok,)"), r"30 \1\2"),
    (re.compile(r"evt_\w+"), "evt_1"),
    (re.compile(r"policy(:|@)\S+"), "policy"),
    (re.compile(r" {2,}"), "  "),
)
"""What differs from run to run, and what stands for it."""


@dataclass(frozen=True)
class Typed:
    """One line that is typed, and what is shown under it."""

    command: str
    shown: str


def typed() -> list[Typed]:
    """Every command of the page with what the page shows under it."""
    found = []
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append(Typed(command, shown))
    return found


def settled(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, instead in CHANGING:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


class Terminal:
    """Types lines in the desk's directory; the workers run between two lines."""

    def __init__(self, desk: Desk, directory: Path) -> None:
        self._desk = desk
        self._directory = directory
        self._plan = ""

    def type(self, line: str) -> str:
        """What the line says, on both outputs."""
        said = self._kidglove(line) if line.startswith("kidglove ") else self._shell(line)
        if plans := PLAN.findall(said):
            self._plan = plans[-1]
        self._desk.world.settle()
        return said

    def _kidglove(self, line: str) -> str:
        line, _, file = line.partition(" > ")
        said = self._desk.type(*words_of(PLAN.sub(self._plan, line))[1:])
        if file:
            (self._directory / file).write_text(said.out, encoding="utf-8")
            return said.err
        return said.err + said.out

    def _shell(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line], cwd=self._directory, check=True, capture_output=True, text=True
        )
        return done.stdout + done.stderr


@pytest.fixture
def desk(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk at the end of the demo's story: a VIP whose payment failed, and came."""
    world = build(database_url, redis_url)
    customer, _ = world.vip()
    world.hours(4)
    (invoice,) = world.stripe.invoices(customer, "open")
    world.stripe.customer_pays(str(invoice["id"]), card="good")
    world.settle()
    yield Desk(world, tmp_path, monkeypatch)
    world.close()


def status(desk: Desk) -> object:
    (account,) = desk.world.org.rows("Account")
    return account["Payment_Status__c"]


def test_what_the_page_shows_is_what_is_said(desk: Desk, tmp_path: Path) -> None:
    terminal = Terminal(desk, tmp_path)
    seen = []
    for line in typed():
        assert settled(terminal.type(line.command)) == settled(line.shown), line.command
        seen.append(status(desk))
    desk.world.runtime.reconcile.sweep_everybody()
    desk.world.settle()
    assert list(dict.fromkeys(seen)) == ["Paid", "Current"]
    assert status(desk) == "Paid"


def test_the_page_has_five_mistakes_and_the_whole_way_to_and_back() -> None:
    verbs = [line.command.split()[1:3] for line in typed() if line.command[:9] == "kidglove "]
    checks = [line for line in typed() if line.command == "kidglove mapping check bad.yaml"]
    assert len({line.shown for line in checks}) == 5
    for verb in ("export", "check", "doctor", "diff", "plan", "apply", "rollback", "history"):
        assert ["mapping", verb] in verbs
    assert ["why", "salesforce"] in verbs
