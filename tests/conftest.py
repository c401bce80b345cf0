"""Real servers for the whole run, and a fresh database and a flushed queue for each test.

`DATABASE_URL` and `REDIS_URL` are used when they are set, else the embedded engines run for as long
as the tests do. Nothing starts before a test asks for it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from ops.embedded import CARELESS, Engines, engines

QUEUE_DATABASES = range(1, 16)
"""Numbers that tests flush; 0 is left out because it is where somebody's own data would be."""
_queue_numbers = itertools.cycle(QUEUE_DATABASES)
_used_queues: set[str] = set()
_database_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def servers() -> Iterator[Engines]:
    """The PostgreSQL and the Valkey of this test run."""
    data_dir = Path(tempfile.mkdtemp(prefix="kidglove-tests-"))
    try:
        with engines(
            database_url=os.environ.get("DATABASE_URL"),
            redis_url=os.environ.get("REDIS_URL"),
            data_dir=data_dir,
            die_with_parent=True,
            postgres_settings=CARELESS,
        ) as both:
            yield both
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def admin(servers: Engines) -> Iterator[psycopg.Connection]:
    """One connection, kept open, that makes and drops the databases of the tests."""
    with psycopg.connect(_plain(servers.database_url), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template_database(servers: Engines, admin: psycopg.Connection) -> Iterator[str]:
    """The name of a database with every migration applied, which the tests' own are copies of."""
    from store.migrate import upgrade

    name = f"kidglove_test_{os.getpid()}"
    _drop(admin, name)
    admin.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        upgrade(_named(servers.database_url, name))
        # A template must have no other session, and a migration may leave a pooled one behind.
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        yield name
    finally:
        _drop(admin, name)


@pytest.fixture
def empty_database_url(servers: Engines, admin: psycopg.Connection) -> Iterator[str]:
    """The SQLAlchemy URL of a new database without any table, for tests of migrations."""
    yield from _database(servers, admin, template="template0")


@pytest.fixture
def database_url(
    servers: Engines, admin: psycopg.Connection, template_database: str
) -> Iterator[str]:
    """The SQLAlchemy URL (`postgresql+psycopg://`) of a new, migrated database for this test."""
    yield from _database(servers, admin, template=template_database)


@pytest.fixture
def redis_url(servers: Engines) -> str:
    """The URL of a flushed Redis database, another number than the test before had."""
    return _flushed(_numbered(servers.redis_url, next(_queue_numbers)))


def _database(servers: Engines, admin: psycopg.Connection, *, template: str) -> Iterator[str]:
    name = f"kidglove_test_{os.getpid()}_{next(_database_numbers)}"
    # Copying files takes half as long as the default, which writes each page to the log.
    admin.execute(
        f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'.encode(),
    )
    try:
        yield _named(servers.database_url, name)
    finally:
        _drop(admin, name)


def _flushed(url: str) -> str:
    with redis.Redis.from_url(url) as client:
        if url not in _used_queues and client.dbsize():
            pytest.exit("REDIS_URL: databases 1 to 15 are for tests, and one has keys of others")
        _used_queues.add(url)
        client.flushdb()
    return url


def _numbered(server_url: str, number: int) -> str:
    base, _, query = server_url.partition("?")
    if base.startswith("unix://"):
        kept = [part for part in query.split("&") if part and not part.startswith("db=")]
        return f"{base}?{'&'.join([*kept, f'db={number}'])}"
    scheme, _, rest = base.partition("://")
    host = rest.split("/")[0]
    return f"{scheme}://{host}/{number}" + (f"?{query}" if query else "")


def _named(server_url: str, name: str) -> str:
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
