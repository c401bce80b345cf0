"""PostgreSQL and Valkey for whoever has none: real servers from wheels, private to this machine.

`engines` is the door: addresses that are configured win, what is missing is started.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.embedded.lock import Address, AlreadyRunning, EmbeddedError, running
from ops.embedded.postgres import CARELESS, start_postgres
from ops.embedded.server import Server
from ops.embedded.valkey import start_valkey

__all__ = [
    "CARELESS",
    "Address",
    "AlreadyRunning",
    "EmbeddedError",
    "Engines",
    "Server",
    "engines",
    "running",
    "sqlalchemy_url",
    "start_postgres",
    "start_valkey",
]


class Engines:
    """The two addresses to work with, and the servers that we started for them, if any."""

    def __init__(
        self,
        *,
        database_url: str,
        redis_url: str,
        postgres: Server | None = None,
        valkey: Server | None = None,
    ) -> None:
        """Takes over the servers; an address without one belongs to somebody else."""
        self.database_url = database_url
        self.redis_url = redis_url
        self.postgres = postgres
        self.valkey = valkey

    def close(self) -> None:
        """Stops what we started, the queue first; a second call does nothing."""
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def engines(
    *,
    database_url: str | None,
    redis_url: str | None,
    data_dir: Path,
    attach: bool = False,
    die_with_parent: bool = False,
    postgres_settings: Mapping[str, str] | None = None,
) -> Engines:
    """The addresses of PostgreSQL and Valkey: given ones win, absent ones are started here.

    Servers keep their data below `data_dir` (`postgres/`, `valkey/`). With `attach`, a server that
    another process already runs there is used and left alone at the end, for short commands beside
    a running product; without it, that raises `AlreadyRunning`. When the second start fails, the
    first is stopped again.
    """
    with ExitStack() as undo:
        database, postgres = _attached(database_url, data_dir / "postgres", attach), None
        if database is None:
            postgres = undo.enter_context(
                start_postgres(
                    data_dir / "postgres",
                    settings=postgres_settings,
                    die_with_parent=die_with_parent,
                )
            )
            database = postgres.url
        queue, valkey = _attached(redis_url, data_dir / "valkey", attach), None
        if queue is None:
            valkey = undo.enter_context(
                start_valkey(data_dir / "valkey", die_with_parent=die_with_parent)
            )
            queue = valkey.url
        undo.pop_all()
    return Engines(
        database_url=sqlalchemy_url(database), redis_url=queue, postgres=postgres, valkey=valkey
    )


def sqlalchemy_url(url: str) -> str:
    """The URL with the driver that we use, for the short forms that hosters hand out."""
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    return url


def _attached(url: str | None, directory: Path, attach: bool) -> str | None:
    if url:
        return url
    if not attach:
        return None
    found = running(directory)
    return found.url if found else None
