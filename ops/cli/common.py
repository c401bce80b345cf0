"""What every command shares: the connection, the two ways to print, and the exit codes."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from jobs.runtime import Runtime
    from settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, do it.")]
By = Annotated[
    str | None,
    typer.Option("--by", help="Who does this, for the audit. Default: your login name."),
]

WIDE = 160
"""Columns of a table that goes into a file or a pipe, where nobody has to scroll."""


def _console(*, stderr: bool = False) -> Console:
    found = Console(stderr=stderr, highlight=False)
    if found.is_terminal:
        return found
    return Console(stderr=stderr, highlight=False, width=WIDE)


out = _console()
err = _console(stderr=True)


def whoami() -> str:
    """The login name of the person at the keyboard, for the audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


@contextmanager
def runtime() -> Iterator[Runtime]:
    """The wiring over DATABASE_URL and REDIS_URL, or over the embedded servers of the data dir.

    Servers that a running product has started are used and left alone; if none runs, they are
    started for this command and stopped after it.
    """
    from jobs.runtime import Runtime
    from ops.embedded import EmbeddedError, engines
    from settings import Settings
    from store.migrate import upgrade

    settings = Settings()
    try:
        servers = engines(
            database_url=settings.database_url,
            redis_url=settings.redis_url,
            data_dir=settings.data_dir,
            attach=True,
        )
    except EmbeddedError as problem:
        fail(str(problem))
    with servers:
        if servers.postgres is not None:
            upgrade(servers.database_url)
        here = Runtime(settings, database_url=servers.database_url, redis_url=servers.redis_url)
        try:
            yield here
        finally:
            here.close()


def current_settings() -> Settings:
    """The settings of this environment."""
    from settings import Settings

    return Settings()


def fail(message: str, remedy: str = "") -> NoReturn:
    """Say what is wrong and what to do, and end with 1."""
    err.print(message, style="red", markup=False)
    if remedy:
        err.print(remedy, markup=False)
    raise typer.Exit(1)


def misuse(message: str) -> NoReturn:
    """Say what was wrong about the call, and end with 2."""
    err.print(message, style="red", markup=False)
    raise typer.Exit(2)


def announce(what: str) -> None:
    """Say what will happen to how many records, right before it does."""
    err.print(what, markup=False)


def agree(what: str, *, yes: bool) -> None:
    """Say what will happen to how many records, and ask unless told not to."""
    announce(what)
    if yes:
        return
    if not err.is_terminal:
        misuse("Nothing was done: there is nobody to ask. Add --yes.")
    if not typer.confirm("Do it?", err=True):
        err.print("Nothing was done.")
        raise typer.Exit(1)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    print(json.dumps(plain(value), indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, none: str) -> None:
    """A table, or the sentence that says why there is none."""
    if not rows:
        out.print(none, markup=False)
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def when(moment: datetime | None, zone: str = "UTC") -> str:
    """A moment as people write it, or a dash."""
    return f"{moment.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}" if moment else "-"


def shown(value: object) -> str:
    """A value of a field as a person reads it."""
    return "(empty)" if value is None or value == "" else repr(value)


def plain(value: Any) -> Any:
    """JSON values of anything that the product hands out."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return when(value)
    return str(value).replace("[", r"\[")
