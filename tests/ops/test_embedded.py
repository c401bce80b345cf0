"""The embedded engines keep their data through kills and never share a directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from ops.embedded import (
    AlreadyRunning,
    EmbeddedError,
    Server,
    engines,
    postgres,
    running,
    sqlalchemy_url,
    start_postgres,
    start_valkey,
)

LAUNCHER = """
import sys
from pathlib import Path
from ops.embedded import {function}
server = {function}(Path(sys.argv[1]))
print(server.pid, server.url, flush=True)
sys.stdin.read()
"""


def connect(server: Server) -> psycopg.Connection:
    return psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True)


def launch_elsewhere(function: str, data_dir: Path) -> tuple[subprocess.Popen[str], int, str]:
    """Starts the server from another process, as a killed supervisor would have done."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER.format(function=function), str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    pid, url = process.stdout.readline().split()
    return process, int(pid), url


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split(") ")[1][0] != "Z"
    except OSError:
        return False


def test_postgres_answers_as_any_user_and_keeps_data_through_an_orderly_restart(
    tmp_path: Path,
) -> None:
    with start_postgres(tmp_path) as server, connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 10) AS n")
    with start_postgres(tmp_path) as server, connect(server) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (10,)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_postgres_killed_in_the_middle_recovers_what_was_committed(tmp_path: Path) -> None:
    server = start_postgres(tmp_path)
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        server.kill()
    with start_postgres(tmp_path) as again, connect(again) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_a_process_id_file_that_names_a_living_stranger_does_not_stop_postgres(
    tmp_path: Path,
) -> None:
    start_postgres(tmp_path).kill()
    stale = tmp_path / "cluster" / "postmaster.pid"
    lines = stale.read_text(encoding="utf-8").splitlines()
    stale.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n", encoding="utf-8")
    with start_postgres(tmp_path) as server:
        assert server.is_running


def test_postgres_installed_and_kept_below_a_directory_that_is_closed_to_others_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "install").symlink_to(postgres.install_dir())
    monkeypatch.setattr(postgres, "install_dir", lambda: closed / "install")
    with start_postgres(closed / "data") as server, connect(server) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_that_cannot_start_says_so_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="no_such_setting"):
        start_postgres(tmp_path, settings={"no_such_setting": "1"})
    with start_postgres(tmp_path) as server:
        assert server.is_running


def test_a_second_postgres_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with start_postgres(tmp_path) as server:
        with pytest.raises(AlreadyRunning, match=f"PostgreSQL already runs .*process {server.pid}"):
            start_postgres(tmp_path)
        with connect(server) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_second_valkey_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with start_valkey(tmp_path) as server:
        with pytest.raises(AlreadyRunning, match=f"Valkey already runs .*process {server.pid}"):
            start_valkey(tmp_path)
        assert redis.Redis.from_url(server.url).ping()


def test_valkey_keeps_its_keys_through_an_orderly_restart(tmp_path: Path) -> None:
    with start_valkey(tmp_path) as server:
        redis.Redis.from_url(server.url).set("kept", "yes")
    with start_valkey(tmp_path) as server:
        assert redis.Redis.from_url(server.url).get("kept") == b"yes"


def test_valkey_killed_in_the_middle_loses_no_acknowledged_write(tmp_path: Path) -> None:
    server = start_valkey(tmp_path)
    redis.Redis.from_url(server.url).mset({f"key{n}": n for n in range(1000)})
    server.kill()
    with start_valkey(tmp_path) as again:
        assert redis.Redis.from_url(again.url).dbsize() == 1000


def test_valkey_refuses_writes_rather_than_forget_keys(tmp_path: Path) -> None:
    with start_valkey(tmp_path) as server:
        client = redis.Redis.from_url(server.url)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


def test_stopping_twice_is_as_good_as_once(tmp_path: Path) -> None:
    server = start_valkey(tmp_path)
    server.stop()
    server.stop()
    server.kill()
    assert not server.is_running


@pytest.mark.parametrize("function", ["start_postgres", "start_valkey"])
def test_a_server_whose_launcher_was_killed_is_replaced(function: str, tmp_path: Path) -> None:
    launcher, orphan, _ = launch_elsewhere(function, tmp_path)
    launcher.kill()
    launcher.wait()
    assert is_alive(orphan)
    start = {"start_postgres": start_postgres, "start_valkey": start_valkey}[function]
    with start(tmp_path) as server:
        assert not is_alive(orphan)
        assert server.pid != orphan


def test_a_server_of_another_living_process_is_refused_and_can_be_attached_to(
    tmp_path: Path,
) -> None:
    launcher, pid, url = launch_elsewhere("start_valkey", tmp_path / "valkey")
    try:
        with pytest.raises(AlreadyRunning):
            engines(database_url="postgresql://given", redis_url=None, data_dir=tmp_path)
        beside = engines(
            database_url="postgresql://given", redis_url=None, data_dir=tmp_path, attach=True
        )
        with beside:
            assert beside.redis_url == url
        assert is_alive(pid)
    finally:
        launcher.kill()
        launcher.wait()
        start_valkey(tmp_path / "valkey").stop()


def test_addresses_that_are_given_win_and_start_nothing(tmp_path: Path) -> None:
    with engines(
        database_url="postgres://user@host/name", redis_url="redis://host/3", data_dir=tmp_path
    ) as both:
        assert both.database_url == "postgresql+psycopg://user@host/name"
        assert both.redis_url == "redis://host/3"
        assert (both.postgres, both.valkey) == (None, None)
    assert list(tmp_path.iterdir()) == []


def test_without_addresses_both_engines_run_and_end_with_the_block(tmp_path: Path) -> None:
    with engines(database_url=None, redis_url=None, data_dir=tmp_path) as both:
        assert redis.Redis.from_url(both.redis_url).ping()
        assert running(tmp_path / "postgres") is not None
        assert running(tmp_path / "valkey") is not None
    assert running(tmp_path / "postgres") is None
    assert running(tmp_path / "valkey") is None


def test_a_failing_second_engine_stops_the_first(tmp_path: Path) -> None:
    with start_valkey(tmp_path / "valkey"), pytest.raises(AlreadyRunning):
        engines(database_url=None, redis_url=None, data_dir=tmp_path)
    assert running(tmp_path / "postgres") is None


def test_the_driver_is_named_in_every_database_address() -> None:
    assert sqlalchemy_url("postgresql://a/b") == "postgresql+psycopg://a/b"
    assert sqlalchemy_url("postgresql+psycopg://a/b") == "postgresql+psycopg://a/b"


def test_sockets_are_private_and_their_directories_go_with_the_server(tmp_path: Path) -> None:
    server = start_valkey(tmp_path)
    socket_dir = Path(server.url.removeprefix("unix://").split("?")[0]).parent
    assert socket_dir.stat().st_mode & 0o077 == 0
    server.stop()
    assert not socket_dir.exists()
