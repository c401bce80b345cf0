"""The console as a process: where it listens, what it prints, and what it refuses."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from pydantic import SecretStr

from console.__main__ import run
from settings import Settings


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> int:
    """Where the console of the test listens."""
    return free_port()


@pytest.fixture
def process(database_url: str, redis_url: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """`python -m console` without a token of its own."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "KIDGLOVE_CONSOLE_PORT": str(port),
        "KIDGLOVE_CONSOLE_TOKEN": "",
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "console"], env=environment, stderr=subprocess.PIPE, text=True
    )
    yield started
    started.kill()
    started.communicate()


def test_the_token_that_it_prints_opens_it(process: subprocess.Popen[str], port: int) -> None:
    assert process.stderr is not None
    line = process.stderr.readline().strip()
    where, _, token = line.partition(", token until it ends: ")
    assert where == f"console on http://127.0.0.1:{port}"

    # It says where it is right before it listens.
    patient = httpx.HTTPTransport(retries=6)
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", follow_redirects=True, transport=patient
    ) as browser:
        page = browser.post("/login", data={"name": "Dana", "token": token})

    assert "Log out" in page.text
    assert "server" not in page.headers

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) in (0, -signal.SIGTERM)


def settings(port: int, **more: object) -> Settings:
    """Settings of a console that could start, but for what the test changes."""
    values: dict[str, object] = {
        "DATABASE_URL": "postgresql+psycopg://127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
        "console_port": port,
        **more,
    }
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


def test_a_token_that_could_be_guessed_is_refused(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(settings(port, console_token=SecretStr("hunter2"))) == 2
    assert "KIDGLOVE_CONSOLE_TOKEN has 7 characters; use 16 or more" in capsys.readouterr().err


def test_without_a_database_it_says_what_is_needed(
    port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    assert run(settings(port, DATABASE_URL=None)) == 2
    assert "DATABASE_URL and REDIS_URL are needed" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", port))
        other.listen()

        assert run(settings(port)) == 1

    assert f"127.0.0.1:{port} cannot be opened" in capsys.readouterr().err


def test_the_token_is_masked_wherever_the_settings_are_shown(port: int) -> None:
    shown = settings(port, console_token=SecretStr("a-token-that-is-long-enough")).masked()

    assert shown["console_token"] == "(set)"
