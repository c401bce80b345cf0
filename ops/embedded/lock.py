"""One server per data directory, proven by locks that die with their holders.

Two file locks. `launcher.lock` is held by the process that started the server. `server.lock` is
inherited by the server itself, so it is free exactly when no process of that server is left. A held
server lock with a free launcher lock is therefore an orphan, whose launcher was killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ORPHAN_PATIENCE_S = 20.0
"""How long an orphan may take to stop before it is killed: a checkpoint needs seconds, not more."""
POLL_S = 0.02
"""Pause between two looks: short enough that nobody notices it, long enough to cost nothing."""
SOCKET_PREFIX = "kidglove-"
"""Name of every socket directory we make, so that we only ever remove our own."""


class EmbeddedError(RuntimeError):
    """An embedded server cannot be had; the message says what happened, where, and what to do."""


class AlreadyRunning(EmbeddedError):
    """Another process runs a server on this data directory. Stop that one, or use its address."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a running server is found: its process, its URL, the directory of its socket."""

    pid: int
    url: str
    socket_dir: Path


class DirectoryLock:
    """The right to run one server on a data directory, until `release`."""

    def __init__(self, data_dir: Path, *, name: str, stop_signal: signal.Signals) -> None:
        """Takes the directory (made when absent) or raises `AlreadyRunning`.

        An orphan left by a killed launcher is stopped first, because nobody else would.
        """
        self._name = name
        self._data_dir = data_dir
        self._path = data_dir / "server.lock"
        data_dir.mkdir(parents=True, exist_ok=True)
        launcher_fd = os.open(data_dir / "launcher.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not _try_lock(launcher_fd):
            os.close(launcher_fd)
            raise AlreadyRunning(self._refusal())
        self._launcher_fd: int | None = launcher_fd
        self._server_fd: int | None = None
        try:
            self._server_fd = self._take_over(stop_signal)
        except BaseException:
            self.release()
            raise

    @property
    def server_fd(self) -> int:
        """The descriptor that the server must inherit."""
        if self._server_fd is None:
            raise EmbeddedError(f"The lock of {self._data_dir} is no longer ours to hand over.")
        return self._server_fd

    def record(self, address: Address) -> None:
        """Writes where the server is found, for a second launcher, a reader, or the next start."""
        content = {
            "pid": address.pid,
            "url": address.url,
            "socket_dir": str(address.socket_dir),
        }
        self._path.write_text(json.dumps(content), encoding="utf-8")

    def handed_over(self) -> None:
        """Drops our copy of the server's lock; from here on only the server holds it."""
        if self._server_fd is not None:
            os.close(self._server_fd)
            self._server_fd = None

    def release(self) -> None:
        """Gives the directory back; a second call does nothing."""
        self.handed_over()
        if self._launcher_fd is not None:
            os.close(self._launcher_fd)
            self._launcher_fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _refusal(self) -> str:
        found = _read(self._path)
        who = f" (process {found.pid}, {found.url})" if found else ""
        return (
            f"{self._name} already runs on {self._data_dir}{who}. "
            "Stop the program that started it, or choose another data directory."
        )

    def _take_over(self, stop_signal: signal.Signals) -> int:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        left_over = _read(self._path)
        if not _try_lock(fd):
            self._reap(fd, left_over, stop_signal)
        if left_over is not None and left_over.socket_dir.name.startswith(SOCKET_PREFIX):
            shutil.rmtree(left_over.socket_dir, ignore_errors=True)
        return fd

    def _reap(self, fd: int, orphan: Address | None, stop_signal: signal.Signals) -> None:
        began = time.monotonic()
        if orphan is not None and _holds(orphan.pid, self._path):
            os.kill(orphan.pid, stop_signal)
        killed = False
        while not _try_lock(fd):
            waited = time.monotonic() - began
            if waited > ORPHAN_PATIENCE_S and not killed:
                killed = True
                if orphan is not None and _holds(orphan.pid, self._path):
                    os.kill(orphan.pid, signal.SIGKILL)
            if waited > 1.5 * ORPHAN_PATIENCE_S:
                os.close(fd)
                raise AlreadyRunning(self._refusal())
            time.sleep(POLL_S)


def running(data_dir: Path) -> Address | None:
    """The server that runs on this data directory now, whoever started it, or None."""
    path = data_dir / "server.lock"
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        return None if _try_lock(fd) else _read(path)
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> Address | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Address(
            pid=int(found["pid"]), url=str(found["url"]), socket_dir=Path(found["socket_dir"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _holds(pid: int, path: Path) -> bool:
    """Whether this process still has the lock file open; a reused process id does not."""
    descriptors = Path(f"/proc/{pid}/fd")
    if not Path("/proc/self/fd").exists():
        return _alive(pid)
    try:
        return any(
            os.path.realpath(entry) == str(path.resolve()) for entry in descriptors.iterdir()
        )
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
