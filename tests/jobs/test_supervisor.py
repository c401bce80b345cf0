"""Every process is started again however it ended, and ended in order when all is over."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs import supervisor as module
from jobs.supervisor import Supervisor, run_workers, worker_commands
from settings import SalesforceSettings, Settings

PATIENCE = 30.0


def script(text: str) -> list[str]:
    """A command that runs this Python text."""
    return [sys.executable, "-c", textwrap.dedent(text)]


def says_that_it_began(path: Path, then: str) -> list[str]:
    """A command that adds a line to the file, then does the rest."""
    return script(f"open({str(path)!r}, 'a').write('began\\n')\n{textwrap.dedent(then)}")


def starts(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split(") ")[1][0] != "Z"
    except OSError:
        return False


@contextmanager
def watched(commands: Mapping[str, list[str]]) -> Iterator[Supervisor]:
    """A supervisor at work on a thread of its own; everything is ended at the end."""
    supervisor = Supervisor(commands)
    for child in supervisor._children:
        child.pause = 0.02
    supervisor.start()
    thread = threading.Thread(target=supervisor.watch, kwargs={"every": 0.02})
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.ask_to_stop()
        thread.join(PATIENCE)
        supervisor.stop()


@pytest.mark.parametrize(
    "end",
    [
        "raise SystemExit(0)",
        "raise SystemExit(3)",
        "raise ValueError('a bug')",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    ],
)
def test_a_process_that_ends_is_started_again_whatever_it_said(tmp_path: Path, end: str) -> None:
    began = tmp_path / "began"

    with watched({"worker": says_that_it_began(began, end)}):
        until(lambda: starts(began) >= 3)


def test_a_process_that_is_killed_is_replaced_and_its_neighbour_is_left_alone(
    tmp_path: Path,
) -> None:
    forever = "import time\ntime.sleep(600)"
    commands = {name: says_that_it_began(tmp_path / name, forever) for name in ("one", "other")}

    with watched(commands) as supervisor:
        until(lambda: starts(tmp_path / "one") == 1 and starts(tmp_path / "other") == 1)
        before = supervisor.pids()
        os.kill(before["one"], signal.SIGKILL)
        until(lambda: starts(tmp_path / "one") == 2)
        after = supervisor.pids()

    assert after["one"] != before["one"]
    assert after["other"] == before["other"]
    assert starts(tmp_path / "other") == 1
    assert not any(is_alive(pid) for pid in {*before.values(), *after.values()})


def test_a_process_that_ends_at_once_is_started_after_growing_pauses() -> None:
    supervisor = Supervisor({"worker": script("raise SystemExit(0)")})
    supervisor.start()
    (child,) = supervisor._children
    pauses = []
    for number in range(2, 5):
        until(lambda: child.process is not None and child.process.poll() is not None)
        supervisor.look()
        pauses.append(child.pause)
        child.again_at = 0.0
        supervisor.look()
        assert child.starts == number

    supervisor.stop()

    assert pauses == [1.0, 2.0, 4.0]


def test_a_pause_has_a_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.1)
    supervisor = Supervisor({"worker": script("raise SystemExit(0)")})
    supervisor.start()
    (child,) = supervisor._children
    child.pause = 0.09

    until(lambda: child.process is not None and child.process.poll() is not None)
    supervisor.look()
    supervisor.stop()

    assert child.pause == 0.1


def test_a_process_that_lived_long_is_started_again_without_a_long_pause() -> None:
    supervisor = Supervisor({"worker": script("raise SystemExit(0)")})
    supervisor.start()
    (child,) = supervisor._children
    child.pause = 25.0
    child.started_at -= module.HEALTHY_SECONDS + 1

    until(lambda: child.process is not None and child.process.poll() is not None)
    supervisor.look()
    supervisor.stop()

    assert child.pause == module.FIRST_PAUSE


def test_a_polite_stop_lets_a_process_finish_what_it_does(tmp_path: Path) -> None:
    done = tmp_path / "done"
    finishing = f"""
        import signal, time
        def end(*_):
            time.sleep(0.3)
            open({str(done)!r}, 'w').write('done')
            raise SystemExit(0)
        signal.signal(signal.SIGTERM, end)
        open({str(tmp_path / "began")!r}, 'w').write('began\\n')
        time.sleep(600)
    """

    with watched({"worker": script(finishing)}):
        until(lambda: starts(tmp_path / "began") == 1)

    assert done.read_text() == "done"


def test_a_process_that_ignores_the_polite_signal_is_killed_after_the_grace_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.2)
    deaf = f"""
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({str(tmp_path / "began")!r}, 'w').write('began\\n')
        time.sleep(600)
    """

    with watched({"worker": script(deaf)}) as supervisor:
        until(lambda: starts(tmp_path / "began") == 1)
        pids = supervisor.pids()

    assert not any(is_alive(pid) for pid in pids.values())


def test_nothing_is_started_again_once_the_end_has_begun(tmp_path: Path) -> None:
    began = tmp_path / "began"
    forever = says_that_it_began(began, "import time\ntime.sleep(600)")

    with watched({"worker": forever}) as supervisor:
        until(lambda: starts(began) == 1)
        supervisor.stop()
        time.sleep(0.3)

    assert starts(began) == 1


def test_each_queue_has_a_worker_of_its_own_and_there_is_one_relay() -> None:
    settings = Settings(
        _env_file=None, salesforce=SalesforceSettings(instance_url="https://x.example")
    )
    commands = worker_commands(settings)

    queues = {name: command[-1] for name, command in commands.items()}
    assert queues == {
        "relay": "relay",
        "worker-intake": "intake",
        "worker-urgent": "urgent",
        "worker-evaluate": "evaluate",
        "worker-bulk": "bulk",
        "worker-upkeep": "upkeep",
        "worker-stripe": "stripe",
        "worker-salesforce": "salesforce",
    }


def test_whoever_judges_judges_the_urgent_accounts_too() -> None:
    settings = Settings(_env_file=None)
    assert list(worker_commands(settings, ["intake", "evaluate"])) == [
        "worker-intake",
        "worker-urgent",
        "worker-evaluate",
    ]
    assert list(worker_commands(settings, ["bulk"])) == ["worker-bulk"]


def test_workers_without_their_servers_are_told_what_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_workers(Settings(_env_file=None, DATABASE_URL=None, REDIS_URL=None), []) == 2

    assert "DATABASE_URL and REDIS_URL" in capsys.readouterr().err


def test_a_queue_that_does_not_exist_is_named_with_those_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings(_env_file=None, DATABASE_URL="postgresql://x", REDIS_URL="redis://x")

    assert run_workers(settings, ["evalute"]) == 2

    assert capsys.readouterr().err == (
        "unknown: evalute; known: intake, urgent, evaluate, bulk, upkeep, stripe\n"
    )
