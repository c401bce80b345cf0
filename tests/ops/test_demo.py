"""The demo itself, in its short form; the whole story runs where a change is proven."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(240)
def test_the_short_story_ends_as_expected_and_leaves_nothing_behind(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "ops.cli", "demo", "--story", "quiet", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )

    assert said.returncode == 0, said.stdout + said.stderr
    report = json.loads(said.stdout)
    assert [check["what"] for check in report["checks"] if not check["same"]] == []
    assert list(tmp_path.glob("kidglove-*")) == []


def test_a_story_that_does_not_exist_is_wrong_usage() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "ops.cli", "demo", "--story", "sad"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert said.returncode == 2
    assert "full, quiet" in said.stderr
