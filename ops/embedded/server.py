"""A server process of ours: start it, wait until it answers, stop it, kill it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.embedded import launch
from ops.embedded.lock import POLL_S, SOCKET_PREFIX, Address, DirectoryLock, EmbeddedError

START_PATIENCE_S = 60.0
"""How long a start may take: replaying a long log after a crash is slow, a hang is worse."""
STOP_PATIENCE_S = 30.0
"""How long a graceful stop may take before the process is killed; both engines survive a kill."""
LONGEST_SOCKET_PATH = 100
"""Bytes of a socket path, below the 108 of Linux and 104 of macOS, or the server does not start."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """The operating system user that a server runs as, when it may not run as ours."""

    uid: int
    gid: int
    keep_access: bool


@dataclass(frozen=True, kw_only=True)
class Program:
    """What has to be run, and how to tell that it answers."""

    name: str
    command: Sequence[str]
    url: str
    socket_dir: Path
    log: Path
    is_ready: Callable[[], bool]
    stop_signal: signal.Signals
    account: Account | None = None


class Server:
    """A running server. Leaving its `with` block, or `stop`, ends it; its data stay."""

    def __init__(self, program: Program, lock: DirectoryLock, *, die_with_parent: bool) -> None:
        """Starts the program in its own session and returns once it answers.

        Raises `EmbeddedError` with the end of the server's log when it does not. The lock is ours
        from here on. With `die_with_parent` the kernel stops the server when the *thread* that
        called this ends (Linux), so call it from the main thread.
        """
        self.url = program.url
        self._program = program
        self._lock = lock
        with program.log.open("ab") as log:
            self._process = subprocess.Popen(
                prefixed(
                    program.command,
                    account=program.account,
                    die_signal=program.stop_signal if die_with_parent else None,
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=clean_environment(),
                pass_fds=(lock.server_fd,),
                start_new_session=True,
            )
        self.pid = self._process.pid
        lock.record(Address(pid=self.pid, url=program.url, socket_dir=program.socket_dir))
        lock.handed_over()
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    @property
    def is_running(self) -> bool:
        """Whether the server process is there."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stops the server in order and waits for it; a second call does nothing."""
        if self.is_running:
            self._process.send_signal(self._program.stop_signal)
            try:
                self._process.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._gone()

    def kill(self) -> None:
        """Kills the server at once, as a power cut would; the next start recovers its data."""
        self._process.kill()
        self._gone()

    def _gone(self) -> None:
        self._process.wait()
        shutil.rmtree(self._program.socket_dir, ignore_errors=True)
        self._lock.release()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_PATIENCE_S
        while not self._program.is_ready():
            if not self.is_running or time.monotonic() > deadline:
                what = "did not answer in time" if self.is_running else "ended at once"
                raise EmbeddedError(
                    f"{self._program.name} {what}. The end of {self._program.log}:\n"
                    f"{log_end(self._program.log)}"
                )
            time.sleep(POLL_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def prefixed(
    command: Sequence[str],
    *,
    account: Account | None = None,
    die_signal: signal.Signals | None = None,
) -> list[str]:
    """The command line that gives up rights first (see `ops.embedded.launch`)."""
    options: list[str] = []
    if account is not None:
        options += ["--user", f"{account.uid}:{account.gid}"]
        options += ["--keep-access"] if account.keep_access else []
    if die_signal is not None:
        options += ["--die-with", f"{os.getpid()}:{int(die_signal)}"]
    return [sys.executable, "-I", "-S", launch.__file__, *options, "--", *command]


def clean_environment() -> dict[str, str]:
    """What a server sees of the environment: no credentials of ours, no settings of its own."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def make_socket_dir(longest_name: str) -> Path:
    """A new private directory whose path leaves room for a socket of that name."""
    room = LONGEST_SOCKET_PATH - len(longest_name) - len(SOCKET_PREFIX) - len("/12345678/")
    base = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=base if len(base) < room else "/tmp"))


def log_end(log: Path, lines: int = 15) -> str:
    """The last lines of a log file, for an error message."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
