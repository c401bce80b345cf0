"""Documents of one kind have one shape: at three in the morning nobody wants to search."""

from __future__ import annotations

import ast
import importlib
import re
from datetime import timedelta

import pytest

from bench.__main__ import NAMES as BENCHMARKS
from store.tables import metadata
from tests.docs.documents import ROOT, Document, documents, told

DECISIONS = documents("docs/adr/*.md")
RUNBOOKS = [one for one in documents("docs/runbooks/*.md") if not one.path.endswith("README.md")]
INDEX = documents("docs/runbooks/README.md")[0]
ARCHITECTURE = documents("docs/ARCHITECTURE.md")[0]
BENCH = documents("bench/README.md")[0]
PARTS = ["Context", "Decision", "What else was tried", "Consequences"]
STEPS = ["How you notice", "What it means", "What to do", "What not to do"]


@pytest.mark.parametrize("document", DECISIONS, ids=lambda one: one.path)
def test_a_decision_has_its_four_parts_and_fits_on_a_page(document: Document) -> None:
    title, *parts = document.headings
    number = int(document.path.rpartition("/")[2][:4])
    assert title.startswith(f"{number}. ")
    assert "\nStatus: accepted, " in document.text or "\nStatus: replaced by ADR-" in document.text
    assert number == 1 or parts == PARTS
    assert len(document.text.splitlines()) <= 70


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(document.path.rpartition("/")[2][:4]) for document in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("document", RUNBOOKS, ids=lambda one: one.path)
def test_a_runbook_says_how_what_and_what_not(document: Document) -> None:
    assert document.headings[1:] == STEPS
    assert document.path.rpartition("/")[2] in {said.text for said in INDEX.links}


def test_every_rule_that_can_alert_leads_to_a_runbook() -> None:
    listed = [row[0].strip("`") for row in INDEX.rows("By the rule of an alert")]
    missing = [rule for rule in _alerting() if not any(_covers(one, rule) for one in listed)]
    assert told(missing) == ""


def test_every_table_of_the_store_is_explained() -> None:
    listed = [row[0].strip("`") for row in ARCHITECTURE.rows("The tables")]
    assert sorted(listed) == sorted(metadata.tables)


def test_every_benchmark_is_explained_and_has_a_measured_line() -> None:
    for heading in ("What is measured", "Results"):
        assert [row[0].strip("`") for row in BENCH.rows(heading)] == list(BENCHMARKS)


@pytest.mark.parametrize(
    ("name", "said"), [(row[0].strip("`"), row[1]) for row in ARCHITECTURE.rows("Numbers")]
)
def test_a_number_in_the_architecture_is_the_codes(name: str, said: str) -> None:
    module, _, constant = name.rpartition(".")
    value = getattr(importlib.import_module(module), constant)
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    assert float(said.split()[0]) * _unit(said) == pytest.approx(seconds)


def _unit(said: str) -> float:
    _, _, unit = said.partition(" ")
    return {"minutes": 60, "hours": 3600, "days": 86_400}.get(unit, 1)


def _alerting() -> list[str]:
    """The rules of every alert that the code can raise; a part filled in later is a star."""
    found: set[str] = set()
    for room in ("domain", "sync"):
        for path in sorted((ROOT / room).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in ("alert", "raise_alert"):
                    found |= {_text(one.value) for one in node.keywords if one.arg == "rule"}
    return sorted(found - {""})


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "*" for part in node.values)
    return ""


def _covers(listed: str, rule: str) -> bool:
    return re.fullmatch(re.escape(listed).replace(r"\*", ".*"), rule) is not None
