"""Whether a `kidglove` command line shown to people is one that the command line takes."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from typing import Any

import pytest

from tests.docs.documents import words_of


@lru_cache(maxsize=1)
def root() -> Any:
    """The command tree; skips while there is no `ops.cli`, and fails when it cannot be loaded."""
    if importlib.util.find_spec("ops.cli") is None:
        pytest.skip("there is no ops.cli yet")
    import typer

    from ops.cli.app import app

    return typer.main.get_command(app)


def complaint(command: str) -> str | None:
    """What is wrong with a command line, or None."""
    here = root()
    # What is written into a file is said by the same command.
    command = command.partition(" > ")[0]
    words = [word for word in words_of(command)[1:] if word != "..."]
    path = "kidglove"
    while words and hasattr(here, "commands") and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in here.commands:
            return f"`{path}` has no command {name!r}"
        path, here = f"{path} {name}", here.commands[name]
    takes = {name: one for one in here.params for name in (*one.opts, *one.secondary_opts)}
    places = sum(one.nargs if one.nargs > 0 else 99 for one in here.params if _is_argument(one))
    while words:
        word, _, given = words.pop(0).partition("=")
        if not word.startswith("-"):
            places -= 1
        elif word not in (*takes, "--help"):
            return f"`{path}` has no option {word}"
        elif word in takes and not given and not _is_flag(takes[word]) and words:
            words.pop(0)
    return f"`{path}` takes fewer words" if places < 0 else None


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _is_flag(parameter: Any) -> bool:
    return bool(getattr(parameter, "is_flag", False) or getattr(parameter, "count", False))
