"""The table of requirements claims neither too much nor too little."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ops.requirements import Row, Scope, State, claims, ledger, main, standings, unknown

SUITE = """
import pytest

pytestmark = [pytest.mark.req("R1")]

@pytest.mark.req("R2", partly="only for cards")
def test_plain(): ...

@pytest.mark.req("R3")
class TestGroup:
    @pytest.mark.req("R4")
    def test_inside(self): ...

    def helper(self): ...

@pytest.mark.req("R5")
@pytest.mark.skip(reason="not yet")
def test_skipped(): ...

@pytest.mark.parametrize("case", [1, pytest.param(2, marks=pytest.mark.req("R6"))])
def test_parameters(case): ...
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_suite.py").write_text(SUITE, encoding="utf-8")
    return tests


def row(number: int, *, partly: str | None = None) -> Row:
    return Row(id=f"R{number}", title="a row", scope=Scope.NOW, partly=partly)


def test_marks_of_functions_classes_modules_and_parameters_are_found(suite: Path) -> None:
    assert {(claim.row, claim.test) for claim in claims(suite)} == {
        ("R1", "tests/test_suite.py::test_plain"),
        ("R2", "tests/test_suite.py::test_plain"),
        ("R1", "tests/test_suite.py::TestGroup::test_inside"),
        ("R3", "tests/test_suite.py::TestGroup::test_inside"),
        ("R4", "tests/test_suite.py::TestGroup::test_inside"),
        ("R1", "tests/test_suite.py::test_parameters"),
        ("R6", "tests/test_suite.py::test_parameters"),
    }


def test_a_row_is_proven_by_one_whole_test_partly_by_less_and_not_by_skipped_ones(
    suite: Path,
) -> None:
    rows = [row(1), row(2), row(4, partly="the second vendor"), row(5)]
    found = {one.row.id: (one.state, list(one.missing)) for one in standings(rows, claims(suite))}
    assert found == {
        "R1": (State.PROVEN, []),
        "R2": (State.PARTLY, ["only for cards"]),
        "R4": (State.PARTLY, ["the second vendor"]),
        "R5": (State.NOT, []),
    }


def test_a_mark_with_a_row_that_does_not_exist_is_reported(suite: Path) -> None:
    known = [row(number) for number in (1, 2, 3, 4)]
    assert [claim.row for claim in unknown(known, claims(suite))] == ["R6"]


def test_the_ledger_lists_every_row_once_in_order_with_a_short_title() -> None:
    rows = ledger()
    assert [one.id for one in rows] == [
        *(f"R{number}" for number in range(1, 154)),
        *(f"E{number}" for number in range(1, 8)),
    ]
    assert all(3 <= len(re.split(r"\s+", one.title)) <= 10 for one in rows)


def test_a_row_listed_twice_is_refused(tmp_path: Path) -> None:
    twice = tmp_path / "requirements.yaml"
    entry = "  - {id: R1, title: one two three, scope: now}\n"
    twice.write_text("rows:\n" + entry + entry, encoding="utf-8")
    with pytest.raises(ValueError, match="R1 more than once"):
        ledger(twice)


def test_the_command_prints_one_json_document_and_knows_its_exit_codes() -> None:
    app = typer.Typer()
    app.command()(main)
    whole = CliRunner().invoke(app, ["--json"])
    assert whole.exit_code == 0
    document = json.loads(whole.stdout)
    assert len(document["rows"]) == 160
    assert CliRunner().invoke(app, ["--json", "--strict"]).exit_code == bool(document["gaps"])
    assert CliRunner().invoke(app, ["--scope", "never"]).exit_code == 2
