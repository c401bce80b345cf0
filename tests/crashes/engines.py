"""A PostgreSQL and a Valkey that may be killed and come back at the same address.

Each start of an embedded server has a socket directory of its own; a link that is pointed anew
gives clients one address through all of them, as a service of the operating system would.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import make_url

from ops.embedded import Server, start_postgres, start_valkey

NO_WAITING_FOR_THE_DISK = {"fsync": "off", "full_page_writes": "off"}
"""What survives a kill of the processes, not of the machine. Commits must reach the operating
system, or a kill would lose what was acknowledged: `synchronous_commit` stays on."""


class Kept:
    """One server. `url` stays the same through `kill` and `start`."""

    def __init__(self, start: Callable[[], Server], socket_dir: Callable[[str], Path]) -> None:
        self._start = start
        self._socket_dir = socket_dir
        self._server: Server | None = None
        self.link = Path(tempfile.mkdtemp(prefix="kg-", dir="/tmp")) / "s"

    @property
    def pid(self) -> int:
        """The process that serves now."""
        assert self._server is not None
        return self._server.pid

    def start(self) -> None:
        """Start it, or start it again on the same data."""
        self._server = self._start()
        fresh = self.link.with_suffix(".new")
        fresh.symlink_to(self._socket_dir(self._server.url))
        os.replace(fresh, self.link)

    def kill(self) -> None:
        """`kill -9`, as a power cut would."""
        assert self._server is not None
        self._server.kill()

    def close(self) -> None:
        """End it and forget its address; the data stay."""
        if self._server is not None:
            self._server.stop()
        shutil.rmtree(self.link.parent, ignore_errors=True)


class KeptEngines:
    """Both servers in one directory."""

    def __init__(
        self, directory: Path, *, with_postgres: bool = True, with_valkey: bool = True
    ) -> None:
        self.valkey = Kept(
            lambda: start_valkey(directory / "valkey", die_with_parent=True),
            lambda url: Path(url.removeprefix("unix://").partition("?")[0]).parent,
        )
        self.postgres = Kept(
            lambda: start_postgres(
                directory / "postgres", settings=NO_WAITING_FOR_THE_DISK, die_with_parent=True
            ),
            lambda url: Path(str(make_url(url).query["host"])),
        )
        wanted = {self.valkey: with_valkey, self.postgres: with_postgres}
        self._wanted = [server for server, is_wanted in wanted.items() if is_wanted]

    @property
    def redis_url(self) -> str:
        """Where Valkey is, and will be after a restart."""
        return f"unix://{self.valkey.link}/valkey.sock?db=0"

    @property
    def database_url(self) -> str:
        """Where PostgreSQL is, and will be after a restart."""
        return f"postgresql+psycopg://postgres@/postgres?host={self.postgres.link}"

    def __enter__(self) -> Self:
        for server in self._wanted:
            server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in (self.valkey, self.postgres):
            server.close()
