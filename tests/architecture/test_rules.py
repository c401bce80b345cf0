"""The rules that import-linter cannot say. Each docstring names the incident that it prevents."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ops.requirements import claims, ledger, unknown
from tests.architecture import rules
from tests.architecture.rules import ROOMS, Breach, Rule, Source, python_files

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("", *ROOMS)


def breaches(rule: Rule, sources: list[Source]) -> list[str]:
    found: list[Breach] = [breach for source in sources for breach in rule(source)]
    return [str(breach) for breach in found]


def test_only_the_outside_reads_the_wall_clock() -> None:
    """Incident: an expiry was tested with the machine's clock, passed for months, and failed on
    the night of a change to summer time. Time comes in through the Clock port.
    """
    free = {"ops", "jobs", "simulators"}
    sources = [one for one in python_files(ROOT, *PRODUCT) if one.room not in free]
    assert breaches(rules.wall_clocks, sources) == []


def test_only_the_unit_of_work_commits() -> None:
    """Incident: a commit in the middle of a step made a case without its effects durable, and a
    crash right after it left a held customer with nobody to call them.
    """
    sources = [
        one
        for one in python_files(ROOT, *PRODUCT)
        if one.path != "store/unit_of_work.py" and not one.path.startswith("store/migrations/")
    ]
    assert breaches(rules.commits, sources) == []


def test_no_error_is_swallowed_without_a_reason() -> None:
    """Incident: `except Exception` around a job's body swallowed the queue's own timeout, which
    is an exception too, and jobs that hung were reported as done.
    """
    sources = python_files(ROOT, *PRODUCT, "tests", "bench")
    assert breaches(rules.swallowed_errors, sources) == []


def test_the_core_knows_no_vendor_by_name() -> None:
    """Incident: a `case` on the vendor's name in shared code gave the second CRM the first one's
    rules for a year, because nobody who added a vendor looked there.
    """
    assert breaches(rules.vendor_names, python_files(ROOT, "sync", "domain")) == []


def test_the_domain_imports_the_standard_library_only() -> None:
    """Incident: a model library in the rules made a decision depend on its version, and the same
    facts were decided differently before and after an upgrade.
    """
    assert breaches(rules.foreign_imports, python_files(ROOT, "domain")) == []


def test_no_file_has_a_second_idea_in_it() -> None:
    """Incident: a service file of four thousand lines, which everybody changed and nobody read,
    retried a payment in two places.
    """
    sources = [
        one
        for one in python_files(ROOT, *PRODUCT, "bench")
        if not one.path.startswith("store/migrations/")
    ]
    assert breaches(rules.too_long, sources) == []


def test_no_file_depends_on_the_machine_it_was_written_on() -> None:
    """Incident: a lock file with an index address in it, and a test with an absolute path, worked
    for their author and for nobody else.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = {
        name: rules.strays((ROOT / name).read_text(encoding="utf-8", errors="ignore"))
        for name in listed.stdout.split("\0")
        if name and (ROOT / name).is_file()
    }
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_a_test_that_names_a_row_carries_its_mark() -> None:
    """Incident: a table of proven requirements said "not" for a row that three tests proved in
    their names, and the fourth was written.
    """
    assert breaches(rules.unmarked_rows, python_files(ROOT, "tests")) == []


def test_every_mark_names_a_row_that_exists() -> None:
    """Incident: a mark with a typing mistake proved a requirement that nobody had asked for."""
    assert [f"{claim.test} names {claim.row}" for claim in unknown(ledger(), claims())] == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.wall_clocks, "import datetime\nx = datetime.datetime.now(datetime.UTC)"),
        (rules.wall_clocks, "from datetime import date\nx = date.today()"),
        (rules.wall_clocks, "from time import time"),
        (rules.wall_clocks, "import time\nfield(default_factory=time.time)"),
        (rules.commits, "def save(session):\n    session.commit()"),
        (rules.swallowed_errors, "try:\n    x()\nexcept Exception:\n    pass"),
        (rules.swallowed_errors, "try:\n    x()\nexcept:\n    pass"),
        (
            rules.swallowed_errors,
            "try:\n    x()\nexcept (OSError, BaseException) as e:\n    log(e)",
        ),
        (rules.swallowed_errors, "with contextlib.suppress(Exception):\n    x()"),
        (rules.vendor_names, "TARGET = 'salesforce'"),
        (rules.vendor_names, "def read_stripe(): ..."),
        (rules.vendor_names, "import connectors.hubspot"),
        (rules.vendor_names, "f(netsuite_id=1)"),
        (rules.foreign_imports, "import pydantic"),
        (rules.foreign_imports, "from sync.ports import Clock"),
        (rules.too_long, "x = 1\n" * 401),
        (rules.unmarked_rows, "def test_r17_twice(): ..."),
        (rules.unmarked_rows, "def test_twice():\n    'R17: twice.'"),
        (rules.unmarked_rows, "@pytest.mark.req('R1')\nclass TestR17: ..."),
        (rules.unmarked_rows, "@pytest.mark.req('R4')\ndef test_e4_twice(): ..."),
        (rules.unmarked_rows, "def test_twice():\n    'E4: twice.'"),
    ],
)
def test_each_rule_finds_what_it_forbids(rule: Rule, text: str) -> None:
    assert len(list(rule(Source(path="domain/planted.py", text=text)))) == 1


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.wall_clocks, "now = clock.now()\nbegan = time.monotonic()"),
        (rules.commits, "unit.save(case)"),
        (rules.swallowed_errors, "try:\n    x()\nexcept Exception as e:\n    raise Other() from e"),
        (rules.swallowed_errors, "try:\n    x()\nexcept Exception:  # reason: last line\n    pass"),
        (rules.swallowed_errors, "try:\n    x()\nexcept OSError:\n    pass"),
        (rules.vendor_names, '"""What Stripe does."""\nx = 1  # VENDOR: Stripe docs'),
        (
            rules.foreign_imports,
            "from dataclasses import dataclass\nfrom domain.money import Money",
        ),
        (rules.too_long, "x = 1\n" * 400),
        (rules.unmarked_rows, "@pytest.mark.req('R17')\ndef test_r17_twice(): ..."),
        (rules.unmarked_rows, "@pytest.mark.req('E4')\ndef test_e4_twice(): ..."),
        (rules.unmarked_rows, "pytestmark = pytest.mark.req('R17')\ndef test_r17_twice(): ..."),
    ],
)
def test_no_rule_finds_what_is_fine(rule: Rule, text: str) -> None:
    assert list(rule(Source(path="domain/planted.py", text=text))) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("--index-url https://pyp" + "i.org/simple", 1),
        ("cd /wo" + "rk/main", 1),
        ("home is /ro" + "ot", 1),
        ("https://docs.example.com/work/notes", 0),
        ("GET /services/root/1 and a network/work item", 0),
    ],
)
def test_machine_paths_and_registry_hosts_are_told_from_ordinary_text(
    text: str, count: int
) -> None:
    assert len(rules.strays(text)) == count
