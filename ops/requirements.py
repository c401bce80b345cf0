"""Which requirement is proven by which test: `make requirements`.

Read from the source of the tests, without running them: a row counts as proven when a test that is
neither skipped nor expected to fail names it with `@pytest.mark.req`. `make test` says whether that
test passes.
"""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

ROOT: Final = Path(__file__).resolve().parents[1]
LEDGER: Final = ROOT / "docs" / "requirements.yaml"
TESTS: Final = ROOT / "tests"
NOT_RUN: Final = frozenset({"skip", "xfail"})
"""Marks that take the proof out of a test; `skipif` stays, since the full run takes it."""
SHOWN_TESTS: Final = 3
"""Tests listed per row in the table: enough to find the place; --json has all."""


class State(StrEnum):
    """How far a row is."""

    PROVEN = "proven"
    PARTLY = "partly"
    NOT = "not"


class Scope(StrEnum):
    """Whether a row belongs to this release."""

    NOW = "now"
    LATER = "later"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the ledger; `partly` says what is missing although tests exist."""

    id: str
    title: str
    scope: Scope
    partly: str | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One test that names a row; `partly` is what this test leaves open."""

    row: str
    test: str
    partly: str | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A row with what the tests say about it."""

    row: Row
    state: State
    claims: Sequence[Claim] = field(default=())

    @property
    def missing(self) -> Sequence[str]:
        """What is still missing, in the words of the ledger and of the tests."""
        if self.state is State.PROVEN:
            return ()
        said = [self.row.partly, *(claim.partly for claim in self.claims)]
        return list(dict.fromkeys(one for one in said if one))


def ledger(path: Path = LEDGER) -> list[Row]:
    """All rows in the order of the file; raises `ValueError` for a malformed one."""
    content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    rows = [
        Row(
            id=str(entry["id"]),
            title=str(entry["title"]),
            scope=Scope(entry["scope"]),
            partly=entry.get("partly"),
        )
        for entry in content["rows"]
    ]
    twice = {row.id for row in rows if sum(row.id == other.id for other in rows) > 1}
    if twice:
        raise ValueError(
            f"{path} lists {', '.join(sorted(twice))} more than once; keep one of each"
        )
    return rows


def claims(tests: Path = TESTS) -> list[Claim]:
    """Every row named by a test below the directory; marks of classes and modules are inherited.

    Files and classes of any name count, since a shared suite is written once and inherited.
    """
    found: list[Claim] = []
    for path in sorted(tests.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        name = path.relative_to(tests.parent).as_posix()
        found.extend(_claims_in(tree.body, name, _module_marks(tree)))
    return found


def standings(rows: Iterable[Row], made: Iterable[Claim]) -> list[Standing]:
    """Where each row stands; claims of rows that do not exist are left out (see `unknown`)."""
    by_row: Mapping[str, list[Claim]] = defaultdict(list)
    for claim in made:
        by_row[claim.row].append(claim)
    return [
        Standing(row=row, state=_state(row, by_row[row.id]), claims=by_row[row.id]) for row in rows
    ]


def unknown(rows: Iterable[Row], made: Iterable[Claim]) -> list[Claim]:
    """Claims of rows that the ledger does not have: a typing mistake that would prove nothing."""
    known = {row.id for row in rows}
    return [claim for claim in made if claim.row not in known]


def main(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    strict: Annotated[
        bool, typer.Option(help="Exit 1 unless every row in scope now is proven.")
    ] = False,
    scope: Annotated[Scope | None, typer.Option(help="Only rows of this scope.")] = None,
) -> None:
    """Shows for each requirement the tests that prove it.

    Exit codes: 0 fine, 1 a test names a row that does not exist (or --strict found gaps), 2 usage.

    Examples: python -m ops.requirements --scope now; python -m ops.requirements --json --strict
    """
    rows = ledger()
    made = claims()
    strays = unknown(rows, made)
    shown = [one for one in standings(rows, made) if scope is None or one.row.scope is scope]
    gaps = [
        one
        for one in standings(rows, made)
        if one.row.scope is Scope.NOW and one.state is not State.PROVEN
    ]
    if as_json:
        print(json.dumps(_as_json(shown, strays, gaps), indent=2))
    else:
        _print(shown, strays, gaps)
    if strays or (strict and gaps):
        raise typer.Exit(1)


def _state(row: Row, made: Sequence[Claim]) -> State:
    if not made:
        return State.NOT
    if row.partly or all(claim.partly for claim in made):
        return State.PARTLY
    return State.PROVEN


def _print(shown: Sequence[Standing], strays: Sequence[Claim], gaps: Sequence[Standing]) -> None:
    console = Console()
    table = Table("row", "requirement", "scope", "state", "tests", box=None, pad_edge=False)
    colour = {State.PROVEN: "green", State.PARTLY: "yellow", State.NOT: "red"}
    for one in shown:
        tests = [claim.test for claim in one.claims[:SHOWN_TESTS]]
        more = len(one.claims) - len(tests)
        tests += [f"and {more} more"] if more else []
        tests += [f"missing: {text}" for text in one.missing]
        paint = colour[one.state] if one.row.scope is Scope.NOW else "dim"
        table.add_row(
            one.row.id,
            one.row.title,
            one.row.scope.value,
            f"[{paint}]{one.state.value}[/]",
            "\n".join(test.replace("[", r"\[") for test in tests),
        )
    console.print(table)
    for claim in strays:
        console.print(
            f"{claim.test} names {claim.row}, which is not in docs/requirements.yaml: "
            "correct the mark or add the row.",
            style="red",
            markup=False,
        )
    asked = sum(one.row.scope is Scope.NOW for one in shown)
    if asked:
        console.print(f"{asked - len(gaps)} of {asked} rows in scope now are proven.")


def _as_json(
    shown: Sequence[Standing], strays: Sequence[Claim], gaps: Sequence[Standing]
) -> dict[str, object]:
    return {
        "rows": [
            {
                "row": one.row.id,
                "title": one.row.title,
                "scope": one.row.scope,
                "state": one.state,
                "missing": list(one.missing),
                "tests": [claim.test for claim in one.claims],
            }
            for one in shown
        ],
        "unknown": [{"row": claim.row, "test": claim.test} for claim in strays],
        "gaps": [one.row.id for one in gaps],
    }


@dataclass(frozen=True, kw_only=True)
class _Marks:
    """The marks that hold for a test: rows with what they leave open, and whether it runs."""

    rows: tuple[tuple[str, str | None], ...] = ()
    runs: bool = True

    def and_those_of(self, decorators: Iterable[ast.expr]) -> _Marks:
        """These marks and those of the decorators."""
        rows, runs = list(self.rows), self.runs
        for decorator in decorators:
            name = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if name.removeprefix("pytest.mark.") in NOT_RUN:
                runs = False
            # Inside too, because a single parameter may carry the mark.
            for node in ast.walk(decorator):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.req":
                    rows.extend(_rows_of(node))
        return _Marks(rows=tuple(rows), runs=runs)


def _rows_of(call: ast.Call) -> Iterator[tuple[str, str | None]]:
    partly = next(
        (_text(keyword.value) for keyword in call.keywords if keyword.arg == "partly"), None
    )
    for argument in call.args:
        yield _text(argument), partly


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def _module_marks(tree: ast.Module) -> _Marks:
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark"
            for target in statement.targets
        ):
            value = statement.value
            marks = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
            return _Marks().and_those_of(marks)
    return _Marks()


def _claims_in(body: Iterable[ast.stmt], place: str, inherited: _Marks) -> Iterator[Claim]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            marks = inherited.and_those_of(statement.decorator_list)
            yield from _claims_in(statement.body, f"{place}::{statement.name}", marks)
        elif isinstance(
            statement, ast.FunctionDef | ast.AsyncFunctionDef
        ) and statement.name.startswith("test"):
            marks = inherited.and_those_of(statement.decorator_list)
            if marks.runs:
                for row, partly in marks.rows:
                    yield Claim(row=row, test=f"{place}::{statement.name}", partly=partly)


if __name__ == "__main__":
    typer.run(main)
