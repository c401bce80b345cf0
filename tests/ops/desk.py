"""A person at a terminal beside a running world: commands typed, what is said, exit codes."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.errors import KidgloveError
from ops.cli.app import app
from tests.world import World

CALM = {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Said:
    """What one command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class Desk:
    """Types commands in this process; they read the world's database, vendors and time."""

    def __init__(self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self._clock = tmp_path / "clock.json"
        ours = world.runtime.settings
        variables = {
            "DATABASE_URL": world.runtime.database_url,
            "REDIS_URL": world.runtime.redis_url,
            "KIDGLOVE_DATA_DIR": str(tmp_path / "data"),
            "KIDGLOVE_CLOCK_FILE": str(self._clock),
            "KIDGLOVE_STRIPE__API_KEY": world.stripe.api_key,
            "KIDGLOVE_STRIPE__API_BASE": world.stripe.url,
            "KIDGLOVE_SALESFORCE__INSTANCE_URL": ours.salesforce.instance_url,
            "KIDGLOVE_SALESFORCE__API_BASE": world.org.url,
            "KIDGLOVE_SALESFORCE__CLIENT_ID": ours.salesforce.client_id,
            "KIDGLOVE_SALESFORCE__CLIENT_SECRET": (
                ours.salesforce.client_secret.get_secret_value()
            ),
            "KIDGLOVE_SALESFORCE__ORGANIZATION_ID": ours.salesforce.organization_id,
            "KIDGLOVE_SALESFORCE__FALLBACK_OWNER": ours.salesforce.fallback_owner,
            **_of_hubspot(world),
            **CALM,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)

    def type(self, *words: str) -> Said:
        """Run `kidglove` with these words."""
        reading = {"virtual": self.world.clock.seconds(), "real": time.time(), "rate": 0}
        self._clock.write_text(json.dumps(reading))
        result = CliRunner().invoke(app, list(words))
        code, problem = result.exit_code, result.exception
        if isinstance(problem, KidgloveError):
            return Said(1, result.stdout, f"{problem.message}\n{problem.remedy}")
        if problem is not None and not isinstance(problem, SystemExit):
            raise problem
        return Said(code, COLOUR.sub("", result.stdout), COLOUR.sub("", result.stderr))


def _of_hubspot(world: World) -> dict[str, str]:
    ours = world.runtime.settings.hubspot
    if world.portal is None:
        return {}
    return {
        "KIDGLOVE_HUBSPOT__TOKEN": ours.token.get_secret_value(),
        "KIDGLOVE_HUBSPOT__API_BASE": world.portal.url,
        "KIDGLOVE_HUBSPOT__PORTAL_ID": ours.portal_id,
        "KIDGLOVE_HUBSPOT__FALLBACK_OWNER": ours.fallback_owner,
        "KIDGLOVE_HUBSPOT__CALLS_PER_WINDOW": str(ours.calls_per_window),
    }
