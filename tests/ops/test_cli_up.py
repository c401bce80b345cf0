"""The whole product in one process tree: refused with a reason, kept running, ended in order."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from ops.embedded import running

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 100


@dataclass(frozen=True)
class Up:
    """A running `kidglove up`, and what it said about itself."""

    process: subprocess.Popen[str]
    said: dict[str, Any]
    environment: dict[str, str]
    data: Path


def _environment(directory: Path, **more: str) -> dict[str, str]:
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KIDGLOVE_") and name not in ("DATABASE_URL", "REDIS_URL")
    }
    with socket.socket() as probe, socket.socket() as other:
        probe.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port, console_port = probe.getsockname()[1], other.getsockname()[1]
    return {
        **ours,
        "PYTHONPATH": str(ROOT),
        "KIDGLOVE_DATA_DIR": str(directory / "data"),
        "KIDGLOVE_PORT": str(port),
        "KIDGLOVE_CONSOLE_PORT": str(console_port),
        # Nothing listens there: the product must come up while its vendors are away.
        "KIDGLOVE_STRIPE__API_KEY": "sk_test_nobody",
        "KIDGLOVE_STRIPE__API_BASE": "http://127.0.0.1:9",
        "KIDGLOVE_STRIPE__WEBHOOK_SECRETS": '["whsec_of_a_test"]',
        **more,
    }


def _try(directory: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", "up"],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env=environment,
        timeout=PATIENCE_S,
    )


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The product with its own servers, for all tests of this file."""
    directory = tmp_path_factory.mktemp("up")
    environment = _environment(directory)
    log = (directory / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.cli", "up", "--json"],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        cwd=directory,
        env=environment,
    )
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        assert ready, (directory / "log").read_text()
        said = json.loads(process.stdout.readline())
        yield Up(process, said, environment, directory / "data")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        log.close()


def test_without_a_stripe_key_it_says_which_variable_to_set(tmp_path: Path) -> None:
    said = _try(tmp_path, _environment(tmp_path, KIDGLOVE_STRIPE__API_KEY=""))

    assert said.returncode == 1
    assert "KIDGLOVE_STRIPE__API_KEY" in said.stderr
    assert not (tmp_path / "data").exists()


def test_a_taken_port_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = _try(tmp_path, _environment(tmp_path, KIDGLOVE_PORT=port))

    assert said.returncode == 1
    assert "KIDGLOVE_PORT" in said.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.timeout(240)
def test_it_says_where_everything_is_and_answers(up: Up) -> None:
    assert requests.get(f"{up.said['edge']}/healthz", timeout=10).json() == {"ok": True}
    assert set(up.said["pids"]) >= {"edge", "relay", "worker-intake", "worker-evaluate"}
    forged = requests.post(f"{up.said['edge']}/webhooks/stripe", data=b"{}", timeout=10)
    assert forged.status_code == 400


@pytest.mark.timeout(240)
def test_a_second_one_on_the_same_directory_is_refused(up: Up, tmp_path: Path) -> None:
    other = _environment(tmp_path, KIDGLOVE_DATA_DIR=str(up.data))

    said = _try(tmp_path, other)

    assert said.returncode == 1
    assert "already runs on" in said.stderr


@pytest.mark.timeout(240)
def test_short_commands_use_the_servers_that_run(up: Up, tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "ops.cli", "numbers", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=up.environment,
    )

    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["robotic"] == 0
    assert running(up.data / "postgres") is not None


@pytest.mark.timeout(240)
def test_a_worker_that_dies_is_started_again(up: Up) -> None:
    victim = up.said["pids"]["worker-intake"]

    os.kill(victim, signal.SIGKILL)

    deadline = time.monotonic() + 60
    while "intake" not in _queues_served(up, but=victim):
        assert time.monotonic() < deadline, "nobody serves the queue again"
        time.sleep(0.2)


@pytest.mark.timeout(240)
def test_it_ends_in_order_and_leaves_no_server_behind(up: Up) -> None:
    database, queue = running(up.data / "postgres"), running(up.data / "valkey")
    assert database is not None
    assert queue is not None
    watched = {
        "edge": up.said["pids"]["edge"],
        "relay": up.said["pids"]["relay"],
        "worker": up.said["pids"]["worker-evaluate"],
        "valkey": queue.pid,
        "postgres": database.pid,
    }

    up.process.terminate()
    ended = _order_of_ends(watched)

    assert up.process.wait(60) == 0
    assert ended == ["edge", "relay", "worker", "valkey", "postgres"]
    assert running(up.data / "postgres") is None
    assert running(up.data / "valkey") is None


def _queues_served(up: Up, *, but: int) -> set[str]:
    """The last word of each worker's command line, the one that was killed left out."""
    children = Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children").read_text().split()
    found = set()
    for child in children:
        if int(child) != but:
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            found.add(words[-2].decode() if len(words) > 1 else "")
    return found


def _order_of_ends(watched: dict[str, int]) -> list[str]:
    ended: list[str] = []
    deadline = time.monotonic() + 90
    while len(ended) < len(watched) and time.monotonic() < deadline:
        for name, pid in watched.items():
            if name not in ended and not _lives(pid):
                ended.append(name)
        time.sleep(0.005)
    return ended


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
