"""What the command line promises about itself: examples, JSON, exit codes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from ops.cli.app import app

TALKS_JSON_ANYWAY = ("simulate",)


def _commands(of: typer.Typer, *path: str) -> Iterator[tuple[str, ...]]:
    for command in of.registered_commands:
        yield (*path, str(command.name))
    for group in of.registered_groups:
        if group.typer_instance is not None:
            yield from _commands(group.typer_instance, *path, str(group.name))


COMMANDS = [*_commands(app), ("doctor",), ("backfill",)]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_has_examples_and_json(words: tuple[str, ...]) -> None:
    said = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})

    assert said.exit_code == 0
    assert "Examples:" in said.stdout
    assert f"kidglove {' '.join(words)}" in said.stdout
    assert "--json" in said.stdout or words[-1] in TALKS_JSON_ANYWAY


@pytest.mark.parametrize("words", [["nonsense"], ["case", "note"], ["case", "list", "--wrong"]])
def test_wrong_usage_is_two(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2


POLICY = "check explain doctor plan apply history diff export rollback"
MAPPING = "check explain doctor suggest plan apply history diff export rollback"


def test_the_names_of_the_commands_are_those_that_people_were_promised() -> None:
    promised = {
        ("up",),
        ("demo",),
        ("simulate",),
        ("settings",),
        ("why",),
        *(("field", one) for one in "list settle".split()),
        *(("breaker", one) for one in "show release drop".split()),
        ("numbers",),
        ("reconcile",),
        ("requirements",),
        ("connectors",),
        ("doctor", "confirm"),
        ("hubspot", "setup"),
        ("backfill", "events"),
        *(("case", one) for one in "list show why expedite note link ready".split()),
        ("hold", "list"),
        *(("alert", one) for one in ("list", "ack")),
        *(("link", one) for one in ("list", "suggest", "confirm", "reject")),
        *(("dead", one) for one in ("list", "show", "replay")),
        *(("circuit", one) for one in ("list", "close")),
        *(("policy", one) for one in POLICY.split()),
        *(("mapping", one) for one in MAPPING.split()),
    }

    assert set(_commands(app)) == promised
