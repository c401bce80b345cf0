"""A connector's level follows from what is there; nobody can claim it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.kit import registry
from connectors.kit.manifest import Capability, Manifest
from ops.cli.app import app
from ops.quality import EVIDENCE, Level, outstanding, qualities, quality

STATED = registry.manifest("salesforce")
TEST = "class TestIt(Base):\n    stage = It\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which the connector has everything."""
    for folder in ("simulators/salesforce", "mappings", "docs", "tests/conformance"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("mappings/salesforce.yaml", "docs/setup-salesforce.md"):
        (tmp_path / file).touch()
    (tmp_path / "tests/conformance/test_salesforce.py").write_text(TEST)
    return tmp_path


def test_with_everything_there_it_is_gold(root: Path) -> None:
    assert quality(STATED, root=root).level is Level.GOLD
    assert quality(STATED, root=root).missing == ()


@pytest.mark.parametrize(
    ("gone", "level", "missing"),
    [
        ("simulators/salesforce", Level.NONE, "a simulator"),
        ("tests/conformance/test_salesforce.py", Level.NONE, "a conformance class"),
        ("mappings/salesforce.yaml", Level.BRONZE, "a mapping, if it is a CRM"),
        ("docs/setup-salesforce.md", Level.SILVER, "a set-up document"),
    ],
)
def test_what_is_gone_takes_its_level_away(
    root: Path, gone: str, level: Level, missing: str
) -> None:
    place = root / gone
    if place.is_dir():
        place.rmdir()
    else:
        place.unlink()
    found = quality(STATED, root=root)
    assert (found.level, missing in found.missing) == (level, True)


def test_a_check_that_is_left_to_do_keeps_silver_away(root: Path) -> None:
    file = root / "tests/conformance/test_salesforce.py"
    file.write_text(f'{TEST}    not_yet_done = ("test_one", "test_two")\n')
    found = quality(STATED, root=root)
    assert (found.level, found.not_yet_done) == (Level.BRONZE, ("test_one", "test_two"))
    assert found.missing == ("no conformance check left to do",)


@pytest.mark.parametrize(
    ("worse", "level", "missing"),
    [
        (lambda one: replace(one, hosts=("api.it.example",)), Level.NONE, EVIDENCE[0].title),
        (lambda one: replace(one, scopes=()), Level.NONE, EVIDENCE[0].title),
        (
            lambda one: replace(one, capabilities=one.capabilities - {Capability.EXAMINES}),
            Level.NONE,
            "a doctor",
        ),
        (
            lambda one: replace(one, capabilities=one.capabilities - {Capability.SWEEPS_HOLDS}),
            Level.SILVER,
            "every capability of its kind",
        ),
    ],
)
def test_a_poorer_manifest_is_a_lower_level(
    root: Path, worse: Callable[[Manifest], Manifest], level: Level, missing: str
) -> None:
    found = quality(worse(STATED), root=root)
    assert (found.level, found.missing) == (level, (missing,))


def test_a_file_without_a_class_is_no_conformance_class(root: Path) -> None:
    (root / "tests/conformance/test_salesforce.py").write_text("x = 1\n")
    assert outstanding("salesforce", root) is None


@pytest.mark.parametrize("vendor", ["stripe", "salesforce", "hubspot"])
def test_the_connectors_that_people_use_are_gold(vendor: str) -> None:
    found = {one.vendor: one.level for one in qualities()}
    assert found[vendor] is Level.GOLD


def test_the_command_shows_every_connector() -> None:
    said = CliRunner().invoke(app, ["connectors", "--json"])
    shown = {one["vendor"]: one["level"] for one in json.loads(said.stdout)}
    assert shown == {one.vendor: one.level for one in qualities()}
    table = CliRunner().invoke(app, ["connectors"])
    assert [vendor for vendor in registry.vendors() if vendor not in table.stdout] == []
